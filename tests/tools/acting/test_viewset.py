"""What a viewset's actions become: names, schemas, who is asked first; and what a call of one does."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django import forms
from django.db import connections
from django.http import FileResponse, HttpResponse
from jsonschema import Draft202012Validator
from rest_framework import authentication, parsers, permissions, renderers, serializers, throttling
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Organization, User
from tests.tools.acting.conftest import of
from tests.tools.acting.shop.models import Order
from tests.tools.acting.shop.tools import OF_VIEWSET
from tests.tools.acting.shop.viewsets import ByCursor, ByOffset, OrderViewSet
from tools import from_viewset
from tools.base import Tool, ToolContext
from tools.executor import ToolOutcome, execute

BY_NAME = {tool.name: tool for tool in OF_VIEWSET}
NEW = {"number": "ALICE-9", "pieces": 2, "total": "12.50", "status": "open"}


def one(viewset: type[Any], action: str, **more: Any) -> Tool:
    (made,) = from_viewset(viewset, actions=[action], **more)
    return made


async def call(tool: Tool | str, ctx: ToolContext, **arguments: Any) -> ToolOutcome:
    return await execute(BY_NAME[tool] if isinstance(tool, str) else tool, ctx, arguments)


def test_each_action_is_a_tool_that_says_what_it_does() -> None:
    assert [(tool.name, tool.permission, tool.asks_first, tool.idempotent) for tool in OF_VIEWSET] == [
        ("orders_list", "read", False, True),
        ("orders_retrieve", "read", False, True),
        ("orders_create", "write", True, False),
        ("orders_update", "write", True, False),
        ("orders_partial_update", "write", True, False),
        ("orders_destroy", "write", True, False),
        ("orders_cancel", "write", True, False),
        ("orders_give_back", "write", True, False),
        ("orders_totals", "read", False, True),
    ]
    for tool in OF_VIEWSET:
        Draft202012Validator.check_schema(tool.schema)
        assert tool.schema["additionalProperties"] is False
    assert "Orders of the shop, in euros." in BY_NAME["orders_list"].description
    assert BY_NAME["orders_cancel"].description.startswith("Cancel an order that has not been sent.")
    assert one(OrderViewSet, "list", name="shop_orders", permission="admin").name == "shop_orders_list"


def test_what_is_written_is_described_by_the_serializer() -> None:
    schema = BY_NAME["orders_create"].schema
    assert schema["required"] == ["number", "customer"]
    assert schema["properties"]["number"] == {
        "type": "string", "maxLength": 20, "minLength": 1, "description": "as it is on the invoice",
    }  # fmt: skip
    assert schema["properties"]["status"] == {"type": "string", "enum": ["open", "sent", "cancelled"]}
    assert schema["properties"]["total"] == {"type": ["number", "string"]}
    assert schema["properties"]["is_gift"] == {"type": "boolean"}
    assert schema["properties"]["customer"] == {"type": "integer"}, "a list of customers would be everybody's"
    assert not {"id", "placed_at", "customer_name"} & schema["properties"].keys(), "these are read only"
    assert BY_NAME["orders_partial_update"].schema["required"] == ["pk"]
    assert BY_NAME["orders_cancel"].schema["properties"].keys() == {"pk"}
    back = BY_NAME["orders_give_back"].schema
    assert back["required"] == ["pk", "parcel", "reason"]
    assert back["properties"]["tags"]["items"] == {"type": "string", "enum": ["late", "broken"]}


def test_a_list_takes_what_its_filters_search_order_and_pages_say() -> None:
    properties = BY_NAME["orders_list"].schema["properties"]
    assert list(properties) == ["search", "ordering", "status", "number_in", "page", "page_size"]
    assert properties["ordering"]["enum"] == ["number", "-number", "total", "-total"]
    assert properties["page_size"]["maximum"] == 3
    by_offset = one(type("Orders", (OrderViewSet,), {"pagination_class": ByOffset}), "list").schema["properties"]
    assert by_offset["limit"]["maximum"] == 100, "the pagination has no bound of its own"
    by_serializer = type("Orders", (OrderViewSet,), {"ordering_fields": None})
    orders = one(by_serializer, "list").schema["properties"]["ordering"]["enum"]
    assert "-placed_at" in orders and not any("margin" in each or "owner" in each for each in orders)


class Sizes(serializers.Serializer[Any]):
    width = serializers.FloatField()
    colours = serializers.DictField(child=serializers.IntegerField(min_value=0))
    anything = serializers.JSONField(required=False)
    open = serializers.ListField(required=False)
    on = serializers.DateField(allow_null=True)
    hidden = serializers.HiddenField(default=1)


class Deep(serializers.Serializer[Any]):
    sizes = Sizes(many=True)
    main = Sizes(required=False)
    ways = serializers.MultipleChoiceField(choices=[1, 2])
    order = serializers.PrimaryKeyRelatedField(queryset=Order.objects.all(), many=True)
    by_number = serializers.SlugRelatedField("number", queryset=Order.objects.all())
    blank = serializers.ChoiceField(["a"], allow_blank=True)


def test_nested_serializers_are_nested_schemas() -> None:
    viewset = type("Orders", (OrderViewSet,), {"serializer_class": Deep})
    properties = one(viewset, "create").schema["properties"]
    sizes = {
        "type": "object",
        "properties": {
            "width": {"type": "number"},
            "colours": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            "anything": {},
            "open": {"type": "array", "items": {}},
            "on": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        },
        "required": ["width", "colours", "on"],
        "additionalProperties": False,
    }
    assert properties["sizes"] == {"type": "array", "items": sizes}
    assert properties["main"] == sizes
    assert properties["ways"] == {"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True}
    assert properties["order"] == {"type": "array", "items": {"type": "integer"}}
    assert properties["by_number"] == {"type": "string"}
    assert properties["blank"] == {"type": "string", "enum": ["a", ""]}


def test_a_row_that_is_named_by_what_can_be_changed_is_named_as_it_is_now() -> None:
    viewset = type("Orders", (OrderViewSet,), {"lookup_field": "number"})
    assert one(viewset, "update").schema["required"][0] == "current_number"
    assert one(viewset, "retrieve", url_kwargs=["shop"]).schema["required"] == ["shop", "number"]


async def test_pages_lead_to_the_next_by_arguments_and_hold_no_address(as_alice: ToolContext) -> None:
    first = (await call("orders_list", as_alice, search="tea")).result
    assert [row["number"] for row in first["results"]] == ["ALICE-1", "ALICE-2"]
    assert (first["count"], first["previous"], first["next"]) == (3, None, {"page": 2, "search": "tea"})
    second = (await call("orders_list", as_alice, **first["next"])).result
    assert [row["number"] for row in second["results"]] == ["ALICE-3"] and second["next"] is None
    among = (await call("orders_list", as_alice, number_in=["ALICE-1", "ALICE-2", "ALICE-3"])).result["next"]
    assert among == {"page": 2, "number_in": ["ALICE-1", "ALICE-2", "ALICE-3"]}
    assert (await call("orders_list", as_alice, **among)).result["results"][0]["number"] == "ALICE-3"
    by_cursor = one(type("Orders", (OrderViewSet,), {"pagination_class": ByCursor, "filter_backends": []}), "list")
    cursor = (await call(by_cursor, as_alice)).result["next"]
    assert [row["number"] for row in (await call(by_cursor, as_alice, **cursor)).result["results"]] == ["ALICE-3"]


async def test_a_write_is_the_viewset_s_own_and_its_refusals_are_told(
    as_alice: ToolContext, orders: dict[str, Order], alice: User
) -> None:
    customer = orders["ALICE-1"].customer_id
    made = await call("orders_create", as_alice, **NEW, customer=customer)
    assert made.result["number"] == "ALICE-9" and made.result["total"] == "12.50"
    row = await Order.objects.aget(number="ALICE-9")
    assert row.owner_id == alice.pk and row.pieces == 2
    again = await call("orders_create", as_alice, **NEW, customer=customer)
    assert again.retry and "400" in (again.error or "") and "number" in (again.error or "")
    lost = await call("orders_create", as_alice, **{**NEW, "number": "N"}, customer=10**6)
    assert "customer" in (lost.error or "")
    changed = await call("orders_partial_update", as_alice, pk=row.pk, note="Ring twice.")
    assert changed.result["note"] == "Ring twice."
    gone = await call("orders_destroy", as_alice, pk=row.pk)
    assert gone.result == {"done": True} and not await Order.objects.filter(pk=row.pk).aexists()
    assert await Order.objects.acount() == 6


async def test_rules_of_a_row_and_of_an_action_hold(as_alice: ToolContext, orders: dict[str, Order]) -> None:
    gift = await call("orders_destroy", as_alice, pk=orders["ALICE-3"].pk)
    assert gift.outcome == "failed" and "403" in (gift.error or "") and not gift.retry
    sent = await call("orders_cancel", as_alice, pk=orders["ALICE-2"].pk)
    assert "It was sent already." in (sent.error or "")
    assert (await call("orders_cancel", as_alice, pk=orders["ALICE-1"].pk)).result == {"status": "cancelled"}
    back = await call("orders_give_back", as_alice, pk=orders["ALICE-1"].pk, parcel="7", reason="late", tags=["late"])
    assert back.result == {"order": "ALICE-1", "parcel": "7", "reason": "late", "tags": ["late"]}
    assert await Order.objects.acount() == 6


async def test_who_may_only_read_in_the_project_writes_nothing(as_alice: ToolContext, orders: dict[str, Order]) -> None:
    reader = replace(as_alice, permissions=frozenset({"read"}))
    done = await call("orders_destroy", reader, pk=orders["ALICE-1"].pk)
    assert done.outcome == "refused" and await Order.objects.acount() == 6


class OfForms(OrderViewSet):
    """A viewset for browsers: it reads forms, makes pages, and looks for a cookie."""

    parser_classes = [parsers.MultiPartParser]
    renderer_classes = [renderers.TemplateHTMLRenderer]

    def get_authenticators(self) -> list[Any]:
        return [authentication.SessionAuthentication()]


async def test_a_viewset_for_browsers_is_asked_in_json_too(as_alice: ToolContext, orders: dict[str, Order]) -> None:
    made = await call(one(OfForms, "create"), as_alice, **NEW, customer=orders["ALICE-1"].customer_id)
    assert made.result["number"] == "ALICE-9"


class Seldom(throttling.UserRateThrottle):
    rate = "2/min"


async def test_throttles_count_each_person(as_alice: ToolContext, as_bob: ToolContext) -> None:
    seldom = one(type("Orders", (OrderViewSet,), {"throttle_classes": [Seldom]}), "totals")
    outcomes = [(await call(seldom, as_alice)).outcome for _ in range(3)]
    assert outcomes == ["returned", "returned", "failed"]
    assert (await call(seldom, as_bob)).outcome == "returned"


class Writing(OrderViewSet):
    def perform_create(self, serializer: Any) -> None:
        super().perform_create(serializer)
        raise serializers.ValidationError({"number": ["Too late."]})


@pytest.fixture(params=[True, False])
def atomic(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = connections.settings["default"]["ATOMIC_REQUESTS"]
    connections.settings["default"]["ATOMIC_REQUESTS"] = request.param
    yield request.param
    connections.settings["default"]["ATOMIC_REQUESTS"] = before


async def test_with_atomic_requests_what_is_refused_is_not_written(
    atomic: bool, as_alice: ToolContext, orders: dict[str, Order]
) -> None:
    done = await call(one(Writing, "create"), as_alice, **NEW, customer=orders["ALICE-1"].customer_id)
    assert "Too late." in (done.error or "")
    assert await Order.objects.filter(number="ALICE-9").aexists() is not atomic


class Looking(OrderViewSet):
    """Tells what it sees of the request."""

    seen: dict[str, Any] = {}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.user.key
        Looking.seen = {
            "user": request.user.pk, "auth": request.auth, "cookies": request.COOKIES,
            "ip": request.META["REMOTE_ADDR"], "has_session": hasattr(request._request, "session"),
            "reach": key and key.organization_id, "action": self.action, "type": request.accepted_media_type,
        }  # fmt: skip
        return Response([])

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response({"once": request.headers["Idempotency-Key"], "data": request.data, "pk": kwargs["pk"]})


async def test_the_request_is_the_person_s_and_brings_nothing_else(
    as_alice: ToolContext, alice: User, organization: Organization
) -> None:
    assert (await call(one(Looking, "list"), as_alice)).result == []
    assert Looking.seen == {
        "user": alice.pk, "auth": None, "cookies": {}, "ip": "", "has_session": False, "reach": organization.pk,
        "action": "list", "type": "application/json",
    }  # fmt: skip
    told = (await call(one(Looking, "partial_update"), as_alice, pk=3, note="ä", total=1.5)).result
    assert told == {"once": f"{as_alice.run_id}:call_1", "data": {"note": "ä", "total": 1.5}, "pk": "3"}


async def test_an_answer_that_is_no_json_and_a_bug_are_told_without_what_they_say(
    as_alice: ToolContext, caplog: pytest.LogCaptureFixture
) -> None:
    for answer, word in ((HttpResponse("<p>"), "not JSON"), (HttpResponse("{}", status=302), "302")):
        viewset = type("Orders", (OrderViewSet,), {"list": lambda self, request, answer=answer: answer})
        assert word in ((await call(one(viewset, "list"), as_alice)).error or "")
    streamed = type("Orders", (OrderViewSet,), {"list": lambda self, request: FileResponse(iter([b"secret"]))})
    assert "stream" in ((await call(one(streamed, "list"), as_alice)).error or "")

    def broken(self: Any, request: Request) -> Response:
        raise KeyError("/srv/secret")

    done = await call(one(type("Orders", (OrderViewSet,), {"list": broken}), "list"), as_alice)
    assert "internal reason" in (done.error or "") and "secret" not in (done.error or "")


async def test_the_declared_permissions_are_asked_in_every_call(as_alice: ToolContext, charlie: User) -> None:
    no = type("No", (permissions.BasePermission,), {"has_permission": lambda self, request, view: False})
    closed = one(type("Orders", (OrderViewSet,), {"permission_classes": [no]}), "list")
    for ctx in (as_alice, of(charlie, Organization(pk=as_alice.organization_id))):
        done = await call(closed, ctx)
        assert done.outcome == "failed" and "403" in (done.error or "")


class Filter:
    """As django-filter 26 has it, as far as its backend's filter set is read."""

    label = "Which"

    def __init__(self, field: Any, **extra: Any) -> None:
        self.field_class, self.extra = field, extra


