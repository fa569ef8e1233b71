/**
 * The function to call where nobody names one: `conformance.*` in the folder where the suite is started, whose author has
 * written it in the language of the runtime; else ours, for the languages that we have one in, by what `hello` says.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Subject, type UnderTest } from './subject.ts'

const OURS: readonly [runtime: RegExp, file: string][] = [
  [/^(?:node|bun|deno)\b/, 'function.mjs'],
  [/^python\b/, 'function.py'],
]
const NAMED = /^conformance\.[^.]+$/

/** Null: there is none. `folder`: where the suite was started. */
export async function defaultFunction(
  underTest: Omit<UnderTest, 'functionFile'>,
  folder: string,
): Promise<string | null> {
  const [own, second] = readdirSync(folder).filter((name) => NAMED.test(name))
  if (own !== undefined && second === undefined) return join(folder, own)
  const runtime = await runtimeOf(underTest)
  const file = OURS.find(([name]) => name.test(runtime))?.[1]
  return file === undefined ? null : join(import.meta.dirname, file)
}

/** '' for one that says no hello: the checks will tell. */
async function runtimeOf(underTest: Omit<UnderTest, 'functionFile'>): Promise<string> {
  const subject = new Subject({ ...underTest, functionFile: '' })
  try {
    await subject.boot()
    return String(subject.hello.runtime)
  } catch {
    return ''
  } finally {
    subject.dispose()
  }
}
