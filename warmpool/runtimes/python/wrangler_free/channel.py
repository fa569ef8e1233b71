"""The worker's end of the wire: fd 3 in frames, with the rings of fd 4 behind it. One thread reads at a time (see
stand_in.py), any thread may write: a frame goes out whole. When the wire ends the parent is gone or has given this process
up, and it exits at once. What user code starts inherits neither descriptor, and a fork of this process has lost both."""
import os
import socket
import threading

from .ring import RING_FROM_BYTES, RingReader, RingWriter
from .wire import (
    DATA, END, FLAG_MORE, HEADER, HEADER_BYTES, IN_RING, MAX_PAYLOAD_BYTES, RESPONSE, RESPONSE_FRAME,
    RESPONSE_PREFIX_BYTES, WINDOW, ProtocolError, U32, frame,
)

WIRE_FD = 3
SHARED_FD = 4
READ_BYTES = 256 * 1024


class Channel:
    def __init__(self, on_frame):
        self._on_frame = on_frame
        os.set_inheritable(WIRE_FD, False)
        os.set_inheritable(SHARED_FD, False)
        self.socket = socket.socket(fileno=WIRE_FD)
        self.socket.setblocking(True)
        self._memory = bytearray(READ_BYTES)
        self._view = memoryview(self._memory)
        self._filled = 0
        self._write_lock = threading.Lock()
        self._ring_reader = RingReader(SHARED_FD)
        self._ring_writer = None
        os.register_at_fork(after_in_child=self._lose)

    def open_ring(self):
        self._ring_writer = RingWriter(SHARED_FD)

    @property
    def is_lost(self):
        return self.socket.fileno() < 0

    def leftover(self):
        """What has been read of a frame that has not come whole."""
        return bytes(self._view[:self._filled])

    def put_back(self, leftover):
        self._view[:len(leftover)] = leftover
        self._filled = len(leftover)

    def receive(self):
        """Reads what is there, waiting for it if the socket blocks, and passes on every frame that is whole."""
        try:
            count = self.socket.recv_into(self._view[self._filled:] if self._filled else self._view)
        except BlockingIOError:
            return
        except OSError:
            count = 0
        if count == 0:
            os._exit(0)
        at = 0
        end = self._filled + count
        view = self._view
        while end - at >= HEADER_BYTES:
            word, invocation = HEADER.unpack_from(view, at)
            stop = at + HEADER_BYTES + (word & 0xFFFFFF)
            if stop > end:
                self._keep(at, end, stop - at)
                return
            start = at + HEADER_BYTES
            at = stop
            kind = word >> 24
            if kind < IN_RING:
                self._on_frame(kind, invocation, view, start, stop)
            else:
                self._from_ring(kind - IN_RING, invocation, view, start, stop)
        if at < end:
            self._keep(at, end, HEADER_BYTES)
        else:
            self._filled = 0

    def _keep(self, at, end, needed):
        """Moves the beginning of a frame to the memory's start; memory for a longer one than usual is let go after it."""
        if needed > HEADER_BYTES + MAX_PAYLOAD_BYTES:
            raise ProtocolError(f'a frame announces {needed} bytes, over the limit')
        rest = bytes(self._view[at:end])
        size = max(READ_BYTES, needed)
        if len(self._memory) != size:
            self._memory = bytearray(size)
            self._view = memoryview(self._memory)
        self.put_back(rest)

    def _from_ring(self, kind, invocation, view, start, stop):
        payload = self._ring_reader.take(bytes(view[start:stop]))
        self._on_frame(kind, invocation, memoryview(payload), 0, len(payload))

    def write(self, data):
        try:
            with self._write_lock:
                self._send(data)
        except OSError:
            # The parent is gone, or this is a fork that came back from the handler: nobody hears it.
            os._exit(0)

    def _send(self, data):
        self.socket.sendall(data)

    def response(self, invocation, status, head, body, more):
        """Head: bytes of the lines. The caller has kept to the window."""
        flags = FLAG_MORE if more else 0
        head_length = len(head)
        length = RESPONSE_PREFIX_BYTES + head_length + len(body)
        start = RESPONSE_FRAME.pack(length | RESPONSE << 24, invocation, flags, status, head_length) + head
        if len(body) >= RING_FROM_BYTES and self._ring_writer is not None:
            return self._through_ring(RESPONSE, invocation, start, body)
        self.write(start + body)

    def data(self, invocation, body):
        start = HEADER.pack(len(body) | DATA << 24, invocation)
        if len(body) >= RING_FROM_BYTES and self._ring_writer is not None:
            return self._through_ring(DATA, invocation, start, body)
        self.write(start + body)

    def end(self, invocation):
        self.write(frame(END, invocation))

    def window(self, invocation, count):
        self.write(frame(WINDOW, invocation, U32.pack(count)))

    def _through_ring(self, kind, invocation, start, body):
        """References must leave in the order in which their payloads were put in."""
        try:
            with self._write_lock:
                reference = self._ring_writer.put(start[HEADER_BYTES:], body)
                if reference is None:
                    self._send(start + body)
                else:
                    self._send(frame(kind + IN_RING, invocation, reference))
        except OSError:
            os._exit(0)

    def _lose(self):
        self.socket.close()
        try:
            os.close(SHARED_FD)
        except OSError:
            pass
