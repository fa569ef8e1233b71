/**
 * The head of a request to a program: the caller's own lines as HTTP. What belongs to the caller's connection is not
 * passed on, and the body's length is said where it is known.
 */

export interface RequestText {
  readonly text: string
  /** The body is sent in chunks, for its length is not known. */
  readonly isChunked: boolean
  /** It asks for another protocol, which a call cannot become. */
  readonly isUpgrade: boolean
}

/** How the body is there: not at all, whole with so many bytes, or still coming. */
export type BodyBytes = number | 'none' | 'coming'

type Treatment = 'drop' | 'length' | 'host' | 'upgrade'

const TREATMENT = new Map<string, Treatment>([
  ['connection', 'drop'],
  ['keep-alive', 'drop'],
  ['proxy-connection', 'drop'],
  ['proxy-authorization', 'drop'],
  ['te', 'drop'],
  ['trailer', 'drop'],
  ['transfer-encoding', 'drop'],
  ['expect', 'drop'],
  ['content-length', 'length'],
  ['host', 'host'],
  ['upgrade', 'upgrade'],
  // What is left of a WebSocket's request when its connection headers are gone.
  ['sec-websocket-key', 'upgrade'],
])

/** `lines`: id, method, target, then names (in lower case) and values in turn. */
export function requestText(lines: readonly string[], body: BodyBytes): RequestText {
  let text = `${lines[1]} ${lines[2]} HTTP/1.1\r\n`
  let length: string | null = null
  let hasHost = false
  let isUpgrade = false
  for (let at = 3; at + 1 < lines.length; at += 2) {
    const name = lines[at]!
    const value = lines[at + 1]!
    const treatment = TREATMENT.get(name)
    if (treatment !== undefined) {
      if (treatment === 'drop') continue
      if (treatment === 'length') {
        length = value
        continue
      }
      if (treatment === 'upgrade') isUpgrade = true
      else hasHost = true
    }
    text += `${name}: ${value}\r\n`
  }
  if (!hasHost) text += 'host: localhost\r\n'
  if (typeof body === 'number') text += `content-length: ${body}\r\n`
  else if (length !== null) text += `content-length: ${length}\r\n`
  const isChunked = body === 'coming' && length === null
  if (isChunked) text += 'transfer-encoding: chunked\r\n'
  return { text: `${text}\r\n`, isChunked, isUpgrade }
}
