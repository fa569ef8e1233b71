/** Answers as they lie on a connection, read strictly: what is not exactly a sequence of them is said. */

export interface Answers {
  readonly statuses: readonly number[]
  /** What does not belong to any answer; null when all is well. The last one may be cut short. */
  readonly mistake: string | null
}

const BEGINNING = 'HTTP/1.1 '
const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [A-Za-z -]+\r\n/
const FIELD_LINES = /^(?:[a-z0-9-]+: [\t\x20-\x7e\x80-\xff]*\r\n)*$/

/** `methods`: of the requests in their order, for HEAD has no body. */
export function readAnswers(text: string, methods: readonly string[]): Answers {
  const statuses: number[] = []
  let at = 0
  let finals = 0
  while (at < text.length) {
    const headEnd = text.indexOf('\r\n\r\n', at)
    if (headEnd < 0) {
      const begins = text.slice(at, at + BEGINNING.length)
      return { statuses, mistake: BEGINNING.startsWith(begins) ? null : `no answer: ${JSON.stringify(text.slice(at))}` }
    }
    const head = text.slice(at, headEnd + 2)
    const status = Number(STATUS_LINE.exec(head)?.[1])
    if (Number.isNaN(status)) return { statuses, mistake: `no status line: ${JSON.stringify(head.slice(0, 200))}` }
    const fields = head.slice(head.indexOf('\r\n') + 2)
    if (!FIELD_LINES.test(fields)) return { statuses, mistake: `no fields: ${JSON.stringify(fields)}` }
    statuses.push(status)
    at = headEnd + 4
    if (status < 200) continue
    const method = methods[finals++]
    if (method === 'HEAD' || status === 204 || status === 304) continue
    const end = bodyEnd(text, at, fields)
    if (typeof end === 'string') return { statuses, mistake: end }
    at = end
  }
  return { statuses, mistake: null }
}

/** Where it ends, the text's end where it was cut short; or what is wrong with it. */
function bodyEnd(text: string, start: number, fields: string): number | string {
  const length = /^content-length: (\d+)\r\n/m.exec(fields)?.[1]
  if (length !== undefined) return start + Number(length)
  if (!/^transfer-encoding: chunked\r\n/m.test(fields)) return text.length
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return text.length
    const line = text.slice(at, lineEnd)
    if (!/^[0-9a-f]+$/.test(line)) return `a chunk of size ${JSON.stringify(line)}`
    const size = Number.parseInt(line, 16)
    at = lineEnd + 2 + size + 2
    if (size === 0 || at >= text.length) return at
  }
}
