/**
 * Node's own web classes, taken before this runtime puts its lazy ones in their place. Building a native Request,
 * Headers and Response costs 40 to 60 µs a call, half of what a whole call may cost; so handlers get lazy ones, and
 * the native classes are built behind them only for what they alone can do.
 */

export const NativeRequest = globalThis.Request
export const NativeResponse = globalThis.Response
export const nativeFetch = globalThis.fetch

export type NativeRequest = InstanceType<typeof globalThis.Request>
export type NativeResponse = InstanceType<typeof globalThis.Response>

export type RequestInput = ConstructorParameters<typeof globalThis.Request>[0]
export type ResponseBody = ConstructorParameters<typeof globalThis.Response>[0]
