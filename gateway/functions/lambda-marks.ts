/**
 * Whether a module is one of Lambda's and nothing else, as its text tells: it exports `handler`, or what `function.json`
 * names so, and none of what other formats are known by. Such a function finds Lambda's variables from its first line
 * on, because its worker is told the format before it imports the module. What is not certain is left to the exports.
 * Every module of a folder with a thousand of them is asked at the start, so the text as it is decides where it can.
 */
import { extname } from 'node:path'
import type * as esbuild from 'esbuild'
import * as bundler from '../bundler.ts'

const IS_OF_ANOTHER =
  /^export\s+default\b|\bas\s+default\b|\bmodule\.exports\s*=[^=]|\b(?:export\s+(?:const|let|var|(?:async\s+)?function)\s+|exports\.|as\s+)(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\b|@azure\/functions|functions-framework|\bDeno\.serve\b|\.listen\(/m

/** As Node's `http` has it, whatever it is called. */
const TAKES_RESPONSE = /\(\s*req(?:uest)?\s*,\s*res(?:ponse)?\s*\)/
/** The worker's formats/lambda-handler.ts looks for the same. */
const USUAL_NAMES = ['handler', 'lambdaHandler', 'lambda_handler']
const NAME = /^[A-Za-z_]\w*$/

const EXPORTS_HANDLER =
  /^export\s+(?:const|let|var|(?:async\s+)?function)\s+handler\b|^export\s*\{[^}]*(?:\bas\s+handler\b|\bhandler\b(?!\s+as\b))[^}]*\}|\bexports\.handler = /m

/** `handler` null: by one of the usual names. `file` names the kind of text by its ending. Throws what esbuild throws for text that is no code. */
export async function isLambdaAlone(file: string, text: string, handler: string | null): Promise<boolean> {
  for (const name of handler === null ? USUAL_NAMES : [handler]) if (await exportsAlone(file, text, name)) return true
  return false
}

async function exportsAlone(file: string, text: string, handler: string): Promise<boolean> {
  if (!text.includes(handler) || !/\bexports?\b/.test(text) || !NAME.test(handler) || handler === 'default')
    return false
  if (IS_OF_ANOTHER.test(text)) return false
  const pattern = handler === 'handler' ? EXPORTS_HANDLER : exportsFunction(handler)
  // A comment of several lines may hold what looks like an export.
  if (!text.includes('/*') && isExported(pattern, text)) return true
  const loader = (/^\.[cm]?(ts|js)$/.exec(extname(file))?.[1] ?? extname(file).slice(1)) as esbuild.Loader
  // Without comments, and spaced as esbuild prints it.
  const { code } = await bundler.transform(text, { loader, logLevel: 'silent' })
  return isExported(pattern, code) && !IS_OF_ANOTHER.test(code)
}

/** Under any other name it may be an app or a router as well: it has to begin as a function does. */
function exportsFunction(name: string): RegExp {
  const begins = '(?:async\\b|function\\b|\\()'
  return new RegExp(
    `^export\\s+(?:(?:const|let|var)\\s+${name}\\s*(?::[^=\\n]*)?=\\s*${begins}|(?:async\\s+)?function\\s+${name}\\b)|\\bexports\\.${name} = ${begins}`,
    'm',
  )
}

/** What follows the name on its line may say that it is of another kind. */
function isExported(pattern: RegExp, text: string): boolean {
  const found = pattern.exec(text)
  return found !== null && !TAKES_RESPONSE.test(text.slice(found.index).split('\n', 1)[0]!)
}
