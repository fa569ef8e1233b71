"""The same as function.py as an ASGI app: many calls at once on one event loop."""
import asyncio
import os
from urllib.parse import parse_qs


async def app(scope, receive, send):
    if scope['type'] != 'http':
        raise RuntimeError('HTTP only')
    query = parse_qs(scope['query_string'].decode())
    path = scope['path']

    async def answer(body, status=200, headers=()):
        await send({'type': 'http.response.start', 'status': status, 'headers': list(headers)})
        await send({'type': 'http.response.body', 'body': body})

    if path == '/hello':
        await answer(b'hello', 201, [(b'x-answer', b'yes')])
    elif path == '/request':
        headers = dict(scope['headers'])
        await answer(b' '.join((scope['method'].encode(), query['name'][0].encode(), headers[b'x-conformance'])))
    elif path == '/env':
        await answer(os.environ.get('CONFORMANCE', 'none').encode())
    elif path == '/print':
        print('printed by the function')
        await answer(b'printed')
    elif path == '/echo':
        body = b''
        async for part in parts_of(receive):
            body += part
        await answer(body)
    elif path == '/stream':
        await send({'type': 'http.response.start', 'status': 200, 'headers': []})
        async for part in parts_of(receive):
            await send({'type': 'http.response.body', 'body': part, 'more_body': True})
        await send({'type': 'http.response.body'})
    elif path == '/bytes':
        await answer(b'x' * int(query['count'][0]))
    elif path == '/hold':
        while (await receive())['type'] != 'http.disconnect':
            await asyncio.sleep(0)
        await answer(b'left')
    elif path == '/throw':
        raise ValueError('thrown by the function')
    elif path == '/nothing':
        return
    elif path == '/exit':
        os._exit(3)
    else:
        await answer(b'no such path', 404)


async def parts_of(receive):
    while True:
        message = await receive()
        if message['type'] == 'http.disconnect':
            return
        yield message['body']
        if not message['more_body']:
            return
