/** What it means that a configuration takes another's place: whether anything changes at all, and what of it. */
import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config.ts'

/** True when both mean the same, whatever files they were made from. */
export function sameConfig(a: Config, b: Config): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b))
}

/** True when a function may be run by something else than before, or a mistake about that may be none any more. */
export function hasOtherRuntimes(old: Config, next: Config): boolean {
  return !isDeepStrictEqual(saidOfRuntimes(old), saidOfRuntimes(next))
}

function saidOfRuntimes(config: Config): unknown {
  return { own: config.runtimes, overrides: overriddenRuntimes(config) }
}

function overriddenRuntimes(config: Config): unknown {
  return config.overrideNames.flatMap((name) => {
    const runtime = config.runtimeOf(name)
    return runtime === null ? [] : [[name, runtime]]
  })
}

/**
 * Names of the settings that differ and that only a restart can apply: addresses that are bound and the folder that
 * is in use. Everything else applies live.
 */
export function changedWithRestart(old: Config, next: Config): string[] {
  const changed = {
    'listen.host': old.listen.host !== next.listen.host,
    'listen.port': old.listen.port !== next.listen.port,
    'admin.host': old.admin.host !== next.admin.host,
    'admin.port': old.admin.port !== next.admin.port,
    state: old.stateDir !== next.stateDir,
  }
  return Object.entries(changed).flatMap(([name, differs]) => (differs ? [name] : []))
}

function comparable(config: Config): unknown {
  const {
    files: _files,
    functionSettings,
    layersOf: _layersOf,
    runtimeOf: _runtimeOf,
    secretsOf,
    secrets,
    ...plain
  } = config
  // What is secret does not show from outside: two of them would always be the same.
  const values = [...secrets].map(([place, one]) => [place, one.state === 'found' ? one.secret.reveal() : one.why])
  const given = ['', ...config.overrideNames].map((name) => secretsOf(name).given)
  const runtimesSaid = overriddenRuntimes(config)
  const overrides = config.overrideNames.map((name) => functionSettings(name))
  return { ...plain, values, given, runtimesSaid, overrides }
}
