/** Folders written for different platforms beside each other in one gateway, as their `function.json` or marks say. */
import { describe, expect, it } from 'vitest'
import { shareGateway } from './gateway-under-test.ts'

const PROGRAM = `
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ('program ' + self.path).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
`

const BOOTSTRAP = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while :; do
  id=$(curl -sS -D - -o /dev/null "$api/next" | tr -d '\\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  curl -sS -o /dev/null -d '"bootstrap"' "$api/$id/response"
done
`

describe('one gateway', () => {
  const gateway = shareGateway({
    functions: {
      lambda: {
        'src/app.mjs': 'export const run = async (event) => ({ statusCode: 201, body: event.rawPath })',
        'function.json': '{ "format": "lambda", "handler": "src/app.run" }',
      },
      plain: {
        'index.cjs': 'module.exports = (req, res) => res.end("plain " + req.url)',
        'function.json': '{ "format": "node", "routes": ["/whole/:id"] }',
      },
      'netlify.mjs':
        'export default (request, context) => new Response(context.params.city)\nexport const config = { path: "/travel/:city" }',
      vercel: {
        'index.mjs': 'export default (req, res) => res.status(202).json(req.query)',
        'function.json': '{ "format": "vercel" }',
      },
      openfaas: {
        'handler.js': 'module.exports = async (event, context) => context.status(203).succeed(event.path)',
        'function.json': '{ "format": "openfaas" }',
      },
      wsgi: {
        'app.py':
          "def app(environ, start):\n    start('200 OK', [])\n    return [b'wsgi ' + environ['PATH_INFO'].encode()]\n",
      },
      program: { 'server.py': PROGRAM, 'function.json': '{ "command": ["python3", "server.py"] }' },
      script: { bootstrap: BOOTSTRAP, 'function.json': '{ "runtime": "lambda", "command": ["sh", "bootstrap"] }' },
    },
  })

  it.each([
    ['/lambda/x', 201, '/x'],
    ['/plain/x?q=1', 200, 'plain /x?q=1'],
    ['/whole/7', 200, 'plain /whole/7'],
    ['/travel/rome', 200, 'rome'],
    ['/vercel?a=1', 202, '{"a":"1"}'],
    ['/openfaas/y', 203, '/y'],
    ['/wsgi/z', 200, 'wsgi /z'],
    ['/program/p', 200, 'program /p'],
    ['/script', 200, '"bootstrap"'],
  ])('%s', async (path, status, body) => {
    for (const _twice of [1, 2]) {
      const response = await gateway().fetch(path)
      expect([response.status, await response.text()]).toEqual([status, body])
    }
  })
})
