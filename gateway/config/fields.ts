/**
 * The vocabulary that the schema is written in. Each kind of value (a port, a duration, ...) carries in words what is
 * allowed, and each field what it does and its default: mistakes, the generated document and the generated type all
 * read those words from here, so they cannot disagree with what is checked.
 */
import * as z from 'zod'
import { type Duration, formatDuration, formatSize, parseDuration, parseSize, type Size } from './units.ts'

/** What a value may be: its TypeScript type, and in words. A secret one is never printed. */
export interface KindDoc {
  readonly type: string
  readonly allowed: string
  /** For tables, where `allowed` would repeat itself in every row. Default: `allowed`. */
  readonly brief?: string
  readonly secret?: boolean
}

/** What a field does, and its default as it would be written; null where it has none. */
export interface FieldDoc {
  readonly does: string
  readonly default: string | null
  readonly required?: boolean
}

export const kinds = z.registry<KindDoc>()
export const fields = z.registry<FieldDoc>()

/** A field that is filled in with `value` when it is not written. */
export function field<T extends z.ZodType>(kind: T, value: z.input<T>, does: string): z.ZodPrefault<T> {
  return documented(kind.prefault(value as z.util.NoUndefined<z.input<T>>), { does, default: literal(value) })
}

/** A field that may stay unwritten. `value` is what then holds (documented here, applied elsewhere); null: nothing. */
export function optional<T extends z.ZodType>(kind: T, value: unknown, does: string): z.ZodOptional<T> {
  return documented(kind.optional(), { does, default: value === null ? null : literal(value) })
}

/** A field that has to be written. */
export function required<T extends z.ZodType>(kind: T, does: string): T {
  return documented(kind, { does, default: null, required: true })
}

/** A group of fields that refuses any other key; `type` names it in `user-config.ts`. */
export function section<T extends z.core.$ZodShape>(shape: T, type: string): z.ZodObject<T, z.core.$strict> {
  return z.strictObject(shape).register(kinds, { type, allowed: `object with ${Object.keys(shape).join(', ')}` })
}

export const flag = () => z.boolean().register(kinds, { type: 'boolean', allowed: 'true or false' })

export const port = () =>
  z.int().min(0).max(65_535).register(kinds, { type: 'number', allowed: 'whole number from 0 to 65535' })

export const count = (min: number) =>
  z
    .int()
    .min(min)
    .register(kinds, { type: 'number', allowed: `whole number, at least ${min}` })

export const countOrNever = () =>
  z
    .custom<number | 'never'>((value) => value === 'never' || (Number.isSafeInteger(value) && Number(value) >= 1))
    .transform((value) => (value === 'never' ? Number.POSITIVE_INFINITY : value))
    .register(kinds, { type: `number | 'never'`, allowed: `whole number, at least 1, or 'never'` })

/** Text of a certain form, said in words. */
export const text = (form: RegExp, allowed: string, secret = false) =>
  z.string().regex(form).register(kinds, { type: 'string', allowed, secret })

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values).register(kinds, {
    type: values.map((value) => literal(value)).join(' | '),
    allowed: values.map((value) => literal(value)).join(', '),
  })

export const duration = (minMs = 0) =>
  z
    .custom<Duration>((value) => (parseDuration(value) ?? -1) >= minMs)
    .transform((value) => parseDuration(value)!)
    .register(kinds, { type: 'Duration', allowed: durationInWords(minMs), brief: 'duration' })

export const durationOrNever = (minMs = 0) =>
  z
    .custom<Duration | 'never'>((value) => value === 'never' || (parseDuration(value) ?? -1) >= minMs)
    .transform((value) => parseDuration(value) ?? Number.POSITIVE_INFINITY)
    .register(kinds, {
      type: `Duration | 'never'`,
      allowed: `${durationInWords(minMs)}, or 'never'`,
      brief: "duration, or 'never'",
    })

export const sizeOrNever = (min: number) =>
  z
    .custom<Size | 'never'>((value) => value === 'never' || (parseSize(value) ?? -1) >= min)
    .transform((value) => parseSize(value) ?? Number.POSITIVE_INFINITY)
    .register(kinds, {
      type: `Size | 'never'`,
      allowed: `size such as '64KiB', '256MiB' or '1GiB', or bytes; at least ${formatSize(min)}, or 'never'`,
      brief: "size, or 'never'",
    })

export const size = (min: number) =>
  z
    .custom<Size>((value) => (parseSize(value) ?? -1) >= min)
    .transform((value) => parseSize(value)!)
    .register(kinds, {
      type: 'Size',
      allowed: `size such as '64KiB', '256MiB' or '1GiB', or bytes; at least ${formatSize(min)}`,
      brief: 'size',
    })

/** The schema behind `.optional()` and `.prefault()`. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const bare = schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault
  return bare ? unwrap(schema.def.innerType) : schema
}

/** The bare schema that a path leads to; `undefined` when the schema has no such place. */
export function schemaAt(root: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = unwrap(root)
  for (const step of path) {
    if (at instanceof z.ZodObject) at = Object.hasOwn(at.shape, step) ? at.shape[step as string] : undefined
    else if (at instanceof z.ZodRecord) at = at.valueType
    else if (at instanceof z.ZodArray) at = at.element
    else return undefined
    if (at) at = unwrap(at)
  }
  return at
}

/** A value as one would write it in the configuration file. */
export function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll("'", "\\'").replaceAll('"', "'")
}

function documented<T extends z.ZodType>(schema: T, doc: FieldDoc): T {
  fields.add<z.ZodType>(schema, doc)
  return schema
}

function durationInWords(minMs: number): string {
  return `duration such as '250ms', '30s', '5m' or '1h', or milliseconds; from ${formatDuration(minMs)} to 24d`
}
