"""The worker: says hello, becomes one function, hands it invocations, and goes when told to drain or when its parent is
gone. Blocking handlers run one at a time in the main thread, which reads the wire between them (stand_in.py reads for it
when they take long), or on threads where the module asks for more than one; coroutines run on an event loop."""
import asyncio
import atexit
import contextvars
import json
import os
import platform
import signal
import sys
import threading
import types
from collections import deque
from queue import SimpleQueue

from . import environment
from .async_server import AsyncCall, AsyncServer
from .channel import SHARED_FD, Channel
from .errors import report_error
from .journal import open_journal
from .loading import load_format
from .stand_in import StandIn, die
from .sync_call import SyncCall, ThreadedCall
from .wire import (
    CANCEL, DATA, DRAIN, END, HELLO, LOAD, LOAD_FAILED, PING, PONG_FRAME, PROTOCOL_VERSION, READY, REQUEST, REQUEST_PREFIX,
    U32, WINDOW, ProtocolError, frame,
)


class Worker:
    def __init__(self):
        self.channel = Channel(self._on_frame)
        self.began = open_journal(SHARED_FD)
        self.calls = {}
        self._pending = deque()
        self.start = self._pending.append
        self.on_idle = None
        self._make_call = SyncCall
        self._is_draining = False
        self._load = None
        self._stand_in = None
        self._lifespan = None
        self._loop = None
        self.die = die
        _be_nobodys_main_module()
        sys.stdout.reconfigure(line_buffering=True)

    def boot(self):
        """Says hello; what comes after that is done ahead of the load."""
        runtime = f'python {platform.python_version()}'
        hello = {'protocol': PROTOCOL_VERSION, 'runtime': runtime, 'journal': True, 'ring': True}
        self._say(HELLO, hello)
        from . import confine  # noqa: F401  It loads ctypes, which takes some milliseconds.

    def resume(self, descriptor):
        """In the place of another interpreter, which has said hello and read the load."""
        self._load, leftover = environment.take_over(descriptor)
        self.channel.put_back(leftover)

    def serve(self):
        try:
            while self._load is None:
                self.channel.receive()
                self._leave_if_drained()
            self._confine_and_become(self._load)
        except ProtocolError as error:
            die(error)

    def _confine_and_become(self, load):
        # Before there is a second thread, which would not be confined.
        from .confine import confine_for
        error = None
        try:
            if 'confined' not in load:
                load['confined'] = confine_for(load)
        except BaseException as refusal:
            error = refusal
        self._stand_in = StandIn(self.channel)
        if error is None:
            return self._become(load)
        self._say(LOAD_FAILED, report_error(error))
        self._wait_for_the_end()

    def _become(self, load):
        self._stand_in.give()
        try:
            chosen = load_format(load, self.channel.leftover())
            handle = chosen.open(self._started(chosen))
            if load.get('traces'):
                from .traces import with_traces
                handle = with_traces(handle, load['traces'], chosen.is_async)
        except BaseException as error:
            self._stand_in.take()
            self._say(LOAD_FAILED, report_error(error))
            return self._wait_for_the_end()
        self._stand_in.take()
        keep_context()
        if load.get('ring'):
            self.channel.open_ring()
        ready = {'format': chosen.name, 'concurrency': chosen.concurrency}
        if load['confined'] is not None:
            ready['confined'] = load['confined']
        if chosen.is_async:
            self._make_call = AsyncCall
            server = AsyncServer(self, self._event_loop())
            self._say(READY, ready)
            server.serve(handle, is_cancelling=chosen.name == 'handler')
            if self._lifespan is not None:
                self._loop.run_until_complete(self._lifespan.shutdown())
            return self.leave(0)
        if chosen.concurrency > 1:
            self._make_call = ThreadedCall
            self.start = Threads(self, handle, chosen.concurrency).start
        self._say(READY, ready)
        self._serve_in_turn(handle)

    def _started(self, chosen):
        """The lifespan of an app that has been started; None for what has none."""
        if chosen.name != 'asgi':
            return None
        from .asgi import Lifespan
        self._lifespan = Lifespan(chosen.target)
        self._event_loop().run_until_complete(self._lifespan.startup())
        return self._lifespan

    def _event_loop(self):
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def _serve_in_turn(self, handle):
        pending = self._pending
        stand_in = self._stand_in
        receive = self.channel.receive
        began = self.began
        while True:
            while pending:
                call = pending.popleft()
                began(call.invocation)
                stand_in.give()
                run(handle, call)
                stand_in.take()
            if self._is_draining:
                self._leave_if_drained()
            receive()

    def read_on(self):
        """From within a handler in the main thread: what it waits for may be in the next frames."""
        self._stand_in.take()
        try:
            self.channel.receive()
        except BaseException as error:
            die(error)
        self._stand_in.give()

    def after_call(self):
        if self._is_draining and self.on_idle is not None:
            self.on_idle()

    @property
    def is_drained(self):
        return self._is_draining and not self.calls

    def _leave_if_drained(self):
        if self.is_drained:
            self.leave(0)

    def leave(self, code):
        """What user code has registered for the end is run; what it has left running in threads is not waited for."""
        on_end = signal.getsignal(signal.SIGTERM)
        if callable(on_end) and code == 0:
            try:
                on_end(signal.SIGTERM, None)
            except BaseException as error:
                if not isinstance(error, SystemExit):
                    print(f'The handler of SIGTERM raised: {error!r}', file=sys.stderr)
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        os._exit(code)

    def _wait_for_the_end(self):
        """The parent has been told that the function cannot be loaded, and ends this process."""
        while True:
            self.channel.receive()
            self._leave_if_drained()

    def _say(self, kind, message):
        self.channel.socket.sendall(frame(kind, 0, json.dumps(message).encode()))

    def _on_frame(self, kind, invocation, view, start, stop):
        if kind == REQUEST:
            flags, time_left_ms, head_length = REQUEST_PREFIX.unpack_from(view, start)
            head_at = start + REQUEST_PREFIX.size
            body_at = head_at + head_length
            head = str(view[head_at:body_at], 'latin-1')
            first = bytes(view[body_at:stop]) if body_at < stop else b''
            call = self._make_call(self, invocation, head, flags, time_left_ms, first)
            self.calls[invocation] = call
            self.start(call)
        elif kind == PING:
            self.channel.write(PONG_FRAME)
        elif kind == DRAIN:
            self._is_draining = True
            self.after_call()
        elif kind == LOAD:
            if self._load is not None:
                raise ProtocolError('a second load')
            self._load = json.loads(bytes(view[start:stop]))
        elif DATA <= kind <= WINDOW:
            # Of a call that has been ended: frames cross.
            call = self.calls.get(invocation)
            if call is not None:
                _tell(call, kind, view, start, stop)
        else:
            raise ProtocolError(f'The parent sent a frame of type {kind:#x}, which is not expected here')


