/** The bundler's process is replaced when it ends, and what it was doing is done again. */
import { globSync, readFileSync, readlinkSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { build, stop, transform } from '../../gateway/bundler.ts'
import { childrenOf } from '../../warmpool/resources/process-table.ts'

afterAll(stop)

function bundlers(): number[] {
  return childrenOf(process.pid)!.filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/exe`).endsWith('/esbuild')
    } catch {
      return false
    }
  })
}

const bundled = async (text: string, onLoad = (): void => {}): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents: `import 'x'; export default ${text}`, loader: 'js' },
    bundle: true,
    write: false,
    logLevel: 'silent',
    plugins: [
      {
        name: 'x',
        setup({ onResolve, onLoad: load }) {
          onResolve({ filter: /^x$/ }, () => ({ path: 'x', namespace: 'x' }))
          load({ filter: /.*/, namespace: 'x' }, () => {
            onLoad()
            return { contents: '' }
          })
        },
      },
    ],
  })
  return outputFiles[0]!.text
}

it('builds go on after the process was killed, idle or amid a build', async () => {
  await transform('1', {})
  const [first] = bundlers()
  process.kill(first!, 'SIGKILL')
  const answers = await Promise.all([transform('2 ', {}), bundled("'three'"), transform('4 ', {})])
  expect([answers[0].code, answers[1].includes('three'), answers[2].code]).toEqual(['2;\n', true, '4;\n'])
  let kills = 0
  const text = await bundled("'five'", () => {
    if (kills++ === 0) process.kill(bundlers()[0]!, 'SIGKILL')
  })
  expect(text).toContain('five')
  expect(bundlers()).toHaveLength(1)
})

it('says whose fault it is when it is lost again and again', async () => {
  const work = bundled("'six'", () => {
    for (const pid of bundlers()) process.kill(pid, 'SIGKILL')
  })
  await expect(work).rejects.toMatchObject({ name: 'BundlerLost' })
})

it('is the only door: other files import types of esbuild', () => {
  const root = new URL('../../', import.meta.url)
  const doors = globSync('gateway/**/*.ts', { cwd: root }).filter((file) =>
    /^import (?!type ).* from 'esbuild'|import\('esbuild'\)/m.test(readFileSync(new URL(file, root), 'utf8')),
  )
  expect(doors).toEqual(['gateway/bundler.ts'])
})
