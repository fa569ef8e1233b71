/**
 * Whether a module is one of Lambda's and nothing else, as its text tells: it exports `handler`, and none of what other
 * formats are known by. Such a function finds Lambda's variables from its first line on, because its worker is told the
 * format before it imports the module. What is not certain is left to the exports.
 */
import { extname } from 'node:path'
import * as esbuild from 'esbuild'

const MAY_BE = /\bhandler\b/
const EXPORTS_HANDLER =
  /^export (?:const|let|var|(?:async )?function) handler\b|^export \{[^}]*(?:\bas handler\b|\bhandler\b(?! as\b))[^}]*\}|\bexports\.handler = /m
const IS_OF_ANOTHER =
  /^export default\b|\bas default\b|\bmodule\.exports = |\b(?:export (?:const|let|var|(?:async )?function) |exports\.|as )(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\b|@azure\/functions|functions-framework|\bDeno\.serve\b|\.listen\(/m

/** `file` names the kind of text by its ending. Throws what esbuild throws for text that is no code. */
export async function isLambdaAlone(file: string, text: string): Promise<boolean> {
  if (!MAY_BE.test(text) || !/\bexports?\b/.test(text)) return false
  const loader = (/^\.[cm]?(ts|js)$/.exec(extname(file))?.[1] ?? extname(file).slice(1)) as esbuild.Loader
  // Without comments, and spaced as esbuild prints it.
  const { code } = await esbuild.transform(text, { loader, logLevel: 'silent' })
  return EXPORTS_HANDLER.test(code) && !IS_OF_ANOTHER.test(code)
}
