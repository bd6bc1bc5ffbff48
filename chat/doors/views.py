"""What every view of a door begins with."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from chat.doors.starting import BEGUN
from chat.runner import runner

HEADER = "X-Parley-Cache"  # hit, miss or off: where an answer comes from, as far as is known when it begins
View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def door(
    *methods: str, takes_body: Callable[..., bool] | None = None, starts_runs: bool | Callable[..., bool] = False
) -> Callable[[View], View]:
    """Decorate a door's async view: it takes these methods (any, where none is named), without a form's CSRF token.

    `takes_body`: whether it reads a body, by the method and what is named in the address; else by the method alone.
    `starts_runs`: whether a POST to it does, by what is named in the address: its answers say how its caller stands
    with the limits on rates (config.middleware.rates).
    What it raises is said by config.middleware.errors, in the form of its address (chat.doors.shapes).
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @functools.wraps(view)
        async def bound(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            runner.bind()  # as the server has done; Django's test client is without one
            response = await view(request, *args, **kwargs)
            if (begun := request.META.get(BEGUN)) and (told := await begun.told(waits=response.streaming)):
                response[HEADER] = told
            return response

        bound.takes_body = takes_body or (lambda method, **_: not methods or method in methods)  # type: ignore[attr-defined]
        bound.starts_runs = starts_runs  # type: ignore[attr-defined]
        return require_http_methods(methods)(bound) if methods else bound

    return decorate
