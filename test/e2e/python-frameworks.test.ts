/**
 * Flask, Starlette, FastAPI and Django as Debian packages them, through a real gateway. Where one is not installed its
 * tests are skipped, and say so; CI installs Flask, Starlette and Django.
 */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { shareGateway, startGateway } from './gateway-under-test.ts'

/** Its packages lie beside it, and whoever else is first on PATH has none of them. */
const PYTHON = '/usr/bin/python3'

const has = (module: string): boolean => spawnSync(PYTHON, ['-c', `import ${module}`]).status === 0

const FLASK = `
from flask import Flask, Response, jsonify, redirect, request, url_for
app = Flask(__name__)

@app.route('/')
def index():
    return url_for('item', number=3)

@app.route('/items/<int:number>', methods=['GET', 'POST'])
def item(number):
    return jsonify(number=number, sent=request.get_json(silent=True), args=request.args, method=request.method)

@app.route('/upload', methods=['POST'])
def upload():
    return f"{request.files['file'].filename} {len(request.files['file'].read())} {request.form['name']}"

@app.route('/stream')
def stream():
    return Response((f'{number}\\n' for number in range(3)), mimetype='text/plain')

@app.route('/away')
def away():
    return redirect(url_for('index'))

app.run(host='0.0.0.0')
`

const STARLETTE = `
import contextlib
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, StreamingResponse
from starlette.routing import Route

@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.base = 'open'
    print('lifespan began')
    yield
    print('lifespan is over')

async def index(request):
    return JSONResponse([request.app.state.base, (await request.body()).decode(), request.client.host])

async def stream(request):
    async def parts():
        for number in range(3):
            yield f'{number}\\n'
    return StreamingResponse(parts())

async def away(request):
    return RedirectResponse(request.url_for('index'))

app = Starlette(lifespan=lifespan, routes=[
    Route('/', index, methods=['GET', 'POST'], name='index'), Route('/stream', stream), Route('/away', away)])
`

const FASTAPI = `
from fastapi import BackgroundTasks, FastAPI
from pydantic import BaseModel
app = FastAPI()

class Item(BaseModel):
    name: str

@app.post('/items')
async def create(item: Item, tasks: BackgroundTasks):
    tasks.add_task(print, 'background', item.name)
    return item

@app.get('/number/{number}')
def number(number: int):
    return number + 1
`

const django = (kind: 'wsgi' | 'asgi'): string => `
from django.conf import settings
from django.core.${kind} import get_${kind}_application
from django.http import JsonResponse, StreamingHttpResponse
from django.urls import path

settings.configure(SECRET_KEY='test', ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'])

def index(request):
    return JsonResponse([request.path, request.GET.dict(), request.POST.dict()], safe=False)

def stream(request):
    return StreamingHttpResponse(f'{number}\\n' for number in range(3))

urlpatterns = [path('', index), path('stream', stream)]
application = get_${kind}_application()
`

/** As its tutorial has it: a package with a factory, and files of the app's own. */
const FLASKR = {
  'function.json': JSON.stringify({ runtime: 'python', handler: 'flaskr:create_app()', concurrency: 3 }),
  'instance/config.py': "GREETING = 'configured'\n",
  'flaskr/__init__.py': `
import os, threading
from flask import Flask
from . import names
barrier = threading.Barrier(3)
def create_app():
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_pyfile('config.py')
    os.makedirs(app.instance_path, exist_ok=True)
    with open(os.path.join(app.instance_path, 'file'), 'w') as file:
        file.write('kept')
    @app.route('/')
    def index():
        return [names.NAME, app.config['GREETING'], app.open_instance_resource('file').read().decode()]
    @app.route('/meet')
    def meet():
        barrier.wait(10)
        return 'met'
    return app
`,
  'flaskr/names.py': "NAME = 'flaskr'\n",
}

/** Of a gateway that finds Debian's interpreter first. */
const env = { PATH: `/usr/bin:${process.env.PATH}` }

