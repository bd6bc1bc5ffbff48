"""Replays: what was asked is asked again, tools give what they gave, nothing is done, and what came of it is told."""

import asyncio
import io
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Membership, User
from agents.archetypes.generalist import generalist
from chat.models import Chat, Message, MessageStatus, Run, RunStatus, ToolCall
from chat.ops.replay import playing
from chat.ops.replay.cases import Case as Replayed
from chat.ops.replay.playback import Result
from chat.runner.recorded import NOT_RECORDED, Recording
from chat.webhooks.models import WebhookEvent
from tests.chat.rows import answer
from tests.chat.test_webhooks import hook
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Seen, Turn, Upstream
from tools.errors import ToolError

WRITE = ScriptedCall("write_file", {"path": "notes.txt", "content": "x"})
OTHER = ScriptedCall("write_file", {"path": "other.txt", "content": "y"})


class Case:
    """A run that has written a file, and the file that says to replay it."""

    def __init__(self, server: Server, upstream: Upstream, folder: Path) -> None:
        self.server, self.upstream, self.mark, self.folder = server, upstream, key(), folder
        self.alice: Client = client(server)
        self.chat = self.alice.chat()
        upstream.script(Turn(tool_calls=[WRITE]), Turn(text="It is written."), key=self.mark)
        self.run = str(self.alice.start(self.chat, f"[[key={self.mark}]] note it")["run"]["id"])
        assert self.alice.wait(self.run)["status"] == "succeeded"

    def replay(self, *turns: Turn, expect: int, options: tuple[str, ...] = (), **case: Any) -> list[dict[str, Any]]:
        """What comes of it where the model answers so."""
        self.upstream.script(*turns, key=self.mark)
        file = self.folder / "cases.jsonl"
        file.write_text(json.dumps({"run": self.run, **case}))
        lines = self.folder / "told.jsonl"
        done = self.server.manage("replay", str(file), "--jsonl", str(lines), *options, check=False)
        assert done.returncode == expect, done.stdout
        return [json.loads(line) for line in lines.read_text().splitlines()]

    def real(self) -> dict[str, Any]:
        """All that the real chat is, and what the audit log has of effects there and elsewhere."""
        of_it = self.alice.get(f"/api/chats/{self.chat}/")
        return {
            "chat": of_it,
            "messages": self.alice.get(f"/api/chats/{self.chat}/messages/"),
            "runs": [each["id"] for each in self.alice.get(f"/api/runs/?chat={self.chat}")["results"]],
            "files": self.alice.get(f"/api/chats/{self.chat}/diff/"),
            "chats": [each["id"] for each in self.alice.get("/api/chats/")["results"]],
            # By ids: what is sealed meanwhile gets its number.
            "effects": [
                each["id"]
                for each in self.alice.get(
                    f"/api/organizations/{of_it['organization']}/audit/?action=tool.effect&page_size=200"
                )["results"]
            ],
        }


@pytest.fixture
def case(server: Server, upstream: Upstream, tmp_path: Path) -> Case:
    return Case(server, upstream, tmp_path)


def of_tools(seen: Seen) -> list[str]:
    """What the model was told of calls."""
    return [each["content"] for each in seen.body["messages"] if each["role"] == "tool"]


@pytest.mark.live
def test_the_model_is_told_the_same_and_nothing_is_written(case: Case) -> None:
    before = case.real()
    suite = case.folder / "suite.xml"
    turns = (Turn(tool_calls=[WRITE]), Turn(text="Now it is WRITTEN down."), Turn(text="PASS. It says so."))
    (told,) = case.replay(
        *turns, expect=0, options=("--junit", str(suite)), contains=["written"], judge="It says that it was done."
    )
    assert [each["name"] for each in told["checks"]] == ["ended", "recorded", "calls", "contains", "judge"]
    assert told["outcome"] == "passed" and told["run"] == case.run and told["tokens"] > 0
    assert case.real() == before
    first, second, third, fourth, judged = case.upstream.requests(case.mark)
    assert (third.body["messages"], of_tools(fourth)) == (first.body["messages"], of_tools(second))
    assert "tools" not in judged.body and "It says that it was done." in str(judged.body["messages"])
    run = case.alice.get(f"/api/runs/{told['replayed'][0]}/")
    assert (run["kind"], run["chat"] == case.chat) == ("replay", False)
    assert case.alice.get(f"/api/chats/{run['chat']}/diff/")["files"] == []
    assert case.alice.get(f"/api/chats/{run['chat']}/messages/")["results"] == []
    found = ElementTree.fromstring(suite.read_bytes())
    assert (found.get("tests"), found.get("failures"), len(found)) == ("1", "0", 1)


FAILED: dict[str, tuple[list[Turn], dict[str, Any], str]] = {
    "another call": ([Turn(tool_calls=[OTHER]), Turn(text="Done.")], {"calls": "any"}, "recorded"),
    "other arguments": ([Turn(tool_calls=[OTHER]), Turn(text="Done.")], {}, "calls"),
    "no call": ([Turn(text="I did.")], {"calls": "names"}, "calls"),
    "not in it": ([Turn(tool_calls=[WRITE]), Turn(text="Done.")], {"contains": "green"}, "contains"),
    "judged": ([Turn(text="Done."), Turn(text="FAIL. No.")], {"calls": "any", "judge": "It greets."}, "judge"),
    "not judged": ([Turn(text="Done."), Turn(text="Perhaps.")], {"calls": "any", "judge": "It greets."}, "judge"),
    "refused": ([Turn(fault="401")], {"calls": "any"}, "ended"),
}


@pytest.mark.live
@pytest.mark.parametrize("name", FAILED)
def test_what_is_not_as_expected_fails_the_case(case: Case, name: str) -> None:
    turns, body, failed = FAILED[name]
    before = case.real()
    (told,) = case.replay(*turns, expect=1, **body)
    assert told["outcome"] == "failed"
    assert failed in [each["name"] for each in told["checks"] if not each["passed"]], told
    assert case.real() == before


@pytest.mark.live
def test_no_case_begins_once_all_of_them_have_cost_enough(
    new_server: Callable[..., Server], upstream: Upstream, tmp_path: Path
) -> None:
    case = Case(new_server(OPENAI_PRICES="gpt-4o=1000/1000").start(), upstream, tmp_path)
    used = {"prompt_tokens": 100_000, "completion_tokens": 1, "total_tokens": 100_001}  # 100 of the currency
    upstream.script(Turn(text="Done.", usage=used), Turn(text="Done."), key=case.mark)
    file = tmp_path / "two.jsonl"
    file.write_text(f"{json.dumps({'run': case.run, 'calls': 'any'})}\n" * 2)
    done = case.server.manage("replay", str(file), "--json", "--model", "gpt-4o", "--max-cost", "50", check=False)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert (done.returncode, [each["outcome"] for each in told]) == (1, ["passed", "skipped"]), done.stdout
    assert told[0]["cost"].startswith("100.001")


# --- Without a server -------------------------------------------------------------------------------------------------


def replayed(folder: Path, text: str, *options: str) -> str:
    file = folder / "cases.jsonl"
    file.write_text(text)
    out = io.StringIO()
    call_command("replay", str(file), *options, stdout=out, stderr=out)
    return out.getvalue()


