/** What a Python function sees of the runtime, what its children inherit, and what becomes of it when it misbehaves. */
import { expect, test } from 'vitest'
import { brokenInvariants } from '../../../warmpool/index.ts'
import { CalledFunction } from '../node/formats/called.ts'

const python = (source: string, stated: object = {}): CalledFunction =>
  CalledFunction.of({ 'index.py': source }, { runtime: 'python', ...stated })

test('nothing of the runtime is in a module’s names, on its path or its main module', async () => {
  const called = python(`
import sys
def handler(request):
    return [sorted(name for name in globals() if not name.startswith('__')),
            [path for path in sys.path if 'runtimes' in path], vars(sys.modules['__main__']).get('main'),
            sys.argv[0].endswith('index.py'), sys.pycache_prefix]
`)
  expect(JSON.parse(await called.text())).toEqual([['handler', 'sys'], [], null, true, null])
})

test('what it starts inherits neither the wire nor the journal', async () => {
  const called = python(`
import subprocess
def handler(request):
    listed = subprocess.run(['ls', '-l', '/proc/self/fd'], capture_output=True, close_fds=False, text=True).stdout
    return [mark for mark in ('socket:', '/dev/shm/wrangler-free', '/memfd:wrangler-free') if mark in listed] or 'neither'
`)
  expect(await called.text()).toBe('neither')
})

test('a fork that comes back from the handler is heard by nobody, and the worker serves on', async () => {
  const called = python(`
import os
def handler(request):
    child = os.fork()
    if child == 0:
        return 'of the child'
    return ['of the parent', os.waitpid(child, 0)[1]]
`)
  for (let turn = 0; turn < 3; turn++) expect(JSON.parse(await called.text())).toEqual(['of the parent', 0])
  expect(called.pool.status().functions[0]!.deaths).toEqual({})
})

test('processes of multiprocessing work, forked and spawned', async () => {
  const called = python(
    `
import multiprocessing
def double(n):
    return 2 * n
def handler(request):
    with multiprocessing.get_context(request.query['by']).Pool(1) as pool:
        return pool.map(double, [1, 2])
`,
    { writable: ['/dev/shm'] },
  )
  for (const by of ['fork', 'spawn']) expect(await called.text({ url: `/?by=${by}` })).toBe('[2, 4]')
})

test('the variables of the function, and no others, are there', async () => {
  const called = python(
    `import os\ndef handler(request):\n    return [os.environ.get('OWN'), os.environ.get('VITEST')]\n`,
    { env: { OWN: 'yes' } },
  )
  expect(JSON.parse(await called.text())).toEqual(['yes', null])
})

test('a worker that is gone in the middle of a call is replaced', async () => {
  const called = python(`
import os, signal
def handler(request):
    if request.path == '/die':
        os.kill(os.getpid(), signal.SIGSEGV)
    return 'alive'
`)
  expect(await called.text()).toBe('alive')
  const { failure } = await called.call({ url: '/die' })
  expect(failure).toMatchObject({ code: 'worker-died' })
  expect(await called.text()).toBe('alive')
})

test('what is registered for the end runs when the worker drains, whatever threads still do', async () => {
  const called = python(`
import atexit, threading
atexit.register(print, 'at the end')
def handler(request):
    threading.Thread(target=threading.Event().wait).start()
    return 'done'
`)
  expect(await called.text()).toBe('done')
  await called.pool.close(5_000)
  expect(called.log).toEqual(['at the end'])
})

test('Python and Node are live in one pool, each from blanks of its own', async () => {
  const called = python("def handler(request):\n    return 'python'\n")
  const { pool } = called
  pool.retune({ maxWorkers: 8, memoryBytes: Number.POSITIVE_INFINITY, blanks: 1, cgroups: 'auto' })
  expect(await called.text()).toBe('python')
  const task = new URL('../../warmpool/tasks/behave.mjs', import.meta.url)
  expect(await pool.run(task, { do: 'echo', value: 'node' })).toBe('node')
  expect(brokenInvariants(pool.status())).toEqual([])
})
