"""Tells the sending of this process that something is due, from any thread."""

import asyncio


class _Here:
    """The loop that sends, once it does."""

    loop: asyncio.AbstractEventLoop | None = None
    event: asyncio.Event | None = None


def bind() -> asyncio.Event:
    """Set whenever something may be due, from now on, on the running loop."""
    _Here.loop, _Here.event = asyncio.get_running_loop(), asyncio.Event()
    return _Here.event


def wake() -> None:
    """Something is stored that is due: look now. Where nothing is sent, another process will see it when it looks."""
    if _Here.loop is not None and _Here.event is not None and not _Here.loop.is_closed():
        _Here.loop.call_soon_threadsafe(_Here.event.set)