def _tell(call, kind, view, start, stop):
    if kind == DATA:
        call.push(bytes(view[start:stop]))
    elif kind == END:
        call.end_body()
    elif kind == CANCEL:
        call.cancel()
    else:
        call.grant(U32.unpack_from(view, start)[0])


def run(handle, call):
    """In a context of its own: what a call sets in context variables, no other call sees."""
    _context.copy().run(_run, handle, call)


def keep_context():
    """To be called once the function is loaded: every call begins with what its modules have set."""
    global _context
    _context = contextvars.copy_context()


_context = contextvars.Context()


def _run(handle, call):
    try:
        handle(call)
    except BaseException as error:
        # sys.exit, too, ends the call and not the process: others may be waiting for it.
        call.fail(error)


class Threads:
    """As many calls at once as the module asks for, each in a thread."""

    def __init__(self, worker, handle, most):
        self._worker = worker
        self._handle = handle
        self._most = most
        self._waiting = SimpleQueue()
        self._count = 0

    def start(self, call):
        self._worker.began(call.invocation)
        if self._count < min(self._most, len(self._worker.calls)):
            self._count += 1
            threading.Thread(target=self._run, name=f'call-{self._count}', daemon=True).start()
        self._waiting.put(call)

    def _run(self):
        while True:
            call = self._waiting.get()
            run(self._handle, call)
            if self._worker.is_drained:
                self._worker.leave(0)


def _be_nobodys_main_module():
    """Whatever asks for the main module must not find this runtime: it has nothing of the function's."""
    sys.modules['__main__'] = types.ModuleType('__main__')
