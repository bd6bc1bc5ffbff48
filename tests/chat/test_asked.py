"""The question on a tool's card: what it says the call will do, who may answer, and what it says of the decision."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Organization, Role, User
from agents import events as ev
from chat.eventlog.projection import fold
from chat.models import Chat, Run, RunStatus, Sharing
from chat.models.policies import ToolGrant
from chat.page import contents
from chat.page.asked import question
from chat.page.effects import EFFECTS_MAX, LINE_MAX_CHARS, LINES_MAX, Effect, Unreadable, effects_of
from tests.chat.rows import answer, append, ask_for
from tests.chat.test_embed import bearer
from tests.chat.test_page_views import say, signed_in
from tests.conftest import member
from tools.files import write_file
from tools.git.repository import Repository

TEXT = re.compile(r"<[^>]*>")


def reads(**files: str) -> Callable[[str], str | None]:
    return lambda path: files.get(path.replace(".", "_"))


def signs(effect: Effect) -> list[str]:
    return [line.sign + line.text for line in effect.lines]


# --- What a call will do ----------------------------------------------------------------------------------------------

TEN = "".join(f"{number}\n" for number in range(10))
CASES: dict[str, tuple[Any, list[tuple[str, list[str]]]]] = {
    "a new file": (
        {"path": "new.md", "content": "a\nb\n"}, [("Writes a new file, new.md:", ["+a", "+b"])],
    ),
    "another text": (
        {"path": "old.md", "content": TEN.replace("4\n", "four\n")},
        [("Changes the file old.md:", [" 1", " 2", " 3", "-4", "+four", " 5", " 6", " 7"])],
    ),
    "two places": (
        {"path": "old.md", "content": TEN.replace("0\n", "").replace("9\n", "")},
        [("Changes the file old.md:", ["-0", " 1", " 2", " 3", "@6", " 6", " 7", " 8", "-9"])],
    ),
    "the same text": ({"path": "old.md", "content": TEN}, [("Writes the file old.md, which says this already", [])]),
    "a place in a file": (
        {"path": "old.md", "old": "4\n5\n", "new": "4\nfive\n"},
        [("Changes a place in the file old.md:", [" 4", "-5", "+five"])],
    ),
    "a place, and how often": (
        {"path": "old.md", "old": "4", "new": "5", "count": 2},
        [("Changes a place in the file old.md:", ["-4", "+5"]), ("And with:", [])],
    ),
    "several files": (
        {"files": [{"path": "a", "content": "1"}, {"path": "old.md", "content": TEN + "10\n"}]},
        [("Writes a new file, a:", ["+1"]), ("Changes the file old.md:", [" 7", " 8", " 9", "+10"])],
    ),
    "a JSON patch": (
        {"patch": [
            {"op": "replace", "path": "/title", "value": "New"}, {"op": "move", "from": "/a", "path": "/b"},
            {"op": "remove", "path": "/c"}, {"op": "test", "path": "/d", "value": {"e": [1]}},
        ]},
        [("Changes the document", [' replace /title = "New"', " move /a → /b", " remove /c", ' test /d = {"e": [1]}'])],
    ),
    "anything else": ({"query": "x", "limit": 5, "deep": {"a": [1]}}, [("With:", [])]),
    "no JSON object": ("{not json", [("With this text", [" {not json"])]),
    "nothing": ({}, []),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "expected"), CASES.values(), ids=CASES)
def test_it_is_said_what_the_call_will_do(arguments: Any, expected: list[tuple[str, list[str]]]) -> None:
    found = effects_of(arguments, reads(old_md=TEN))
    assert len(found) == len(expected)
    for effect, (what, lines) in zip(found, expected, strict=True):
        assert effect.what.startswith(what) and signs(effect) == lines


def test_what_no_rule_knows_is_shown_by_name_and_never_left_out() -> None:
    (effect,) = effects_of({"query": "x", "limit": 5, "deep": {"a": [1]}}, reads())
    assert effect.rows == [("query", "x"), ("limit", "5"), ("deep", '{"a": [1]}')]
    found = effects_of({"path": "a", "content": "b", "mode": "0777"}, reads())
    assert found[-1].rows == [("mode", "0777")]


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": 1, "content": "x"}, {"path": "a", "content": None}, {"files": []}, {"files": [1]}, {"patch": "x"},
        {"patch": [{"path": "/a"}]}, {"operations": [1]}, {"files": [{"path": "a"}]}, [1, 2], None, 17, "",
        {"url": "http://["}, {"patch": [{"op": {"a": 1}, "path": []}]},
    ],
)  # fmt: skip
def test_arguments_of_any_shape_are_shown(arguments: Any) -> None:
    effects_of(arguments, reads())


def test_what_is_long_is_cut_and_it_is_said_by_how_much() -> None:
    (effect,) = effects_of({"path": "a", "content": "x\n" * (LINES_MAX + 7)}, reads())
    assert (len(effect.lines), effect.left_out, effect.is_long, effect.is_whole) == (LINES_MAX, 7, True, False)
    (effect,) = effects_of({"path": "a", "content": "x" * 100_000}, reads())
    assert (effect.left_out, effect.is_cut, effect.is_whole) == (0, True, False)
    found = effects_of({"files": [{"path": f"f{n}", "content": "x"} for n in range(EFFECTS_MAX + 3)]}, reads())
    assert len(found) == EFFECTS_MAX + 1 and found[-1].what == "And 3 more files:"
    assert [value for _, value in found[-1].rows] == [f"f{n}" for n in range(EFFECTS_MAX, EFFECTS_MAX + 3)]


LONG = f"begin {'x' * LINE_MAX_CHARS} rm -rf /"


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "a", "content": f"one\n{LONG}\n"}, {"path": LONG, "content": "x"}, {"command": LONG}, {LONG: "x"},
        {"path": "a", "old": "b", "new": LONG}, {"patch": [{"op": "add", "path": "/a", "value": LONG}]}, LONG,
    ],
)  # fmt: skip
def test_the_end_of_what_is_cut_is_shown_and_that_it_is_cut(arguments: Any) -> None:
    (effect, *_) = effects_of(arguments, reads())
    said = " ".join([effect.what, *map(str, effect.rows), *(line.text for line in effect.lines)])
    assert "begin" in said and "rm -rf /" in said and "left out here" in said
    assert effect.is_cut and not effect.is_whole


def test_where_text_is_cut_the_arguments_stay_unfolded(run: Run, alice: User) -> None:
    ask_for(run, "long", arguments={"path": "a", "content": LONG})
    ask_for(run, "short", arguments={"path": "a", "content": "x"})
    html = asked(alice, run, "long")
    assert "data-cut" in html and "Text is left out here" in html
    assert "data-cut" not in asked(alice, run, "short")


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "a\nb", "content": "x"}, {"path": "a\nb", "old": "x", "new": "y"}, {"a\nb": "x"},
        {"patch": [{"op": "move", "from": "a\nb", "path": "/c"}]}, {"patch": [{"op": "a\nb", "path": "/c"}]},
        {"patch": [{"op": "add", "path": "a\nb", "value": 1}]}, {"patch": [{"op": "add", "path": "", "a\nb": 1}]},
        {"files": [{"path": "a\nb", "content": "x"}]},
    ],
)  # fmt: skip
def test_a_name_with_line_breaks_stays_on_its_line(arguments: Any) -> None:
    (effect,) = effects_of(arguments, reads())
    said = [effect.what, *(name for name, _ in effect.rows), *(line.text for line in effect.lines)]
    assert any("a␊b" in each for each in said) and not any("\n" in each for each in said)


def test_what_a_file_is_written_with_besides_is_shown() -> None:
    (effect,) = effects_of({"files": [{"path": "a", "content": "b", "mode": "0777"}]}, reads())
    assert "0777" in str(effect.rows)


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x00", "\u2066", "\ufeff", "\x1b", "\u3164", "\U000e0041"])
def test_what_nobody_would_see_is_written_out(hidden: str) -> None:
    for arguments in ({"path": f"a{hidden}b", "content": f"c{hidden}d"}, {"x": f"a{hidden}b"}, f"a{hidden}"):
        for effect in effects_of(arguments, reads()):
            said = [effect.what, *map(str, effect.rows), *(line.text for line in effect.lines)]
            assert not any(hidden in each for each in said)
            assert any(f"U+{ord(hidden):04X}" in each for each in said)


def test_two_large_texts_with_nothing_in_common_are_compared_in_time() -> None:
    old, new = ("".join(f"{sign}{n % 7}\n" for n in range(100_000)) for sign in "ab")
    begun = time.perf_counter()
    (effect,) = effects_of({"path": "old.md", "content": new}, reads(old_md=old))
    assert time.perf_counter() - begun < 3
    assert effect.left_out > 100_000


def test_a_file_that_cannot_be_compared_is_shown_as_it_will_be_and_it_is_said() -> None:
    def read(path: str) -> str | None:
        raise Unreadable("It is binary.")

    (effect,) = effects_of({"path": "a", "content": "x"}, read)
    assert (effect.note, signs(effect)) == ("It is binary.", ["+x"])


# --- The card ---------------------------------------------------------------------------------------------------------

NEW = {"path": "notes.md", "content": "One\nthree\n"}


@pytest.fixture
def run(chat: Chat, alice: User) -> Run:
    return answer(chat, alice, RunStatus.WAITING)


def asked(reader: User, run: Run, call: str = "c1", **headers: str) -> str:
    found = signed_in(reader).get(f"/chats/{run.chat_id}/asked/{run.pk}/{call}/", headers=headers)
    assert found.status_code == 200
    return str(found.content.decode())


def words(html: str) -> str:
    return " ".join(TEXT.sub(" ", html).split())


def may(html: str) -> str:
    return re.search(r'data-may="([^"]*)"', html)[1]  # type: ignore[index]


def test_it_says_title_name_and_how_the_file_changes_on_the_chats_branch(run: Run, alice: User) -> None:
    assert run.chat is not None and run.chat.project_id is not None
    repository = Repository(run.chat.project_id)
    had_one = repository.exists()
    ask_for(run, "c1", arguments=NEW)
    assert "Writes a new file, notes.md:" in words(asked(alice, run)) and repository.exists() == had_one
    write(run, "One\ntwo\n")
    html = asked(alice, run)
    assert f"Write file , in the name of {alice.display_name}" in words(html)
    assert "Changes the file notes.md:" in html
    assert "<del>two\n</del><ins>three\n</ins>" in html and may(html) == "allow deny"
    assert 'class="risk"' not in html


def write(run: Run, text: str) -> None:
    """The file is there, on the chat's branch."""
    assert run.chat is not None and run.chat.project_id is not None
    who = {"author_name": "Ada", "author_email": "ada@example.com"}
    Repository(run.chat.project_id).write(run.chat.branch_name(), "notes.md", text, **who)


