"""A project's own tools over a takeover: the same are offered, and one that is gone is said to be."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from accounts.models import User
from agents import installation, options
from agents.loop.toolset import Toolset
from chat.models import Chat, Run, RunStatus
from chat.runner.toolset import toolset_for
from tests.chat.rows import answer
from tests.engine.toolset.apps import clock, weather
from tests.live import Server
from tests.streams import client, key
from tests.upstream import ScriptedCall, Seen, Turn, Upstream
from tools.base import Tool

WITH_TOOLSET = {"DJANGO_SETTINGS_MODULE": "tests.engine.toolset.settings"}


def offered(seen: Seen) -> set[str]:
    return {each["function"]["name"] for each in seen.body.get("tools", [])}


def test_a_takeover_offers_the_same_and_says_what_is_gone(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server(**WITH_TOOLSET, TOOLSET="clock,weather").start()
    alice, mark, gate = client(server), key(), key()
    calls = [ScriptedCall("weather", {}), ScriptedCall("clock", {})]
    upstream.script(Turn(n=10, gate=gate, gate_at=5), Turn(tool_calls=calls), Turn(text="Noon."), key=mark)
    chat = alice.chat()
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    server.kill()
    server.settings["TOOLSET"] = "clock"
    server.start_process()
    assert alice.wait(run)["status"] == "succeeded"
    first, second, _ = upstream.requests(mark)
    assert {"clock", "weather"} <= offered(first)
    assert offered(first) - offered(second) == {"weather"}
    with alice.events(run) as stream:
        ended = {
            each.json["name"]: each.json for each in stream if each.json["type"] in ("tool.returned", "tool.failed")
        }
    assert ended["clock"]["result"] == "noon"
    assert ended["weather"]["outcome"] == "refused" and "taken away" in ended["weather"]["error"]
    assert server.log().count("goes on without tools") == 1


@pytest.mark.django_db(transaction=True)
def test_the_first_attempt_fixes_them_and_later_ones_keep_them(
    chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[..., Any]
) -> None:
    today = [clock, weather]
    asked: list[UUID] = []

    def toolset(project_id: UUID) -> tuple[Tool, ...]:
        asked.append(project_id)
        return tuple(today)

    run = answer(chat, alice, RunStatus.RUNNING)
    run.options = options.dump(options.RunOptions(instructions="Be brief."))
    run.save()
    monkeypatch.setattr(installation, "TOOLSETS", [])
    with django_assert_num_queries(0):
        assert toolset_for(run) == Toolset(), "nothing gives any, and nothing is stored"
    monkeypatch.setattr(installation, "TOOLSETS", [toolset])
    assert toolset_for(run) == Toolset((clock, weather)) and asked == [chat.project_id]
    Run.objects.filter(pk=run.pk).update(attempt=2)
    kept = Run.objects.select_related("chat").get(pk=run.pk)
    assert options.load(kept.options).instructions == "Be brief."
    today[:] = [clock]
    with django_assert_num_queries(0):
        assert toolset_for(kept) == Toolset((clock,), frozenset({"weather"}))
    monkeypatch.setattr(installation, "TOOLSETS", [])
    assert toolset_for(kept) == Toolset(gone=frozenset({"clock", "weather"}))


@pytest.mark.django_db(transaction=True)
def test_an_attempt_that_is_over_stores_nothing(chat: Chat, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "TOOLSETS", [lambda project_id: (clock,)])
    run = answer(chat, alice, RunStatus.RUNNING)
    Run.objects.filter(pk=run.pk).update(attempt=2, options={"toolset": {"weather": "x"}})
    toolset_for(run)
    assert Run.objects.get(pk=run.pk).options == {"toolset": {"weather": "x"}}
