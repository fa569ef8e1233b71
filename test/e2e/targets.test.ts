/** Which function a request reaches, and what that function sees of path and host: the same in every format. */
import { expect, test } from 'vitest'
import { stateOf, tokenOf } from './deploying.ts'
import { type GatewayUnderTest, shareGateway, startGateway } from './gateway-under-test.ts'
import { RawConnection } from './raw-connection.ts'

const FUNCTIONS = {
  // Takes what no route has.
  site: `export default (request) => new Response('site ' + request.url)`,
  guard: `export default (request) => new Response('guard ' + request.url)`,
  node: {
    'index.cjs': `module.exports = (req, res) => res.end('node ' + req.url)`,
    'function.json': '{"format":"node"}',
  },
  lambda: `export const handler = async (event) => ({ statusCode: 200, body: 'lambda ' + event.rawPath })`,
  plain: {
    'main.py': `def handler(request):\n    return 'plain ' + request.path\n`,
    'function.json': '{"runtime":"python"}',
  },
  wsgi: {
    'main.py': `def app(environ, start_response):
    start_response('200 OK', [('content-type', 'text/plain')])
    return [('wsgi ' + environ['PATH_INFO']).encode()]
`,
    'function.json': '{"runtime":"python","handler":"main:app"}',
  },
  program: {
    'main.mjs': `import { createServer } from 'node:http'
createServer((req, res) => res.end('program ' + req.url)).listen(process.env.SOCKET ?? process.env.PORT)
`,
    'function.json': JSON.stringify({ runtime: 'http', command: [process.execPath, 'main.mjs'] }),
  },
}
const FORMATS = ['node', 'lambda', 'plain', 'wsgi', 'program']

const gateway = shareGateway({
  functions: FUNCTIONS,
  config: {
    routes: [
      { path: '/*', function: 'site' },
      { path: '/admin/*', function: 'guard' },
      { path: '/*', host: 'Guarded.Example.', function: 'guard' },
      ...FORMATS.map((name) => ({ path: `/in-${name}/*`, function: name })),
    ],
  },
})

/** The body of the answer; the target and the Host are sent as they are. */
async function answer(target: string, host = 'here', to: GatewayUnderTest = gateway(), more = ''): Promise<string> {
  const connection = await to.connect()
  const response = await connection.send(`GET ${target} HTTP/1.1\r\nhost: ${host}\r\n${more}\r\n`).response()
  connection.close()
  return response.body
}

test.for([
  '/public/../admin/url',
  '/public/%2e%2e/admin/url',
  '/public/.%2E/admin/url',
  '/public/..\\admin/url',
  '/public\\../admin/url',
  '/./admin/url',
  '/%61dmin/url',
  '/site/../admin/url',
])('RFC 3986, 6.2.2: %s is /admin/url, for its route and for the function', async (target) => {
  expect(await answer(target)).toBe('guard http://here/admin/url')
})

test.for(FORMATS)(
  'RFC 3986, 6.2.2: a function of the format %s sees the path that its route was found by',
  async (name) => {
    for (const target of [`/x/../in-${name}/%75rl`, `/x/%2e%2e/in-${name}/./url`, `/in-${name}/y/..\\url`])
      expect(await answer(target), target).toBe(`${name} /in-${name}/url`)
    // What names the parent of a function's mount is not that function's.
    expect(await answer(`/${name}/%2e%2e/admin/url`)).toBe('guard http://here/admin/url')
  },
)

test('RFC 3986, 6.2.2: the same holds for the paths of the admin address', async () => {
  for (const path of ['/v1/functions/../functions/node', '/v1/functions/%2e%2e/functions/%6eode']) {
    const connection = await RawConnection.open(gateway().adminAddress)
    const token = tokenOf(stateOf(gateway()))
    connection.send(`GET ${path} HTTP/1.1\r\nhost: here\r\nauthorization: Bearer ${token}\r\n\r\n`)
    expect(JSON.parse((await connection.response()).body)).toMatchObject({ name: 'node' })
    connection.close()
  }
})

test('a query stays as it was sent', async () => {
  expect(await answer("/in-node/a?%61=../b&c='%7e")).toBe("node /in-node/a?%61=../b&c='%7e")
})

test('RFC 9110, 4.2.3: a route of a host holds for it in any case, with and without a dot at its end', async () => {
  for (const host of ['guarded.example', 'GUARDED.example', 'guarded.example.', 'Guarded.Example.:80'])
    expect(await answer('/', host), host).toMatch(/^guard /)
  expect(await answer('/', 'unguarded.example')).toMatch(/^site /)
})

test('RFC 9112, 3.2.2: the host of a target in absolute form takes the place of the Host header', async () => {
  expect(await answer('http://guarded.example/a', 'here')).toBe('guard http://guarded.example/a')
  expect(await answer('http://there:80/a', 'here')).toBe('site http://there/a')
  expect(await answer('http://here:80/a', 'here')).toBe('site http://here/a')
  expect(await answer('http://There:81/a', 'guarded.example')).toBe('site http://there:81/a')
})

test('RFC 3986, 3.2.2: a host that is legal stays in request.url, though new URL would refuse it', async () => {
  for (const host of ['256.256.256.256', 'a%00b', '1.2.3.4.5:81'])
    expect(await answer('/a', host)).toBe(`site http://${host}/a`)
})

const ECHO = `export default (request) => Response.json({ url: request.url, ...Object.fromEntries(request.headers) })`
const OF_PROXIES =
  'forwarded: for=9.9.9.9\r\nx-real-ip: 9.9.9.9\r\nx-forwarded-for: 9.9.9.9\r\nx-forwarded-port: 9\r\n' +
  'x-forwarded-host: Outer.example:8443, middle\r\nx-forwarded-proto: https, http\r\n'

async function headersSeen(trustProxy: boolean): Promise<object> {
  const routes = [{ path: '/*', host: 'outer.example', function: 'echo' }]
  const one = await startGateway({ functions: { echo: ECHO }, config: { listen: { trustProxy }, routes } })
  return JSON.parse(await answer(trustProxy ? '/' : '/echo', 'inner', one, OF_PROXIES)) as object
}

test('RFC 7239, 8.1: what callers say as if they were proxies reaches nobody', async () => {
  const seen = await headersSeen(false)
  expect(seen).toMatchObject({ url: 'http://inner/', host: 'inner', 'x-forwarded-proto': 'http' })
  expect(JSON.stringify(seen)).not.toMatch(/9\.9\.9\.9|outer/i)
  for (const name of ['forwarded', 'x-real-ip', 'x-forwarded-port', 'x-forwarded-host'])
    expect(seen).not.toHaveProperty(name)
})

test('trustProxy: what the proxy says of caller, scheme and host is what holds, for routes and for request.url', async () => {
  expect(await headersSeen(true)).toMatchObject({
    url: 'https://outer.example:8443/',
    host: 'Outer.example:8443',
    forwarded: 'for=9.9.9.9',
    'x-real-ip': '9.9.9.9',
    'x-forwarded-for': expect.stringMatching(/^9\.9\.9\.9, (::ffff:)?127\.0\.0\.1$/),
    'x-forwarded-port': '9',
    'x-forwarded-proto': 'https',
  })
})
