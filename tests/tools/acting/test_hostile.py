"""Whatever a model asks for, as Alice: nothing of Bob's is in any answer. It obeys whoever wrote the last message."""

import json
from typing import Any

from accounts.models import Organization, User
from tests.tools.acting.conftest import of
from tests.tools.acting.shop.models import Order
from tests.tools.acting.shop.tools import TOOLS
from tests.tools.acting.shop.viewsets import OrderViewSet
from tools.acting.viewset import from_viewset
from tools.base import ToolContext
from tools.executor import ToolOutcome, execute

BY_NAME = {tool.name: tool for tool in TOOLS}
# {bob} is the id of an order of Bob's, {bob_id} that of Bob himself. Where there is a word behind, the answer has it.
ASKED: list[tuple[str, Any, str]] = [
    # --- lists, filters, search, order ---
    ("orders_list", {}, "ALICE-1"),
    ("orders_list", {"page": 2}, "ALICE-3"),
    ("orders_list", {"page": 3}, "404"),
    ("orders_list", {"page": -1}, "404"),
    ("orders_list", {"page": 10**30}, "404"),
    ("orders_list", {"page_size": 3}, "ALICE-3"),
    ("orders_list", {"page_size": 4}, "at most 3"),
    ("orders_list", {"page_size": 10**9}, "at most 3"),
    ("orders_list", {"page_size": "all"}, "a whole number"),
    ("orders_list", {"status": "open"}, "ALICE-1"),
    ("orders_list", {"status": "open&user={bob_id}"}, "[]"),
    ("orders_list", {"status": "open' OR 1=1 --"}, "[]"),
    ("orders_list", {"status": ["open"]}, "a string"),
    ("orders_list", {"number_in": ["BOB-1", "ALICE-1"]}, "ALICE-1"),
    ("orders_list", {"number_in": ["BOB-1"]}, "[]"),
    ("orders_list", {"user": "{bob_id}"}, "no such argument"),
    ("orders_list", {"format": "api"}, "no such argument"),
    ("orders_list", {"owner": "{bob_id}"}, "no such argument"),
    ("orders_list", {"owner__email__startswith": "b"}, "no such argument"),
    ("orders_list", {"search": "tea"}, "ALICE-1"),
    ("orders_list", {"search": "BOB"}, "[]"),
    ("orders_list", {"search": "%"}, "[]"),
    ("orders_list", {"search": "x" * 5_000}, "at most 200"),
    ("orders_list", {"search": {"$ne": ""}}, "a string"),
    ("orders_list", {"ordering": "-number"}, "ALICE-3"),
    ("orders_list", {"ordering": "margin"}, "one of"),
    ("orders_list", {"ordering": "-owner__password"}, "one of"),
    ("orders_list", {"ordering": "number,-owner__password"}, "one of"),
    # --- one row ---
    ("orders_retrieve", {"pk": "{alice}"}, "ALICE-1"),
    ("orders_retrieve", {"pk": "{bob}"}, "404"),
    ("orders_retrieve", {"pk": 10**40}, "404"),
    ("orders_retrieve", {"pk": -1}, "404"),
    ("orders_retrieve", {"pk": "{alice}/../{bob}"}, "a whole number"),
    ("orders_retrieve", {"pk": None}, "a whole number"),
    ("orders_retrieve", {}, "is required"),
    ("orders_retrieve", {"pk": "{alice}", "user": "{bob_id}"}, "no such argument"),
    ("orders_retrieve", {"pk": "{alice}", "status": "sent"}, "no such argument"),
    # --- what writes, had a person allowed it ---
    ("orders_destroy", {"pk": "{bob}"}, "404"),
    ("orders_update", {"pk": "{bob}", "number": "X", "customer": 1}, "404"),
    ("orders_partial_update", {"pk": "{bob}", "note": "mine"}, "404"),
    ("orders_partial_update", {"pk": "{alice}", "owner": "{bob_id}"}, "no such argument"),
    ("orders_cancel", {"pk": "{bob}"}, "404"),
    ("orders_give_back", {"pk": "{bob}", "parcel": "1", "reason": "r"}, "404"),
    ("orders_give_back", {"pk": "{alice}", "parcel": "1/../../{bob}", "reason": "r"}, "no address"),
    ("orders_totals", {}, '"orders": 3'),
    ("orders_totals", {"user": "{bob_id}"}, "no arguments"),
    # --- rows without a viewset ---
    ("find_orders", {}, "ALICE-1"),
    ("find_orders", {"page_size": 100}, "ALICE-1"),
    ("find_orders", {"page_size": 101}, "at most 100"),
    ("find_orders", {"page": 2}, '"rows": []'),
    ("find_orders", {"page": 0}, "at least 1"),
    ("find_orders", {"page": 10**9, "page_size": 100}, "passed over"),
    ("find_orders", {"status": "open"}, "ALICE-1"),
    ("find_orders", {"status": "gone"}, "one of"),
    ("find_orders", {"total__gte": 20}, "ALICE-2"),
    ("find_orders", {"total__gte": "1e9999999"}, "total__gte"),
    ("find_orders", {"total__gte": "a lot"}, "total__gte"),
    ("find_orders", {"pieces": 10**40}, '"rows": []'),
    ("find_orders", {"pieces": "1"}, "a whole number"),
    ("find_orders", {"is_gift": True}, "ALICE-3"),
    ("find_orders", {"placed_at__lt": "yesterday"}, "placed_at__lt"),
    ("find_orders", {"placed_at__lt": "2026-05-02T00:00:00"}, "ALICE-1"),
    ("find_orders", {"number__in": ["BOB-1", "ALICE-1"]}, "ALICE-1"),
    ("find_orders", {"number__in": []}, "at least 1"),
    ("find_orders", {"customer__name__icontains": "ltd"}, "ALICE-1"),
    ("find_orders", {"customer__name__icontains": "bob"}, '"rows": []'),
    ("find_orders", {"note__isnull": False}, "ALICE-1"),
    ("find_orders", {"search": "tea likes"}, "ALICE-1"),
    ("find_orders", {"search": "BOB-1"}, '"rows": []'),
    ("find_orders", {"search": "a " * 50}, "at most 10"),
    ("find_orders", {"ordering": "number"}, "ALICE-1"),
    ("find_orders", {"ordering": "margin"}, "one of"),
    ("find_orders", {"ordering": "-owner__password"}, "one of"),
    ("find_orders", {"ordering": "?"}, "one of"),
    ("find_orders", {"owner": "{bob_id}"}, "no such argument"),
    ("find_orders", {"owner__password__startswith": "p"}, "no such argument"),
    ("find_orders", {"margin__gte": 90}, "no such argument"),
    ("find_orders", {"pk__in": ["{bob}"]}, "no such argument"),
    ("find_orders", {"_connector": "OR"}, "no such argument"),
    ("find_orders", {"ctx": {}, "self": 1}, "no such argument"),
    ("find_orders", [], "an object"),
    ("read_order", {"number": "ALICE-1"}, "ALICE Ltd"),
    ("read_order", {"number": "BOB-1"}, "no such order"),
    ("read_order", {"number": ["ALICE-1"]}, "a string"),
    ("read_order", {"number": "ALICE-1\x00"}, "no such order"),
    ("read_order", {"pk": "{bob}"}, "is required"),
]  # fmt: skip

