"""What plain handlers return, and what becomes of it on the wire: a status, a head, and bytes or parts that follow."""
import json

from .call import NotAResponse, head_of

TEXT = b'content-type\ntext/plain;charset=UTF-8'
BYTES = b'content-type\napplication/octet-stream'
JSON = b'content-type\napplication/json'
PARTS = (str, bytes, bytearray, memoryview)
WHAT = 'str, bytes, a dict or list (JSON), (body, status[, headers]), a Response, or a generator of parts'


class Response:
    """An answer with a status and headers: `headers` is a dict, or pairs where a name comes more than once."""

    __slots__ = ('body', 'status', 'headers')

    def __init__(self, body='', status=200, headers=None, content_type=None):
        self.body = body
        self.status = status
        pairs = list(headers.items() if hasattr(headers, 'items') else headers or ())
        self.headers = pairs if content_type is None else [('content-type', content_type), *pairs]


def outgoing(value):
    """(status, head, body): body is bytes, or what yields parts. Raises NotAResponse."""
    kind = type(value)
    if kind is str:
        return 200, TEXT, value.encode()
    if kind is dict or kind is list:
        return 200, JSON, _json(value)
    if kind is tuple:
        if not 2 <= len(value) <= 3:
            raise NotAResponse(f'The handler returned a tuple of {len(value)}; it may be (body, status[, headers])')
        value = Response(*value)
    if isinstance(value, Response):
        return _of_response(value)
    head, body = _body(value)
    return 200, head, body


def _of_response(response):
    status = response.status
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise NotAResponse(f'The status is {status!r}, and must be a number from 200 to 599')
    head, body = _body(response.body)
    if not response.headers:
        return status, head if body != b'' else b'', body
    fields = []
    is_typed = False
    for name, value in response.headers:
        name = str(name).lower()
        is_typed = is_typed or name == 'content-type'
        fields += (name, str(value))
    given = head_of(fields)
    return status, given if is_typed or body == b'' else head + b'\n' + given, body


def _body(value):
    """The head that says what it is, and the bytes, or what yields parts."""
    if isinstance(value, str):
        return TEXT, value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return BYTES, bytes(value)
    if isinstance(value, (dict, list)):
        return JSON, _json(value)
    if hasattr(value, '__next__') or hasattr(value, '__anext__'):
        return TEXT, value
    forgotten = ' (is a `return` missing?)' if value is None else ''
    raise NotAResponse(f'The handler returned {describe(value)}{forgotten}, not one of: {WHAT}')


def _json(value):
    try:
        return json.dumps(value, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise NotAResponse(f'The handler returned what is no JSON: {error}') from None


def part_bytes(part):
    if isinstance(part, str):
        return part.encode()
    if isinstance(part, PARTS):
        return bytes(part)
    raise NotAResponse(f'The body gave {describe(part)}, not str or bytes')


def describe(value):
    return 'None' if value is None else f'{value!r:.60} ({type(value).__name__})'
