/**
 * Queries and forms as Express applications see them: a name that comes twice is a list, and `a[b]=1`, `a[]=1` and
 * `a[0]=1` are objects and lists. Bounded in depth; names that every object inherits are left out.
 */

export type NestedValue = string | NestedValue[] | NestedValues
export interface NestedValues {
  [name: string]: NestedValue
}

const MOST_LEVELS = 5
const STEP = /\[([^[\]]*)\]/g
const INDEX = /^\d{0,2}$/

export function nestedValues(text: string): NestedValues {
  const values: NestedValues = {}
  for (const [name, value] of new URLSearchParams(text)) put(values, pathOf(name), value)
  return values
}

/** `a[b][]` as `a`, `b` and the empty name. */
function pathOf(name: string): string[] {
  const bracketAt = name.indexOf('[')
  const rest = name.slice(bracketAt)
  if (bracketAt <= 0 || rest.replace(STEP, '') !== '') return [name]
  const steps = [...rest.matchAll(STEP)].map(([, step]) => step!)
  return steps.length > MOST_LEVELS ? [name] : [name.slice(0, bracketAt), ...steps]
}

function put(values: NestedValues, path: readonly string[], value: string): void {
  if (path.some((step) => step in Object.prototype)) return
  let inner: NestedValue[] | NestedValues = values
  for (let at = 0; at < path.length - 1; at++) {
    let next = valueAt(inner, path[at]!)
    if (next === undefined) {
      next = INDEX.test(path[at + 1]!) ? [] : {}
      add(inner, path[at]!, next)
    }
    // A text cannot hold what the name says is within it.
    if (typeof next === 'string') return
    inner = next
  }
  const last = path.at(-1)!
  const earlier = valueAt(inner, last)
  if (Array.isArray(earlier)) earlier.push(value)
  else if (typeof earlier !== 'string') add(inner, last, value)
  else if (Array.isArray(inner)) inner.push(value)
  else inner[last] = [earlier, value]
}

/** What lies there. A list's nameless place is always a new one. */
function valueAt(inner: NestedValue[] | NestedValues, name: string): NestedValue | undefined {
  return Array.isArray(inner) ? (name === '' ? undefined : inner[Number(name)]) : inner[name]
}

function add(inner: NestedValue[] | NestedValues, name: string, value: NestedValue): void {
  if (Array.isArray(inner)) inner.push(value)
  else inner[name] = value
}
