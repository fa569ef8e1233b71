"""The frames between parent and worker as numbers, limits and packed bytes: docs/protocol.md in Python. Nothing here
does I/O."""
import struct

PROTOCOL_VERSION = 1
HEADER_BYTES = 8
MAX_PAYLOAD_BYTES = 4 * 1024 * 1024
INITIAL_WINDOW_BYTES = 256 * 1024
DATA_CHUNK_BYTES = 64 * 1024
# More than any caller takes; and a head travels in one piece.
MAX_HEAD_BYTES = 60 * 1024

LOAD, REQUEST, DATA, END, CANCEL, WINDOW, DRAIN, PING = range(0x01, 0x09)
HELLO, READY, LOAD_FAILED, RESPONSE, FAILED, SETTLED, PONG = range(0x10, 0x17)
# Added to a type: a reference into the ring stands in the place of body bytes.
IN_RING = 0x80

FLAG_MORE = 1
FLAG_SECURE = 4

HEADER = struct.Struct('<II')
U32 = struct.Struct('<I')
REQUEST_PREFIX = struct.Struct('<BII')
# A response's header and its prefix: length and type, id, flags, status, length of the head.
RESPONSE_FRAME = struct.Struct('<IIBHI')
RESPONSE_PREFIX_BYTES = 7


class ProtocolError(Exception):
    """The parent cannot be understood: better be replaced than guess."""


def frame(kind, invocation, payload=b''):
    return HEADER.pack(len(payload) | kind << 24, invocation) + payload


PONG_FRAME = frame(PONG, 0)
