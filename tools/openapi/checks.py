"""System check of those who make tools of an OpenAPI file: that what is named by an address has been fetched."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from tools.openapi.kept import missing


@register()
def check_openapi(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors for OpenAPI files that tools are made of and that were never fetched."""
    return [Error(told, hint, id="tools.E003") for told, hint in missing()]
