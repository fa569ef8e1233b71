"""`def handler(request)`, with or without `async`, and generators of both kinds."""
import asyncio
import inspect

from .request import Request
from .response import outgoing, part_bytes
from .wire import INITIAL_WINDOW_BYTES


def sync_handler(handler):
    def handle(call):
        value = handler(Request(call))
        if inspect.isawaitable(value):
            value = asyncio.run(_result_of(value))
        status, head, body = outgoing(value)
        if type(body) is bytes:
            if len(body) <= INITIAL_WINDOW_BYTES:
                return call.respond(status, head, body)
            return call.respond_long(status, head, body)
        if hasattr(body, '__anext__'):
            raise TypeError('An async generator needs a handler that is `async def`')
        _stream(call, status, head, body)

    return handle


async def _result_of(awaitable):
    return await awaitable


def _stream(call, status, head, parts):
    try:
        if not call.begin(status, head):
            return
        for part in parts:
            call.write(part_bytes(part))
        call.finish()
    finally:
        close = getattr(parts, 'close', None)
        if close is not None:
            close()


def async_handler(handler):
    is_generator = inspect.isasyncgenfunction(handler) or inspect.isasyncgenfunction(getattr(handler, '__call__', None))

    async def handle(call):
        request = Request(call, await call.collect())
        value = handler(request) if is_generator else await handler(request)
        status, head, body = outgoing(value)
        if type(body) is bytes:
            return await call.respond_long(status, head, body)
        if call.begin(status, head):
            await _stream_async(call, body)

    return handle


async def _stream_async(call, parts):
    try:
        if hasattr(parts, '__anext__'):
            async for part in parts:
                await call.write(part_bytes(part))
        else:
            for part in parts:
                await call.write(part_bytes(part))
        call.finish()
    finally:
        if hasattr(parts, 'aclose'):
            await parts.aclose()
        elif hasattr(parts, 'close'):
            parts.close()
