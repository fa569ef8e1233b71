/**
 * Installs a runtime into the state folder: npm fetches and checks the package, no script of it runs, the program is
 * started once to see that it works here, and only then the folder gets its name. What is interrupted is never used.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { findRuntime, type LocatedRuntime, RECORD_FILE, RUNTIMES_FOLDER, versionOf } from './located.ts'
import type { RuntimePackage } from './runtime-package.ts'

const NPM_ARGS = [
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-package-lock',
  '--save-exact',
  '--loglevel=error',
]

/** Throws an Error that says what happened and what to do, with nothing left behind. */
export async function installRuntime(stateDir: string, wanted: RuntimePackage): Promise<LocatedRuntime> {
  const { runtime, packageName, program } = wanted
  const all = join(stateDir, RUNTIMES_FOLDER)
  await mkdir(all, { recursive: true })
  const folder = await mkdtemp(join(all, '.unfinished-'))
  try {
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
    await npmInstall(folder, `${packageName}@${wanted.version}`)
    const inFolder = join('node_modules', packageName, program)
    const { version } = JSON.parse(await readFile(join(folder, 'node_modules', packageName, 'package.json'), 'utf8'))
    if (versionOf(join(folder, inFolder)) === null)
      throw new Error(`${packageName}@${version} was installed, and its program does not run on this machine.`)
    await writeFile(join(folder, RECORD_FILE), JSON.stringify({ runtime, version, packageName, program: inFolder }))
    await takePlace(folder, join(all, runtime))
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  return findRuntime(stateDir, runtime)!
}

/** Running workers keep the program that they have open. */
async function takePlace(folder: string, place: string): Promise<void> {
  const before = `${folder}-before`
  const hadOne = await rename(place, before).then(
    () => true,
    () => false,
  )
  await rename(folder, place)
  if (hadOne) await rm(before, { recursive: true, force: true })
}

async function npmInstall(folder: string, spec: string): Promise<void> {
  const npm = spawn('npm', ['install', '--prefix', folder, ...NPM_ARGS, spec], { stdio: ['ignore', 'ignore', 'pipe'] })
  const said = text(npm.stderr)
  const [code] = await once(npm, 'close').catch((error: Error) => {
    throw new Error(`npm cannot be started (${error.message}): it comes with Node, and has to be on PATH.`)
  })
  if (code !== 0) throw new Error(`npm could not install ${spec}:\n${(await said).trim()}`)
}
