"""Which packages a function's modules see: those of the virtual environment in its folder, where there is one. One of
this interpreter's version is used in place; another version's interpreter takes over this very process."""
import json
import os
import site
import sys
import sysconfig
import tempfile

FOLDERS = ('.venv', 'venv')
OLDEST = (3, 9)

# Whether this process is the environment's own interpreter, which another one became. It becomes no further one.
_has_taken_over = False


class EnvironmentBroken(RuntimeError):
    """The virtual environment is there, and cannot be used."""


def find(folder):
    for name in FOLDERS:
        path = os.path.join(folder, name)
        if os.path.isfile(os.path.join(path, 'pyvenv.cfg')):
            return path
    return None


def take_start_variables(env):
    """Those that an interpreter reads when it starts, which was before it knew its function."""
    for name in ('PYTHONHOME', 'PYTHONSTARTUP', 'LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH'):
        if env.get(name):
            raise ValueError(
                f'"env" has {name}, which is read when a process starts, and a worker starts before it knows its function. '
                'Leave it out, or run the function as a program, which starts with it: "runtime": "http" and a "command" in '
                'function.json')
    sys.path[0:0] = [os.path.abspath(path) for path in env.get('PYTHONPATH', '').split(os.pathsep) if path]


def enter(path, load, leftover):
    """Makes this process see the environment's packages. Does not return where another interpreter has to."""
    packages = os.path.join(path, 'lib', f'python{sys.version_info[0]}.{sys.version_info[1]}', 'site-packages')
    if os.path.isdir(packages) and (_is_of_this_interpreter(path) or not _sees_system(path)):
        _adopt(path, packages)
    else:
        _become(path, load, leftover)


def _is_of_this_interpreter(path):
    """Another one of the same version has the same standard library, and may have other packages of the system's."""
    home = _settings(path).get('home', '')
    bases = (getattr(sys, '_base_executable', None) or sys.executable, os.path.join(sys.base_prefix, 'bin', 'python'))
    return _has_taken_over or os.path.realpath(home) in {os.path.realpath(os.path.dirname(base)) for base in bases}


def _sees_system(path):
    return _settings(path).get('include-system-site-packages', 'false').lower() == 'true'


def _adopt(path, packages):
    if not _sees_system(path):
        system = set(site.getsitepackages()) | {site.getusersitepackages()}
        sys.path[:] = [each for each in sys.path if each not in system]
    sys.prefix = sys.exec_prefix = path
    sys.executable = os.path.join(path, 'bin', 'python')
    os.environ['VIRTUAL_ENV'] = path
    os.environ['PATH'] = os.path.join(path, 'bin') + os.pathsep + os.environ.get('PATH', os.defpath)
    site.addsitedir(packages)


def _become(path, load, leftover):
    python = os.path.join(path, 'bin', 'python')
    own = os.path.realpath(path)  # a bundle links to it: what is said names the folder that its owner knows
    versions = [name for name in sorted(_listed(os.path.join(path, 'lib'))) if name.startswith('python')]
    if not versions:
        raise EnvironmentBroken(f'{own} has no lib/python…/site-packages: make it anew (see docs/python.md)')
    if not os.access(python, os.X_OK) or _has_taken_over:
        raise EnvironmentBroken(
            f'{own} was made for {versions[0]}, and its interpreter {own}/bin/python is not there; this is Python '
            f'{sysconfig.get_python_version()}. Make it anew with: python3 -m venv --clear {own}')
    if tuple(int(part) for part in versions[0][len('python'):].split('.') if part.isdigit()) < OLDEST:
        raise EnvironmentBroken(f'{own} was made for {versions[0]}; Python 3.9 is the oldest that is supported')
    with tempfile.TemporaryFile() as handover:
        handover.write(json.dumps({'load': load, 'leftover': leftover.hex()}).encode())
        handover.flush()
        for descriptor in (3, 4, handover.fileno()):
            os.set_inheritable(descriptor, True)
        main = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'main.py')
        os.execv(python, [python, *_cache_options(), main, '--become', str(handover.fileno())])


def _cache_options():
    """Where this runtime is kept compiled is as this process was told; nothing is written beside its sources."""
    prefix = sys._xoptions.get('pycache_prefix')
    return ['-B'] if prefix is None else ['-X', f'pycache_prefix={prefix}']


def take_over(descriptor):
    """What the interpreter before this one had read: the load, and the bytes behind it."""
    global _has_taken_over
    _has_taken_over = True
    with open(descriptor, 'rb') as handover:
        handover.seek(0)
        given = json.load(handover)
    return given['load'], bytes.fromhex(given['leftover'])


def advice(missing, folder, environment, load):
    """What to do about a package that is not there; the folder is told as its author knows it."""
    package = missing.partition('.')[0]
    requirements = os.path.isfile(os.path.join(folder, 'requirements.txt'))
    if environment is not None:
        what = '-r requirements.txt' if requirements else package
        return f'{os.path.basename(environment)} does not have it. Run: {os.path.realpath(environment)}/bin/pip install {what}'
    if load.get('source') is None and load.get('cwd') is not None:
        return (f'It is not installed for {sys.executable}. A single file has no packages of its own: put it into a folder '
                f'as main.py, with a .venv (see docs/python.md)')
    make = f'cd {load.get("source") or folder} && python3 -m venv .venv && .venv/bin/pip install'
    if requirements:
        return f'There is a requirements.txt, and no .venv with what it lists. Run: {make} -r requirements.txt'
    return f'It is not installed for {sys.executable}. If it is a package, run: {make} {package}'


def _settings(path):
    with open(os.path.join(path, 'pyvenv.cfg'), encoding='utf-8') as file:
        pairs = [line.partition('=') for line in file]
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []
