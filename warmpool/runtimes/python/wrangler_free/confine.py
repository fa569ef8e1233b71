"""Takes from this process, for ever and for all that it starts, what its function is not to have: what confine.ts does for
Node, said in docs/security.md. It is done before any second thread is started, for Landlock binds the thread that asks and
those that it starts."""
import base64
import ctypes
import os
import platform
import site
import stat
import sys

_ADD_RULE, _RESTRICT_SELF, _CREATE_RULESET = 445, 446, 444
# capset, seccomp
_NUMBERS = {'x86_64': (126, 317), 'aarch64': (91, 277)}
_SET_NO_NEW_PRIVILEGES = 38
_SET_DUMPABLE = 4
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, NET_BIND_SERVICE: what programs of the superuser need.
_KEPT_CAPABILITIES = 0b100_1111_1011
_CAPABILITY_VERSION = 0x20080522
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEV = 1, 2, 4, 8, 1 << 14, 1 << 15
_HANDLED = ((1, (1 << 13) - 1), (2, 1 << 13), (3, _TRUNCATE), (5, _IOCTL_DEV))
_READING = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_MAKE_DEVICES = 1 << 6 | 1 << 11
# TCP's rights. Where it may connect to, a rule for a port says.
_BIND, _CONNECT = 1, 2
_FILES_FROM, _NETWORK_FROM, _SCOPES_FROM = 3, 4, 6


class IsolationMissing(RuntimeError):
    """A mechanism is missing that was demanded."""


class _RuleOfPath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [('allowed', ctypes.c_uint64), ('parent', ctypes.c_int32)]


class _Program(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('filter', ctypes.c_void_p)]


def confine_for(load):
    """For the answer to a load: what is in force, or None where nothing was asked for."""
    wanted = load.get('confinement')
    if wanted is None:
        return None
    os.environ['HOME'] = os.environ['TMPDIR'] = wanted['folder']
    in_force, missing = [], []
    sandbox = wanted.get('sandbox')
    if sandbox is not None:
        _enter_sandbox(sandbox, load)
        in_force.append('namespaces')
    _confine(wanted, load, in_force, missing)
    given = sandbox['given'] if sandbox else ()
    lacking = [one for one in missing if one['mechanism'] not in given]
    if wanted.get('isDemanded') and lacking:
        raise IsolationMissing('; '.join(f"{one['mechanism']}: {one['why']}" for one in lacking))
    return {'inForce': in_force, 'missing': missing}


def _enter_sandbox(sandbox, load):
    """Mounts what is the function's, and lets go of the machine that a blank sees beside its own small system."""
    if sandbox['host'] is None:
        return
    from .sandbox import enter
    try:
        enter(sandbox, lambda: [*_of_the_interpreter(), *_of_environments(load)])
    except OSError as error:
        raise IsolationMissing(f'namespaces: {error.strerror}') from error


def _confine(wanted, load, in_force, missing):
    def fail(mechanism, why):
        missing.append({'mechanism': mechanism, 'why': why})

    numbers = _NUMBERS.get(platform.machine())
    if sys.platform != 'linux' or numbers is None:
        for mechanism in ('privileges', 'files', 'signals', 'system-calls'):
            fail(mechanism, f'it is not known how on {sys.platform}, {platform.machine()}')
        return
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if len(os.listdir('/proc/self/task')) > 1:
            raise OSError(0, 'this process has more threads than one already')
        _set_privileges(libc, numbers[0], wanted.get('sandbox'))
        in_force.append('privileges')
    except OSError as error:
        fail('privileges', error.strerror)
    try:
        version = max(0, libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
        if version > 0:
            _restrict_files(libc, version, wanted, load)
        if version >= _FILES_FROM:
            in_force.append('files')
        else:
            fail('files', f"this kernel's Landlock is version {version}, and 3 is needed (Linux 6.2)")
        if version < _NETWORK_FROM and wanted['network'] not in ('all', 'none'):
            fail('files', f"this kernel's Landlock is version {version}, and a list of hosts takes 4 (Linux 6.7)")
        if version >= _SCOPES_FROM:
            in_force.append('signals')
        else:
            fail('signals', f"this kernel's Landlock is version {version}, and 6 is needed (Linux 6.12)")
    except OSError as error:
        fail('files', error.strerror)
        fail('signals', error.strerror)
    try:
        _filter_calls(libc, numbers[1], wanted.get('filter'))
        in_force.append('system-calls')
    except OSError as error:
        fail('system-calls', error.strerror)


def _checked(result):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f'the kernel refuses ({os.strerror(error)})')
    return result


