"""A chat goes to a file and comes back the same; a file that is not whole and true changes nothing."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Membership, Organization, Project, User
from chat.eventlog import stored
from chat.eventlog.compact import merge_deltas
from chat.metering import usage_days
from chat.models import Chat, Message, Run, RunStatus, ToolCall, UsageDay, UsageRecord
from chat.services import holds, removing
from chat.transfer.writing import written
from tests.chat.rows import answer, say
from tools.git.repository import Repository
from tools.git.transfer import changed_files

TIMES = ("exported_at", "updated_at")


def fill(chat: Chat, alice: User) -> None:
    """Two branches, an ended and a failed run, a tool call, usage, a file."""
    first = answer(chat, alice, text="Grün “and” \U0001f600")
    Chat.objects.filter(pk=chat.pk).update(leaf=first.input_id)
    say(chat, alice, "Another way")
    merge_deltas(answer(chat, alice, RunStatus.FAILED).pk)
    counts = dict.fromkeys(("input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens"), 3)
    UsageRecord.objects.create(
        run=first, organization=chat.organization, user=alice, turn=1, attempt=1, model="m", status="reported", **counts
    )
    author = {"author_name": "Alice", "author_email": "alice@example.com"}
    assert chat.project_id
    Repository(chat.project_id).write(chat.branch_name(), "notes/new.md", "made here", **author)


def export(chat: Chat, tmp_path: Path, name: str = "chat.jsonl") -> Path:
    file = tmp_path / name
    call_command("export_chat", str(chat.pk), "--output", str(file))
    return file


def bring(file: Path, organization: Organization, owner: User, *more: str) -> None:
    call_command("import_chat", str(file), "--organization", str(organization.pk), "--owner", owner.email, *more)


def said(chat: Chat) -> list[Any]:
    """The file's lines, without times of now."""
    lines = [json.loads(line) for line in written(chat)]
    return [{name: value for name, value in each.items() if name not in TIMES} for each in lines]


def test_what_was_used_elsewhere_is_in_no_day_here(
    chat: Chat, alice: User, organization: Organization, tmp_path: Path
) -> None:
    fill(chat, alice)
    file = export(chat, tmp_path)
    for rows in (Chat, UsageRecord):
        rows._default_manager.all().delete()
    bring(file, organization, alice)
    record = UsageRecord.objects.get()
    assert record.day is None and record.run is not None
    today = timezone.localdate()
    usage_days.rebuild(today - timedelta(days=1), today + timedelta(days=1))
    assert list(UsageDay.objects.values_list("runs", "input_tokens")) == [(1, 0)]  # the other run has used nothing


@pytest.mark.parametrize(("name", "effort"), [("chat.jsonl", ""), ("chat.jsonl.gz", "high")])
def test_a_chat_that_was_deleted_comes_back_the_same(
    name: str, effort: str, chat: Chat, alice: User, organization: Organization, tmp_path: Path
) -> None:
    fill(chat, alice)
    Chat.objects.filter(pk=chat.pk).update(temperature=None, effort=effort)
    before, runs = said(Chat.objects.get(pk=chat.pk)), list(Run.objects.order_by("position"))
    logs = [stored(each.pk) for each in runs]
    file, id = export(chat, tmp_path, name), chat.pk
    assert file.stat().st_mode & 0o077 == 0
    chat.delete()
    elsewhere = Project.objects.create(organization=organization, name="Another")
    bring(file, organization, alice, "--project", str(elsewhere.pk))
    back = Chat.objects.get(pk=id)
    assert said(back) == before and (back.temperature, back.effort) == (None, effort)
    assert [stored(each.pk) for each in runs] == logs
    assert changed_files(elsewhere.pk, back.branch_name()) == {"notes/new.md": b"made here"}
    with pytest.raises(CommandError, match="here already"):
        bring(file, organization, alice)


def test_a_copy_has_new_ids_and_people_who_are_not_here_are_nobody(
    chat: Chat, alice: User, charlie: User, elsewhere: Organization, tmp_path: Path
) -> None:
    fill(chat, alice)
    file = export(chat, tmp_path)
    bring(file, elsewhere, charlie, "--copy")
    copy = Chat.objects.exclude(pk=chat.pk).get()
    assert (copy.user, copy.organization, copy.project) == (charlie, elsewhere, None)
    assert [each.content for each in copy.messages.all()] == [each.content for each in chat.messages.all()]
    assert not copy.messages.exclude(author=None) and set(copy.runs.values_list("user", flat=True)) == {charlie.pk}
    for run in copy.runs.all():
        begun = stored(run.pk)[0].event
        assert (begun.chat, begun.input, begun.message) == (str(copy.pk), str(run.input_id), str(run.message_id))  # type: ignore[union-attr]
    assert ToolCall.objects.filter(run__chat=copy).count() == 2
    assert not Chat.objects.visible_to(alice).filter(pk=copy.pk).exists()