WRONG: dict[str, tuple[str, tuple[str, ...], str]] = {
    "no lines": ("\n", (), "expected JSON lines"),
    "no JSON": ("run", (), "line 1: expected a JSON object"),
    "no object": ("[]", (), "line 1: expected a JSON object"),
    "no run": ("{}", (), "line 1: expected run, or message"),
    "an unknown run": (json.dumps({"run": str(uuid.uuid4())}), (), "expected run, or message"),
    "no id": ('{"run": 7}', (), "expected run, or message"),
    "an unknown field": ('{"run": "RUN", "expect": "x"}', (), "expect: unknown"),
    "other calls": ('{"run": "RUN", "calls": "all"}', (), "calls: expected one of"),
    "no text": ('{"run": "RUN", "contains": [1]}', (), "contains: expected"),
    "no criterion": ('{"run": "RUN", "judge": 1}', (), "judge: expected"),
    "the second line": ('{"run": "RUN"}\n{"run": 1}', (), "line 2: "),
    "no model": ('{"run": "RUN"}', ("--model", "none"), "--model: expected one of"),
    "no agent": ('{"run": "RUN"}', ("--archetype", "none"), "--archetype: "),
    "no amount": ('{"run": "RUN"}', ("--max-cost", "much"), "--max-cost: expected an amount"),
    "none of them": ('{"run": "RUN"}', ("--limit", "0"), "--limit: expected"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant_asks_nothing(name: str, alice: User, chat: Chat, tmp_path: Path) -> None:
    text, options, told = WRONG[name]
    run = answer(chat, alice)
    with pytest.raises(CommandError, match=told) as error:
        replayed(tmp_path, text.replace("RUN", str(run.pk)), *options)
    assert error.value.returncode == 2 and Chat.objects.count() == 1


@pytest.mark.django_db
def test_a_dry_run_reads_and_asks_nothing(alice: User, chat: Chat, tmp_path: Path) -> None:
    run = answer(chat, alice)
    lines = [{"message": str(run.message_id)}, {"item": {"run": str(run.pk), "input": "passed over"}, "sample": 1}]
    text = "\n".join(map(json.dumps, lines))
    assert "2 cases" in replayed(tmp_path, text, "--dry-run") and "1 cases" in replayed(
        tmp_path, text, "--dry-run", "--limit", "1"
    )
    assert (Chat.objects.count(), Run.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_where_nobody_serves_it_says_so_and_leaves_nothing_open(
    alice: User, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CHAT_RUN_HERE = False  # whatever other tests have begun in this process
    monkeypatch.setattr(playing, "PATIENCE_S", 0.0)
    hook(chat.organization)
    run = answer(chat, alice)
    with pytest.raises(CommandError, match=r"manage\.py serve") as error:
        replayed(tmp_path, json.dumps({"run": str(run.pk)}))
    assert error.value.returncode == 2
    left = Run.objects.get(kind="replay")
    assert left.status == RunStatus.CANCELLED and left.asked_in.is_listed is False and left.asked_in.expires_at
    assert Message.objects.filter(chat=left.chat).count() == 0
    assert not WebhookEvent.objects.exists()  # neither of the hidden chat nor of its run


@pytest.mark.django_db
def test_what_was_asked_before_it_breaks_off_is_written(
    alice: User, chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_and_no_more(cases: Iterable[Replayed], wanted: Any) -> Iterator[Result]:
        yield Result(next(iter(cases)), "m", "passed")
        raise playing.NobodyServes

    monkeypatch.setattr("chat.management.commands.replay.playback", one_and_no_more)
    lines = tmp_path / "told.jsonl"
    with pytest.raises(CommandError):
        replayed(tmp_path, json.dumps({"run": str(answer(chat, alice).pk)}), "--jsonl", str(lines))
    assert json.loads(lines.read_text())["outcome"] == "passed"


@pytest.mark.django_db
@pytest.mark.parametrize("which", ["input", "message"])
def test_what_was_deleted_is_not_replayed(which: str, alice: User, chat: Chat, tmp_path: Path) -> None:
    run = answer(chat, alice)
    Message.objects.filter(pk=getattr(run, f"{which}_id")).update(status=MessageStatus.DELETED)
    with pytest.raises(CommandError, match="line 1: the question or the answer was deleted"):
        replayed(tmp_path, json.dumps({"run": str(run.pk)}))


@pytest.mark.django_db
def test_who_may_not_write_there_any_more_is_not_acted_for(alice: User, chat: Chat, tmp_path: Path) -> None:
    run = answer(chat, alice)
    Membership.objects.filter(user=alice).delete()
    with pytest.raises(SystemExit) as ended:
        replayed(tmp_path, json.dumps({"run": str(run.pk)}))
    assert ended.value.code == 1 and Chat.objects.count() == 1


@pytest.mark.django_db
def test_a_call_gives_what_it_gave_each_time_in_its_order(alice: User, chat: Chat) -> None:
    run = answer(chat, alice)
    ToolCall.objects.all().delete()
    rows = [("a", "returned", '{"text": "1"}'), ("a", "returned", '{"text": "2"}'), ("b", "failed", "No such file."),
            ("c", "called", "")]  # fmt: skip
    for number, (path, status, result) in enumerate(rows):
        ToolCall.objects.create(
            run=run, call=f"call_{number}", name="read_file", arguments={"path": path}, status=status, result=result,
            called_at=run.created_at,
        )  # fmt: skip
    tools = Recording(run.pk).archetype(generalist).tools
    read = next(each for each in tools if each.name == "read_file")
    given = lambda path: asyncio.run(read.function(None, path=path))  # noqa: E731
    assert [given("a"), given("a")] == [{"text": "1"}, {"text": "2"}]
    for path, told in (("a", NOT_RECORDED), ("b", "No such file."), ("c", NOT_RECORDED)):
        with pytest.raises(ToolError, match=re.escape(told)):
            given(path)
