/**
 * Values by names that callers choose. Assigning to `__proto__` would be lost: what is set here is an own property, as
 * `JSON.parse` makes it.
 */

/** Set the value as an own property, whatever its name is. */
export function setOwn(values: object, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(values, name, { value, writable: true, enumerable: true, configurable: true })
  } else (values as Record<string, unknown>)[name] = value
}
