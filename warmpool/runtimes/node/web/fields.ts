/**
 * Headers as plain fields: name and value in turn, names in lower case, every one fit for the wire. What is plain is
 * taken as it is; anything odd is left to Node's own Headers, so that mistakes throw what they throw elsewhere.
 */

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
/** Narrower than Headers itself, which lets control characters pass that HTTP forbids. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TRIM_VALUE = /^(?![\t ])[\t\x20-\x7e\x80-\xff]*(?<![\t ])$/

/** Beyond this many headers, looking for one of them field by field would be slow: Node's own Headers has a table. */
export const QUICK_LIMIT = 64

/** The fields, or null where only `new Headers(given)` can tell what they are or throw what is due. */
export function quickFields(given: ResponseInit['headers']): string[] | null {
  if (given === undefined) return []
  if (given instanceof Headers) return fieldsOf(given)
  if (typeof given !== 'object' || given === null) return null
  if (Array.isArray(given)) return quickPairs(given)
  return Symbol.iterator in given ? null : quickRecord(given as Record<string, unknown>)
}

function quickPairs(pairs: readonly unknown[]): string[] | null {
  if (pairs.length > QUICK_LIMIT) return null
  const fields: string[] = []
  for (const pair of pairs) {
    if (!Array.isArray(pair) || pair.length !== 2 || !addQuickly(fields, pair[0], pair[1])) return null
  }
  return fields
}

function quickRecord(record: Record<string, unknown>): string[] | null {
  const names = Object.keys(record)
  if (names.length > QUICK_LIMIT) return null
  const fields: string[] = []
  for (const name of names) if (!addQuickly(fields, name, record[name])) return null
  return fields
}

/** False for other types, white space to trim, odd characters, and a name given twice. */
function addQuickly(fields: string[], name: unknown, value: unknown): boolean {
  // Lengths and other numbers are common, and always plain.
  const text = typeof value === 'number' ? String(value) : value
  if (!isName(name) || !isTrimmed(text)) return false
  const lowerCase = name.toLowerCase()
  if (lowerCase !== 'set-cookie' && hasField(fields, lowerCase)) return false
  fields.push(lowerCase, text)
  return true
}

export function isName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name)
}

/** A value that Headers takes as it is. */
export function isTrimmed(value: unknown): value is string {
  return typeof value === 'string' && TRIM_VALUE.test(value)
}

function fieldsOf(headers: Headers): string[] | null {
  const fields: string[] = []
  let isPlain = true
  headers.forEach((value, name) => {
    isPlain &&= VALUE.test(value)
    fields.push(name, value)
  })
  return isPlain ? fields : null
}

/**
 * The head of any Headers as the wire wants it, but for fields of these names. Throws TypeError for what HTTP forbids: Headers does not refuse all of
 * it, and they may be of another package's class.
 */
export function headText(headers: Headers, without: readonly string[] = []): string {
  const fields: string[] = []
  headers.forEach((value, name) => {
    if (without.includes(name)) return
    if (!NAME.test(name) || !VALUE.test(value)) {
      throw new TypeError(`The response's header ${JSON.stringify(name)} has a character that HTTP forbids`)
    }
    fields.push(name.toLowerCase(), value)
  })
  return fields.join('\n')
}

/** Makes `target` hold what `source` holds. */
export function copyHeaders(source: Headers, target: Headers): void {
  if (source === target) return
  for (const name of [...target.keys()]) target.delete(name)
  source.forEach((value, name) => {
    target.append(name, value)
  })
}

export function hasField(fields: readonly string[], name: string): boolean {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return true
  return false
}

/** The fields but those of these names. */
export function withoutFields(fields: readonly string[], names: readonly string[]): string[] {
  if (names.length === 0) return fields as string[]
  const kept: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    if (!names.includes(fields[at]!)) kept.push(fields[at]!, fields[at + 1]!)
  }
  return kept
}
