"""OpenFaaS's Python templates: `handle(event, context)` of python3-http and `handle(req)` of python3-flask. Answers mean what
they mean there, where Flask makes them."""
import json
import os
import socket
from urllib.parse import parse_qsl

from .call import NotAResponse, head_of
from .request import Fields
from .response import describe

HTML = 'text/html; charset=utf-8'
JSON = 'application/json'
BYTES = 'application/octet-stream'


def openfaas_handler(handle, takes_event):
    respond = _event_call if takes_event else _body_call
    return lambda call: call.respond_long(*respond(handle, call))


class Event:
    def __init__(self, lines, body):
        path, _, query = lines[2].partition('?')
        self.body = body
        self.headers = Fields(list(zip(lines[3::2], lines[4::2])), str.lower)
        self.method = lines[1]
        self.query = Fields(parse_qsl(query, keep_blank_values=True))
        self.path = path


class Context:
    def __init__(self):
        self.hostname = os.environ.get('HOSTNAME') or socket.gethostname()


def _event_call(handle, call):
    body = b''.join(iter(call.read, b''))
    result = handle(Event(call.head.split('\n'), body), Context())
    if not isinstance(result, dict):
        return _answer(result)
    headers = result.get('headers') or {}
    return _answer((result.get('body', ''), result.get('statusCode', 200), headers))


def _body_call(handle, call):
    body = b''.join(iter(call.read, b''))
    is_raw = os.environ.get('RAW_BODY', 'false').lower() in ('true', '1')
    return _answer(handle(body if is_raw else body.decode(errors='replace')))


def _answer(result):
    """Of a body alone, of a body with a status, headers or both, and of a Response of Flask's."""
    status, headers = 200, {}
    if isinstance(result, tuple) and len(result) == 3:
        result, status, headers = result
    elif isinstance(result, tuple) and len(result) == 2:
        result, second = result
        if isinstance(second, (dict, list)):
            headers = second
        else:
            status = second
    if hasattr(result, 'get_data') and hasattr(result, 'status_code'):
        if status == 200:
            status = result.status_code
        headers = [*result.headers.items(), *_pairs(headers)]
        result = result.get_data()
    content, usual = _content(result)
    fields = []
    for name, value in _pairs(headers):
        if name.lower() != 'content-length':
            fields += (name.lower(), str(value))
    if content and 'content-type' not in fields[::2]:
        fields += ('content-type', usual)
    return _status(status), head_of(fields), content


def _pairs(headers):
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(str(name), value) for name, value in pairs]


def _content(body):
    if body is None:
        return b'', HTML
    if isinstance(body, (bytes, bytearray)):
        return bytes(body), BYTES
    if isinstance(body, (dict, list)):
        try:
            return json.dumps(body).encode(), JSON
        except (TypeError, ValueError) as error:
            raise NotAResponse(f'The handler returned what is no JSON: {error}') from None
    return str(body).encode(), HTML


def _status(status):
    try:
        number = int(status)
    except (TypeError, ValueError):
        number = 0
    if not 200 <= number <= 599:
        raise NotAResponse(f'The status is {describe(status)}, and must be a number from 200 to 599')
    return number
