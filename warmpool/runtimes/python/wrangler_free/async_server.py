"""Runs coroutines: many calls at once on one event loop, which also reads and writes the wire. All frames of one turn
of the loop leave in one write."""
import asyncio
import collections

from .call import Call, CallerLeft
from .wire import DATA_CHUNK_BYTES, INITIAL_WINDOW_BYTES


class AsyncCall(Call):
    def __init__(self, *args):
        super().__init__(*args)
        self._news = None
        # Once it runs user code that hears of the caller's leaving by being cancelled. An ASGI app is told instead.
        self.cancellable = None

    def cancel(self):
        super().cancel()
        if self.cancellable is not None:
            self.cancellable.cancel()

    def _notify(self):
        if self._news is not None:
            news, self._news = self._news, None
            if not news.done():
                news.set_result(None)

    async def wait(self):
        """Until the parent has said something of this call. Several tasks may wait: all are woken."""
        if self._news is None:
            self._news = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._news)

    async def read(self):
        chunk = self._next_chunk()
        while chunk is None:
            await self.wait()
            chunk = self._next_chunk()
        return chunk

    async def collect(self):
        """The whole body."""
        if self.is_body_whole:
            return self.take_whole()
        parts = []
        chunk = await self.read()
        while chunk:
            parts.append(chunk)
            chunk = await self.read()
        return b''.join(parts)

    async def write(self, body):
        at = 0
        size = len(body)
        while at < size:
            while self._window <= 0 and not self.is_cancelled:
                await self.wait()
            if self.is_cancelled:
                raise CallerLeft()
            stop = min(size, at + min(DATA_CHUNK_BYTES, self._window))
            self._window -= stop - at
            self._channel.data(self.invocation, body if stop - at == size else body[at:stop])
            at = stop

    async def respond_long(self, status, head, body):
        if len(body) <= INITIAL_WINDOW_BYTES or self.is_to_head:
            return self.respond(status, head, body)
        self.begin(status, head)
        await self.write(memoryview(body))
        self.finish()


class AsyncServer:
    def __init__(self, worker, loop):
        self._worker = worker
        self._channel = worker.channel
        self._loop = loop
        self._outgoing = collections.deque()
        self._is_flush_due = False
        self._is_blocked = False
        self._drained = loop.create_future()
        # The loop itself holds tasks weakly.
        self._tasks = {}

    def serve(self, handle, is_cancelling):
        """Returns when all is answered and nothing new will come. `is_cancelling`: who has left cancels the handler."""
        worker = self._worker
        channel = self._channel
        self._handle = handle
        self._is_cancelling = is_cancelling
        channel.socket.setblocking(False)
        channel._send = self._send
        worker.start = self._start
        worker.on_idle = self._on_idle
        self._loop.add_reader(channel.socket, self._on_readable)
        self._loop.call_soon(self._on_idle)
        self._loop.run_until_complete(self._drained)
        self._loop.remove_reader(channel.socket)
        self._loop.remove_writer(channel.socket)
        channel.socket.setblocking(True)
        for data in self._outgoing:
            channel.socket.sendall(data)

    def _on_readable(self):
        try:
            self._channel.receive()
        except BaseException as error:
            self._worker.die(error)

    def _on_idle(self):
        if self._worker.is_drained and not self._drained.done():
            self._drained.set_result(None)

    def _start(self, call):
        self._worker.began(call.invocation)
        self._tasks[call] = self._loop.create_task(self._run(call))

    async def _run(self, call):
        try:
            if call.is_cancelled:
                raise CallerLeft()
            if self._is_cancelling:
                call.cancellable = self._tasks[call]
            await self._handle(call)
        except asyncio.CancelledError:
            call.fail(CallerLeft())
        except BaseException as error:
            call.fail(error)
        finally:
            call.cancellable = None
            del self._tasks[call]
            self._worker.after_call()

    def _send(self, data):
        self._outgoing.append(bytes(data))
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self):
        self._is_flush_due = False
        if not self._is_blocked:
            self._write()

    def _write(self):
        outgoing = self._outgoing
        data = outgoing.popleft() if len(outgoing) == 1 else b''.join(outgoing)
        outgoing.clear()
        try:
            sent = self._channel.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._worker.leave(0)
        if sent < len(data):
            outgoing.appendleft(data[sent:])
        if bool(outgoing) != self._is_blocked:
            self._is_blocked = bool(outgoing)
            if self._is_blocked:
                self._loop.add_writer(self._channel.socket, self._write)
            else:
                self._loop.remove_writer(self._channel.socket)