class OfSeveral(Filter):
    base_field_class = forms.CharField  # django-filter's mark of values with commas between


class Span(forms.CharField):
    widget = type("Widget", (forms.TextInput,), {"suffixes": ["min", "max"]})


class FilterSetBackend:
    """The backend: it says nothing of itself, but has a filter set."""

    def get_filterset_class(self, view: Any, queryset: Any = None) -> Any:
        assert queryset is not None and queryset.model is Order
        choices = [("open", "Open"), ("Others", [("sent", "Sent")])]
        return type("Set", (), {"base_filters": {
            "status": Filter(forms.ChoiceField, choices=choices, required=True),
            "total": Filter(Span), "pieces": Filter(forms.DecimalField), "is_gift": Filter(forms.NullBooleanField),
            "number__in": OfSeveral(forms.CharField), "customer": Filter(forms.ModelMultipleChoiceField),
            "by_rows": Filter(forms.ChoiceField, choices=lambda: [("BOB", "BOB")]),
        }})  # fmt: skip

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        Looking.seen = dict(request.query_params.lists())
        return queryset


async def test_filters_of_a_filter_set_are_arguments(as_alice: ToolContext) -> None:
    ordered = {"filter_backends": [FilterSetBackend], "queryset": Order.objects.order_by("number")}
    tool = one(type("Orders", (OrderViewSet,), ordered), "list")
    text = {"type": "string", "maxLength": 2_000, "description": "Which"}
    texts = {"type": "array", "items": {"type": "string"}, "description": "Which"}
    pages = {name: tool.schema["properties"].pop(name) for name in ("page", "page_size")}
    assert tool.schema["properties"] == {
        "status": {"type": "string", "enum": ["open", "sent"], "description": "Which"},
        "total_min": text, "total_max": text, "pieces": {"type": "number", "description": "Which"},
        "is_gift": {"type": "boolean", "description": "Which"}, "number__in": texts, "customer": texts, "by_rows": text,
    }  # fmt: skip
    tool.schema["properties"] |= pages
    asked = {"status": "open", "number__in": ["a", "b"], "customer": ["1", "2"], "is_gift": True, "pieces": 2}
    assert (await call(tool, as_alice, **asked)).outcome == "returned"
    assert Looking.seen == {
        "status": ["open"], "number__in": ["a,b"], "customer": ["1", "2"], "is_gift": ["true"], "pieces": ["2"],
    }  # fmt: skip
