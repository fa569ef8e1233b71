/** The words that `function.json` and the detection have for what a function is. */

/** What code may be written for; runtimes/node/formats has one file for each. */
export const FORMATS = [
  'fetch',
  'methods',
  'lambda',
  'gcf',
  'vercel',
  'netlify',
  'openfaas',
  'azure',
  'node',
  'req-res',
  'task',
  // Python's own.
  'handler',
  'wsgi',
  'asgi',
] as const
export type FormatName = (typeof FORMATS)[number]

/**
 * What may run a function, besides what `runtimes` of the configuration adds. The last three start a program of its
 * own, whatever that is written in.
 */
export const RUNTIMES = [
  'node',
  'node@22',
  'node@24',
  'node@26',
  'bun',
  'deno',
  'python',
  'http',
  'stdio',
  'lambda',
] as const

/** One of these, or the name of a runtime of the operator's own. */
export type FunctionRuntime = string

/** Whether it runs JavaScript, by our harness. A runtime of the operator's own gets the files as they lie. */
export function isJavaScript(runtime: FunctionRuntime): boolean {
  return /^(?:node(?:@\d+)?|bun|deno)$/.test(runtime)
}
