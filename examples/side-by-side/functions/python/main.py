import platform


def handler(request):
    return f'Hello from Python {platform.python_version()}\n'
