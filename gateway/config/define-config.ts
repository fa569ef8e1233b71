/** What a configuration file imports from `wrangler-free`: a function that does nothing but give the editor types. */
import type { UserConfig } from './user-config.ts'

/** Returns the configuration as it is. With it, the editor explains every field and underlines what is not allowed. */
export function defineConfig(config: UserConfig): UserConfig {
  return config
}
