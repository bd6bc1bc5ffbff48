"""Django's ASGI handler, without a thread for requests that need none.

Django makes a thread for each request to send its two signals in, and closes the response there. An async view that
works through accounts.db has no use for it: so a thread is taken where something sync is called, and only then.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch, set_script_prefix

from config.body import MATCH, read
from config.threads import RequestThread


class Handler(ASGIHandler):
    """Serves HTTP requests, each as Django's own does."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        thread = RequestThread()
        try:
            async with ThreadSensitiveContext(executor=thread):
                await self._handle(scope, receive, send, thread)
        finally:
            thread.leave()

    async def _handle(self, scope: Any, receive: Any, send: Any, thread: RequestThread) -> None:
        with SpooledTemporaryFile(max_size=settings.BODY_MAX_BYTES) as body:  # more than that goes to disk
            set_script_prefix(get_script_prefix(scope))
            request, refused = self.create_request(scope, body)
            try:
                if request is not None:
                    await read(request, scope, receive, body)
            except RequestAborted:
                return
            signals.request_started.send(sender=self.__class__, scope=scope)
            if request is not None:
                await self._serve(request, _after_body(receive), send, thread)
            elif refused is not None:
                await self.send_response(refused, send)
                refused.close()

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The request's route, where it is known already since its body was read."""
        match: ResolverMatch | None = getattr(request, "scope", {}).get(MATCH)
        if match is None or hasattr(request, "urlconf"):
            return super().resolve_request(request)
        request.resolver_match = match
        return match

    async def _serve(self, request: ASGIRequest, receive: Any, send: Any, thread: RequestThread) -> None:
        """Answer, unless its sender leaves before: then the view is cancelled."""
        answering = asyncio.create_task(self._answer(request, send))
        leaving = asyncio.create_task(self.listen_for_disconnect(receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            answering.cancel()
            response, _ = await asyncio.gather(answering, leaving, return_exceptions=True)
            await self._close(response, thread)
        if isinstance(response, Exception):
            raise response

    async def _answer(self, request: ASGIRequest, send: Any) -> HttpResponseBase:
        response: HttpResponseBase = await self.run_get_response(request)
        with suppress(asyncio.CancelledError):  # its reader has left; the response is closed all the same
            await self.send_response(response, send)
        return response

    async def _close(self, response: HttpResponseBase | BaseException, thread: RequestThread) -> None:
        """End the request where its database connection is, if it has one."""

        def end() -> None:
            if isinstance(response, HttpResponseBase):
                response.close()
            else:
                signals.request_finished.send(sender=self.__class__)

        if thread.is_used:
            await sync_to_async(end)()
        else:
            end()


def _after_body(receive: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    """A `receive` that only says when the sender has left: a body that was not read is dropped as it comes."""

    async def leaving() -> Any:
        while (message := await receive())["type"] == "http.request":
            pass
        return message

    return leaving
