"""WSGI (PEP 3333): an `app(environ, start_response)`, as Flask, Django, Bottle and Falcon give it."""
import io
import shutil
import sys
import tempfile
from urllib.parse import unquote

from .call import NotAResponse, head_of
from .wire import INITIAL_WINDOW_BYTES

# Names as environ has them, so that most are never made twice. Bounded: callers choose them.
_names = {'content-type': 'CONTENT_TYPE', 'content-length': 'CONTENT_LENGTH'}
MOST_NAMES = 1000
# Of a body whose length has to be found out; more of it is in the temporary folder.
MOST_IN_MEMORY = 1024 * 1024


def wsgi_handler(app, is_threaded):
    base = {
        'SERVER_PROTOCOL': 'HTTP/1.1',
        'wsgi.version': (1, 0),
        'wsgi.errors': sys.stderr,
        'wsgi.multithread': is_threaded,
        'wsgi.multiprocess': True,
        'wsgi.run_once': False,
        # A body without a length ends where it ends.
        'wsgi.input_terminated': True,
    }
    return lambda call: _Answer(call).run(app, _environ(base, call))


def _environ(base, call):
    lines = call.head.split('\n')
    environ = base.copy()
    path, _, environ['QUERY_STRING'] = lines[2].partition('?')
    environ['REQUEST_METHOD'] = lines[1]
    environ['PATH_INFO'] = unquote(path, 'latin-1') if '%' in path else path
    environ['wsgi.url_scheme'] = scheme = 'https' if call.is_secure else 'http'
    environ['wsgi.input'] = io.BytesIO(call.take_whole()) if call.is_body_whole else io.BufferedReader(_Body(call))
    for at in range(3, len(lines) - 1, 2):
        line = lines[at]
        # x_forwarded_host would pass for X-Forwarded-Host: environ cannot tell them apart.
        if '_' in line:
            continue
        name = _names.get(line) or _environ_name(line)
        value = lines[at + 1]
        if name in environ:
            value = environ[name] + ('; ' if name == 'HTTP_COOKIE' else ',') + value
        environ[name] = value
    # What the gateway has taken off the path: without it an app's own links would lead past the function.
    environ['SCRIPT_NAME'] = unquote(environ.get('HTTP_X_FORWARDED_PREFIX', ''), 'latin-1')
    host, _, port = environ.get('HTTP_HOST', 'localhost').rpartition(':')
    if not port.isdigit():
        host, port = environ.get('HTTP_HOST', 'localhost'), '443' if scheme == 'https' else '80'
    environ['SERVER_NAME'] = host
    if 'CONTENT_LENGTH' not in environ:
        _measure(environ, call)
    environ['SERVER_PORT'] = port
    environ['REMOTE_ADDR'] = environ.get('HTTP_X_FORWARDED_FOR', '').rpartition(',')[2].strip()
    return environ


def _measure(environ, call):
    """A body that came in chunks has no length of its own, and most frameworks read none that has none."""
    body = environ['wsgi.input']
    if not call.is_body_whole or not isinstance(body, io.BytesIO):
        spooled = tempfile.SpooledTemporaryFile(MOST_IN_MEMORY)
        shutil.copyfileobj(body, spooled)
        spooled.seek(0)
        environ['wsgi.input'] = body = spooled
    body.seek(0, io.SEEK_END)
    length = body.tell()
    body.seek(0)
    if length > 0:
        environ['CONTENT_LENGTH'] = str(length)


def _environ_name(header):
    name = 'HTTP_' + header.upper().replace('-', '_')
    if len(_names) < MOST_NAMES:
        _names[header] = name
    return name


class _Body(io.RawIOBase):
    """A body that is still coming."""

    def __init__(self, call):
        self._call = call
        self._rest = memoryview(b'')

    def readable(self):
        return True

    def readinto(self, memory):
        if not self._rest:
            self._rest = memoryview(self._call.read())
        count = min(len(memory), len(self._rest))
        memory[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class _Answer:
    """One call's `start_response` and `write`."""

    def __init__(self, call):
        self._call = call
        self._status = 0
        self._head = b''
        self._length = None
        self._is_begun = False
        self._wants_body = True

    def run(self, app, environ):
        parts = app(environ, self.start_response)
        try:
            self._send(parts)
        finally:
            close = getattr(parts, 'close', None)
            if close is not None:
                close()
        self._call.finish()

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self._is_begun:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._status:
            raise AssertionError('start_response was called twice without exc_info')
        fields = []
        self._length = None
        for name, value in headers:
            name = name.lower()
            if name == 'content-length':
                self._length = int(value)
            fields += (name, value)
        self._head = head_of(fields)
        self._status = _status(status)
        return self.write

    def write(self, body):
        self._begin()
        if self._wants_body:
            self._call.write(body)

    def _send(self, parts):
        if type(parts) in (list, tuple) and self._status and not self._is_begun:
            body = parts[0] if len(parts) == 1 else b''.join(parts)
            if len(body) <= INITIAL_WINDOW_BYTES:
                return self._whole(body)
            parts = (body,)
        for part in parts:
            if not part:
                continue
            if not self._is_begun and len(part) == self._length and len(part) <= INITIAL_WINDOW_BYTES:
                self._whole(part)
            else:
                self.write(part)
        if not self._is_begun:
            self._whole(b'')

    def _whole(self, body):
        self._check_started()
        self._is_begun = True
        self._wants_body = False
        self._call.respond(self._status, self._head, body)

    def _begin(self):
        if self._is_begun:
            return
        self._check_started()
        self._is_begun = True
        self._wants_body = self._call.begin(self._status, self._head)

    def _check_started(self):
        if not self._status:
            raise NotAResponse('The WSGI app gave a body without calling start_response')


def _status(text):
    try:
        status = int(text[:3])
    except (TypeError, ValueError):
        status = 0
    if not 200 <= status <= 599:
        raise NotAResponse(f'The status is {text!r}, and must begin with a number from 200 to 599')
    return status
