"""What a module's names make of it: a plain handler, a Lambda handler, a WSGI or an ASGI app. Where more than one would
do, nothing is guessed: the error says which line of function.json decides."""
import inspect

FACTORIES = ('create_app', 'make_app')
NAMES = ('lambda_handler', 'handler', 'app', 'application')
# Looked for where the module has none of the others: many a module has a helper of that name.
OPENFAAS_NAME = 'handle'
FORMATS = ('handler', 'lambda', 'wsgi', 'asgi', 'vercel', 'openfaas')
EXPECTS = ('def handler(request)', 'a class handler(BaseHTTPRequestHandler)', 'def handle(event, context) or handle(req) of OpenFaaS', 'def lambda_handler(event, context)', 'a WSGI or ASGI app named app or application',
           'def create_app() that returns one')


class NoHandler(TypeError):
    """The module has none, or more than one."""


class Format:
    """`handle` is a function of a call, or a coroutine function where `is_async`."""

    def __init__(self, name, target, module, platform=None, threads=1):
        self.name = name
        self.is_async = name == 'asgi' or (name == 'handler' and _is_async(target))
        self.target = target
        # What its platform's own files say of it.
        self.platform = platform or {}
        # Threads are nothing that code is safe for unless its author says so.
        self.concurrency = None if self.is_async else 1 if name == 'lambda' else _stated_concurrency(module, threads)

    def open(self, lifespan=None):
        """The function of a call. What a format needs is read only where it is needed."""
        if self.name == 'asgi':
            from .asgi import asgi_handler
            return asgi_handler(self.target, lifespan)
        if self.name == 'wsgi':
            from .wsgi import wsgi_handler
            return wsgi_handler(self.target, self.concurrency > 1)
        if self.name == 'lambda':
            from .aws_lambda import lambda_handler
            return lambda_handler(self.target, self.platform.get('payload'))
        if self.name == 'openfaas':
            from .openfaas import openfaas_handler
            return openfaas_handler(self.target, _required(self.target) != 1)
        if self.name == 'vercel':
            from .vercel import class_handler
            return self.target.open() if isinstance(self.target, Files) else class_handler(self.target)
        from .plain import async_handler, sync_handler
        return (async_handler if self.is_async else sync_handler)(self.target)


def choose(module, stated_format, stated_handler, platform=None, threads=1):
    if stated_format is not None and stated_format not in FORMATS:
        raise NoHandler(f'Unknown format "{stated_format}" for Python. There are: {", ".join(FORMATS)}')
    name, target = _stated(module, stated_handler) if stated_handler else _found(module, stated_format)
    if _is_request_handler(target):
        return Format('vercel', target, module, platform, threads)
    if stated_format == 'vercel':
        stated_format = None
    if inspect.isclass(target) or not callable(target):
        raise NoHandler(f'{name} is {_kind(target)}, and cannot be called with a request')
    return Format(stated_format or _format_of(name, target), target, module, platform, threads)


class Files:
    """The functions of Vercel's `api` folder, each by its path."""

    def __init__(self, formats, rules):
        self._formats = formats
        self._rules = rules

    def open(self):
        from .vercel import files_handler
        return files_handler({path: format.open() for path, format in self._formats.items()}, self._rules)


def choose_of_files(modules, platform, threads=1):
    formats = {path: choose(module, None, None, platform, threads) for path, module in modules.items()}
    for path, format in formats.items():
        if format.is_async:
            raise NoHandler(f'{path} is an ASGI app or async, and lies beside others in the api folder. '
                            f'Say in function.json that it is the function: "handler": "{path[:-3].replace("/", ".")}:app"')
    return Format('vercel', Files(formats, platform.get('rules') or ()), None, platform, threads)


def _is_request_handler(target):
    """As http.server has them; whoever has made such a class has loaded that module."""
    import sys
    server = sys.modules.get('http.server')
    return server is not None and inspect.isclass(target) and issubclass(target, server.BaseHTTPRequestHandler)


