async def app(scope, receive, send):
    if scope['type'] != 'http':
        return
    event = await receive()
    body = scope['method'].encode() + b' ' + scope['path'].encode() + b' ' + event.get('body', b'')
    await send({'type': 'http.response.start', 'status': 202, 'headers': [(b'content-type', b'text/plain')]})
    await send({'type': 'http.response.body', 'body': body})
