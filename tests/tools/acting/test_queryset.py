"""Rows without a viewset: what is told of them, how many, and whose."""

from typing import Any

import pytest
from django.db.models import F, Q, QuerySet
from jsonschema import Draft202012Validator

from accounts.models import Membership, Organization, User
from tests.tools.acting.shop.models import Customer, Order
from tests.tools.acting.shop.tools import OF_ROWS
from tools import from_queryset
from tools.acting import rows as bounds
from tools.base import Tool, ToolContext
from tools.executor import execute

FIND, READ = OF_ROWS


def mine(user: User) -> Q:
    return Q(owner=user.pk)


async def numbers(tool: Tool, ctx: ToolContext, **arguments: Any) -> list[str]:
    done = await execute(tool, ctx, arguments)
    assert done.outcome == "returned", done
    return [row["number"] for row in done.result["rows"]]


def test_two_tools_say_what_they_take_and_tell() -> None:
    assert [(tool.name, tool.permission, tool.idempotent) for tool in OF_ROWS] == [
        ("find_orders", "read", True), ("read_order", "read", True),
    ]  # fmt: skip
    for tool in OF_ROWS:
        Draft202012Validator.check_schema(tool.schema)
        assert all(each["description"] for each in tool.schema["properties"].values())
        assert "number (as it is on the invoice)" in tool.description
    properties = FIND.schema["properties"]
    assert properties["status"]["enum"] == ["open", "sent", "cancelled"]
    assert properties["total__gte"]["description"] == "total at least"
    assert properties["ordering"]["enum"] == ["total", "-total", "number", "-number"]
    assert READ.schema["required"] == ["number"]


async def test_a_row_is_told_by_its_fields_only(as_alice: ToolContext) -> None:
    assert (await execute(READ, as_alice, {"number": "ALICE-2"})).result == {
        "number": "ALICE-2", "status": "sent", "total": "20.00", "pieces": 2, "is_gift": False,
        "placed_at": "2026-05-02T12:00:00Z", "note": "ALICE likes tea", "customer__name": "ALICE Ltd",
    }  # fmt: skip


async def test_filters_search_order_and_pages(as_alice: ToolContext) -> None:
    assert await numbers(FIND, as_alice) == ["ALICE-3", "ALICE-2", "ALICE-1"], "the first of ordering: -total"
    assert await numbers(FIND, as_alice, ordering="number", page_size=2) == ["ALICE-1", "ALICE-2"]
    assert await numbers(FIND, as_alice, ordering="number", page_size=2, page=2) == ["ALICE-3"]
    assert await numbers(FIND, as_alice, total__gte="20", status="sent") == ["ALICE-2"]
    assert await numbers(FIND, as_alice, placed_at__lt="2026-05-02T12:00:00Z") == ["ALICE-1"]
    done = await execute(FIND, as_alice, {"page_size": 2})
    assert (done.result["count"], done.result["has_more"], done.result["page"]) == (3, True, 1)


RULES: dict[str, Any] = {
    "a Q": mine,
    "rows": lambda rows, user: rows.filter(owner=user.pk),
    "other rows": lambda rows, user: Order.objects.filter(owner=user.pk).distinct(),
    "rows that come twice": lambda rows, user: rows.filter(owner__memberships__user=user.pk),
    "a few": lambda rows, user: rows.filter(owner=user.pk).order_by("pk")[:3],
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
async def test_a_rule_gives_a_q_or_rows_and_none_comes_twice(
    rule: Any, as_alice: ToolContext, elsewhere: Organization
) -> None:
    await Membership.objects.abulk_create([Membership(user_id=as_alice.user_id, organization=elsewhere)])
    find, _ = from_queryset(Order.objects, fields=["number"], visible=rule, ordering=["number"])
    assert await numbers(find, as_alice) == ["ALICE-1", "ALICE-2", "ALICE-3"]


@pytest.mark.parametrize(
    "given", [None, True, [], Customer.objects.none()], ids=["nothing", "true", "a list", "others"]
)
async def test_a_rule_that_gives_something_else_shows_nothing(given: Any, as_alice: ToolContext) -> None:
    find, read = from_queryset(Order.objects, fields=["number"], visible=lambda user: given)
    for tool, arguments in ((find, {}), (read, {"number": "ALICE-1"})):
        done = await execute(tool, as_alice, arguments)
        assert done.outcome == "failed" and done.result is None


@pytest.mark.parametrize(
    "source",
    [Order.objects, Order.objects.all(), lambda: Order.objects.annotate(twice=F("pieces") * 2)],
    ids=["manager", "queryset", "function"],
)
async def test_nothing_is_kept_from_one_person_for_the_next(
    source: Any, as_alice: ToolContext, as_bob: ToolContext
) -> None:
    if isinstance(source, QuerySet):
        assert await source.acount() == 6 and [each async for each in source], "somebody has read it before"
    find, _ = from_queryset(source, fields=["number"], visible=mine, ordering=["number"])
    assert await numbers(find, as_alice) == ["ALICE-1", "ALICE-2", "ALICE-3"]
    assert await numbers(find, as_bob) == ["BOB-1", "BOB-2", "BOB-3"]
    await Order.objects.filter(number="ALICE-1").adelete()
    assert await numbers(find, as_alice) == ["ALICE-2", "ALICE-3"]


async def test_what_a_manager_adds_is_a_column_too(as_alice: ToolContext) -> None:
    find, _ = from_queryset(
        lambda: Order.objects.annotate(twice=F("pieces") * 2),
        fields=["number", "twice"],
        visible=mine,
        filters=["twice__gte"],
    )
    assert await numbers(find, as_alice, twice__gte=6) == ["ALICE-3"]


async def test_a_page_ends_where_there_is_no_more_room(as_alice: ToolContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "ROOM_BYTES", 400)
    monkeypatch.setattr(bounds, "COUNT_MAX", 2)
    done = await execute(FIND, as_alice, {})
    assert [row["number"] for row in done.result["rows"]] == ["ALICE-3", "ALICE-2"]
    assert done.result["truncated"].startswith("Only the first 2") and done.result["count"] == "more than 2"
