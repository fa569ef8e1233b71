"""Large payloads without a socket: a ring for each direction in the file that is fd 4. Nobody waits for room; what does
not fit goes in the frame itself. The file is read and written, never mapped, so that one that was shortened is an error
and not a fault."""
import os
import struct

from .wire import MAX_PAYLOAD_BYTES, U32, ProtocolError

RING_BYTES = MAX_PAYLOAD_BYTES
# Smaller bodies cost less in the frame itself.
RING_FROM_BYTES = 32 * 1024
REFERENCE = struct.Struct('<III')

# Where the receiver's mark is, and where the bytes begin.
TO_WORKER = (4, 4096)
TO_PARENT = (8, 4096 + RING_BYTES)
MARKS = 1 << 32


class RingReader:
    def __init__(self, fd):
        self._fd = fd
        self._mark_at, self._bytes_at = TO_WORKER

    def take(self, reference):
        """The payload that a reference stands for; its place may be written over afterwards."""
        if len(reference) != REFERENCE.size:
            raise ProtocolError(f'a reference into the ring of {len(reference)} bytes')
        offset, length, _ = REFERENCE.unpack(reference)
        if offset + length > RING_BYTES:
            raise ProtocolError(f'a reference to {length} bytes at {offset}, which are not in the ring')
        body = os.pread(self._fd, length, self._bytes_at + offset)
        if len(body) < length:
            raise ProtocolError('a reference to bytes that the shared file does not have')
        os.pwrite(self._fd, reference[8:], self._mark_at)
        return body


class RingWriter:
    def __init__(self, fd):
        self._fd = fd
        self._mark_at, self._bytes_at = TO_PARENT
        self._end = 0
        self._mark = 0
        self._is_broken = False

    def put(self, beginning, body):
        """The reference that stands for a payload of these two; None when there is no room."""
        length = len(beginning) + len(body)
        if self._is_broken or length > RING_BYTES:
            return None
        taken = U32.unpack(os.pread(self._fd, 4, self._mark_at).ljust(4, b'\0'))[0]
        used = (self._mark - taken) % MARKS
        if used == 0:
            self._end = 0
        # In one piece: what is too short for it at the ring's end is passed over.
        offset = 0 if self._end + length > RING_BYTES else self._end
        passed_over = RING_BYTES - self._end if offset == 0 and used > 0 else 0
        if used + passed_over + length > RING_BYTES or not self._write(beginning, body, offset):
            return None
        self._end = offset + length
        self._mark = (self._mark + passed_over + length) % MARKS
        return REFERENCE.pack(offset, length, self._mark)

    def _write(self, beginning, body, offset):
        length = len(beginning) + len(body)
        try:
            self._is_broken = os.pwritev(self._fd, [beginning, body], self._bytes_at + offset) < length
        except OSError:
            # The memory for it is not to be had: in a container /dev/shm is small.
            self._is_broken = True
        return not self._is_broken
