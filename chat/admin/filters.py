"""Filters of the lists. Their choices are known beforehand: none asks the table which values it holds."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.http.queries import whole_number
from agents.archetypes import registry
from agents.errors import CODES
from agents.installation import model_names
from chat.figures.words import midnight
from chat.runner.kinds import DRIVERS

SLOW_MS = 5_000  # to the first token: what the saved view Slow shows


def _dialects() -> list[str]:
    from chat.doors.registry import DOORS  # it brings all their views: not for each process that knows the admin

    return sorted({each for door in DOORS for each in door.dialects})


class Choice(SimpleListFilter):
    """One of the values that a field can have. What an address asks for is filtered by, offered or not."""

    choices_of: Callable[[], Iterable[str]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The values, and the one that is asked for."""
        offered = list(type(self).choices_of())
        asked = request.GET.get(self.parameter_name or "")
        return [(each, each) for each in [*offered, *([asked] if asked and asked not in offered else [])]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows of that value."""
        value = self.value()
        return queryset if value is None else queryset.filter(**{str(self.parameter_name): value})


class Model(Choice):
    title, parameter_name = _("model"), "model"
    choices_of = staticmethod(model_names)


class Archetype(Choice):
    title, parameter_name = _("archetype"), "archetype"
    choices_of = staticmethod(lambda: [each.name for each in registry.every()])


class Code(Choice):
    title, parameter_name = _("error code"), "error_code"
    choices_of = staticmethod(lambda: sorted(CODES))


class Door(Choice):
    title, parameter_name = _("front door"), "door"
    choices_of = staticmethod(_dialects)


class Kind(Choice):
    title, parameter_name = _("kind"), "kind"
    choices_of = staticmethod(lambda: sorted(DRIVERS))


class Origin(Door):
    title, parameter_name = _("made by the front door"), "origin"


class Tool(Choice):
    title, parameter_name = _("tool"), "name"
    choices_of = staticmethod(lambda: sorted({tool.name for each in registry.every() for tool in each.tools}))


class Ended(SimpleListFilter):
    title, parameter_name = _("ended"), "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Stretches of time by name."""
        return [
            ("hour", _("The last hour")),
            ("today", _("Today")),
            ("yesterday", _("Yesterday")),
            ("week", _("Past 7 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Runs that ended then."""
        match self.value():
            case "hour":
                return queryset.filter(ended_at__gte=timezone.now() - timedelta(hours=1))
            case "today":
                return queryset.filter(ended_at__gte=midnight())
            case "yesterday":
                return queryset.filter(ended_at__gte=midnight(1), ended_at__lt=midnight())
            case "week":
                return queryset.filter(ended_at__gte=midnight(6))
            case _:
                return queryset


class Retried(SimpleListFilter):
    title, parameter_name = _("retried"), "retried"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Who had to try again."""
        return [("model", _("The model was asked again")), ("process", _("Its process was gone"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Runs that did not go straight through."""
        match self.value():
            case "model":
                return queryset.filter(retries__gt=0)
            case "process":
                return queryset.filter(crashes__gt=0)
            case _:
                return queryset


class FirstToken(SimpleListFilter):
    title, parameter_name = _("first token after"), "first_token"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """At least so long."""
        return [("1000", _("1 s or more")), (str(SLOW_MS), _("5 s or more")), ("30000", _("30 s or more"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Runs whose reader waited."""
        least = whole_number(self.value())
        return queryset if least is None else queryset.filter(first_token_ms__gte=least)
