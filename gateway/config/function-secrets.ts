/**
 * Which secrets one function receives. Only the configuration gives: what a function's own file names has to be given
 * to it there, because whoever writes a function must not choose what is read for it.
 */
import type { Secret, Secrets } from '../../warmpool/index.ts'
import type { ParsedConfig } from './schema.ts'
import { placeOf, type SecretReadings } from './secrets.ts'

export interface FunctionSecrets {
  readonly values: Secrets
  /** What is given, by variable: where it comes from, and who says so. */
  readonly given: readonly { readonly name: string; readonly place: string; readonly from: string }[]
  /** A sentence for each that is not there: which, and where it was looked for. Never a value. */
  readonly missing: readonly string[]
}

type Table = ParsedConfig['secrets']
type Reference = NonNullable<ParsedConfig['defaults']['secrets']>[string]

const EVERY_FUNCTION = '*'

/** `asked`: the names in the function's own file. */
export function secretsOfFunction(
  parsed: ParsedConfig,
  folder: string,
  readings: SecretReadings,
  name: string,
  asked: readonly string[],
): FunctionSecrets {
  const values: Record<string, Secret> = {}
  const missing: string[] = []
  const given: FunctionSecrets['given'][number][] = []
  const take = (variable: string, reference: Reference, from: string): void => {
    const place = placeOf(reference.from === undefined ? reference : parsed.secrets[reference.from]!, folder)
    given.push({ name: variable, place, from })
    const reading = readings.get(place)!
    if (reading.state === 'found') values[variable] = reading.secret
    else missing.push(`The secret "${variable}" was looked for in ${place}, ${reading.why}.`)
  }
  const { defaults, overrides, secrets: table } = parsed
  const written = { ...tagged(defaults.secrets, 'defaults'), ...tagged(overrides[name]?.secrets, 'overrides') }
  for (const [variable, [reference, layer]] of Object.entries(written))
    take(variable, reference, `${layer} of the configuration`)
  for (const variable of asked) {
    if (Object.hasOwn(written, variable)) continue
    if (isGiven(table, variable, name)) take(variable, { from: variable }, 'function.json')
    else missing.push(notGiven(table, variable, name))
  }
  return { values, given, missing }
}

function tagged<L extends string>(secrets: Readonly<Record<string, Reference>> | undefined, layer: L) {
  return Object.fromEntries(
    Object.entries(secrets ?? {}).map(([name, reference]) => [name, [reference, layer] as const]),
  )
}

function isGiven(table: Table, variable: string, name: string): boolean {
  if (!Object.hasOwn(table, variable)) return false
  const { functions = [] } = table[variable]!
  return functions.includes(name) || functions.includes(EVERY_FUNCTION)
}

function notGiven(table: Table, variable: string, name: string): string {
  const asks = `The secret "${variable}" is asked for in the function.json of "${name}", and the configuration`
  return Object.hasOwn(table, variable)
    ? `${asks} does not give it to this function: add "${name}" to secrets.${variable}.functions.`
    : `${asks} has none of that name: add it to secrets.`
}
