/**
 * The package as users get it: packed, installed into an empty folder, and used there from the command line, from a
 * configuration file, as a library and by the type checker. It asks the npm registry, so it runs in CI and by
 * `npm run test:package` only.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const isWanted = process.env.CI === 'true' || process.env.TEST_PACKAGE === '1'
const INSTALL_TIMEOUT_MS = 240_000

/**
 * The runtime that runs this test and the system's own tools: nothing of the repository's node_modules, and nothing of
 * the npm that started the test. What is left says how to reach the registry.
 */
const env = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_ENV$|VITEST|INIT_CWD$)/.test(name)),
  ),
  PATH: [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(':'),
  npm_config_audit: 'false',
  npm_config_fund: 'false',
}

const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "customer", "private": true, "type": "module" }\n',
  'functions/hello.ts': 'export default { fetch: (): Response => new Response("hello from a package\\n") }\n',
  'wrangler-free.config.ts': `import { defineConfig } from 'wrangler-free'
export default defineConfig({ listen: { port: 0 }, admin: { port: 0 }, pool: { blanks: 1 } })
`,
  'double.mjs': 'export default (input) => input.map((n) => n * 2)\n',
  'pool.mts': `import { InvocationFailure, WarmPool } from 'wrangler-free/warmpool'
const pool = new WarmPool({ maxWorkers: 2, blanks: 1, defaults: { concurrency: 1 } })
pool.on('death', ({ pid, reason }) => { const line: string = \`\${pid} \${reason}\`; void line })
try {
  const output = await pool.run(new URL('./double.mjs', import.meta.url), [1, 2, 3], { timeout: 10_000 })
  const live: number = pool.status().pool.workers
  console.log(JSON.stringify({ output, isRunning: live > 0 }))
} catch (error) {
  console.log(error instanceof InvocationFailure ? error.code : error)
}
await pool.close()
`,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: 'es2024',
      module: 'nodenext',
      lib: ['es2024', 'esnext.disposable'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: ['*.mts', '*.ts', 'functions'],
  }),
}

describe.skipIf(!isWanted)('the package, installed into an empty folder', () => {
  const folder = isWanted ? mkdtempSync(join(tmpdir(), 'wrangler-free-package-')) : ''
  const customer = join(folder, 'customer')
  const installed = join(customer, 'node_modules')
  let packed: string[] = []

  const run = (file: string, ...args: string[]): string =>
    execFileSync(file, args, {
      cwd: customer,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: INSTALL_TIMEOUT_MS,
    })

  beforeAll(() => {
    execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz'))!)
    packed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(customer, path)), { recursive: true })
      writeFileSync(join(customer, path), text)
    }
    run('npm', 'install', tarball)
  }, INSTALL_TIMEOUT_MS)

  afterAll(() => {
    if (isWanted) rmSync(folder, { recursive: true, force: true })
  })

  it('holds built code, declarations and documents, and no sources', () => {
    const sources = packed.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
    expect(sources).toEqual([])
    const tops = new Set(packed.map((path) => path.split('/')[1]))
    expect([...tops].sort()).toEqual(['LICENSE', 'README.md', 'dist', 'docs', 'package.json'])
  })

  it('brings no development dependency along', () => {
    for (const name of ['node', 'typescript', 'vitest', 'sharp', '@biomejs']) {
      expect(existsSync(join(installed, name)), name).toBe(false)
    }
  })

  it('has the command that npx finds', () => {
    expect(run('npx', '--no', '--', 'wrangler-free', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(run('npx', '--no', '--', 'wrangler-free', '--help')).toContain('wrangler-free serve')
  })

  it('serves a folder by a configuration that imports wrangler-free, and stops on SIGTERM', async () => {
    const gateway = spawn(join(installed, '.bin/wrangler-free'), ['serve'], {
      cwd: customer,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const url = await firstCall(gateway)
      const response = await fetch(url)
      expect(await response.text()).toBe('hello from a package\n')
    } finally {
      gateway.kill('SIGTERM')
    }
    const [code] = await once(gateway, 'exit')
    expect(code).toBe(0)
  })

  it('is a pool for any program through wrangler-free/warmpool', () => {
    expect(JSON.parse(run('node', 'pool.mts'))).toEqual({ output: [2, 4, 6], isRunning: true })
  })

  it('has types that a strict project accepts', () => {
    const tsc = join(root, 'node_modules/.bin/tsc')
    expect(() => run(tsc, '-p', '.')).not.toThrow()
    writeFileSync(
      join(customer, 'mistake.mts'),
      "import { WarmPool } from 'wrangler-free/warmpool'\nnew WarmPool({ maxWorkers: 'two' })\n",
    )
    expect(() => run(tsc, '-p', '.')).toThrow(/Command failed/)
  })
})

/** The address that the gateway suggests to call. */
async function firstCall(gateway: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: gateway.stdout! })) {
    const found = /curl (http:\S+)/.exec(line)?.[1]
    if (found !== undefined) return found
  }
  throw new Error('The gateway ended before it told an address')
}