GUEST_ASKS: dict[str, Any] = {"orders_destroy": {"pk": 1}, "read_order": {"number": "ALICE-1"}}


async def test_nothing_of_bob_s_is_ever_told(as_alice: ToolContext, orders: dict[str, Order], bob: User) -> None:
    ids = {"alice": orders["ALICE-1"].pk, "bob": orders["BOB-1"].pk, "bob_id": bob.pk}
    wrong = []
    for name, arguments, word in ASKED:
        asked = _filled(arguments, **ids)
        done = await execute(BY_NAME[name], as_alice, asked)
        if faults := _faults(done, word, bob):
            wrong.append((name, asked, faults, _told(done)))
    assert not wrong, "\n".join(map(str, wrong))


def _faults(done: ToolOutcome, word: str, bob: User) -> list[str]:
    """What is wrong with the answer. A refusal may repeat what the model itself has sent; nothing may say more."""
    told = _told(done)
    secrets = ["BOB Ltd", "BOB likes", "BOB@", 'margin":', bob.email, bob.password]
    secrets += ["BOB"] if done.outcome == "returned" else []
    return [f"tells {each}" for each in secrets if each in told] + ([] if word in told else [f"has no {word}"])


async def test_the_same_tools_tell_bob_his_own(as_bob: ToolContext) -> None:
    for name in ("orders_list", "find_orders"):
        told = _told(await execute(BY_NAME[name], as_bob, {}))
        assert "BOB-1" in told and "ALICE" not in told


async def test_an_outsider_is_told_nothing(orders: dict[str, Order], charlie: User, elsewhere: Organization) -> None:
    for name in ("orders_list", "find_orders"):
        done = await execute(BY_NAME[name], of(charlie, elsewhere), {})
        assert done.outcome == "returned" and done.result["count"] == 0


async def test_one_who_was_deactivated_since_is_told_nothing(as_alice: ToolContext, alice: User) -> None:
    await User.objects.filter(pk=alice.pk).aupdate(is_active=False)
    for name in ("orders_list", "find_orders", "orders_totals"):
        done = await execute(BY_NAME[name], as_alice, {})
        assert done.outcome == "failed" and "no account" in (done.error or "")


async def test_a_guest_is_told_nothing_of_what_is_not_public(as_alice: ToolContext, alice: User) -> None:
    await User.objects.filter(pk=alice.pk).aupdate(is_guest=True)
    for name in ("orders_list", "orders_destroy", "find_orders", "read_order"):
        done = await execute(BY_NAME[name], as_alice, GUEST_ASKS.get(name, {}))
        assert done.outcome == "failed" and "is a guest" in (done.error or "")
    (opened,) = from_viewset(OrderViewSet, actions=["opened"], public=True)
    assert (await execute(opened, as_alice, {})).outcome == "returned"


def _told(done: ToolOutcome) -> str:
    return done.error if done.error is not None else json.dumps(done.result)


def _filled(value: Any, **ids: Any) -> Any:
    """With the ids in their places: as a number, where an id stands alone and is one."""
    if isinstance(value, dict):
        return {name: _filled(each, **ids) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, **ids) for each in value]
    if not isinstance(value, str) or "{" not in value:
        return value
    text = value.format(**ids)
    return int(text) if text.isdecimal() else text
