/**
 * What modules have registered through `@azure/functions`: kept under a symbol by the build's stand-in for
 * `@azure/functions-core` (gateway/functions/platform-modules.ts). In every blank, so it is small.
 */

export type HookCallback = (context: object) => unknown

export interface AzureFunction {
  readonly metadata: {
    readonly name: string
    readonly bindings: Readonly<
      Record<
        string,
        {
          readonly type?: string
          readonly direction?: string
          readonly route?: string
          readonly methods?: readonly string[]
          readonly authLevel?: string
        }
      >
    >
  }
  readonly callback: (...given: unknown[]) => unknown
}

interface Invocation {
  getArguments(): Promise<{ readonly context: object; readonly inputs: readonly unknown[] }>
}

export interface AzureApp {
  readonly model: { getInvocationModel(coreContext: object): Invocation } | null
  readonly functions: readonly AzureFunction[]
  readonly hooks: ReadonlyMap<string, readonly HookCallback[]>
}

/** Null: nothing was registered. */
export function azureApp(): AzureApp | null {
  const app = (globalThis as { [key: symbol]: AzureApp | undefined })[Symbol.for('wrangler-free.azure')]
  return app === undefined || app.functions.length === 0 ? null : app
}
