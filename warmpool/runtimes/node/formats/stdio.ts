/**
 * A program that answers one line of JSON with one line of JSON, for ever: a pool's oldest protocol. A body that is said
 * to be JSON goes in as it is; any other request goes in as an object that describes it. The line that comes back is the
 * body of the response.
 */
import type { Call } from '../call.ts'
import { LineConversation, type LineReader, MOST_LINE_BYTES, shown } from '../programs/line-conversation.ts'
import { Program, ProgramError } from '../programs/program.ts'
import { whenReadingStdin } from '../programs/reading-stdin.ts'
import type { Format } from './format.ts'

const JSON_TYPE = /^[\t ]*application\/(?:[\w.+-]+\+)?json[\t ]*(?:;|$)/i
const JSON_HEAD = 'content-type\napplication/json'
const LINE_ENDS = /[\r\n]+/g

export const stdioFormat: Format = {
  name: 'stdio',
  // Lines carry no number: the next one out answers the last one in.
  concurrency: 1,
  expects: 'a program that answers each line of JSON on stdin with a line of JSON on stdout',
  isMarked: () => false,
  async handler(_exports, load) {
    const program = await Program.start(load, { env: {}, stdio: 'taken' })
    await program.untilReady((signal) => whenReadingStdin(program.child.pid!, signal), {
      awaited: 'read its stdin',
      advice: 'It is to run on: read a line from stdin, write a line to stdout, and so on.',
    })
    const conversation = new LineConversation(program)
    program.serve(() => conversation.isAsked)
    return (call) => {
      const { body } = call
      if (!body.isWhole) return body.collect().then((bytes) => ask(conversation, call, bytes))
      return ask(conversation, call, body.isAbsent ? null : body.takeToRead())
    }
  },
}

function ask(conversation: LineConversation, call: Call, body: Buffer | null): void {
  const isJson = body !== null && body.length > 0 && JSON_TYPE.test(headerOf(call, 'content-type'))
  if (body !== null && body.length > MOST_LINE_BYTES)
    return refuse(call, 413, `The body has ${body.length} bytes; at most ${MOST_LINE_BYTES} fit into a line`)
  const line = isJson ? bodyLine(body) : JSON.stringify(describeRequest(call, body))
  if (line === null) return refuse(call, 400, 'The body is not JSON, although its content-type says so')
  conversation.ask(`${line}\n`, new Answer(call))
}

class Answer implements LineReader {
  readonly #call: Call

  constructor(call: Call) {
    this.#call = call
  }

  onLine(line: Buffer): boolean {
    if (!isJson(line.toString())) {
      this.#call.fail(
        'not-a-response',
        new ProgramError(`The program answered with a line that is not JSON: ${shown(line)}`),
      )
      return false
    }
    this.#call.answerBorrowed(200, JSON_HEAD, line)
    return true
  }

  onBroken(what: string): void {
    this.#call.fail('not-a-response', new ProgramError(`The program ${what}`))
  }
}

/** As it was sent, so that no number loses digits; but on one line. Null when it is not JSON. */
function bodyLine(body: Buffer): string | null {
  const text = body.toString()
  // Within a JSON text, line ends stand only between its parts.
  return isJson(text) ? text.replace(LINE_ENDS, ' ') : null
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** What the program is told of a request without a JSON body. Names that come more than once have values joined by commas. */
function describeRequest({ lines }: Call, body: Buffer | null): object {
  const [path, search = ''] = lines[2]!.split(/\?(.*)/s, 2)
  const headers: Record<string, string> = Object.create(null)
  for (let at = 3; at + 1 < lines.length; at += 2) add(headers, lines[at]!, lines[at + 1]!, ', ')
  const query: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(search)) add(query, name, value, ',')
  return { method: lines[1]!, path, query, headers, ...describeBody(body) }
}

function describeBody(body: Buffer | null): object {
  if (body === null) return { body: null, isBase64Encoded: false }
  const text = body.toString()
  if (Buffer.from(text).equals(body)) return { body: text, isBase64Encoded: false }
  return { body: body.toString('base64'), isBase64Encoded: true }
}

function add(into: Record<string, string>, name: string, value: string, between: string): void {
  into[name] = Object.hasOwn(into, name) ? `${into[name]}${between}${value}` : value
}

function headerOf({ lines }: Call, name: string): string {
  for (let at = 3; at + 1 < lines.length; at += 2) if (lines[at] === name) return lines[at + 1]!
  return ''
}

function refuse(call: Call, status: number, error: string): void {
  call.answer(status, JSON_HEAD, Buffer.from(JSON.stringify({ error })))
}
