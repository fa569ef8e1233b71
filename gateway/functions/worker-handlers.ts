/**
 * Handlers that a module written for Cloudflare Workers has besides `fetch`, and that nobody calls here. They are read
 * off the text, so that its author is told before missing them.
 */
import { extname } from 'node:path'
import * as esbuild from 'esbuild'

const MAY_BE = /\b(?:scheduled|queue|email)\b/
/** Of the object that is the default export, as esbuild prints it: its members, one a line, are indented by two spaces. */
const HANDLER = /^ {2}(?:async )?(scheduled|queue|email)(?:\(|: |,?$)/gm

async function printed(text: string, loader: esbuild.Loader): Promise<string> {
  return (await esbuild.transform(text, { loader, logLevel: 'silent' })).code
}

/** Of the object that is the default export; -1: it is none that is written out. */
function startOfExported(code: string): number {
  const named = /^export default ([\w$]+);|\b([\w$]+) as default\b/m.exec(code)
  const name = named?.[1] ?? named?.[2]
  return code.indexOf(name === undefined ? 'export default {' : ` ${name} = {`)
}

/** For the author; null where there is nothing to say. Throws what esbuild throws for text that is no code. */
export async function uncalledHandlers(file: string, text: string): Promise<string | null> {
  if (!MAY_BE.test(text) || !/\bexport\b/.test(text)) return null
  const loader = (/^\.[cm]?(ts|js)$/.exec(extname(file))?.[1] ?? extname(file).slice(1)) as esbuild.Loader
  let code = await printed(text, loader)
  let start = startOfExported(code)
  if (start < 0) return null
  const inside = code.indexOf('{', start) + 1
  if (code[inside] !== '\n') {
    // What is written in one line is printed in one, unless it begins with a new one.
    code = await printed(`${code.slice(0, inside)}\n${code.slice(inside)}`, 'js')
    start = startOfExported(code)
  }
  const found = [...code.slice(start).split('\n}', 1)[0]!.matchAll(HANDLER)].map(([, handler]) => handler!)
  if (found.length === 0) return null
  return `its ${found.join(', ')} ${found.length === 1 ? 'handler is' : 'handlers are'} not called here, only HTTP is: let cron or a consumer call an address`
}
