"""The request that plain handlers get. Everything is taken apart when it is asked for: many handlers never ask."""
import json
from urllib.parse import parse_qsl


class Fields(dict):
    """Headers or query parameters: of one name the first value, all of them by `all(name)`."""

    def __init__(self, pairs, fold=None):
        super().__init__()
        self._pairs = pairs
        self._fold = fold
        for name, value in pairs:
            self.setdefault(name, value)

    def __getitem__(self, name):
        return super().__getitem__(self._folded(name))

    def __contains__(self, name):
        return super().__contains__(self._folded(name))

    def get(self, name, default=None):
        return super().get(self._folded(name), default)

    def all(self, name):
        wanted = self._folded(name)
        return [value for each, value in self._pairs if each == wanted]

    def _folded(self, name):
        return name if self._fold is None or not isinstance(name, str) else self._fold(name)


class Request:
    def __init__(self, call, body=None):
        self._call = call
        self._lines = call.head.split('\n')
        self._body = body
        self._headers = None
        self._query = None

    @property
    def id(self):
        """Under which the logs know this call."""
        return self._lines[0]

    @property
    def method(self):
        return self._lines[1]

    @property
    def path(self):
        """Without the query, in the normal form in which routes were matched: no `..`, `.` or needless escapes."""
        return self._lines[2].partition('?')[0]

    @property
    def query_string(self):
        return self._lines[2].partition('?')[2]

    @property
    def url(self):
        scheme = 'https' if self._call.is_secure else 'http'
        return f'{scheme}://{self.headers.get("host", "localhost")}{self._lines[2]}'

    @property
    def headers(self):
        """By name in any case."""
        if self._headers is None:
            self._headers = Fields(list(zip(self._lines[3::2], self._lines[4::2])), str.lower)
        return self._headers

    @property
    def query(self):
        if self._query is None:
            self._query = Fields(parse_qsl(self.query_string, keep_blank_values=True))
        return self._query

    @property
    def body(self):
        """All of it. In a handler that is no coroutine this waits for what has not come yet."""
        if self._body is None:
            self._body = b''.join(self.stream())
        return self._body

    def stream(self):
        """The body's parts as they come; the caller is slowed down to the pace at which they are taken."""
        if self._body is not None:
            yield self._body
            return
        chunk = self._call.read()
        while chunk:
            yield chunk
            chunk = self._call.read()

    def text(self):
        return self.body.decode('utf-8', 'replace')

    def json(self):
        return json.loads(self.body)

    @property
    def is_cancelled(self):
        """Nobody waits for the answer any more."""
        return self._call.is_cancelled

    @property
    def time_left_ms(self):
        """Until the caller is told that it took too long; None where there is no limit."""
        return self._call.remaining_ms()

    def __repr__(self):
        return f'<Request {self.method} {self._lines[2]}>'
