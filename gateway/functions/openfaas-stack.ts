/** OpenFaaS's `stack.yml`: which folder holds a function, and the template that it is written for. */
import { join, normalize } from 'node:path'
import { asObject, asText, DataFileProblem, readDataFile } from './data-file.ts'

const FILES = ['stack.yml', 'stack.yaml']

export interface StackFunction {
  readonly name: string
  /** Relative to the folder of the file. */
  readonly folder: string
  readonly language: 'node' | 'python' | 'other'
  /** As it is written. */
  readonly template: string
}

export interface Stack {
  readonly file: string
  readonly functions: readonly StackFunction[]
}

/** Null: no such file, or one that names no function. `problem`: a file that cannot be read. */
export async function openfaasStack(
  dir: string,
  names: ReadonlySet<string>,
): Promise<Stack | { readonly file: string; readonly problem: string } | null> {
  const file = FILES.find((name) => names.has(name))
  if (file === undefined) return null
  try {
    const said = asObject(asObject(await readDataFile(join(dir, file))).functions)
    const functions = Object.entries(said).flatMap(([name, value]): StackFunction[] => {
      const { lang, handler } = asObject(value)
      const folder = asText(handler)
      const template = asText(lang)
      if (folder === null || template === null) return []
      return [{ name, folder: normalize(folder), language: languageOf(template), template }]
    })
    return functions.length === 0 ? null : { file, functions }
  } catch (error) {
    if (!(error instanceof DataFileProblem)) throw error
    return { file, problem: error.message }
  }
}

function languageOf(template: string): StackFunction['language'] {
  if (/^node(?!$)/.test(template)) return 'node'
  return /^python3?(?:-|$)/.test(template) ? 'python' : 'other'
}
