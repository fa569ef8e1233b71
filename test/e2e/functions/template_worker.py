"""A runtime of somebody's own, written from docs/protocol.md and nothing else: a function is a text file in which
$method, $target and $body stand for what was asked, and the lines of its `env` by their names."""
import json
import os
import string
import struct
import sys
import urllib.parse

LOAD, REQUEST, DATA, END, CANCEL, WINDOW, DRAIN, PING = range(0x01, 0x09)
HELLO, READY, LOAD_FAILED, RESPONSE, FAILED, SETTLED, PONG = range(0x10, 0x17)
MORE = 1
WIRE, JOURNAL = 3, 4


def read(length):
    parts = b''
    while len(parts) < length:
        part = os.read(WIRE, length - len(parts))
        if not part:
            sys.exit(0)
        parts += part
    return parts


def send(kind, number, payload=b''):
    frame = memoryview(struct.pack('<I', len(payload) | kind << 24) + struct.pack('<I', number) + payload)
    while frame:
        frame = frame[os.write(WIRE, frame):]


def send_json(kind, number, value):
    send(kind, number, json.dumps(value).encode())


class Function:
    def __init__(self, load):
        self.variables = load['env']
        with open(urllib.parse.unquote(urllib.parse.urlsplit(load['entry']).path), encoding='utf-8') as file:
            self.template = string.Template(file.read())

    def answer(self, number, head, body):
        os.pwrite(JOURNAL, struct.pack('<I', number), 0)
        _, method, target, *_ = head.split('\n')
        try:
            text = self.template.substitute(self.variables, method=method, target=target, body=body.decode())
        except KeyError as error:
            return send_json(FAILED, number, {'code': 'handler-threw', 'name': 'KeyError', 'message': str(error)})
        print('answered', target, flush=True)
        head = b'content-type\ntext/plain'
        send(RESPONSE, number, struct.pack('<BHI', 0, 200, len(head)) + head + text.encode())


def main():
    for descriptor in (WIRE, JOURNAL):
        os.set_inheritable(descriptor, False)
    send_json(HELLO, 0, {'protocol': 1, 'runtime': 'templates 1.0', 'journal': True})
    function, coming = None, {}
    while True:
        length_and_kind, number = struct.unpack('<II', read(8))
        kind, payload = length_and_kind >> 24, read(length_and_kind & 0xffffff)
        if kind == LOAD:
            try:
                function = Function(json.loads(payload))
            except OSError as error:
                send_json(LOAD_FAILED, 0, {'name': 'OSError', 'message': str(error), 'stack': ''})
            else:
                send_json(READY, 0, {'format': 'template', 'concurrency': 1})
        elif kind == REQUEST:
            flags, _, head_length = struct.unpack_from('<BII', payload)
            head, body = payload[9:9 + head_length].decode('latin-1'), payload[9 + head_length:]
            if flags & MORE:
                coming[number] = (head, bytearray(body))
                send(WINDOW, number, struct.pack('<I', len(body)))
            else:
                function.answer(number, head, body)
        elif kind == DATA and number in coming:
            coming[number][1].extend(payload)
            send(WINDOW, number, struct.pack('<I', len(payload)))
        elif kind == END and number in coming:
            function.answer(number, *coming.pop(number))
        elif kind == CANCEL and coming.pop(number, None):
            send_json(FAILED, number, {'code': 'cancelled', 'name': 'Cancelled', 'message': 'the caller has left'})
        elif kind == PING:
            send(PONG, 0)
        elif kind == DRAIN:
            sys.exit(0)


main()
