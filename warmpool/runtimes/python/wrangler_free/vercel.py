"""Vercel's Python functions: a class `handler` made of http.server.BaseHTTPRequestHandler, or a WSGI app; and an `api` folder
of such, from which the path chooses as in Node."""
import http.client
import io
import re
from urllib.parse import parse_qsl, quote, unquote

from .call import NotAResponse, head_of

NAME, ONE, REST, OPTIONAL_REST = range(4)
SEGMENT = re.compile(r'\[(\[)?(\.\.\.)?([^\[\]]+)\](\])?$')
REFERENCE = re.compile(r':(\w+)[*+?]?|\$(\d+)')
# The gateway says these itself.
LEFT_OUT = {'connection', 'keep-alive', 'transfer-encoding', 'date'}


def class_handler(handler_class):
    """A handler for each call, with the request and its answer as bytes in the place of a connection."""
    def handle(call):
        lines = call.head.split('\n')
        body = b''.join(iter(call.read, b''))
        connection = _Connection(_request_bytes(lines, body))
        handler_class(connection, (_address_of(lines), 0), _Server(lines))
        status, fields, content = _answer_of(connection, lines[1])
        call.respond_long(status, head_of(fields), content)

    return handle


def _request_bytes(lines, body):
    head = [f'{lines[1]} {lines[2]} HTTP/1.1']
    for name, value in zip(lines[3::2], lines[4::2]):
        if name not in ('content-length', 'transfer-encoding', 'connection', 'expect'):
            head.append(f'{name}: {value}')
    if body or lines[1] not in ('GET', 'HEAD'):
        head.append(f'content-length: {len(body)}')
    head.append('connection: close')
    return '\r\n'.join(head).encode('latin-1') + b'\r\n\r\n' + body


def _address_of(lines):
    fields = dict(zip(lines[3::2], lines[4::2]))
    return fields.get('x-forwarded-for', '').rpartition(',')[2].strip() or '127.0.0.1'


def _answer_of(connection, method):
    if not connection.written:
        raise NotAResponse('The handler sent no response: call self.send_response(200), self.end_headers() and self.wfile.write(…)')
    response = http.client.HTTPResponse(_Connection(bytes(connection.written)), method=method)
    try:
        response.begin()
        content = response.read()
    except http.client.HTTPException as error:
        raise NotAResponse(f'What the handler sent is no response: {error!r}') from None
    fields = []
    for name, value in response.getheaders():
        if name.lower() not in LEFT_OUT:
            fields += (name.lower(), value)
    return response.status, fields, content


class _Connection:
    """As much of a socket as http.server and http.client ask for."""

    def __init__(self, incoming):
        self._incoming = incoming
        self.written = bytearray()

    def makefile(self, *_args, **_options):
        return io.BytesIO(self._incoming)

    def sendall(self, data):
        self.written += data

    def settimeout(self, _seconds):
        pass

    def close(self):
        pass


class _Server:
    """What handlers ask of `self.server`."""

    def __init__(self, lines):
        host = dict(zip(lines[3::2], lines[4::2])).get('host', 'localhost')
        self.server_name, _, port = host.partition(':')
        self.server_port = int(port) if port.isdigit() else 80
        self.server_address = (self.server_name, self.server_port)


def files_handler(handlers, rules):
    """`handlers`: by their paths in the folder, such as `api/users/[id].py`."""
    routes = sorted(((_segments_of(path), handle) for path, handle in handlers.items()), key=_rank)
    compiled = [(re.compile(rule['pattern']), rule) for rule in rules]

    def handle(call):
        lines = call.head.split('\n')
        redirect = _ruled(compiled, lines[2], range(300, 400))
        if redirect is not None:
            to, search, status = redirect[0], redirect[2], redirect[3]['status']
            location = to if '?' in to or not search else f'{to}?{search}'
            return call.respond(status, head_of(['location', location]))
        path, _, search = lines[2].partition('?')
        found, params = _found(routes, path)
        if found is None:
            rewrite = _ruled(compiled, lines[2], (200,))
            if rewrite is not None:
                to, values, _, rule = rewrite
                destination, _, added = to.partition('?')
                found, params = _found(routes, re.sub(r'(?:/index)?(?:\.py)?$', '', destination))
                if '[' in destination:
                    params = {}
                search = '&'.join(filter(None, (search, added)))
                if not REFERENCE.search(rule['to']):
                    params = {**params, **{name: unquote(value) for name, value in values.items() if not name.isdigit()}}
        if found is None:
            return call.respond(404, head_of(['content-type', 'text/plain; charset=utf-8']), b'The page could not be found\n\nNOT_FOUND\n')
        own = {name for name, _ in parse_qsl(search, keep_blank_values=True)}
        added = [f'{quote(name)}={quote(value)}' for name, value in params.items() if name not in own]
        query = '&'.join(filter(None, (search, *added)))
        lines[2] = f'{path}?{query}' if query else path
        call.head = '\n'.join(lines)
        return found(call)

    return handle


def _segments_of(path):
    parts = re.sub(r'(?:^|/)index$', '', path[:-len('.py')]).split('/')
    return [_segment(part) for part in parts if part]


def _segment(text):
    match = SEGMENT.match(text)
    if match is None:
        return NAME, text
    if match[2] is None:
        return ONE, match[3]
    return (REST if match[1] is None else OPTIONAL_REST), match[3]


def _rank(route):
    return [kind for kind, _ in route[0]]


def _found(routes, path):
    parts = [part for part in path.split('/') if part]
    for segments, handle in routes:
        params = _match(segments, parts)
        if params is not None:
            return handle, params
    return None, {}


def _match(segments, parts):
    params = {}
    for at, (kind, text) in enumerate(segments):
        if kind >= REST:
            rest = parts[at:]
            if not rest and kind == REST:
                return None
            if rest:
                params[text] = '/'.join(unquote(part) for part in rest)
            return params
        if at >= len(parts) or (kind == NAME and parts[at] != text):
            return None
        if kind == ONE:
            params[text] = unquote(parts[at])
    return params if len(parts) == len(segments) else None


def _ruled(compiled, target, statuses):
    """The first rule of these that matches: its destination, its values, the query, the rule."""
    path, _, search = target.partition('?')
    for pattern, rule in compiled:
        match = pattern.search(path) if rule['status'] in statuses else None
        if match is not None:
            values = {name: value or '' for name, value in zip(rule['names'], match.groups())}
            to = REFERENCE.sub(lambda found: values.get(found[1] or found[2], '' if found[2] else found[0]), rule['to'])
            return to, values, search, rule
    return None
