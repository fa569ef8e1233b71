"""Calls of handlers that block: read and write wait for the other side. In the main thread that means to go on reading
the wire meanwhile; in any other, to sleep until the thread that reads has news."""
import threading

from .call import Call, CallerLeft
from .wire import DATA_CHUNK_BYTES, INITIAL_WINDOW_BYTES


class SyncCall(Call):
    """Of the main thread."""

    def read(self):
        """The next part of the request's body; b'' at its end. Raises CallerLeft."""
        chunk = self._next_chunk()
        while chunk is None:
            self._wait()
            chunk = self._next_chunk()
        return chunk

    def write(self, body):
        """A part of the answer's body, as far as the window lets it. Raises CallerLeft."""
        at = 0
        size = len(body)
        while at < size:
            while self._window <= 0 and not self.is_cancelled:
                self._wait()
            if self.is_cancelled:
                raise CallerLeft()
            stop = min(size, at + min(DATA_CHUNK_BYTES, self._window))
            self._window -= stop - at
            self._channel.data(self.invocation, body if stop - at == size else body[at:stop])
            at = stop

    def respond_long(self, status, head, body):
        """A whole answer of any length."""
        if len(body) <= INITIAL_WINDOW_BYTES or self.is_to_head:
            return self.respond(status, head, body)
        self.begin(status, head)
        self.write(memoryview(body))
        self.finish()

    def _wait(self):
        self._worker.read_on()


class ThreadedCall(SyncCall):
    """Of one of several threads."""

    def __init__(self, *args):
        super().__init__(*args)
        self._news = threading.Condition()

    def _notify(self):
        with self._news:
            self._news.notify()

    # Between looking and sleeping there may be news: both happen under the lock.

    def read(self):
        while True:
            with self._news:
                chunk = self._next_chunk()
                if chunk is not None:
                    return chunk
                self._news.wait()

    def grant(self, count):
        with self._news:
            self._window += count
            self._news.notify()

    def _wait(self):
        with self._news:
            if self._window <= 0 and not self.is_cancelled:
                self._news.wait()
