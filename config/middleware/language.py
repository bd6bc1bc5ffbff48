"""Pages speak the reader's language: the one chosen in the page (a cookie), else the one the browser asks for first.

The API and its doors speak English whatever is asked: programs compare what they get.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.cache import patch_vary_headers

from config.middleware.base import OnLoop
from config.middleware.errors import is_api

NOT_PAGES = ("/healthz", "/readyz", settings.STATIC_URL)


class LanguageMiddleware(OnLoop, LocaleMiddleware):
    """Answers for pages are made in the reader's language, and say so."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language, one of LANGUAGES."""
        if is_page(request):
            super().process_request(request)
        else:
            translation.activate(settings.LANGUAGE_CODE)

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """The response; that of a page says its language, and that the cookie counts too."""
        if is_page(request):
            response = super().process_response(request, response)
            patch_vary_headers(response, ("Cookie",))
        translation.deactivate()  # else the next who works in this thread would speak it too
        return response


def is_page(request: HttpRequest) -> bool:
    """Whether people read what is at this path."""
    return not is_api(request) and not request.path.startswith(NOT_PAGES)
