/** How a function is run, setting by setting, and who says so: for people who wonder why. Values of variables are not shown. */
import * as z from 'zod'
import { DEFAULT_FUNCTION_SETTINGS, memoryLimitBytes } from '../../warmpool/index.ts'
import { fields, kinds, unwrap } from './fields.ts'
import { functionFields, operatorFields } from './function-schema.ts'
import type { WrittenSettings } from './schema.ts'
import { formatDuration, formatSize } from './units.ts'

export interface SettingInForce {
  readonly key: string
  /** As one would write it. */
  readonly value: string
  /** `default`, or where it is written. */
  readonly from: string
}

/** A place where settings are written; the later of two wins. */
export interface SettingsLayer {
  readonly from: string
  readonly written: WrittenSettings
  /** The function's own file, which can tighten what the operator says of these, and nothing else of them. */
  readonly isOwn?: true
}

/** Secrets are told apart: where they come from, and never what they are. */
const { secrets: _secrets, ...shownOperatorFields } = operatorFields
const FIELDS = { ...functionFields, ...shownOperatorFields }

export function settingsInForce(layers: readonly SettingsLayer[]): SettingInForce[] {
  return Object.entries(FIELDS).flatMap(([key, schema]) => {
    if (unwrap(schema) instanceof z.ZodObject) return groupInForce(key as 'queue', layers)
    if (key === 'env') return variablesInForce(layers)
    const valueIn = ({ written }: SettingsLayer): unknown => written[key as keyof WrittenSettings]
    // It can only be the strictest there is.
    const own = key in operatorFields ? layers.find((layer) => layer.isOwn && valueIn(layer) !== undefined) : undefined
    const last = own ?? layers.findLast((layer) => valueIn(layer) !== undefined)
    const value = last && valueIn(last)
    return [inForce(key, schema, value, last?.from)]
  })
}

function groupInForce(name: 'queue' | 'limits' | 'cpu', layers: readonly SettingsLayer[]): SettingInForce[] {
  const group = unwrap(FIELDS[name]) as z.ZodObject
  return Object.entries(group.shape).map(([key, schema]) => {
    const valueIn = ({ written }: SettingsLayer): unknown =>
      (written[name] as Record<string, unknown> | undefined)?.[key]
    const last =
      name === 'limits' ? strictest(layers, valueIn) : layers.findLast((layer) => valueIn(layer) !== undefined)
    if (last === undefined && name === 'limits' && key === 'memory') return memoryLimitInForce(layers)
    return inForce(`${name}.${key}`, schema as z.ZodType, last && valueIn(last), last?.from)
  })
}

/** What the operator says last, unless the function's own file asks for less. */
function strictest(
  layers: readonly SettingsLayer[],
  valueIn: (layer: SettingsLayer) => unknown,
): SettingsLayer | undefined {
  const said = layers.filter((layer) => valueIn(layer) !== undefined)
  const operators = said.findLast(({ isOwn }) => !isOwn)
  const own = said.find(({ isOwn }) => isOwn)
  if (own === undefined || operators === undefined) return own ?? operators
  return (valueIn(own) as number) < (valueIn(operators) as number) ? own : operators
}

/** Nobody says it: it leaves room above what a worker is recycled at. */
function memoryLimitInForce(layers: readonly SettingsLayer[]): SettingInForce {
  const last = layers.findLast(({ written }) => written.memory !== undefined)
  const bytes = memoryLimitBytes(last?.written.memory ?? DEFAULT_FUNCTION_SETTINGS.memoryBytes)
  return { key: 'limits.memory', value: formatSize(bytes), from: 'default' }
}

function variablesInForce(layers: readonly SettingsLayer[]): SettingInForce[] {
  const names = new Map<string, string>()
  for (const { from, written } of layers) for (const name of Object.keys(written.env ?? {})) names.set(name, from)
  return [...names].map(([name, from]) => ({ key: `env.${name}`, value: '(set)', from }))
}

function inForce(key: string, schema: z.ZodType, value: unknown, from: string | undefined): SettingInForce {
  if (value === undefined) return { key, value: unquoted(fields.get(schema)?.default ?? 'none'), from: 'default' }
  return { key, value: shown(schema, value), from: from! }
}

function unquoted(literal: string): string {
  return literal.replace(/^'(.*)'$/, '$1')
}

function shown(schema: z.ZodType, value: unknown): string {
  const type = kinds.get(unwrap(schema) as z.ZodType)?.type ?? ''
  if (value === Number.POSITIVE_INFINITY) return 'never'
  if (type.startsWith('Duration')) return formatDuration(value as number)
  if (type.startsWith('Size')) return formatSize(value as number)
  return String(value)
}
