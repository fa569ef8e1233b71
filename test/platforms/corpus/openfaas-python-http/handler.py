def handle(event, context):
    if event.method == 'GET':
        return {'statusCode': 200, 'body': f"{event.path} {event.query.get('a')} {event.headers.get('X-A')}"}
    return {'statusCode': 201, 'body': {'size': len(event.body), 'host': context.hostname != ''}, 'headers': {'X-B': 'c'}}
