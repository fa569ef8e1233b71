/** The `Server-Timing` header of an answer, in the few words that fit behind a status line. Pure. */

/**
 * `queue;dur=0.04, start;desc="warm", run;dur=2.1` becomes `queue 0.0, warm, run 2.1`: an entry with a description
 * is that description, any other its name, each with its duration. Empty when the header says nothing readable.
 */
export function describeServerTiming(header: string): string {
  return header.split(',').map(describeEntry).filter(Boolean).join(', ')
}

function describeEntry(entry: string): string {
  const [name = '', ...params] = entry.split(';').map((part) => part.trim())
  const values = new Map(
    params.map((param) => {
      const [key = '', value = ''] = param.split('=', 2)
      return [key.trim().toLowerCase(), value.trim().replace(/^"(.*)"$/, '$1')]
    }),
  )
  const duration = Number.parseFloat(values.get('dur') ?? '')
  return [values.get('desc') || name, ...(Number.isFinite(duration) ? [duration.toFixed(1)] : [])].join(' ')
}
