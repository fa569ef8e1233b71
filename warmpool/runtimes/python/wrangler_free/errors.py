"""What was raised as data for the parent: what, where in the author's own files, and the lines around it. Lines of this
runtime, of the standard library and of packages are never the place that is named while there is one of the author's."""
import linecache
import os
import sysconfig
import traceback

RUNTIME_FOLDER = os.path.dirname(os.path.abspath(__file__)) + os.sep
# Where nobody's own files are. A virtual environment in the function's folder has its packages there, too.
PACKAGES = (os.sep + 'site-packages' + os.sep, os.sep + 'dist-packages' + os.sep)
STDLIB = tuple(path + os.sep for path in {sysconfig.get_path('stdlib'), sysconfig.get_path('platstdlib')})
CONTEXT_LINES = 2
MAX_LINE_CHARS = 160
# Bounds what a function can make the parent hold for one error.
MAX_CHARS = 16 * 1024
MOST_FIELDS = 10
MAX_FIELD_CHARS = 500


def report_error(error):
    """Never raises, whatever was raised."""
    try:
        return _describe(error)
    except Exception:
        return {'name': type(error).__name__, 'message': 'An error that cannot be shown', 'stack': ''}


def _describe(error):
    steps = error.__traceback__
    while steps is not None and _is_ours(steps.tb_frame.f_code.co_filename):
        steps = steps.tb_next
    stack = ''.join(traceback.format_exception(type(error), error, steps)).rstrip('\n')
    report = {'name': type(error).__name__, 'message': _cut(_message(error)), 'stack': _cut(stack)}
    # Causes and members of groups are in the stack.
    own = [(name, value) for name, value in vars(error).items() if not name.startswith('__')][:MOST_FIELDS]
    if own:
        report['fields'] = {str(name)[:MAX_FIELD_CHARS]: str(value)[:MAX_FIELD_CHARS] for name, value in own}
    place = _place(error, steps)
    if place is None:
        return report
    file, line, column = place
    report.update(file=file, line=line)
    if column is not None:
        report['column'] = column
    frame = _code_frame(file, line, column)
    if frame is not None:
        report['frame'] = frame
    return report


def _message(error):
    if isinstance(error, SyntaxError):
        # Callers are told the message alone.
        has_place = error.filename is not None and error.lineno is not None
        return f'{error.msg} ({os.path.basename(error.filename)}, line {error.lineno})' if has_place else error.msg
    if isinstance(error, SystemExit):
        return f'It called sys.exit({"" if error.code is None else repr(error.code)})'
    if isinstance(error, KeyError):
        return f'No such key: {error}'
    return str(error)


def _place(error, steps):
    if isinstance(error, SyntaxError) and error.filename is not None and error.lineno is not None:
        return error.filename, error.lineno, error.offset
    found = own = None
    while steps is not None:
        file = steps.tb_frame.f_code.co_filename
        if os.path.isabs(file) and not _is_ours(file):
            found = steps
            if not file.startswith(STDLIB) and not any(part in file for part in PACKAGES):
                own = steps
        steps = steps.tb_next
    step = own or found
    return None if step is None else (step.tb_frame.f_code.co_filename, step.tb_lineno, _column(step))


def _is_ours(file):
    return file.startswith((RUNTIME_FOLDER, '<frozen importlib'))


def _column(step):
    """Counted from 1. Python tells columns from 3.11 on."""
    positions = getattr(step.tb_frame.f_code, 'co_positions', None)
    if positions is None:
        return None
    for index, (_, _, column, _) in enumerate(positions()):
        if index == step.tb_lasti // 2:
            return None if column is None else column + 1
    return None


def _code_frame(file, line, column):
    lines = linecache.getlines(file)
    if not 0 < line <= len(lines):
        return None
    first = max(1, line - CONTEXT_LINES)
    last = min(len(lines), line + CONTEXT_LINES)
    width = len(str(last))
    shown = []
    for at in range(first, last + 1):
        text = lines[at - 1].rstrip('\n')[:MAX_LINE_CHARS]
        shown.append(f'{">" if at == line else " "} {at:>{width}} | {text}')
        if at == line and column is not None:
            shown.append(f'  {"":>{width}} | {" " * max(0, min(column - 1, MAX_LINE_CHARS))}^')
    return '\n'.join(shown)


def _cut(text):
    return text if len(text) <= MAX_CHARS else text[:MAX_CHARS] + '…'
