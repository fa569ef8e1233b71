/**
 * What esbuild's `keepNames` costs while code runs. Every function that is made is given its name again, though nearly
 * all have it already; defining a property changes a function's shape, so that frameworks which make functions for each
 * call (listeners, middleware) pay for it on every one. The helper looks first. It stays one line, for the source map.
 */
const HELPER = 'var __name = (target, value) => __defProp(target, "name", { value, configurable: true });'
const LOOKS_FIRST =
  'var __name = (target, value) => target.name === value ? target : __defProp(target, "name", { value, configurable: true });'

export function withCheapNames(code: string): string {
  // A function, since "$" in a text has a meaning.
  return code.replace(HELPER, () => LOOKS_FIRST)
}
