"""Pages by cursor: `{"next", "previous", "results"}`, for every list."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DataError
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from accounts.errors import Invalid
from accounts.http.queries import whole_number


class CursorPaging(CursorPagination):
    """Stable under new rows. A view sets its `ordering` (of its filter backend or here), newest last by default.

    `?page_size=` is at most API_PAGE_SIZE_MAX; a cursor that we did not make is refused by name.
    """

    ordering = ("created_at", "id")
    page_size_query_param = "page_size"

    def get_page_size(self, request: Request) -> int:
        """The size asked for, else API_PAGE_SIZE. Raises Invalid."""
        asked = request.query_params.get("page_size")
        if asked is None:
            return int(settings.API_PAGE_SIZE)
        size = whole_number(asked, 1, settings.API_PAGE_SIZE_MAX)
        if size is None:
            raise Invalid(fields={"page_size": [f"Send a whole number from 1 to {settings.API_PAGE_SIZE_MAX}."]})
        return size

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """One page of it. Raises Invalid."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (exceptions.NotFound, ValidationError, ValueError, TypeError, DataError) as error:
            if "cursor" not in request.query_params:
                raise
            told = "Use the address in `next` or `previous` of an earlier page as it is."
            raise Invalid(fields={"cursor": [told]}) from error
