import json


def app(environ, start_response):
    size = int(environ.get('CONTENT_LENGTH') or 0)
    body = environ['wsgi.input'].read(size)
    start_response('200 OK', [('Content-Type', 'application/json')])
    answer = {'path': environ['PATH_INFO'], 'body': body.decode()}
    return [json.dumps(answer).encode()]
