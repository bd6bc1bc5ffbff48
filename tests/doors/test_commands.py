"""Slash commands at the doors: each at each, what is none, who may, and what becomes of one that is cut off."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.doors.test_one_run import STARTERS, Place
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
NewServer = Callable[..., Server]
WAIT_S = 20
DOORS = {name: starter for name, starter in STARTERS.items() if name != "llm"}
# What is typed, and what its answer holds.
TYPED = {
    "/help": "`/usage`",
    "/model": "gpt-4o",
    "/model gpt-4.1-mini": "gpt-4.1-mini",
    "/title The *green* door": r"The \*green\* door",
    "/summarize": "A summary of it.",
    "/compact": "nothing to sum up",
    "/clear": "A new beginning",
    "/search lighthouse": "Nothing was found",
    "/usage": "Input tokens",
    "/export": "/export/",
    "/feedback It was wrong.": "no answer yet",
}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def ended(place: Place) -> dict[str, Any]:
    """The chat's newest run, once it is over."""
    place.find_run()
    return place.alice.wait(place.run)


def said(place: Place, door: str, text: str) -> str:
    """What a client of that door reads. System 4's reads at its subscription."""
    streamed = "".join(DOORS[door](place, text))
    ended(place)
    return streamed or str(place.alice.answer(place.chat)["content"])


@pytest.mark.parametrize("door", DOORS)
def test_each_command_at_each_door(alice: Client, upstream: Upstream, door: str) -> None:
    place, asked = Place(alice), len(upstream.requests())
    for typed, holds in TYPED.items():
        if typed == "/summarize":
            upstream.script(Turn(text="A word."), key=(mark := key()))
            said(place, door, f"[[key={mark}]] go")
            upstream.script(Turn(text="A summary of it."), key=mark)
        answer = said(place, door, typed)
        assert holds in answer, (typed, answer)
        stored = alice.answer(place.chat)
        assert (stored["content"], stored["kind"], stored["status"]) == (answer, "command", "completed"), typed
    assert len(upstream.requests()) - asked == 2, "the word and its summary: no other command asks a model"
    chat = alice.get(f"/api/chats/{place.chat}/")
    assert (chat["title"], chat["model"]) == ("The *green* door", "gpt-4.1-mini")
