"""`lambda_handler(event, context)` as AWS Lambda has it, behind a function URL: payload 2.0 in, a dict or any JSON value
out. One call at a time, as there."""
import base64
import json
import os
import time
from datetime import datetime, timezone
from urllib.parse import parse_qsl, unquote

from .call import NotAResponse, head_of
from .response import describe

ACCOUNT = '000000000000'
REGION = 'local'
MIB = 1024 * 1024
TRACE = 'Root=1-{:08x}-{}'
TEXTUAL = ('text/', 'application/json', 'application/javascript', 'application/xml', 'application/x-www-form-urlencoded')


def prepare_environment(load):
    """What functions look for before their module is imported. What the author has set stays."""
    memory = load.get('memoryBytes')
    for name, value in {
        'AWS_LAMBDA_FUNCTION_NAME': load['name'],
        'AWS_LAMBDA_FUNCTION_VERSION': '$LATEST',
        'AWS_LAMBDA_FUNCTION_MEMORY_SIZE': str(memory // MIB if memory else 128),
        'AWS_LAMBDA_LOG_GROUP_NAME': f'/aws/lambda/{load["name"]}',
        'AWS_LAMBDA_LOG_STREAM_NAME': f'worker-{os.getpid()}',
        'AWS_EXECUTION_ENV': 'AWS_Lambda_python',
        'LAMBDA_TASK_ROOT': os.getcwd(),
        '_HANDLER': load.get('handler') or 'lambda_function.lambda_handler',
    }.items():
        os.environ.setdefault(name, value)


class Context:
    function_version = '$LATEST'
    identity = None
    client_context = None

    def __init__(self, call, request_id):
        self._call = call
        self.aws_request_id = request_id
        self.function_name = os.environ['AWS_LAMBDA_FUNCTION_NAME']
        self.memory_limit_in_mb = os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
        self.log_group_name = os.environ['AWS_LAMBDA_LOG_GROUP_NAME']
        self.log_stream_name = os.environ['AWS_LAMBDA_LOG_STREAM_NAME']
        self.invoked_function_arn = f'arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}'

    def get_remaining_time_in_millis(self):
        left = self._call.remaining_ms()
        # A day, where there is no limit.
        return 86_400_000 if left is None else left


def lambda_handler(handler, payload=None):
    event_of = _event_1 if payload == '1.0' else _event

    def handle(call):
        body = b''.join(iter(call.read, b''))
        lines = call.head.split('\n')
        set_trace_id(TRACE.format(int(time.time()), os.urandom(12).hex()))
        result = handler(event_of(lines, body), Context(call, lines[0]))
        call.respond_long(*_outgoing(result))

    return handle


def set_trace_id(trace_id):
    """For os.environ alone: the C library keeps every value that a variable ever had, over 100 bytes a call."""
    environ = os.environ
    environ._data[environ.encodekey('_X_AMZN_TRACE_ID')] = environ.encodevalue(trace_id)


def _event(lines, body):
    path, _, query = lines[2].partition('?')
    headers = {}
    cookies = []
    for name, value in zip(lines[3::2], lines[4::2]):
        if name == 'cookie':
            cookies += value.split('; ')
        else:
            headers[name] = f'{headers[name]},{value}' if name in headers else value
    host = headers.get('host', 'localhost')
    now = datetime.now(timezone.utc)
    event = {
        'version': '2.0',
        'routeKey': '$default',
        'rawPath': unquote(path),
        'rawQueryString': query,
        'headers': headers,
        'requestContext': {
            'accountId': ACCOUNT,
            'apiId': os.environ['AWS_LAMBDA_FUNCTION_NAME'],
            'domainName': host,
            'domainPrefix': host.partition('.')[0],
            'http': {
                'method': lines[1],
                'path': unquote(path),
                'protocol': 'HTTP/1.1',
                'sourceIp': headers.get('x-forwarded-for', '').rpartition(',')[2].strip(),
                'userAgent': headers.get('user-agent', ''),
            },
            'requestId': lines[0],
            'routeKey': '$default',
            'stage': '$default',
            'time': now.strftime('%d/%b/%Y:%H:%M:%S +0000'),
            'timeEpoch': int(now.timestamp() * 1000),
        },
        'isBase64Encoded': False,
    }
    if cookies:
        event['cookies'] = cookies
    if query:
        parameters = {}
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameters[name] = f'{parameters[name]},{value}' if name in parameters else value
        event['queryStringParameters'] = parameters
    if body:
        _put_body(event, body, headers.get('content-type', ''))
    return event


def _event_1(lines, body):
    """As REST APIs send it. Names of headers come in lower case, as from every caller of HTTP/2."""
    path, _, query = lines[2].partition('?')
    headers = {}
    for name, value in zip(lines[3::2], lines[4::2]):
        headers.setdefault(name, []).append(value)
    parameters = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters.setdefault(name, []).append(value)
    last = {name: values[-1] for name, values in headers.items()}
    resource = '/' if path == '/' else '/{proxy+}'
    host = last.get('host', 'localhost')
    now = datetime.now(timezone.utc)
    event = {
        'version': '1.0',
        'resource': resource,
        'path': path,
        'httpMethod': lines[1],
        'headers': last,
        'multiValueHeaders': headers,
        'queryStringParameters': {name: values[-1] for name, values in parameters.items()} or None,
        'multiValueQueryStringParameters': parameters or None,
        'requestContext': {
            'accountId': ACCOUNT,
            'apiId': os.environ['AWS_LAMBDA_FUNCTION_NAME'],
            'authorizer': None,
            'domainName': host,
            'domainPrefix': host.partition('.')[0],
            'extendedRequestId': lines[0],
            'httpMethod': lines[1],
            'identity': {
                'sourceIp': last.get('x-forwarded-for', '').partition(',')[0].strip(),
                'userAgent': last.get('user-agent', ''),
            },
            'path': path,
            'protocol': 'HTTP/1.1',
            'requestId': lines[0],
            'requestTime': now.strftime('%d/%b/%Y:%H:%M:%S +0000'),
            'requestTimeEpoch': int(now.timestamp() * 1000),
            'resourceId': None,
            'resourcePath': resource,
            'stage': '$default',
        },
        'pathParameters': None if path == '/' else {'proxy': path[1:]},
        'stageVariables': None,
        'body': None,
        'isBase64Encoded': False,
    }
    if body:
        _put_body(event, body, last.get('content-type', ''))
    return event


def _put_body(event, body, content_type):
    if content_type.startswith(TEXTUAL):
        try:
            event['body'] = body.decode()
            return
        except UnicodeDecodeError:
            pass
    event['body'] = base64.b64encode(body).decode()
    event['isBase64Encoded'] = True


def _outgoing(result):
    if not isinstance(result, dict) or 'statusCode' not in result:
        return 200, b'content-type\napplication/json', _json(result)
    try:
        status = int(result['statusCode'])
    except (TypeError, ValueError):
        status = 0
    if not 200 <= status <= 599:
        raise NotAResponse(f'statusCode is {result["statusCode"]!r}, and must be a number from 200 to 599')
    fields = []
    for name, value in (result.get('headers') or {}).items():
        fields += (str(name).lower(), _header_value(value))
    for name, values in (result.get('multiValueHeaders') or {}).items():
        for value in values:
            fields += (str(name).lower(), _header_value(value))
    for cookie in result.get('cookies') or ():
        fields += ('set-cookie', str(cookie))
    body = _body(result)
    if body and 'content-type' not in fields[::2]:
        fields += ('content-type', 'application/json')
    return status, head_of(fields), body


def _header_value(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(result):
    body = result.get('body')
    if body is None:
        return b''
    if not isinstance(body, (str, bytes)):
        raise NotAResponse(f'The body is {describe(body)}, and must be a string (use json.dumps)')
    if result.get('isBase64Encoded'):
        try:
            return base64.b64decode(body)
        except ValueError:
            raise NotAResponse('isBase64Encoded is true, and the body is no base64') from None
    return body.encode() if isinstance(body, str) else body


def _json(value):
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError) as error:
        raise NotAResponse(f'The handler returned what is no JSON: {error}') from None
