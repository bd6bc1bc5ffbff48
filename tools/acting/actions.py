"""What an action of a viewset is: its method, its route, and what it says of who may."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import SAFE_METHODS, AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.viewsets import ViewSetMixin

from tools.acting.requests import request_for
from tools.schema import SchemaRefused

METHODS = {
    "list": "get",
    "retrieve": "get",
    "create": "post",
    "update": "put",
    "partial_update": "patch",
    "destroy": "delete",
}
OF_ONE = {"retrieve", "update", "partial_update", "destroy"}
Options = Mapping[str, Any]


class OfTheRequest(BaseAuthentication):
    """Who asks is who the request was made for: no header, cookie or session is looked at."""

    def authenticate(self, request: Request) -> tuple[Any, None]:
        """(the person, None)."""
        return request._request.user, None


class AsPerson:
    """Before a viewset: what decides about credentials and forms is ours, everything else is the viewset's own."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [OfTheRequest()]

    def get_parsers(self) -> list[Any]:
        return [JSONParser()]

    def get_renderers(self) -> list[Any]:
        return [JSONRenderer()]

    def get_content_negotiator(self) -> DefaultContentNegotiation:
        return DefaultContentNegotiation()


@dataclass(frozen=True)
class Action:
    """One action of a viewset, with what a router would know of it."""

    viewset: type[Any]
    name: str
    method: str
    is_of_one: bool  # its route names a row
    is_extra: bool = False
    options: Options = field(default_factory=dict)  # what @action sets on the view
    url_path: str = ""  # of an extra action, a pattern

    @property
    def place(self) -> str:
        """What a refusal begins with."""
        return f"{self.viewset.__name__}.{self.name}"

    @property
    def is_safe(self) -> bool:
        """Whether its method says that it changes nothing."""
        return self.method.upper() in SAFE_METHODS

    @property
    def acting(self) -> type[Any]:
        """The viewset, called as a person."""
        return type(self.viewset.__name__, (AsPerson, self.viewset), {"__module__": self.viewset.__module__})

    def initial(self) -> dict[str, Any]:
        """What a router hands to `as_view`."""
        return {**self.options, "basename": _basename(self.viewset), "detail": self.is_of_one}

    def view(self) -> Any:
        """The view as it is while it answers nobody: for what it says of itself."""
        view = self.acting(**self.initial())
        view.action_map, view.args, view.kwargs, view.format_kwarg = {self.method: self.name}, (), {}, None
        view.request = view.initialize_request(request_for(AnonymousUser(), self.method, "/"))
        return view


def check_viewset(viewset: Any) -> None:
    """Raise SchemaRefused for what is none."""
    if not (isinstance(viewset, type) and issubclass(viewset, ViewSetMixin)):
        raise SchemaRefused(f"{viewset!r}: expected a class of a viewset")


def action_of(viewset: type[Any], name: str) -> Action:
    """The action of that name. Raises SchemaRefused, which lists those there are."""
    found = _standard(viewset, name) or _extra(viewset, name)
    if found is None:
        raise SchemaRefused(f"{viewset.__name__}: there is no action {name!r}; it has {', '.join(_names(viewset))}")
    if found.method not in viewset.http_method_names:
        raise SchemaRefused(f"{found.place}: http_method_names does not take {found.method.upper()}")
    if inspect.iscoroutinefunction(getattr(viewset, name)):
        raise SchemaRefused(f"{found.place}: an async action has no tool; REST framework itself calls none")
    return found


def check_permissions(action: Action, view: Any, *, public: bool) -> None:
    """Raise SchemaRefused unless the viewset itself says who may: what the project's settings say may change unseen."""
    if public:
        return
    told = "say permission_classes on it, or public=True if everybody may see and do all of this"
    own = [each for each in action.viewset.__mro__ if not each.__module__.startswith("rest_framework.")]
    is_said = any({"permission_classes", "get_permissions"} & vars(each).keys() for each in own)
    if not is_said and "permission_classes" not in action.options:
        raise SchemaRefused(f"{action.place}: the viewset has no permission_classes of its own; {told}")
    permissions = _asked(action, "get_permissions", view.get_permissions)
    if all(type(each) is AllowAny for each in permissions):
        raise SchemaRefused(f"{action.place}: its permission_classes allow everybody everything; {told}")


def serializer_of(action: Action, view: Any) -> Any:
    """The serializer of the action, made. Raises SchemaRefused."""

    def made() -> Any:
        return view.get_serializer_class()(context={"request": view.request, "view": view, "format": None})

    if not hasattr(view, "get_serializer_class"):
        raise SchemaRefused(f"{action.place}: the viewset has no get_serializer_class, so its body has no schema")
    return _asked(action, "get_serializer_class", made)


def _asked(action: Action, name: str, ask: Any) -> Any:
    """What the view says of itself while nobody asks."""
    try:
        return ask()
    except Exception as error:  # somebody else's code: whatever it is, the sentence names it
        told = f"{type(error).__name__}: {error}"
        raise SchemaRefused(
            f"{action.place}: {name} must work while the tools are made, for an anonymous request; it raised {told}"
        ) from error


def _standard(viewset: type[Any], name: str) -> Action | None:
    if name not in METHODS or not callable(getattr(viewset, name, None)):
        return None
    return Action(viewset, name, METHODS[name], name in OF_ONE)


def _extra(viewset: type[Any], name: str) -> Action | None:
    for function in viewset.get_extra_actions():
        methods = [method for method, target in function.mapping.items() if target == name and method != "head"]
        if len(methods) > 1:
            raise SchemaRefused(
                f"{viewset.__name__}.{name}: it takes {' and '.join(map(str.upper, methods))}; split it by "
                f"@{name}.mapping.{methods[-1]}, so that each has a name and one meaning"
            )
        if methods:
            return Action(
                viewset, name, methods[0], function.detail, True, dict(function.kwargs), str(function.url_path)
            )
    return None


def _names(viewset: type[Any]) -> list[str]:
    extra = {name for function in viewset.get_extra_actions() for name in function.mapping.values()}
    return [*(name for name in METHODS if hasattr(viewset, name)), *sorted(extra)]


def model_of(viewset: type[Any]) -> Any:
    """The model that the viewset is about, where it says one."""
    queryset = getattr(viewset, "queryset", None)
    meta = getattr(getattr(viewset, "serializer_class", None), "Meta", None)
    return getattr(queryset, "model", None) or getattr(meta, "model", None)


def _basename(viewset: type[Any]) -> str:
    model = model_of(viewset)
    return str(model._meta.model_name) if model else re.sub(r"view_?set$", "", viewset.__name__, flags=re.I).lower()
