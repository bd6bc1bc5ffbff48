"""The OpenAPI of everything: REST as drf-spectacular reads it from the views, doors and errors added by hooks.

A door's routes are plain async views, of which no generator can know anything: each declares its paths in its folder.
"""

import copy
import functools
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator

from chat import capabilities
from chat.doors.openapi import refusals as errors
from chat.doors.registry import DOORS
from chat.exports import openapi as exports
from chat.ops import metrics
from chat.pulls import openapi as pulls
from chat.transfer import openapi as files

Schema = dict[str, Any]

PARTS = (
    *(each for door in DOORS for each in door.openapi),
    exports,
    files,
    pulls,
    metrics,
    capabilities,
)


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document. Public, as the product's source is: it tells nothing of any organization."""
    return JsonResponse(document())


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """A page to read and try the API on, in development only; all of it comes from this server."""
    if not settings.IS_DEVELOPMENT:
        raise Http404
    return render(request, "docs.html")


@functools.cache
def document() -> Schema:
    """The whole document; it cannot change while the process lives."""
    found: Schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return found


def add_doors(result: Schema, **_: Any) -> Schema:
    """Hook of drf-spectacular: put in the paths and components that the doors declare."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    for part in PARTS:
        result["paths"].update(copy.deepcopy(part.PATHS))
        schemas.update(copy.deepcopy(part.SCHEMAS))
    return result


def finish(result: Schema, **_: Any) -> Schema:
    """Hook of drf-spectacular, after the doors: errors and keys, which are the same for all operations."""
    return errors.finish(result)


class Authentication(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How callers show who they are."""

    target_class = "accounts.authentication.RestAuthentication"
    name = ["bearer", "cookie"]

    def get_security_requirement(self, auto_schema: Any) -> list[Schema]:
        """Either of them is enough."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[Schema]:
        """Both ways, in the order of `name`."""
        return [
            {"type": "http", "scheme": "bearer", "description": "A JWT from POST /api/auth/token, or an API key."},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "access_token",
                "description": "Set by POST /api/auth/token, for pages of listed origins.",
            },
        ]
