"""Pages that may show the chat in a frame may import its scripts: static files, and no answer of the API."""

from typing import Any

from corsheaders.signals import check_request_enabled
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest


@receiver(check_request_enabled)
def may_import(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Whether a listed page asks for a static file."""
    is_static = request.path.startswith(settings.STATIC_URL)
    return is_static and request.headers.get("Origin") in settings.EMBED_ORIGINS
