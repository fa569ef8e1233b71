/** How a function is run, setting by setting, and who says so: for people who wonder why. Values of variables are not shown. */
import * as z from 'zod'
import { DEFAULT_FUNCTION_SETTINGS, memoryLimitBytes } from '../../warmpool/index.ts'
import { fields, kinds, unwrap } from './fields.ts'
import { functionFields, type WrittenSettings } from './schema.ts'
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
}

export function settingsInForce(layers: readonly SettingsLayer[]): SettingInForce[] {
  return Object.entries(functionFields).flatMap(([key, schema]) => {
    if (unwrap(schema) instanceof z.ZodObject) return groupInForce(key as 'queue', layers)
    if (key === 'env') return variablesInForce(layers)
    const last = layers.findLast(({ written }) => written[key as keyof WrittenSettings] !== undefined)
    const value = last?.written[key as keyof WrittenSettings]
    return [inForce(key, schema, value, last?.from)]
  })
}

function groupInForce(name: 'queue' | 'limits' | 'cpu', layers: readonly SettingsLayer[]): SettingInForce[] {
  const group = unwrap(functionFields[name]) as z.ZodObject
  return Object.entries(group.shape).map(([key, schema]) => {
    const valueIn = ({ written }: SettingsLayer): unknown =>
      (written[name] as Record<string, unknown> | undefined)?.[key]
    const last = layers.findLast((layer) => valueIn(layer) !== undefined)
    if (last === undefined && name === 'limits' && key === 'memory') return memoryLimitInForce(layers)
    return inForce(`${name}.${key}`, schema as z.ZodType, last && valueIn(last), last?.from)
  })
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
