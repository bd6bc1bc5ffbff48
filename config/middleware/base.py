"""Middleware at work on the event loop: Django's, and what ours stand on.

Under ASGI Django hands each half of each of these to a thread: a dozen hops a request, dearer than what they do
(docs/decisions/0050-what-a-run-costs.md). They only look at memory, but for the cases that `reads`, `waits` and
`process_view` name here: those still go to a thread.
"""

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponseBase, HttpResponsePermanentRedirect
from django.middleware import clickjacking, common, csrf, security
from django.utils.deprecation import MiddlewareMixin

SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class OnLoop(MiddlewareMixin):
    """Does its work for a request and its response without a thread, unless `reads` or `waits` says otherwise."""

    def reads(self, request: HttpRequest) -> bool:
        """Whether the request's half reads files."""
        return False

    def waits(self, request: HttpRequest) -> bool:
        """Whether the response's half may ask the database."""
        return False

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        own: Any = self  # either half may be missing
        response = await self._begin(request) if hasattr(self, "process_request") else None
        if response is None:
            response = await own.get_response(request)
        if not hasattr(self, "process_response"):
            return response  # type: ignore[no-any-return]
        if self.waits(request):
            return await sync_to_async(own.process_response)(request, response)  # type: ignore[no-any-return]
        return own.process_response(request, response)  # type: ignore[no-any-return]

    async def _begin(self, request: HttpRequest) -> Any:
        own: Any = self
        if self.reads(request):
            return await sync_to_async(own.process_request, thread_sensitive=False)(request)
        return own.process_request(request)


class SecurityMiddleware(OnLoop, security.SecurityMiddleware):
    pass


class SessionMiddleware(OnLoop, sessions.SessionMiddleware):
    def waits(self, request: HttpRequest) -> bool:
        """A session that was changed is saved."""
        return bool(getattr(request.session, "modified", False))


HEALTH = ("/healthz", "/readyz")


class CommonMiddleware(OnLoop, common.CommonMiddleware):
    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Django's look at the host; who asks how the process is may call it what they like: balancers do."""
        return None if request.path in HEALTH else super().process_request(request)


class CsrfViewMiddleware(OnLoop, csrf.CsrfViewMiddleware):
    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self._process_view_on_loop  # type: ignore[assignment,method-assign]

    async def _process_view_on_loop(
        self, request: HttpRequest, callback: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Django's check. For a form that may carry the token, in a thread: its body has to be read."""
        check = super().process_view
        if request.method in SAFE_METHODS or getattr(callback, "csrf_exempt", False):
            return check(request, callback, args, kwargs)
        return await sync_to_async(check)(request, callback, args, kwargs)


class AuthenticationMiddleware(OnLoop, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(OnLoop, messages.MessageMiddleware):
    def waits(self, request: HttpRequest) -> bool:
        """Messages that were shown or added may be kept in the session."""
        kept: Any = getattr(request, "_messages", None)
        return kept is not None and (kept.used or kept.added_new or bool(kept._queued_messages))


class XFrameOptionsMiddleware(OnLoop, clickjacking.XFrameOptionsMiddleware):
    pass
