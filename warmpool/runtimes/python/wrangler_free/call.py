"""One invocation inside the worker: what came, what was answered. It is ended exactly once, and its body is sent no
faster than the parent grants. How user code waits for more (the main thread reads on, another thread sleeps, a task is
suspended) is the business of its subclasses."""
import json
import time
from collections import deque

from .errors import report_error
from .wire import FAILED, FLAG_MORE, FLAG_SECURE, INITIAL_WINDOW_BYTES, MAX_HEAD_BYTES, frame

NO_BODY = ()


class CallerLeft(ConnectionError):
    """The caller has left, or the time is up: what is read ends, and what is sent goes nowhere."""

    def __init__(self):
        super().__init__('The caller has left, or its time was up')


class NotAResponse(TypeError):
    """The handler returned what is none."""


class HeadersTooLarge(ValueError):
    pass


class Call:
    def __init__(self, worker, invocation, head, flags, time_left_ms, first):
        self._worker = worker
        self._channel = worker.channel
        self.invocation = invocation
        self.head = head
        self.is_secure = flags & FLAG_SECURE != 0
        self.time_left_ms = time_left_ms
        self.began_at = time.monotonic() if time_left_ms else 0.0
        self.is_body_whole = flags & FLAG_MORE == 0
        self._chunks = deque((first,)) if first else (NO_BODY if self.is_body_whole else deque())
        self._window = INITIAL_WINDOW_BYTES
        self.is_cancelled = False
        self.is_answering = False
        self.is_done = False

    @property
    def is_to_head(self):
        head = self.head
        return head.startswith('\nHEAD\n', head.find('\n'))

    def remaining_ms(self):
        """None: no limit."""
        if self.time_left_ms == 0:
            return None
        return max(0, self.time_left_ms - int((time.monotonic() - self.began_at) * 1000))

    @property
    def is_body_ended(self):
        """All of it has come, and been taken."""
        return self.is_body_whole and not self._chunks

    # What the parent says.

    def push(self, chunk):
        if not self.is_body_whole:
            self._chunks.append(chunk)
            self._notify()

    def end_body(self):
        self.is_body_whole = True
        self._notify()

    def cancel(self):
        self.is_cancelled = True
        self._notify()

    def grant(self, count):
        self._window += count
        self._notify()

    def _notify(self):
        pass

    # What the handler's side does.

    def _next_chunk(self):
        """What has come of the body and nobody has read: bytes, b'' at its end, None: it has to be waited for."""
        if self._chunks:
            chunk = self._chunks.popleft()
            # A call that has its body asks for nothing more.
            if not self.is_body_whole and not self.is_done:
                self._channel.window(self.invocation, len(chunk))
            return chunk
        if self.is_body_whole:
            return b''
        # After the answer the parent sends nothing more.
        if self.is_cancelled or self.is_done:
            raise CallerLeft()
        return None

    def take_whole(self):
        """What is left of a body that has come to its end."""
        body = b''.join(self._chunks)
        self._chunks = NO_BODY
        return body

    def respond(self, status, head, body=b''):
        """A whole answer that fits into the window. Head: bytes of the lines; see head_of."""
        if self.is_done:
            return
        if self.is_to_head:
            head, body = self._for_head(head, len(body)), b''
        self.is_answering = True
        self._channel.response(self.invocation, status, head, body, False)
        self._done()

    def begin(self, status, head):
        """The head of an answer whose body follows. False: it is to HEAD, and over."""
        if self.is_to_head:
            self.respond(status, head)
            return False
        self.is_answering = True
        self._channel.response(self.invocation, status, head, b'', True)
        return True

    def finish(self):
        if self.is_done:
            return
        self._channel.end(self.invocation)
        self._done()

    def fail(self, error):
        """Ends it with what went wrong; what its caller hears of that is the parent's business."""
        if self.is_done:
            return
        failed = dict(report_error(error), code=self._code_of(error))
        self._channel.write(frame(FAILED, self.invocation, json.dumps(failed).encode()))
        self._done()

    def _code_of(self, error):
        if self.is_answering:
            return 'response-aborted'
        if self.is_cancelled and isinstance(error, CallerLeft):
            return 'cancelled'
        if isinstance(error, NotAResponse):
            return 'not-a-response'
        return 'response-headers-too-large' if isinstance(error, HeadersTooLarge) else 'handler-threw'

    def _done(self):
        self.is_done = True
        self._worker.calls.pop(self.invocation, None)
        self._notify()

    @staticmethod
    def _for_head(head, length):
        if b'content-length\n' in head.lower() or length == 0:
            return head
        return head + (b'\n' if head else b'') + b'content-length\n%d' % length


def head_of(fields):
    """Names and values in turn as the bytes of a head. Raises what says which of them cannot be sent."""
    head = '\n'.join(fields)
    if head.count('\n') >= max(1, len(fields)) or '\r' in head or '\0' in head:
        bad = next(field for field in fields if any(mark in field for mark in '\n\r\0'))
        raise NotAResponse(f'A header may hold no line break: {bad[:80]!r}')
    try:
        encoded = head.encode('latin-1')
    except UnicodeEncodeError as error:
        raise NotAResponse(f'A header may hold Latin-1 only, not {head[error.start]!r}') from None
    if len(encoded) > MAX_HEAD_BYTES:
        raise HeadersTooLarge(
            f'The response has {len(encoded)} bytes of headers; at most {MAX_HEAD_BYTES} can be sent')
    return encoded
