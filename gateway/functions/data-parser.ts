/** The text of data files as values: YAML, TOML, JSON with comments. A parser is loaded when it is first needed. */
import { extname } from 'node:path'

/** Both end where a text ends within one, so that they read every character once. */
const STRING = '"(?:[^"\\\\\\n]|\\\\.)*(?:"|$|(?=[\\n\\\\]))'
const STRING_OR_COMMENT = new RegExp(`${STRING}|\\/\\/.*|\\/\\*[\\s\\S]*?(?:\\*\\/|$)`, 'g')
const STRING_OR_LAST_COMMA = new RegExp(`${STRING}|,(?=\\s*[}\\]])`, 'g')

/** `file` names the kind of text by its ending. Throws what the parsers throw. */
export async function parseData(file: string, text: string): Promise<unknown> {
  const ending = extname(file)
  if (ending === '.toml') return (await import('smol-toml')).parse(text)
  if (ending === '.yml' || ending === '.yaml') {
    const { parseDocument } = await import('yaml')
    // Tags of CloudFormation (`!Ref`, `!Sub`) stay the values that stand behind them. Looking for keys that come twice
    // takes the square of their number.
    const document = parseDocument(text, { logLevel: 'silent', merge: true, uniqueKeys: false })
    for (const error of document.errors) throw error
    return document.toJS({ maxAliasCount: 100 })
  }
  return JSON.parse(withoutComments(text))
}

/** Strict JSON of JSON with comments and commas at the ends of lists. */
function withoutComments(text: string): string {
  const bare = text.replace(/^\uFEFF/, '').replace(STRING_OR_COMMENT, (found) => (found[0] === '"' ? found : ' '))
  return bare.replace(STRING_OR_LAST_COMMA, (found) => (found[0] === '"' ? found : ''))
}
