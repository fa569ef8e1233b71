"""What a function's TCP servers do when they bind: nothing, listen on loopback, or listen, as the setting `listen` says. Behind
this stands the kernel (confine.py), which knows ports and neither names nor addresses."""
import errno
import ipaddress
import os
import socket

_INTERNET = (socket.AF_INET, socket.AF_INET6)


def hold(load):
    """Before the module is imported."""
    listen = load.get('listen', 'all')
    if listen == 'all':
        return
    # Flask's own word for "somebody else serves the app": app.run() then says so and returns.
    os.environ.setdefault('FLASK_RUN_FROM_CLI', 'true')
    name = load['name']
    own_bind, own_listen = socket.socket.bind, socket.socket.listen

    def bind(self, address):
        if self.family not in _INTERNET or self.type != socket.SOCK_STREAM:
            return own_bind(self, address)
        if listen == 'none':
            raise _refusal(name, address)
        return own_bind(self, (_on_loopback(self.family, address[0]), *address[1:]))

    def listen_on(self, *backlog):
        # Without an address the system gives any port, on every address.
        if self.family in _INTERNET and self.type == socket.SOCK_STREAM and self.getsockname()[1] == 0:
            self.bind(('', 0))
        return own_listen(self, *backlog)

    socket.socket.bind, socket.socket.listen = bind, listen_on


def _on_loopback(family, host):
    try:
        if host == 'localhost' or ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    return '127.0.0.1' if family == socket.AF_INET else '::1'


def _refusal(name, address):
    host, port = address[0] or '0.0.0.0', address[1]
    return PermissionError(
        errno.EACCES,
        f'{host}:{port} was not opened: a function opens no TCP port, the gateway hands it its calls. Start a server only '
        f"under `if __name__ == '__main__':`. If {name} needs one of its own, the operator sets listen: 'loopback' for it "
        f'(overrides.{name}.listen of the configuration)')
