"""Pages speak the reader's language: the one chosen in the page (a cookie), else the one the browser asks for first.

The API and its doors speak English whatever is asked: programs compare what they get.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

from config.errors import is_api

NOT_PAGES = ("/healthz", "/readyz", settings.STATIC_URL)


class LanguageMiddleware:
    """Answers for pages are made in the reader's language, and say so."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._call(request)
        with translation.override(language := language_of(request)):
            return _told(request, self.get_response(request), language)

    async def _call(self, request: HttpRequest) -> HttpResponseBase:
        with translation.override(language := language_of(request)):
            return _told(request, await self.get_response(request), language)


def language_of(request: HttpRequest) -> str:
    """The language of this request's answer, one of LANGUAGES."""
    return translation.get_language_from_request(request) if is_page(request) else settings.LANGUAGE_CODE


def is_page(request: HttpRequest) -> bool:
    """Whether people read what is at this path."""
    return not is_api(request) and not request.path.startswith(NOT_PAGES)


def _told(request: HttpRequest, response: HttpResponseBase, language: str) -> HttpResponseBase:
    if is_page(request):
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
    return response
