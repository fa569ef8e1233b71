"""What calls leave behind in this process, for the check that asks: whatever can be seen from inside and differs from how
it was when the function had been loaded. Names only, never values. Not imported unless a load asks for it."""
import asyncio
import builtins
import json
import os
import signal
import sys
import threading

SIZED = (list, dict, set, bytearray)
# What this runtime itself sets for each call of a Lambda function.
OF_EACH_CALL = '_X_AMZN_TRACE_ID'
HEAD = b'content-type\napplication/json'


def with_traces(handle, path, is_async):
    """Answers the calls for this one path with what has been left behind so far; the others are the handler's."""
    look = _open_traces()

    def is_asked(call):
        return call.head.split('\n', 3)[2] == path

    if is_async:
        async def watched(call):
            if is_asked(call):
                return await call.respond_long(200, HEAD, json.dumps(look()).encode())
            await handle(call)
    else:
        def watched(call):
            if is_asked(call):
                return call.respond(200, HEAD, json.dumps(look()).encode())
            return handle(call)
    return watched


def _open_traces():
    folder = os.getcwd()
    shared, modules, env = _names_of(builtins), _modules(folder), dict(os.environ)
    handlers, threads, umask = _handlers(), set(threading.enumerate()), _umask()

    def look():
        return {
            'globals': [f'builtins.{name}' for name in _changed(shared, _names_of(builtins))],
            'prototypes': [],
            'environment': [name for name in _changed(env, dict(os.environ)) if name != OF_EACH_CALL],
            'folder': [name for name, now, before in (
                ('the current folder', _current_folder(), folder), ('the umask', _umask(), umask)) if now != before],
            'listeners': [signal.Signals(number).name for number in _changed(handlers, _handlers())],
            'resources': _tasks(),
            'descriptors': _descriptors(),
            'children': _children(),
            'threads': [thread.name for thread in threading.enumerate() if thread not in threads],
            'modules': _changed(modules, _modules(folder, modules)),
            'heapBytes': 0,
        }

    return look


def _changed(before, after):
    return [name for name in {**before, **after} if name not in before or name not in after or before[name] != after[name]]


def _names_of(module):
    """What the names of a module hold; of a container of the language its size, too."""
    return {name: _mark(value) for name, value in list(vars(module).items()) if name != '__builtins__'}


def _mark(value):
    # Numbers and texts that are equal may be other objects.
    if isinstance(value, (int, float, str, bytes, bool, type(None))):
        return (type(value).__name__, hash(value))
    return (id(value), len(value) if isinstance(value, SIZED) else 0)


def _modules(folder, known=None):
    """The names of all modules of the function's own; of one that was imported since, nothing has changed."""
    marks = {}
    loaded = {name.split(':')[0] for name in known or ()}
    for name, module in list(sys.modules.items()):
        file = getattr(module, '__file__', None) or ''
        if not file.startswith(folder + os.sep) or 'site-packages' in file:
            continue
        if known is not None and name not in loaded:
            continue
        marks.update({f'{name}:{key}': mark for key, mark in _names_of(module).items()})
    return marks


def _handlers():
    return {number: str(signal.getsignal(number)) for number in signal.valid_signals()}


def _umask():
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _current_folder():
    try:
        return os.getcwd()
    except OSError:
        return None


def _tasks():
    try:
        current = asyncio.current_task()
        return [f'task {task.get_coro().__qualname__}' for task in asyncio.all_tasks() if task is not current]
    except RuntimeError:
        return []


def _descriptors():
    found = []
    for name in _listed('/proc/self/fd'):
        try:
            target = os.readlink(f'/proc/self/fd/{name}')
        except OSError:
            # The one that the list itself was read with.
            continue
        found.append(target if target.startswith('/') else target.split(':')[0])
    return found


def _children():
    names = []
    for task in _listed('/proc/self/task'):
        try:
            with open(f'/proc/self/task/{task}/children', encoding='ascii') as file:
                pids = file.read().split()
            for pid in pids:
                with open(f'/proc/{pid}/comm', encoding='utf-8') as file:
                    names.append(file.read().strip())
        except OSError:
            pass
    return names


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []
