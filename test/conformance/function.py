"""The function that the conformance suite calls, for the Python runtime; what it must do is in docs/protocol.md."""
import os
import time


def handler(request):
    path = request.path
    if path == '/hello':
        return 'hello', 201, {'x-answer': 'yes'}
    if path == '/request':
        return f'{request.method} {request.query["name"]} {request.headers["x-conformance"]}'
    if path == '/env':
        return os.environ.get('CONFORMANCE', 'none')
    if path == '/print':
        print('printed by the function')
        return 'printed'
    if path == '/echo':
        return request.body
    if path == '/stream':
        return request.stream()
    if path == '/bytes':
        return b'x' * int(request.query['count'])
    if path == '/hold':
        while not request.is_cancelled:
            time.sleep(0.01)
        return 'left'
    if path == '/throw':
        raise ValueError('thrown by the function')
    if path == '/nothing':
        return None
    if path == '/exit':
        os._exit(3)
    return 'no such path', 404