def test_a_file_too_large_to_be_compared_is_replaced_and_it_is_said(run: Run, alice: User, settings: Any) -> None:
    write(run, "larger than that")
    settings.TOOLS_FILE_MAX_BYTES = 10
    ask_for(run, "c1", arguments=NEW)
    assert "no text, or too large to be compared" in asked(alice, run)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"risk": "outward", "arguments": {"url": "https://api.example.com/x", "body": "Hi"}},
         "It leaves this installation. What it sends cannot be taken back."),
        ({"risk": "outward"}, "It leaves this installation. What it sends"),
        ({"risk": "delete", "arguments": {"path": "a"}}, "It deletes something."),
        ({"risk": "write", "title": "Write it \u202eover"}, "Write it ⟨U+202E⟩over , in the name of"),
    ],
)  # fmt: skip
def test_it_says_what_the_event_says_of_title_and_risk(
    run: Run, alice: User, fields: dict[str, Any], said: str
) -> None:
    ask_for(run, "c1", **{"name": "thing", **fields})
    assert said in words(asked(alice, run))


@pytest.mark.parametrize(
    ("place", "said"), [("api.example.com", "and goes to api.example.com."), ("", "installation. What")]
)
def test_where_it_goes_is_what_an_operator_has_named(
    run: Run, alice: User, monkeypatch: pytest.MonkeyPatch, place: str, said: str
) -> None:
    tool = replace(write_file, outward=True, place=place)
    monkeypatch.setattr("chat.page.asked.tool_of", lambda *_: tool)
    ask_for(run, "c1", risk="outward", arguments={**NEW, "url": "https://evil.example/"})
    html = asked(alice, run)
    assert said in words(html) and "goes to evil" not in html
    assert "It cannot be run" in html  # the tool takes no url


