"""What cannot become a tool is refused when it is made, by name, with what to change."""

import subprocess
import sys
from typing import Any

import pytest
from django.db.models import Q
from rest_framework import permissions, serializers, viewsets

from tests.environment import ROOT
from tests.tools.acting.shop.models import Customer, Order
from tests.tools.acting.shop.viewsets import OrderSerializer, OrderViewSet
from tools import from_queryset, from_viewset
from tools.schema import SchemaRefused


def orders(**members: Any) -> type[Any]:
    return type("Orders", (OrderViewSet,), members)


def with_field(field: Any) -> type[Any]:
    return orders(serializer_class=type("Form", (serializers.Serializer,), {"thing": field}))


class Bare(viewsets.ModelViewSet[Order]):
    queryset = Order.objects.all()
    serializer_class = OrderSerializer


class ByCode(Bare):
    def get_permissions(self) -> list[Any]:
        return [permissions.IsAuthenticated()]


class OpenByCode(Bare):
    def get_permissions(self) -> list[Any]:
        return [permissions.AllowAny()]


class Failing(OrderViewSet):
    def get_serializer_class(self) -> Any:
        raise LookupError("no tenant")


class Odd(serializers.Field[Any, Any, Any, Any]):
    """A field of somebody's own."""


class NoSerializer(viewsets.ViewSet):
    permission_classes = [permissions.IsAuthenticated]

    def create(self, request: Any) -> None: ...


VIEWSETS: list[tuple[Any, dict[str, Any], str]] = [
    (Order, {"actions": ["list"]}, "expected a class of a viewset"),
    (OrderViewSet(), {"actions": ["list"]}, "expected a class of a viewset"),
    (OrderViewSet, {"actions": []}, "name the actions"),
    (OrderViewSet, {"actions": "list"}, "name the actions"),
    (OrderViewSet, {"actions": ["list", "list"]}, "named twice"),
    (OrderViewSet, {"actions": ["get_queryset"]}, "it has list, retrieve, create, update, partial_update, destroy"),
    (OrderViewSet, {"actions": ["two_ways"]}, "GET and POST"),
    (OrderViewSet, {"actions": ["later"]}, "async"),
    (OrderViewSet, {"actions": ["create"], "permission": "read"}, "cannot be 'read'"),
    (OrderViewSet, {"actions": ["list"], "name": "the orders"}, "letters, digits"),
    (orders(http_method_names=["get"]), {"actions": ["create"]}, "does not take POST"),
    # --- who may ---
    (Bare, {"actions": ["list"]}, "Bare.list: the viewset has no permission_classes of its own"),
    (orders(permission_classes=[permissions.AllowAny]), {"actions": ["list"]}, "allow everybody everything"),
    (orders(permission_classes=[]), {"actions": ["list"]}, "allow everybody everything"),
    (OpenByCode, {"actions": ["list"]}, "allow everybody everything"),
    (OrderViewSet, {"actions": ["opened"]}, "OrderViewSet.opened: its permission_classes"),
    # --- what has no schema ---
    (
        with_field(serializers.FileField()),
        {"actions": ["create"]},
        "Orders.create: Form: thing is a FileField",
    ),
    (with_field(Odd()), {"actions": ["create"]}, "Form: thing is a Odd: it has no JSON Schema"),
    (with_field(serializers.ListField(child=Odd())), {"actions": ["create"]}, r"thing\[\] is a Odd"),
    (Failing, {"actions": ["create"]}, "Failing.create: get_serializer_class .* LookupError: no tenant"),
    (NoSerializer, {"actions": ["create"]}, "no get_serializer_class"),
    (
        orders(lookup_url_kwarg="page"),
        {"actions": ["retrieve"], "url_kwargs": ["page"]},
        "two arguments",
    ),
]


@pytest.mark.parametrize(("viewset", "given", "word"), VIEWSETS, ids=[word for *_, word in VIEWSETS])
def test_a_viewset_that_cannot_be_meant_is_refused(viewset: Any, given: dict[str, Any], word: str) -> None:
    with pytest.raises(SchemaRefused, match=word):
        from_viewset(viewset, **given)


def test_what_is_said_is_taken() -> None:
    assert from_viewset(Bare, actions=["list"], public=True)[0].name == "orders_list"
    assert from_viewset(ByCode, actions=["list"])[0].permission == "read"
    assert from_viewset(type("Sub", (OrderViewSet,), {}), actions=["list"])
    odd = with_field(Odd())
    (made,) = from_viewset(odd, actions=["create"], schemas={"thing": {"type": "string"}})
    assert made.schema["properties"] == {"thing": {"type": "string"}}
    (made,) = from_viewset(odd, actions=["create"], schemas={"thing": None})
    assert made.schema["properties"] == {}


def mine(user: Any) -> Q:
    return Q(owner=user.pk)


QUERYSETS: list[tuple[dict[str, Any], str]] = [
    ({"visible": None}, "visible: say whose rows"),
    ({"visible": lambda: Q()}, "visible: say whose rows"),
    ({"fields": []}, "none of them names one row"),
    ({"fields": ["status"]}, "none of them names one row"),
    ({"fields": ["customer__id"]}, "none of them names one row"),
    ({"fields": ["id", "price"]}, "Order has no field 'price'"),
    ({"fields": ["id", "owner__memberships__role"]}, "no one 'memberships'"),
    ({"fields": ["id", "owner__groups"]}, "no one 'groups'"),
    ({"fields": ["id", "number__contains"]}, "nothing follows 'number'"),
    ({"fields": ["id", "data"]}, "bytes"),
    ({"filters": ["margin"]}, "filters: margin is not one of fields"),
    ({"filters": ["owner__password__startswith"]}, "is not one of fields"),
    ({"filters": ["number__regex"]}, "is not one of fields"),
    ({"filters": ["total__icontains"]}, "is for texts"),
    ({"filters": ["is_gift__gte"]}, "not for true and false"),
    ({"fields": ["id", "photo"], "filters": ["photo"]}, "photo"),
    ({"search": ["margin"]}, "search: margin is not one of fields"),
    ({"search": ["total"]}, "total is no text"),
    ({"ordering": ["-margin"]}, "ordering: margin is not one of fields"),
    ({"ordering": ["?"]}, "is not one of fields"),
    ({"name": "the orders"}, "letters, digits"),
    ({"source": Order}, "expected a manager"),
    ({"source": lambda: [1]}, "expected a manager"),
]


@pytest.mark.parametrize(("given", "word"), QUERYSETS, ids=[word for *_, word in QUERYSETS])
def test_rows_that_cannot_be_meant_are_refused(given: dict[str, Any], word: str) -> None:
    asked = {"fields": ["number", "total", "is_gift"], "visible": mine, "source": Order.objects, **given}
    with pytest.raises(SchemaRefused, match=word):
        from_queryset(asked.pop("source"), **asked)


def test_visible_cannot_be_left_out() -> None:
    with pytest.raises(TypeError, match="visible"):
        from_queryset(Order.objects, fields=["id"])  # type: ignore[call-arg]


def test_a_filter_may_not_take_the_name_of_another_argument() -> None:
    shop = Customer.objects.annotate(page=Q(name=""))  # type: ignore[arg-type]
    with pytest.raises(SchemaRefused, match="page is an argument"):
        from_queryset(shop, fields=["id", "page"], visible=mine, filters=["page"])


def test_who_only_needs_what_a_tool_is_loads_no_django() -> None:
    told = "import sys, tools, tools.base; print('django' in sys.modules, hasattr(tools, 'from_nothing'))"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
