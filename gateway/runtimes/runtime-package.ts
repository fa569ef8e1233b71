/**
 * Which npm package holds the program of a runtime on this machine. Each is the package that others are installed by
 * (`node`, `bun`, `deno` choose theirs in a script): taken directly, no script has to run. Pure.
 */

export interface RuntimePackage {
  /** As functions name it: `node@24`, `bun`, `deno`. */
  readonly runtime: string
  readonly packageName: string
  /** What is asked of npm: a version or a tag. */
  readonly version: string
  /** The program inside the package. */
  readonly program: string
}

export interface Machine {
  readonly platform: NodeJS.Platform
  readonly arch: string
  readonly isMusl: boolean
}

const LOWEST_NODE = 22

/** Throws an Error that says what may be written. */
export function runtimePackage(written: string, { platform, arch, isMusl }: Machine): RuntimePackage {
  const [, name, version] = /^(node|bun|deno)(?:@(\d+(?:\.\d+){0,2}))?$/.exec(written) ?? []
  if (name === undefined) throw new Error(`"${written}" is no runtime. There are: node@24, bun, deno, bun@1.4.5.`)
  if (name === 'node') {
    if (version === undefined)
      throw new Error('Say which Node: node@24. `node` alone is the one that runs the gateway.')
    const major = Number.parseInt(version, 10)
    if (major < LOWEST_NODE)
      throw new Error(`Node ${major} is too old: ${LOWEST_NODE} is the lowest that can be a worker.`)
    if (isMusl) throw new Error('npm has no Node for musl: install it and put it on PATH.')
    return { runtime: `node@${major}`, packageName: `node-${platform}-${arch}`, version, program: 'bin/node' }
  }
  const asked = { runtime: name, version: version ?? 'latest' }
  const ofArm = arch === 'arm64'
  if (name === 'bun')
    return {
      ...asked,
      packageName: `@oven/bun-${platform}-${ofArm ? 'aarch64' : arch}${isMusl ? '-musl' : ''}`,
      program: 'bin/bun',
    }
  if (isMusl) throw new Error('npm has no Deno for musl: install it and put it on PATH.')
  return { ...asked, packageName: `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`, program: 'deno' }
}

export function thisMachine(): Machine {
  const { platform, arch } = process
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return { platform, arch, isMusl: platform === 'linux' && header.glibcVersionRuntime === undefined }
}
