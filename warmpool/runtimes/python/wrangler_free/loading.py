"""Becomes a function: its folder, its variables, its packages, its module. Whatever is raised here is the author's to
see, with the file and the line."""
import importlib
import importlib.util
import os
import sys
import time
from urllib.parse import unquote, urlsplit

from . import environment, frameworks, ports
from .formats import choose, choose_of_files


def load_format(load, leftover):
    """The function's format; `leftover` is what has been read of the wire and belongs to whoever serves."""
    entry, handler = _entry(load)
    folder = load.get('cwd') or os.path.dirname(entry)
    if load.get('cwd') is not None:
        os.chdir(load['cwd'])
    os.environ.update(load.get('env') or {})
    if 'TZ' in (load.get('env') or {}):
        time.tzset()
    environment.take_start_variables(load.get('env') or {})
    venv = environment.find(folder)
    if venv is not None:
        environment.enter(venv, load, leftover)
    if load.get('format') in (None, 'lambda'):
        from .aws_lambda import prepare_environment
        prepare_environment(load)
    ports.hold(load)
    frameworks.prepare(load)
    threads = load.get('threads') or 1
    files = (load.get('platform') or {}).get('files')
    try:
        if files:
            modules = {path: _import(os.path.join(folder, path), folder) for path in files}
            return choose_of_files(modules, load['platform'], threads)
        module = _import(entry, folder)
    except ModuleNotFoundError as error:
        if error.name is not None:
            error.msg = f'{error.msg}. {environment.advice(error.name, folder, venv, load)}'
        raise
    return choose(module, load.get('format'), handler, load.get('platform'), threads)


def _entry(load):
    """The module's file, and the name in it. A platform's `dir/file.name` says both."""
    url = load['entry']
    entry = unquote(urlsplit(url).path) if url.startswith('file:') else os.path.abspath(url)
    handler = load.get('handler')
    if handler and ('/' in handler or '.' in handler):
        path, _, name = handler.rpartition('.')
        folder = load.get('cwd') or (entry if os.path.isdir(entry) else os.path.dirname(entry))
        for file in (f'{path}.py', f'{path.replace(".", "/")}.py'):
            if os.path.isfile(os.path.join(folder, file)):
                return os.path.join(folder, file), name
    return entry, handler


def _import(entry, folder):
    if not os.path.isfile(entry):
        raise FileNotFoundError(f'There is no {entry}')
    base, name = _package_of(entry)
    sys.argv[:] = [entry]
    for path in dict.fromkeys((base, folder)):
        sys.path.insert(0 if path == base else 1, path)
    if '.' in name:
        return importlib.import_module(name)
    # A file may be called like a module of Python's own, or like nothing that can be imported.
    if not name.isidentifier() or name in sys.modules or name in getattr(sys, 'stdlib_module_names', ()):
        name = 'function_module'
    spec = importlib.util.spec_from_file_location(name, entry)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _package_of(entry):
    """The folder to import from, and the dotted name in it: a module of a package is imported as such."""
    folder, file = os.path.split(entry)
    name = os.path.splitext(file)[0]
    if name == '__init__' and folder != os.sep:
        folder, name = os.path.split(folder)
    while os.path.isfile(os.path.join(folder, '__init__.py')):
        folder, package = os.path.split(folder)
        name = f'{package}.{name}'
    return folder, name