def test_one_that_was_deleted_under_a_hold_comes_back_as_if_it_were_gone(
    chat: Chat, alice: User, organization: Organization, tmp_path: Path
) -> None:
    fill(chat, alice)
    file = export(chat, tmp_path)
    holds.place(scope="chat", subject=chat.pk, reason="A case.", by=None)
    assert not removing.remove_chat(chat)
    bring(file, organization, alice)
    back = Chat.objects.get(deleted_at=None)
    assert back.pk != chat.pk and back.messages.count() == chat.messages.count()


def test_what_cannot_be_exported_or_imported_is_said(
    chat: Chat, alice: User, charlie: User, organization: Organization, tmp_path: Path
) -> None:
    file = export(chat, tmp_path)
    with pytest.raises(CommandError, match="is there already"):
        export(chat, tmp_path)
    with pytest.raises(CommandError, match="in 0 organizations"):
        bring(file, organization, charlie)
    Membership.objects.filter(user=alice).update(role="viewer")
    with pytest.raises(CommandError, match="role"):
        bring(file, organization, alice, "--copy")
    answer(chat, alice, RunStatus.RUNNING)
    with pytest.raises(CommandError, match="is not over"):
        export(chat, tmp_path, "open.jsonl")
    assert [each.name for each in tmp_path.iterdir()] == ["chat.jsonl"]


def changed(kind: str, **fields: Any) -> Any:
    def change(lines: list[dict[str, Any]]) -> None:
        next(each for each in lines if each["line"] == kind).update(fields)

    return change


BAD: dict[str, tuple[Any, str]] = {
    "another format": (changed("header", format="x"), r"line 1: format"),
    "a later version": (changed("header", version=2), r"line 1: version"),
    "an unknown field": (changed("chat", colour="red"), r"line 2: line: .*colour"),
    "an unknown line": (changed("chat", line="x"), r"line 2: line"),
    "a title that is too long": (changed("chat", title="x" * 201), r"line 2: title: .*length <= 200"),
    "an effort that is none": (changed("chat", effort="much"), r"line 2: effort"),
    "a temperature out of range": (changed("chat", temperature=9), r"line 2: temperature"),
    "an unknown archetype": (changed("chat", archetype="x"), r"archetype: Expected one of"),
    "a leaf from elsewhere": (changed("chat", leaf="11111111-1111-4111-8111-111111111111"), r"line 2: leaf"),
    "a NUL": (changed("message", content="a\0b"), r"line \d+: content: .*NUL"),
    "a NUL in JSON": (changed("message", parts=[{"text": "\0"}]), r"line \d+: parts\[0\]\.text: .*NUL"),
    "a parent from elsewhere": (changed("message", parent="11111111-1111-4111-8111-111111111111"), r"parent"),
    "a run that is not over": (changed("run", status="running"), r"line \d+: status"),
    "a gap in a log": (changed("events", first_seq=2), r"line \d+: first_seq: Expected 1"),
    "an unknown event": (changed("events", events=[{"type": "x", "at": 1}]), r"line \d+: events"),
    "no end of a run": (changed("events", events=[]), r"line \d+: last_seq"),
    "a time without a zone": (changed("tool_call", called_at="2026-01-01T00:00:00"), r"line \d+: called_at"),
    "a path out of the folder": (changed("file", path="../x"), r"line \d+: path"),
    "too few lines": (lambda lines: lines.pop(3), r"lines"),
    "a file that is cut off": (lambda lines: lines.pop(), r"cut off"),
    "an empty file": (lambda lines: lines.clear(), r"line 1: line: Expected the header"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_not_right_is_refused_by_line_and_field_and_changes_nothing(
    name: str, chat: Chat, alice: User, organization: Organization, tmp_path: Path
) -> None:
    fill(chat, alice)
    change, told = BAD[name]
    lines = [json.loads(line) for line in written(chat)]
    Message.objects.all().delete()
    chat.delete()
    change(lines)
    file = tmp_path / "bad.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(CommandError, match=told):
        bring(file, organization, alice)
    assert not Chat.objects.exists() and not Message.objects.exists() and not Run.objects.exists()
