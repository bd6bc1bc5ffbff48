"""What the REST views share."""

from collections.abc import Callable
from typing import Any, cast

from django.http.request import RawPostDataException
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http.idempotency import Answer, once
from accounts.models import User

Shape = type[serializers.Serializer[Any]]
Shown = type[serializers.BaseSerializer[Any]]


def caller(request: Request) -> User:
    """Who asks; authentication never leaves it open."""
    return cast(User, request.user)


def read(shape: Shape, data: Any, *, partial: bool = False) -> dict[str, Any]:
    """The body or query in that shape. Raises ValidationError naming each field that does not fit."""
    serializer = shape(data=data, partial=partial)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def created(request: Request, shape: Shape, shown: Shown, make: Callable[[dict[str, Any]], Any]) -> Response:
    """201 with what `make` gives for the body; the same again for a repeated Idempotency-Key."""
    body = _raw(request)
    values = read(shape, request.data)

    def answer() -> Answer:
        return Answer(201, dict(shown(make(values), context={"request": request}).data))

    key = request.headers.get("Idempotency-Key")
    found = once(user=caller(request), key=key, route=f"{request.method} {request.path}", body=body, make=answer)
    return Response(found.body, status=found.status)


def _raw(request: Request) -> bytes:
    """The body's bytes; to be read before the parser does. Empty for a form, which the parser then refuses."""
    try:
        return request._request.body
    except RawPostDataException:
        return b""