def test_a_call_that_fits_its_tool_is_not_said_to_fail(run: Run, alice: User) -> None:
    ask_for(run, "c1", arguments=NEW)
    assert "It cannot be run" not in asked(alice, run)


def test_who_may_not_allow_it_is_told_why(run: Run, organization: Organization, alice: User, bob: User) -> None:
    Chat.objects.filter(pk=run.chat_id).update(sharing=Sharing.PROJECT, project_access="write")
    viewer = member(organization, "vera", Role.VIEWER)
    editor = member(organization, "edda", Role.EDITOR)
    ask_for(run, "plain", arguments=NEW)
    ask_for(run, "theirs", as_person=True)
    ask_for(run, "deploys", permission="admin")
    told = {
        (viewer, "plain"): ("", "You may not decide on it"),
        (editor, "plain"): ("allow deny", ""),
        (editor, "theirs"): ("deny", f"Only {alice.display_name} may allow it"),
        (alice, "theirs"): ("allow deny", ""),
        (editor, "deploys"): ("deny", "it needs the permission “admin” here"),
    }
    for (reader, call), (answers, why) in told.items():
        html = asked(reader, run, call)
        assert may(html) == answers and why in html, (reader, call)
        assert ("why-not" in html) == bool(why)


def test_no_word_of_a_call_to_others(run: Run, bob: User, charlie: User, alice: User, settings: Any) -> None:
    ask_for(run, "c1", arguments={"path": "secret.md", "content": "secret"})
    other = Chat.objects.create(
        organization=run.chat.organization,
        user=alice,
        model="m",
        archetype="generalist",  # type: ignore[union-attr]
    )
    path = f"/chats/{run.chat_id}/asked/{run.pk}/c1/"
    for person in (bob, charlie):
        for found in (signed_in(person).get(path), bearer(person).get(f"/embed{path}")):
            assert found.status_code == 404 and b"secret" not in found.content
    assert Client().get(path).status_code == 302 and Client().get(f"/embed{path}").status_code == 401
    for wrong in (f"/chats/{other.pk}/asked/{run.pk}/c1/", f"/chats/{run.chat_id}/asked/{run.pk}/c2/",
                  f"/chats/{run.chat_id}/asked/{uuid4()}/c1/"):  # fmt: skip
        assert signed_in(alice).get(wrong).status_code == 404
    assert b"secret.md" in bearer(alice).get(f"/embed{path}").content