def _set_privileges(libc, capset, sandbox):
    _checked(libc.prctl(_SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    user = sandbox['user'] if sandbox else None
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        # What is told of it in /proc would be the superuser's, and closed to itself.
        _checked(libc.prctl(_SET_DUMPABLE, 1, 0, 0, 0))
    with open('/proc/self/status', encoding='ascii', errors='replace') as status:
        permitted = next(int(line.split()[1], 16) for line in status if line.startswith('CapPrm:'))
    kept = 0 if sandbox else permitted & _KEPT_CAPABILITIES
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)
    _checked(libc.syscall(capset, header, sets))


def _restrict_files(libc, version, wanted, load):
    handled = sum(rights for since, rights in _HANDLED if version >= since)
    network = 0 if version < _NETWORK_FROM else _network_handled(wanted)
    attributes = (ctypes.c_uint64 * 3)(handled, network, 3)
    size = 24 if version >= _SCOPES_FROM else 16 if version >= _NETWORK_FROM else 8
    ruleset = _checked(libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0))
    for path in [*wanted['read'], *_of_the_interpreter(), *_of_environments(load)]:
        _add_rule(libc, ruleset, path, handled & _READING)
    for path in wanted['write']:
        _add_rule(libc, ruleset, path, handled & ~_MAKE_DEVICES)
    if network and wanted['network'] not in ('all', 'none'):
        rule = (ctypes.c_uint64 * 2)(_CONNECT, wanted['network'])
        _checked(libc.syscall(_ADD_RULE, ruleset, 2, ctypes.byref(rule), 0))
    _checked(libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _network_handled(wanted):
    """The rights to TCP that a ruleset is about; without rules for them there are none."""
    if wanted['network'] != 'all':
        return _BIND | _CONNECT
    return 0 if wanted.get('mayListen', True) else _BIND


def _add_rule(libc, ruleset, path, rights):
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_folder = stat.S_ISDIR(os.fstat(fd).st_mode)
        rule = _RuleOfPath(rights if is_folder else rights & _OF_FILES, fd)
        _checked(libc.syscall(_ADD_RULE, ruleset, 1, ctypes.byref(rule), 0))
    finally:
        os.close(fd)


def _of_the_interpreter():
    own = [path for path in sys.path if os.path.isabs(path)]
    # Packages that are installed for this user; her own folder itself is not meant.
    prefixes = [path for path in (sys.prefix, sys.base_prefix) if path not in ('/', os.path.expanduser('~'))]
    runtime = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return [runtime, *own, *prefixes, site.getusersitepackages(), sys.executable, os.path.realpath(sys.executable)]


def _of_environments(load):
    """Where the interpreters are that virtual environments were made from."""
    folder = load.get('cwd')
    for name in ('.venv', 'venv'):
        venv = os.path.join(folder, name) if folder else None
        if venv is None or not os.path.isfile(os.path.join(venv, 'pyvenv.cfg')):
            continue
        yield os.path.realpath(venv)
        python = os.path.realpath(os.path.join(venv, 'bin', 'python'))
        prefix = os.path.dirname(os.path.dirname(python))
        yield python
        if os.path.basename(os.path.dirname(python)) == 'bin' and prefix != '/':
            yield os.path.join(prefix, 'lib')


def _filter_calls(libc, seccomp, text):
    if text is None:
        raise OSError(0, 'it is not known how on this processor')
    code = base64.b64decode(text)
    instructions = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(instructions, ctypes.c_void_p))
    _checked(libc.syscall(seccomp, 1, 1, ctypes.byref(program)))
