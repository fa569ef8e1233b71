/**
 * Which gateway a command talks to, and with which token: what was said on the command line, else the one that was
 * started with the state folder of the configuration here. A token that was found is presented to that one alone.
 */
import { readKey } from '../admin/key.ts'
import { type Config, loadConfig } from '../config/index.ts'
import { parseAddress } from './addresses.ts'
import type { AdminAddress } from './admin-client.ts'

export interface AdminOptions {
  readonly admin?: string
  readonly token?: string
  readonly config?: string
  readonly state?: string
}

const DEFAULT_ADMIN_URL = 'http://127.0.0.1:8788'

/** Throws where what was said on the command line is wrong. */
export async function findAdmin(options: AdminOptions): Promise<AdminAddress> {
  const said = options.admin ? parseAddress(options.admin, '--admin') : null
  if (said !== null && options.token) return { url: said, token: options.token }
  const config = await configOf(options)
  const key = config === null ? null : readKey(config.stateDir)
  const url = said ?? new URL(key?.url ?? DEFAULT_ADMIN_URL)
  const isFound = key !== null && url.origin === new URL(key.url).origin
  return { url, token: options.token || (isFound ? (key.token ?? config!.admin.token ?? undefined) : undefined) }
}

/** Null where there is none that can be read and nobody asked for it: a running gateway may be asked all the same. */
async function configOf({ config, state }: AdminOptions): Promise<Config | null> {
  const file = config === undefined ? {} : { file: config }
  try {
    return await loadConfig({ cwd: process.cwd(), ...file, flags: state === undefined ? {} : { state } })
  } catch (error) {
    if (config !== undefined || state !== undefined) throw error
    return null
  }
}