def test_who_does_not_see_the_project_sees_nothing_of_its_files(run: Run, alice: User, bob: User) -> None:
    write(run, "classified")
    ask_for(run, "c1", arguments=NEW)
    stranger = User.objects.create_user(email="stranger@example.com", password=None)
    (effect,) = question(stranger, run, "c1")["effects"]
    assert "You do not see the project" in effect.note and "classified" not in str(effect)


def test_it_is_said_in_german_and_hostile_text_stays_text(run: Run, alice: User) -> None:
    hostile = "</p><script>alert(1)</script>"
    ask_for(run, "c1", arguments={"path": hostile, "content": hostile, hostile: hostile}, title=hostile)
    html = asked(alice, run, accept_language="de")
    assert "Schreibt" in html and "im Namen von" in html and "<script>" not in html


# --- What was decided -------------------------------------------------------------------------------------------------


def decided(run: Run, by: str, decision: str = "allowed", **fields: Any) -> ev.ApprovalResolved:
    event = ev.ApprovalResolved(at=time.time(), call="c1", name="write_file", decision=decision, by=by, **fields)  # type: ignore[arg-type]
    append(run, event)
    return event


def test_it_says_who_decided_in_the_same_words_before_and_after_the_end(run: Run, alice: User, bob: User) -> None:
    assert run.chat is not None
    hours = timezone.now() + timedelta(hours=2)
    ToolGrant.objects.create(chat=run.chat, tool="write_file", by=bob, expires_at=hours)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"by": str(bob.pk)}, f"Allowed by {bob.display_name}"),
        ({"by": str(bob.pk), "scope": "once"}, f"Allowed by {bob.display_name}"),
        (
            {"by": str(bob.pk), "scope": "chat"},
            f"Allowed in this chat by {bob.display_name} until {timezone.localtime(hours):%H:%M}",
        ),
        ({"by": str(alice.pk), "scope": "chat"}, f"Allowed in this chat by {alice.display_name}"),
        ({"by": str(bob.pk), "decision": "denied", "reason": "not <b>"}, f"Denied by {bob.display_name}: not <b>"),
        ({"by": "", "decision": "denied", "reason": "Nobody."}, "Nobody answered; it counts as denied."),
        ({"by": str(uuid4())}, "Allowed by somebody else"),
    ]
    for fields, said in cases:
        ask_for(run, "c1", arguments=NEW)
        event = decided(run, **fields)
        line = re.search(r'<p class="decision">(.*?)</p>', asked(alice, run))
        assert line is not None and words(line[1].replace("&lt;b&gt;", "[b]")) == said.replace("<b>", "[b]")
        called = ev.ToolCalled(at=2.0, call="c1", name="write_file", arguments=NEW)
        parts = fold([event, called]).parts
        run.chat.refresh_from_db()
        say(run.chat, "", role="assistant", parts=parts)
        html = signed_in(alice).get(f"/chats/{run.chat.pk}/").content.decode()
        assert line[1] in html, "the stored card says it in other words"


# --- Cards of subagents -----------------------------------------------------------------------------------------------


def test_a_subagents_calls_follow_the_call_that_asked_it_though_others_came_in_between() -> None:
    def call(id: str, agent: str = "") -> dict[str, Any]:
        return {"type": "tool_call", "call": id, **({"agent": agent} if agent else {})}

    parts = [
        {"type": "text"}, call("a"), call("b"), call("a1", "x:a"), call("b1", "x:b"),
        {"type": "tool_result", "call": "b1"}, call("a11", "x:a/y:a1"), call("b2", "x:b"), call("a2", "x:a"),
        call("lost", "x:gone"), {"type": "text"},
    ]  # fmt: skip
    order = [(number, part.get("call", "text")) for number, part in contents.nested(parts)]
    assert [name for _, name in order] == ["text", "a", "a1", "a11", "a2", "b", "b1", "b2", "lost", "text"]
    assert all(parts[number].get("call", "text") == name for number, name in order)
