"""What the REST views share: reading and answering, and how a view is documented."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from django.db.models import QuerySet
from django.http.request import RawPostDataException
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.http.idempotency import made_once
from accounts.http.paging import CursorPaging
from accounts.models import User

Shape = type[serializers.Serializer[Any]]
Shown = type[serializers.BaseSerializer[Any]]
View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def caller(request: Request) -> User:
    """Who asks; authentication never leaves it open."""
    return cast(User, request.user)


def read(shape: Shape, data: Any, *, partial: bool = False) -> dict[str, Any]:
    """The body or query in that shape. Raises ValidationError naming each field that does not fit."""
    serializer = shape(data=data, partial=partial)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def shown(request: Request, serializer: Shown, thing: Any, status: int = 200) -> Response:
    """The thing as this caller sees it."""
    return Response(serializer(thing, context={"request": request}).data, status=status)


def page(
    request: Request,
    rows: QuerySet[Any],
    serializer: Shown,
    *,
    ordering: str,
    prepare: Callable[[list[Any]], None] | None = None,
    weight: Any = None,
    fits: Callable[[Any], bool] | None = None,
) -> Response:
    """One page of the rows in that order. `prepare` is given the rows of the page, to read for all of them at once.

    `weight` is of rows that may be long: an expression for about how many bytes one makes. It costs a query.
    `fits` says whether a row, as it will be shown, finds room behind those before it; the page ends where one does not.
    """
    paging = CursorPaging()
    paging.weight = weight
    paging.ordering = (ordering, "-pk" if ordering.startswith("-") else "pk")
    found = paging.paginate_queryset(rows, request) or []
    if prepare:
        prepare(found)
    if fits and (fewer := paging.shortened(rows, request, fits)) is not None:
        found = fewer
        if prepare:
            prepare(found)
    return paging.get_paginated_response(serializer(found, many=True, context={"request": request}).data)


def created(
    request: Request,
    shape: Shape,
    shown: Shown,
    make: Callable[[dict[str, Any]], Any],
    find: Callable[[Any], Any],
) -> Response:
    """201 with what `make` gives for the body; for a repeated Idempotency-Key with the same, which `find` finds."""
    body = raw(request)
    values = read(shape, request.data)
    made = made_once(
        user=caller(request),
        key=request.headers.get("Idempotency-Key"),
        route=f"{request.method} {request.path}",
        body=body,
        make=lambda: make(values),
        find=find,
        show=lambda row: dict(shown(row, context={"request": request}).data),
    )
    return Response(made.body, status=made.status)


def documented(
    operation: str,
    *,
    body: Shape | None = None,
    query: Shape | None = None,
    answer: Any = None,
    page_of: Any = None,
    list_of: Any = None,
    status: int = 200,
    makes: bool = False,
    conflicts: bool = False,
    errors: Mapping[int, Shape] | None = None,
) -> Callable[[View], View]:
    """What the OpenAPI says of a view. Generated clients name their function after `operation`.

    `makes`: a POST that creates; `conflicts`: it may answer 409; `errors`: those of a form of their own, by status.
    What follows from the form of the route is added by chat.openapi.
    """
    gives = _page_of(page_of) if page_of else _list_of(list_of) if list_of else answer
    responses: dict[int, Any] = {201 if makes else status: gives or OpenApiResponse(description="Done")}
    responses.update(errors or {})
    if conflicts:
        responses[409] = OpenApiResponse(description="The state of things does not allow it now")
    return extend_schema(operation_id=operation, request=body, parameters=[query] if query else [], responses=responses)


def raw(request: Request) -> bytes:
    """The body's bytes; to be read before the parser does. Empty for a form, which the parser then refuses."""
    try:
        return request._request.body
    except RawPostDataException:
        return b""


def _page_of(serializer: Any) -> Any:
    """The documented shape of a page."""
    link = serializers.URLField(allow_null=True)
    name = f"{serializer.__name__.removesuffix('Serializer')}Page"
    return inline_serializer(name, {"next": link, "previous": link, "results": serializer(many=True)})


def _list_of(serializer: Any) -> Any:
    """The documented shape of a list that fits one page."""
    return inline_serializer(
        f"{serializer.__name__.removesuffix('Serializer')}List", {"results": serializer(many=True)}
    )
