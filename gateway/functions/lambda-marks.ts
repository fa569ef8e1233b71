/**
 * Whether a module is one of Lambda's and nothing else, as its text tells: it exports `handler`, and none of what other
 * formats are known by. Such a function finds Lambda's variables from its first line on, because its worker is told the
 * format before it imports the module. What is not certain is left to the exports. Every module of a folder with a
 * thousand of them is asked at the start, so the text as it is decides where it can.
 */
import { extname } from 'node:path'
import * as esbuild from 'esbuild'

const MAY_BE = /\bhandler\b/
const EXPORTS_HANDLER =
  /^export\s+(?:const|let|var|(?:async\s+)?function)\s+handler\b|^export\s*\{[^}]*(?:\bas\s+handler\b|\bhandler\b(?!\s+as\b))[^}]*\}|\bexports\.handler = /m
const IS_OF_ANOTHER =
  /^export\s+default\b|\bas\s+default\b|\bmodule\.exports\s*=[^=]|\b(?:export\s+(?:const|let|var|(?:async\s+)?function)\s+|exports\.|as\s+)(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\b|@azure\/functions|functions-framework|\bDeno\.serve\b|\.listen\(/m

/** `file` names the kind of text by its ending. Throws what esbuild throws for text that is no code. */
export async function isLambdaAlone(file: string, text: string): Promise<boolean> {
  if (!MAY_BE.test(text) || !/\bexports?\b/.test(text)) return false
  if (IS_OF_ANOTHER.test(text)) return false
  // A comment of several lines may hold what looks like an export.
  if (!text.includes('/*') && EXPORTS_HANDLER.test(text)) return true
  const loader = (/^\.[cm]?(ts|js)$/.exec(extname(file))?.[1] ?? extname(file).slice(1)) as esbuild.Loader
  // Without comments, and spaced as esbuild prints it.
  const { code } = await esbuild.transform(text, { loader, logLevel: 'silent' })
  return EXPORTS_HANDLER.test(code) && !IS_OF_ANOTHER.test(code)
}