def _stated(module, handler):
    """With `()` behind it, it is what makes the app: `create_app()`, as gunicorn and Flask have it."""
    if handler.endswith('()'):
        name, factory = _stated(module, handler[:-2])
        if not callable(factory):
            raise NoHandler(f'"handler": "{handler}" is stated, and {name} is {_kind(factory)}, which makes nothing')
        return 'app', factory()
    target = module
    for part in handler.split('.'):
        if not hasattr(target, part):
            raise NoHandler(f'"handler": "{handler}" is stated, and the module has no such name. It has: {_names(module)}')
        target = getattr(target, part)
    return handler, target


def _found(module, stated_format):
    named = {name: getattr(module, name) for name in NAMES if callable(getattr(module, name, None))}
    found = {}
    for name, target in named.items():
        if not any(target is other for other in found.values()):
            found[name] = target
    if (not found or stated_format == 'openfaas') and callable(getattr(module, OPENFAAS_NAME, None)):
        found = {OPENFAAS_NAME: getattr(module, OPENFAAS_NAME)}
    if stated_format in ('wsgi', 'asgi'):
        found = {name: target for name, target in found.items() if name.startswith('app')} or found
    if stated_format == 'lambda' and 'lambda_handler' in found:
        found = {'lambda_handler': found['lambda_handler']}
    if not found:
        factory = _factory(module)
        if factory is not None:
            return 'app', factory()
        raise NoHandler(f'No handler found: the module has {_names(module)}. Define one of: {"; ".join(EXPECTS)}')
    if len(found) > 1:
        names = list(found)
        lines = ' or '.join(f'"handler": "{name}"' for name in names)
        raise NoHandler(f'The module has {" and ".join(names)}. Say in function.json which is meant: {lines}')
    return next(iter(found.items()))


def _factory(module):
    """By the names that Flask's own command looks for."""
    for name in FACTORIES:
        factory = getattr(module, name, None)
        if inspect.isfunction(factory) and not inspect.iscoroutinefunction(factory) and _required(factory) == 0:
            return factory
    return None


def _format_of(name, target):
    if name == 'lambda_handler':
        return 'lambda'
    if name == OPENFAAS_NAME and not inspect.iscoroutinefunction(target) and _required(target) in (1, 2):
        return 'openfaas'
    count = _required(target)
    if count == 3 or (count is None and _is_async(target)):
        return 'asgi'
    if count == 2:
        # Of two, a handler's are an event and a context, an app's environ and start_response.
        return 'wsgi' if name.startswith('app') or _parameter(target, 1) == 'start_response' else 'lambda'
    if count == 1 and not name.startswith('app'):
        return 'handler'
    takes = 'any number of arguments' if count is None else f'{count} argument{"" if count == 1 else "s"}'
    raise NoHandler(
        f'{name} takes {takes}: what it is cannot be told from that. '
        f'Say it in function.json: "format": one of {", ".join(FORMATS)}')


def _required(target):
    """How many arguments it must be given; None where that cannot be told."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (TypeError, ValueError):
        return None
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return None if not positional else len(required)
    return len(required)


def _parameter(target, at):
    return list(inspect.signature(target).parameters)[at]


def _is_async(target):
    call = getattr(target, '__call__', None)
    return any(is_such(one) for is_such in (inspect.iscoroutinefunction, inspect.isasyncgenfunction)
               for one in (target, call))


def _stated_concurrency(module, threads):
    """What its module says, or else the function's own settings."""
    concurrency = getattr(module, 'concurrency', threads)
    if not isinstance(concurrency, int) or isinstance(concurrency, bool) or concurrency < 1:
        return threads
    return concurrency


def _names(module):
    names = [f'{name} ({_kind(value)})' for name, value in vars(module).items()
             if not name.startswith('_') and not inspect.ismodule(value)]
    return ', '.join(names[:20]) or 'no names'


def _kind(value):
    return 'class' if inspect.isclass(value) else type(value).__name__
