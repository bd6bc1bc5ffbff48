"""Answers that are given whole: JSON as it was meant, made and packed where nobody waits for it."""

import asyncio
import json
import re
import threading
from typing import Any

import pytest
from django.utils.functional import lazy
from hypothesis import given
from hypothesis import strategies as st

from chat.doors.trpc import server as trpc
from chat.doors.trpc.procedures import Procedure
from chat.doors.whole import packed, whole
from tests.environment import ROOT

TEXT = st.text(st.characters(codec=None), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, st.integers(0, 6))
def test_what_is_packed_is_the_same_again(value: Any, depth: int) -> None:
    body = packed(value, depth)
    assert json.loads(body.decode()) == json.loads(json.dumps(value))
    assert depth == 0 or body == json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")


def told() -> dict[str, Any]:
    """Says in which thread it is packed."""
    return {"packed_in": lazy(lambda: threading.current_thread().name, str)()}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_packed_on_the_loop() -> None:
    async def run(_: Any) -> dict[str, Any]:
        return told()

    async def both() -> list[str]:
        answered = await whole(told)
        asked = trpc.Asked(["editorChat.get"], [{}], None, "GET", None, is_batch=False)  # type: ignore[arg-type]
        outcome = await trpc._outcome(asked, 0)
        found = [json.loads(answered.content)["packed_in"], json.loads(outcome.body)["result"]["data"]["packed_in"]]
        return [threading.current_thread().name, *found]

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(trpc.PROCEDURES, "editorChat.get", Procedure("query", run))
        here, *elsewhere = asyncio.run(both())
    assert here not in elsewhere


def test_no_door_packs_what_it_has_read_in_its_view() -> None:
    for file in (ROOT / "chat" / "doors").rglob("*.py"):
        small = re.findall(r"JsonResponse\(await db\((\w+)", file.read_text())
        assert set(small) <= {"_cancel", "_approve"}, file
