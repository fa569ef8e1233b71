"""ASGI 3: an `async def app(scope, receive, send)`, as Starlette, FastAPI, Quart and Django give it, with its lifespan.
Request bodies come in as they arrive, answers go out at the pace of whoever reads them."""
import asyncio
from urllib.parse import unquote

from .call import CallerLeft, NotAResponse, head_of
from .wire import INITIAL_WINDOW_BYTES

VERSION = {'version': '3.0', 'spec_version': '2.3'}


class LifespanFailed(RuntimeError):
    """The app said that it could not start."""


class Lifespan:
    """The app's start and end. An app that knows no lifespan is served without one, as the specification has it."""

    def __init__(self, app):
        self._app = app
        self.state = {}
        self._messages = asyncio.Queue()
        self._started = None
        self._ended = None
        self._task = None

    async def startup(self):
        loop = asyncio.get_running_loop()
        self._started = loop.create_future()
        self._ended = loop.create_future()
        self._task = loop.create_task(self._run())
        self._messages.put_nowait({'type': 'lifespan.startup'})
        failure = await self._started
        if failure is not None:
            raise LifespanFailed(f'The app could not start: {failure}')

    async def shutdown(self):
        if self._task.done():
            return
        self._messages.put_nowait({'type': 'lifespan.shutdown'})
        await self._ended

    async def _run(self):
        scope = {'type': 'lifespan', 'asgi': VERSION, 'state': self.state}
        try:
            await self._app(scope, self._messages.get, self._send)
        except Exception:
            pass
        finally:
            for future in (self._started, self._ended):
                if not future.done():
                    future.set_result(None)

    async def _send(self, message):
        kind = message['type']
        if kind == 'lifespan.startup.complete':
            _settle(self._started, None)
        elif kind == 'lifespan.startup.failed':
            _settle(self._started, message.get('message') or 'it sent lifespan.startup.failed')
        elif kind.startswith('lifespan.shutdown'):
            if kind.endswith('failed'):
                print(f'The app could not shut down: {message.get("message", "")}')
            _settle(self._ended, None)


def _settle(future, value):
    if not future.done():
        future.set_result(value)


def asgi_handler(app, lifespan):
    async def handle(call):
        answer = _Answer(call)
        try:
            await app(_scope(call, lifespan), answer.receive, answer.send)
        except CallerLeft:
            if not call.is_cancelled:
                raise
        answer.close()

    return handle


def _scope(call, lifespan):
    lines = call.head.split('\n')
    path, _, query = lines[2].partition('?')
    headers = []
    host = 'localhost'
    client = None
    root = ''
    for at in range(3, len(lines) - 1, 2):
        name, value = lines[at], lines[at + 1]
        headers.append((name.encode('latin-1'), value.encode('latin-1')))
        if name == 'host':
            host = value
        elif name == 'x-forwarded-for':
            client = (value.rpartition(',')[2].strip(), 0)
        elif name == 'x-forwarded-prefix':
            # What the gateway has taken off the path: without it an app's own links would lead past the function.
            root = unquote(value)
    name, _, port = host.rpartition(':')
    is_port = port.isdigit()
    scheme = 'https' if call.is_secure else 'http'
    return {
        'type': 'http',
        'asgi': VERSION,
        'http_version': '1.1',
        'method': lines[1],
        'scheme': scheme,
        'path': unquote(path),
        'raw_path': path.encode('latin-1'),
        'query_string': query.encode('latin-1'),
        'root_path': root,
        'headers': headers,
        'client': client,
        'server': (name if is_port else host, int(port) if is_port else 443 if scheme == 'https' else 80),
        'state': lifespan.state.copy(),
    }


class _Answer:
    """One call's `receive` and `send`."""

    def __init__(self, call):
        self._call = call
        self._status = 0
        self._head = b''
        self._is_body_read = False
        self._is_begun = False
        self._is_over = False
        self._is_dropped = False

    async def receive(self):
        call = self._call
        if self._is_body_read or call.is_cancelled:
            while not (call.is_cancelled or call.is_done):
                await call.wait()
            return {'type': 'http.disconnect'}
        try:
            chunk = await call.read()
        except CallerLeft:
            return {'type': 'http.disconnect'}
        # Whether more comes is not known before it does: an empty part ends it then.
        more = not call.is_body_ended
        self._is_body_read = not more
        return {'type': 'http.request', 'body': chunk, 'more_body': more}

    async def send(self, message):
        kind = message['type']
        if kind == 'http.response.start':
            self._start(message)
        elif kind == 'http.response.body':
            await self._body(message)
        else:
            raise RuntimeError(f'The app sent {kind}, which is not known here')

    def close(self):
        """The app has returned."""
        if self._is_over:
            return
        if self._call.is_cancelled:
            self._call.fail(CallerLeft())
        elif self._status == 0:
            raise NotAResponse('The app returned without sending http.response.start')
        else:
            raise NotAResponse('The app returned before the last http.response.body (more_body was true)')

    def _start(self, message):
        if self._status:
            raise RuntimeError('The app sent http.response.start twice')
        status = message['status']
        if not 200 <= status <= 599:
            raise NotAResponse(f'The status is {status!r}, and must be a number from 200 to 599')
        fields = []
        for name, value in message.get('headers') or ():
            fields += (bytes(name).decode('latin-1').lower(), bytes(value).decode('latin-1'))
        self._head = head_of(fields)
        self._status = status

    async def _body(self, message):
        if self._status == 0:
            raise RuntimeError('The app sent http.response.body before http.response.start')
        if self._is_over:
            raise RuntimeError('The app sent a body after its end')
        call = self._call
        body = message.get('body', b'')
        more = message.get('more_body', False)
        if not self._is_begun and not more and len(body) <= INITIAL_WINDOW_BYTES:
            self._is_over = True
            return call.respond(self._status, self._head, body)
        if not self._is_begun:
            self._is_begun = True
            self._is_dropped = not call.begin(self._status, self._head)
        if body and not self._is_dropped:
            await call.write(body)
        if not more:
            self._is_over = True
            call.finish()
