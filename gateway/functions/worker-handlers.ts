/**
 * Handlers that a module written for Cloudflare Workers has besides `fetch`, and that nobody calls here. They are read
 * off the text, so that its author is told before missing them. Every module of a folder with a thousand of them is
 * asked at the start, so one that is laid out as usual is read as it is; any other as esbuild prints it.
 */
import { extname } from 'node:path'
import type * as esbuild from 'esbuild'
import * as bundler from '../bundler.ts'

const MAY_BE = /\b(?:scheduled|queue|email)\b/
/** A default export whose members begin on lines of their own, all indented alike; the first tells by how much. */
const LAID_OUT = /^export default \{[ \t]*\r?\n([ \t]+)(?![ \t/])/m

/** Whatever might be a member by one of the names, wherever it stands. */
const MAY_BE_MEMBER = /\b(?:scheduled|queue|email)\s*[(:,}\n]/g

/** For the author; null where there is nothing to say. Throws what esbuild throws for text that is no code. */
export async function uncalledHandlers(file: string, text: string): Promise<string | null> {
  if (!MAY_BE.test(text) || !/\bexport\b/.test(text)) return null
  const found = membersAsLaidOut(text) ?? (await membersAsPrinted(file, text))
  if (found.length === 0) return null
  return `its ${found.join(', ')} ${found.length === 1 ? 'handler is' : 'handlers are'} not called here, only HTTP is: let cron or a consumer call an address`
}

/** Null: it is not laid out so, or the names stand in other places, too. */
function membersAsLaidOut(text: string): string[] | null {
  const laidOut = LAID_OUT.exec(text)
  if (laidOut === null) return null
  const found = membersAt(text.slice(laidOut.index), laidOut[1]!)
  return found.length === [...text.matchAll(MAY_BE_MEMBER)].length ? found : null
}

/** Of the object that begins there and ends with a brace at the start of a line. */
function membersAt(text: string, indent: string): string[] {
  const member = new RegExp(`^${indent}(?:async )?(scheduled|queue|email)\\s*(?:[(:,]|$)`, 'gm')
  return [...text.split('\n}', 1)[0]!.matchAll(member)].map(([, handler]) => handler!)
}

async function membersAsPrinted(file: string, text: string): Promise<string[]> {
  const loader = (/^\.[cm]?(ts|js)$/.exec(extname(file))?.[1] ?? extname(file).slice(1)) as esbuild.Loader
  let code = await printed(text, loader)
  let start = startOfExported(code)
  if (start < 0) return []
  const inside = code.indexOf('{', start) + 1
  if (code[inside] !== '\n') {
    // What is written in one line is printed in one, unless it begins with a new one.
    code = await printed(`${code.slice(0, inside)}\n${code.slice(inside)}`, 'js')
    start = startOfExported(code)
  }
  return membersAt(code.slice(start), '  ')
}

async function printed(text: string, loader: esbuild.Loader): Promise<string> {
  return (await bundler.transform(text, { loader, logLevel: 'silent' })).code
}

/** Of the object that is the default export; -1: it is none that is written out. */
function startOfExported(code: string): number {
  const named = /^export default ([\w$]+);|\b([\w$]+) as default\b/m.exec(code)
  const name = named?.[1] ?? named?.[2]
  return code.indexOf(name === undefined ? 'export default {' : ` ${name} = {`)
}
