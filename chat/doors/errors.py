"""Errors in a door's own form: before the stream as a status, in the shape its clients know."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.http import HttpResponse

from accounts.errors import RequestError


def with_headers(response: HttpResponse, error: RequestError) -> HttpResponse:
    """The response with what some errors say in headers."""
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="parley"'
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response


def with_time(error: RequestError) -> str:
    """The message with when to come again, for who is told in a message and sees no headers."""
    return error.message + (f" Try again in {error.retry_after_s} s." if error.retry_after_s is not None else "")


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
