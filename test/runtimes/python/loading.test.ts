/** Which handler a Python module is taken to have, where it finds its packages, and what is said when it cannot be loaded. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { CalledFunction } from '../node/formats/called.ts'

const PLAIN = "def handler(request):\n    return 'plain'\n"
const LAMBDA = "def lambda_handler(event, context):\n    return 'lambda'\n"
const WSGI = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'wsgi']\n"

function python(source: string, stated: object = {}): CalledFunction {
  return CalledFunction.of({ 'index.py': source }, { runtime: 'python', ...stated })
}

async function failureOf(called: CalledFunction): Promise<{ message: string; report?: Record<string, unknown> }> {
  const { failure } = await called.call()
  expect(failure).toMatchObject({ code: 'init-failed' })
  return { message: failure!.message, report: failure!.details.report as Record<string, unknown> | undefined }
}

/** A folder with these files, and a function of its `index.py`. */
function folderWith(files: Readonly<Record<string, string>>): { folder: string; called: () => CalledFunction } {
  const folder = mkdtempSync(join(tmpdir(), 'python-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const entry = pathToFileURL(join(folder, 'index.py')).href
  return { folder, called: () => new CalledFunction(entry, { runtime: 'python' }) }
}

test('more than one handler is an error that names the line to add', async () => {
  const { message } = await failureOf(python(PLAIN + WSGI))
  expect(message).toContain('"handler": "handler" or "handler": "app"')
})

test.each([
  ['app', 'wsgi'],
  ['lambda_handler', '"lambda"'],
  ['handler', 'plain'],
])('that line decides: %s', async (handler, answer) => {
  expect(await python(PLAIN + LAMBDA + WSGI, { handler }).text()).toBe(answer)
})

test('a platform’s path of module and name is understood', async () => {
  const { folder } = folderWith({ 'src/thing.py': LAMBDA, 'index.py': PLAIN })
  const entry = pathToFileURL(join(folder, 'index.py')).href
  const called = new CalledFunction(entry, {
    runtime: 'python',
    handler: 'src/thing.lambda_handler',
    readable: [folder],
  })
  expect(await called.text()).toBe('"lambda"')
})

test('a module without a handler says what it has and what it could', async () => {
  const { message } = await failureOf(python('import os\nanswer = 42\ndef help_me(): pass\n'))
  expect(message).toContain('the module has answer (int), help_me (function)')
  expect(message).toContain('def handler(request)')
})

test('a handler that takes what no format gives is asked about', async () => {
  const { message } = await failureOf(python('def app(*args):\n    pass\n'))
  expect(message).toContain('"format": one of handler, lambda, wsgi, asgi, vercel, openfaas')
})

test('an unknown format and a stated name that is not there name the ones there are', async () => {
  expect((await failureOf(python(PLAIN, { format: 'flask' }))).message).toContain('handler, lambda, wsgi, asgi')
  expect((await failureOf(python(PLAIN, { handler: 'main' }))).message).toContain('It has: handler (function)')
})

test('a syntax error is told with its line', async () => {
  const { report, message } = await failureOf(python('x = 1\ndef handler(request:\n    pass\n'))
  expect(message).toMatch(/^It cannot be loaded: SyntaxError: .* \(index\.py, line 2\)$/)
  expect(report).toMatchObject({ name: 'SyntaxError', line: 2 })
  expect(report!.file).toMatch(/index\.py$/)
  expect(report!.frame).toContain('> 2 | def handler(request:')
})

test('an error while importing is told with the author’s line, sys.exit too', async () => {
  const { message, report } = await failureOf(python('import json\n\njson.loads("{")\n'))
  expect(message).toContain('JSONDecodeError')
  expect(report).toMatchObject({ line: 3 })
  expect((await failureOf(python('import sys\nsys.exit("no")\n'))).message).toContain("It called sys.exit('no')")
})

test('a missing package says how to get it', async () => {
  expect((await failureOf(python('import no_such\n'))).message).toContain('python3 -m venv .venv')
  const listed = folderWith({ 'index.py': 'import no_such\n', 'requirements.txt': 'no_such\n' })
  const { message, report } = await failureOf(listed.called())
  expect(message).toContain("No module named 'no_such'. There is a requirements.txt, and no .venv")
  expect(report).toMatchObject({ line: 1 })
})

test.each(['.venv', 'venv'])('packages come from a virtual environment in the folder: %s', async (name) => {
  const { folder, called } = folderWith({
    'index.py': `
import sys, os, mine
def handler(request):
    return [mine.NAME, os.path.relpath(sys.prefix), any('dist-packages' in path for path in sys.path)]
`,
  })
  execFileSync('python3', ['-m', 'venv', '--without-pip', join(folder, name)])
  const packages = execFileSync(join(folder, name, 'bin/python'), [
    '-c',
    'import sysconfig; print(sysconfig.get_path("purelib"))',
  ])
  writeFileSync(join(packages.toString().trim(), 'mine.py'), "NAME = 'of the environment'\n")
  const [found, prefix, sees] = JSON.parse(await called().text()) as [string, string, boolean]
  expect([found, prefix.endsWith(name), sees]).toEqual(['of the environment', true, false])
})

test('an environment of another version takes over with its own interpreter', async () => {
  const { folder, called } = folderWith({
    'index.py': 'import sys\ndef handler(request):\n    return [sys.executable, request.text()]\n',
    '.venv/pyvenv.cfg': 'home = /nowhere\n',
    '.venv/lib/python3.99/site-packages/mine.py': '',
  })
  const real = execFileSync('python3', ['-c', 'import sys; print(sys.executable)']).toString().trim()
  mkdirSync(join(folder, '.venv/bin'))
  const python = join(folder, '.venv/bin/python')
  // An interpreter of that version is not to be had here: this one says that it is, as far as paths go.
  const claim = `import sys; sys.version_info = (3, 99) + tuple(sys.version_info)[2:]; sys.argv = sys.argv[[arg.endswith("main.py") for arg in sys.argv].index(True):]; import runpy; sys.path.insert(0, sys.argv[0].rpartition("/")[0]); runpy.run_path(sys.argv[0], run_name="__main__")`
  writeFileSync(python, `#!/bin/sh\nexec ${real} -B -c '${claim}' "$@"\n`, { mode: 0o755 })
  const answer = JSON.parse(await called().text({ method: 'POST', body: 'kept' })) as string[]
  expect(answer).toEqual([python, 'kept'])
})

test('an environment that sees the packages of another interpreter is run by that, a missing one named', async () => {
  const { folder, called } = folderWith({
    'index.py': 'import sys\ndef handler(request):\n    return [sys.executable, request.text()]\n',
  })
  const venv = join(folder, '.venv')
  execFileSync('python3', ['-m', 'venv', '--without-pip', '--system-site-packages', venv])
  const python = join(venv, 'bin/python')
  expect(JSON.parse(await called().text({ method: 'POST', body: 'at once' }))).toEqual([python, 'at once'])
  // The same, as if another installation of this very version had made it.
  const config = readFileSync(join(venv, 'pyvenv.cfg'), 'utf8')
  const real = realpathSync(python)
  writeFileSync(join(venv, 'pyvenv.cfg'), config.replace(/^home = .*$/m, 'home = /nowhere'))
  rmSync(python)
  expect((await failureOf(called())).message).toContain('its interpreter')
  writeFileSync(python, `#!/bin/sh\nexec ${real} "$@"\n`, { mode: 0o755 })
  expect(JSON.parse(await called().text({ method: 'POST', body: 'kept' }))).toEqual([python, 'kept'])
})

test('an environment of uv, and one of this version that has lost its interpreter, are used', async () => {
  const [version] = /\d+\.\d+/.exec(execFileSync('python3', ['--version']).toString())!
  const uv = 'home = /home/me/.local/share/uv/python/bin\nimplementation = CPython\nuv = 0.5.1\nversion_info = 3\n'
  const { folder, called } = folderWith({
    'index.py': 'import mine\ndef handler(request):\n    return mine.NAME\n',
    '.venv/pyvenv.cfg': `${uv}include-system-site-packages = false\nprompt = fn\n`,
    [`.venv/lib/python${version}/site-packages/mine.py`]: "NAME = 'of uv'\n",
    '.venv/bin/activate': '',
  })
  symlinkSync('/home/me/.local/share/uv/python/bin/python3', join(folder, '.venv/bin/python'))
  expect(await called().text()).toBe('of uv')
})

test('an environment whose interpreter is gone says how to make it anew', async () => {
  const { called } = folderWith({
    'index.py': PLAIN,
    '.venv/pyvenv.cfg': '',
    '.venv/lib/python3.99/site-packages/mine.py': '',
  })
  expect((await failureOf(called())).message).toContain('python3 -m venv --clear')
})

test('modules of the folder are found, packages are imported as such, and Python’s own names are no trouble', async () => {
  const { folder, called } = folderWith({
    'index.py': "import beside\ndef handler(request):\n    return beside.NAME + ' ' + __name__\n",
    'beside.py': "NAME = 'beside'\n",
    'site/__init__.py': '',
    'json.py': "def handler(request):\n    import json\n    return {'own': json.dumps(1)}\n",
    'pack/__init__.py': '',
    'pack/inner.py': 'from . import other\ndef handler(request):\n    return other.NAME\n',
    'pack/other.py': "NAME = 'relative'\n",
  })
  expect(await called().text()).toBe('beside index')
  const other = (file: string): CalledFunction =>
    new CalledFunction(pathToFileURL(join(folder, file)).href, { runtime: 'python', readable: [folder] })
  expect(await other('pack/inner.py').text()).toBe('relative')
  expect(await other('json.py').text()).toBe('{"own": "1"}')
})