const FLASK_IS_THERE = has('flask')
describe.skipIf(!FLASK_IS_THERE)(`Flask${FLASK_IS_THERE ? '' : ' (apt-get install python3-flask)'}`, () => {
  const gateway = shareGateway({ functions: { shop: { 'app.py': FLASK }, flaskr: FLASKR }, env })
  const text = async (path: string, init?: RequestInit) => (await gateway().fetch(path, init)).text()

  test('routes, JSON, forms with files, and streams', async () => {
    const headers = { 'content-type': 'application/json' }
    const sent = await text('/shop/items/3?x=1', { method: 'POST', headers, body: '{"a":[1]}' })
    expect(JSON.parse(sent)).toEqual({ number: 3, sent: { a: [1] }, args: { x: '1' }, method: 'POST' })
    const form = new FormData()
    form.set('name', 'Ada')
    form.set('file', new File(['x'.repeat(300_000)], 'x.txt'))
    expect(await text('/shop/upload', { method: 'POST', body: form })).toBe('x.txt 300000 Ada')
    expect(await text('/shop/stream')).toBe('0\n1\n2\n')
  })

  test('a package with a factory, a writable instance folder and threads', async () => {
    expect(JSON.parse(await text('/flaskr/'))).toEqual(['flaskr', 'configured', 'kept'])
    expect(await Promise.all([1, 2, 3].map(() => text('/flaskr/meet')))).toEqual(['met', 'met', 'met'])
  })

  test('links and redirects stay under the name of the function', async () => {
    expect(await text('/shop/')).toBe('/shop/items/3')
    const { status, headers } = await gateway().fetch('/shop/away', { redirect: 'manual' })
    expect([status, headers.get('location')]).toEqual([302, '/shop/'])
  })
})

const STARLETTE_IS_THERE = has('starlette')
describe.skipIf(!STARLETTE_IS_THERE)(`Starlette${STARLETTE_IS_THERE ? '' : ' (python3-starlette)'}`, () => {
  test('lifespan, bodies, streams, and links under the name of the function', async () => {
    const gateway = await startGateway({ functions: { star: { 'app.py': STARLETTE } }, env })
    const posted = await gateway.fetch('/star/', { method: 'POST', body: 'sent' })
    expect(await posted.json()).toEqual(['open', 'sent', '127.0.0.1'])
    expect(await (await gateway.fetch('/star/stream')).text()).toBe('0\n1\n2\n')
    const { headers } = await gateway.fetch('/star/away', { redirect: 'manual' })
    expect(headers.get('location')).toBe(`${gateway.address}/star/`)
    gateway.signal('SIGTERM')
    await gateway.ended()
    expect(gateway.log.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['lifespan began', 'lifespan is over']))
  })
})

const FASTAPI_IS_THERE = has('fastapi')
describe.skipIf(!FASTAPI_IS_THERE)(`FastAPI${FASTAPI_IS_THERE ? '' : ' (python3-fastapi)'}`, () => {
  test('models, functions without async, background tasks, and its own pages', async () => {
    const gateway = await startGateway({ functions: { api: { 'main.py': FASTAPI } }, env })
    const headers = { 'content-type': 'application/json' }
    const made = await gateway.fetch('/api/items', { method: 'POST', headers, body: '{"name":"Ada"}' })
    expect(await made.json()).toEqual({ name: 'Ada' })
    await gateway.logged(({ msg }) => msg === 'background Ada')
    expect((await gateway.fetch('/api/items', { method: 'POST', headers, body: '{}' })).status).toBe(422)
    expect(await (await gateway.fetch('/api/number/3')).text()).toBe('4')
    expect(await (await gateway.fetch('/api/docs')).text()).toContain("url: '/api/openapi.json'")
  })
})

const DJANGO_IS_THERE = has('django')
describe.skipIf(!DJANGO_IS_THERE)(`Django${DJANGO_IS_THERE ? '' : ' (python3-django)'}`, () => {
  const gateway = shareGateway({
    functions: { wsgi: { 'app.py': django('wsgi') }, asgi: { 'app.py': django('asgi') } },
    env,
  })
  test.each(['wsgi', 'asgi'])('as %s: paths, forms and streams', async (name) => {
    const text = async (path: string, init?: RequestInit) => (await gateway().fetch(`/${name}${path}`, init)).text()
    const body = new URLSearchParams({ sent: 'yes' })
    expect(JSON.parse(await text('/?a=b', { method: 'POST', body }))).toEqual([
      `/${name}/`,
      { a: 'b' },
      { sent: 'yes' },
    ])
    expect(await text('/stream')).toBe('0\n1\n2\n')
  })

  test.each(['wsgi', 'asgi'])('as %s: a form that comes in chunks, short and long', async (name) => {
    for (const length of [3, 300_000]) {
      const text = `sent=${'x'.repeat(length)}`
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const body = new Blob([text]).stream()
      const answer = await gateway().fetch(`/${name}/`, {
        method: 'POST',
        headers,
        body,
        duplex: 'half',
      } as RequestInit)
      expect(await answer.json()).toEqual([`/${name}/`, {}, { sent: 'x'.repeat(length) }])
    }
  })
})
