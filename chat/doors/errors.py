"""Errors in a door's own form: before the stream as a status, in the shape its clients know."""

import functools
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.db import AWAY
from accounts.db.races import LOST, lost_to
from accounts.errors import RequestError, Unavailable

View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def told_by(say: Callable[[RequestError], HttpResponse]) -> Callable[[View], View]:
    """Decorate a door's async view: what it refuses is said by `say`. Headers of 401, 429 and 503 are added here."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        async def telling(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                return await view(request, *args, **kwargs)
            except RequestError as error:
                return with_headers(say(error), error)
            except AWAY:
                away = Unavailable(retry_after_s=2)
                return with_headers(say(away), away)
            except LOST as error:
                if (lost := lost_to(error)) is None:
                    raise
                return with_headers(say(lost), lost)

        return telling

    return decorate


def with_headers(response: HttpResponse, error: RequestError) -> HttpResponse:
    """The response with what some errors say in headers."""
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="parley"'
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response


@contextmanager
def in_words(words: Mapping[str, str]) -> Iterator[None]:
    """What is refused inside is named as this door's client does: `words` has its word for each of ours."""
    try:
        yield
    except RequestError as error:
        error.fields = {words.get(name, name): texts for name, texts in error.fields.items()}
        name, colon, rest = error.message.partition(": ")
        error.message = words.get(name, name) + colon + rest
        raise
