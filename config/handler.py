"""Django's ASGI handler, without a thread for requests that need none.

Django makes a thread for each request to send its two signals in, and closes the response there. An async view that
works through accounts.db has no use for it: so the thread is made where something sync is called, and only then.
"""

import asyncio
from contextlib import closing, suppress
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, ASGIRequest, get_script_prefix
from django.db import connections
from django.http import HttpResponseBase
from django.urls import set_script_prefix


class Handler(ASGIHandler):
    """Serves HTTP requests, each as Django's own does."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async with ThreadSensitiveContext() as thread:
            try:
                body = await self.read_body(receive)
            except RequestAborted:
                return
            with closing(body):
                set_script_prefix(get_script_prefix(scope))
                signals.request_started.send(sender=self.__class__, scope=scope)
                request, refused = self.create_request(scope, body)
                if request is not None:
                    await self._serve(request, receive, send, thread)
                elif refused is not None:
                    await self.send_response(refused, send)
                    refused.close()

    async def _serve(self, request: ASGIRequest, receive: Any, send: Any, thread: ThreadSensitiveContext) -> None:
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

    async def _close(self, response: HttpResponseBase | BaseException, thread: ThreadSensitiveContext) -> None:
        """End the request where its database connection is, if it has one."""

        def end() -> None:
            if isinstance(response, HttpResponseBase):
                response.close()
            else:
                signals.request_finished.send(sender=self.__class__)

        def end_with_thread() -> None:
            end()
            connections.close_all()  # nobody else can use them, and unclosed they stay until garbage is collected

        if thread in SyncToAsync.context_to_thread_executor:
            await sync_to_async(end_with_thread)()
        else:
            end()
