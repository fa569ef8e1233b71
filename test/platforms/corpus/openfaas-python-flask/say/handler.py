def handle(req):
    if req == 'json':
        return {'said': req}
    if req == 'full':
        return 'made', 201, {'X-A': 'b'}
    return 'Hi ' + req
