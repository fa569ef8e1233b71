/**
 * Lambda functions as deployment files name them: `serverless.yml` (Serverless Framework), `template.yaml` (SAM and
 * CloudFormation). Read are each function's handler, its folder, its runtime and the kind of its HTTP event, which
 * decides the payload format.
 */
import { join, normalize } from 'node:path'
import { asObject, asText, DataFileProblem, readDataFile } from './data-file.ts'

export type Payload = '1.0' | '2.0'

export interface LambdaEntry {
  /** What the file calls it. */
  readonly name: string
  /** `dir/file.export`, relative to the function's folder. */
  readonly handler: string
  /** `nodejs22.x`; null where the file does not say. */
  readonly runtime: string | null
  /** Of its HTTP event; null where it has none. */
  readonly payload: Payload | null
}

export interface LambdaFile {
  readonly file: string
  readonly entries: readonly LambdaEntry[]
}

const SERVERLESS = ['serverless.yml', 'serverless.yaml', 'serverless.json']
const SAM = ['template.yaml', 'template.yml', 'template.json']

/** Null: no such file, or one that names no function. `problem`: a file that cannot be read. */
export async function lambdaFile(
  dir: string,
  names: ReadonlySet<string>,
): Promise<LambdaFile | { readonly file: string; readonly problem: string } | null> {
  for (const [files, entriesOf] of [
    [SERVERLESS, ofServerless],
    [SAM, ofTemplate],
  ] as const) {
    const file = files.find((name) => names.has(name))
    if (file === undefined) continue
    try {
      const entries = entriesOf(asObject(await readDataFile(join(dir, file))))
      if (entries.length > 0) return { file, entries }
    } catch (error) {
      if (!(error instanceof DataFileProblem)) throw error
      return { file, problem: error.message }
    }
  }
  return null
}

function ofServerless(said: Readonly<Record<string, unknown>>): LambdaEntry[] {
  const provider = asObject(said.provider)
  // The same file describes functions of other clouds.
  if ((asText(provider.name) ?? asText(said.provider) ?? 'aws') !== 'aws') return []
  const httpApi: Payload = asObject(provider.httpApi).payload === '1.0' ? '1.0' : '2.0'
  const blocks = Array.isArray(said.functions) ? said.functions.map(asObject) : [asObject(said.functions)]
  return blocks.flatMap((block) =>
    Object.entries(block).flatMap(([name, value]): LambdaEntry[] => {
      const one = asObject(value)
      const handler = asText(one.handler)
      if (handler === null) return []
      const events = Array.isArray(one.events) ? one.events : []
      const kinds = events.flatMap((event) => (typeof event === 'string' ? event : Object.keys(asObject(event))))
      const runtime = asText(one.runtime) ?? asText(provider.runtime)
      const isUrl = one.url !== undefined && one.url !== false
      return [{ name, handler: normalize(handler), runtime, payload: payloadOf(kinds, isUrl, httpApi) }]
    }),
  )
}

function payloadOf(kinds: readonly string[], isUrl: boolean, httpApi: Payload): Payload | null {
  if (kinds.includes('httpApi')) return httpApi
  if (isUrl) return '2.0'
  return kinds.includes('http') || kinds.includes('alb') ? '1.0' : null
}

function ofTemplate(said: Readonly<Record<string, unknown>>): LambdaEntry[] {
  const globals = asObject(asObject(said.Globals).Function)
  return Object.entries(asObject(said.Resources)).flatMap(([name, value]): LambdaEntry[] => {
    const { Type: type, Properties: own } = asObject(value)
    if (type !== 'AWS::Serverless::Function' && type !== 'AWS::Lambda::Function') return []
    const properties = { ...globals, ...asObject(own) }
    const handler = asText(properties.Handler)
    if (handler === null) return []
    const folder = asText(properties.CodeUri) ?? ''
    const path = folder.includes('://') ? handler : normalize(join(folder, handler))
    return [{ name, handler: path, runtime: asText(properties.Runtime), payload: payloadOfSam(properties) }]
  })
}

function payloadOfSam(properties: Readonly<Record<string, unknown>>): Payload | null {
  const events = Object.values(asObject(properties.Events)).map(asObject)
  const httpApi = events.find(({ Type: type }) => type === 'HttpApi')
  if (httpApi !== undefined) return asObject(httpApi.Properties).PayloadFormatVersion === '1.0' ? '1.0' : '2.0'
  if (properties.FunctionUrlConfig !== undefined) return '2.0'
  return events.some(({ Type: type }) => type === 'Api') ? '1.0' : null
}
