/**
 * Routes as Azure writes them, `products/{category:alpha}/{id:int?}`, as patterns of our own that lead to all paths
 * they mean and to few others: which of them are meant, the worker decides (warmpool/runtimes/node/formats/
 * azure-routes.ts), and answers 404 to the rest.
 */

const LITERAL = /^[^{}]+$/
/** A whole segment that is one parameter, without constraints that hold braces of their own. */
const PARAMETER = /^\{(\*{0,2})([^:=?{}*]+)(?::(?:[^{}]|\{[\d,]*\})*?)?(=[^{}?]*)?(\?)?\}$/

/** `template` has the prefix in front; slashes at its ends do not count. */
export function azurePaths(template: string): string[] {
  const segments = template.split('/').filter((segment) => segment !== '')
  const done: string[] = []
  const paths: string[] = []
  for (const [at, segment] of segments.entries()) {
    if (LITERAL.test(segment)) {
      done.push(segment)
      continue
    }
    const found = PARAMETER.exec(segment)
    if (found === null || found[1] !== '') return [...paths, wildcard(done)]
    if (found[3] !== undefined || found[4] !== undefined) {
      // May be left out: only at the end has that a meaning which a pattern can say.
      if (at < segments.length - 1) return [...paths, wildcard(done)]
      paths.push(`/${done.join('/')}`)
    }
    done.push(`:${found[2]!.trim().replace(/\W/g, '_')}`)
  }
  return [...paths, `/${done.join('/')}`]
}

function wildcard(segments: readonly string[]): string {
  return `/${[...segments, '*'].join('/')}`
}
