"""The last step into a sandbox, which a blank takes when it knows its function: what enter-sandbox.ts does for Node. What
could not be done is an error and never a function that sees more than it should."""
import ctypes
import os
import platform
import stat

# mount, umount2, mount_setattr
_NUMBERS = {'x86_64': (165, 166, 442), 'aarch64': (40, 39, 442)}
_FROM_THE_CURRENT_FOLDER = -100
_WITH_ALL_BELOW = 0x1000 | 0x4000
_MNT_DETACH = 2
_AT_RECURSIVE = 0x8000
_RDONLY, _NOSUID, _NODEV = 1, 2, 4


def enter(sandbox, own):
    """`own` names, once the function is there, what this interpreter needs to run it."""
    numbers = _NUMBERS.get(platform.machine())
    if numbers is None:
        raise OSError(0, f'it is not known how to mount on {platform.machine()}')
    system = _System(numbers)
    host = sandbox['host']
    # The function may be another user, and has to get through to what is its own.
    umask = os.umask(0o022)
    for mount in sandbox['mounts']:
        system.bind(host, mount['from'], mount['at'], mount['isWritable'])
    for path in own():
        if os.path.isabs(path) and not os.path.lexists(path):
            system.bind(host, path, path, False)
    os.umask(umask)
    system.let_go(host)
    os.rmdir(host)
    system.set_attributes('/', _RDONLY, 0)


class _System:
    def __init__(self, numbers):
        self._mount, self._unmount, self._set = numbers
        self._call = ctypes.CDLL(None, use_errno=True).syscall

    def bind(self, host, source, at, is_writable):
        """What is gone meanwhile is passed over: it cannot be reached, either."""
        try:
            is_folder = stat.S_ISDIR(os.stat(host + source).st_mode)
        except OSError:
            return
        os.makedirs(at if is_folder else os.path.dirname(at), exist_ok=True)
        if not is_folder and not os.path.lexists(at):
            open(at, 'x').close()
        self._checked(f'cannot mount {source}', self._mount, os.fsencode(host + source), os.fsencode(at), None,
                      ctypes.c_ulong(_WITH_ALL_BELOW), None)
        self.set_attributes(at, _NOSUID | _NODEV | (0 if is_writable else _RDONLY), _AT_RECURSIVE)

    def let_go(self, host):
        self._checked(f'cannot let go of {host}', self._unmount, os.fsencode(host), _MNT_DETACH)

    def set_attributes(self, path, attributes, flags):
        values = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
        self._checked(f'cannot make {path} read-only', self._set, _FROM_THE_CURRENT_FOLDER, os.fsencode(path), flags,
                      values, ctypes.c_size_t(32))

    def _checked(self, what, *arguments):
        if self._call(*arguments) < 0:
            error = ctypes.get_errno()
            raise OSError(error, f'it {what} ({os.strerror(error)})')
