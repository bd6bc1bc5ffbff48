"""A document's versions, and its two tools: one version a call, undo, conflicts, and who may do what."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import Membership, Project, Role, User
from tests.tools.contexts import context
from tools.base import ToolContext
from tools.documents import telling
from tools.documents.errors import DocumentError, TooLarge, VersionConflict, VersionGone, VersionUnknown
from tools.documents.patching import Changed
from tools.documents.storing import TRIES, Author, Written, read, undo, write
from tools.documents.tools import patch_document, read_document
from tools.executor import ToolOutcome, execute
from tools.models import Document, DocumentVersion

pytestmark = pytest.mark.django_db(transaction=True)


def put(value: Any) -> Callable[[Any], Changed]:
    return lambda _: Changed(value, [""])


def acting(user: User, project: Project | None, **more: Any) -> ToolContext:
    place = {"project_id": project.pk, "organization_id": project.organization_id} if project else {"project_id": None}
    return context(user_id=user.pk, chat_id=None, capabilities=frozenset({"document"}), **{**place, **more})


async def patch(ctx: ToolContext, *operations: dict[str, Any], **more: Any) -> ToolOutcome:
    return await execute(patch_document, ctx, {"patch": list(operations), **more})


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


# --- Versions ---------------------------------------------------------------------------------------------------------


def test_a_document_is_there_before_its_first_change(project: Project) -> None:
    found = read(project.pk)
    assert (found.version, found.content, found.bytes) == (0, "{}", 2)
    assert not Document.objects.exists()


def test_versions_follow_each_other_and_keep_the_order_of_names(project: Project, alice: User, bob: User) -> None:
    assert write(project.pk, put({"z": 1, "a": "ü"}), Author(alice.pk)) == Written(1, 16, [""])
    assert write(project.pk, put({"z": 2}), Author(bob.pk), expected=1).version == 2
    assert read(project.pk).content == '{"z":2}'
    rows = DocumentVersion.objects.order_by("version").values_list("version", "content", "by")
    assert list(rows) == [(1, '{"z":1,"a":"ü"}', alice.pk), (2, '{"z":2}', bob.pk)]


def test_what_changes_nothing_makes_no_version(project: Project, alice: User) -> None:
    write(project.pk, put({"a": 1}), Author(alice.pk))
    assert write(project.pk, put({"a": 1}), Author(alice.pk)) == Written(1, 7, [])
    assert write(project.pk, put({"a": 1.0}), Author(alice.pk)).version == 2
    assert DocumentVersion.objects.count() == 2


def test_a_change_for_another_version_is_told_whose_the_present_one_is(project: Project, alice: User) -> None:
    write(project.pk, put([1]), Author(alice.pk))
    with pytest.raises(VersionConflict) as conflict:
        write(project.pk, put([2]), Author(alice.pk), expected=0)
    newest = DocumentVersion.objects.get()
    assert (conflict.value.version, conflict.value.by, conflict.value.at) == (1, alice.pk, newest.created_at)
    assert read(project.pk).content == "[1]"


def test_a_change_is_made_outside_of_the_transaction_and_anew_for_who_was_overtaken(
    project: Project, alice: User, bob: User
) -> None:
    asked: list[Any] = []

    def change(document: Any) -> Changed:
        assert not connection.in_atomic_block  # no lock is held meanwhile
        asked.append(document)
        if len(asked) < 3:
            write(project.pk, put({"n": len(asked)}), Author(bob.pk))  # who is quicker
        return Changed({**document, "mine": True}, [""])

    assert write(project.pk, change, Author(alice.pk)).version == 3
    assert asked == [{}, {"n": 1}, {"n": 2}] and read(project.pk).content == '{"n":2,"mine":true}'


def test_who_names_a_version_and_is_overtaken_is_told(project: Project, alice: User, bob: User) -> None:
    def change(document: Any) -> Changed:
        write(project.pk, put({"n": 1}), Author(bob.pk))
        return Changed("mine", [""])

    with pytest.raises(VersionConflict) as conflict:
        write(project.pk, change, Author(alice.pk), 0)
    assert (conflict.value.version, conflict.value.by) == (1, bob.pk)


def test_who_is_overtaken_each_time_makes_the_others_wait(project: Project, alice: User, bob: User) -> None:
    asked: list[Any] = []

    def change(document: Any) -> Changed:
        asked.append(document)
        if len(asked) <= TRIES:  # from then on the document is held
            write(project.pk, put({"n": len(asked)}), Author(bob.pk))
        return Changed({**document, "mine": True}, [""])

    assert write(project.pk, change, Author(alice.pk)).version == TRIES + 1
    assert len(asked) == TRIES + 1 and read(project.pk).content == f'{{"n":{TRIES},"mine":true}}'


def test_a_change_that_is_refused_leaves_nothing(project: Project, alice: User, settings: Any) -> None:
    settings.DOCUMENT_MAX_BYTES = 10
    for value in ("x" * 20, {"__proto__": 1}, [[[[1]]] * 9]):
        with pytest.raises(DocumentError):
            write(project.pk, put(value), Author(alice.pk))
    assert not Document.objects.exists() and not DocumentVersion.objects.exists()


def test_going_back_makes_a_new_version_and_the_oldest_go(project: Project, alice: User, settings: Any) -> None:
    settings.DOCUMENT_VERSIONS = 20
    for number in range(1, 31):
        write(project.pk, put({"n": number}), Author(alice.pk))
    kept = list(DocumentVersion.objects.order_by("version").values_list("version", flat=True))
    assert kept == list(range(11, 31))
    assert undo(project.pk, 11, Author(alice.pk)).version == 31 and read(project.pk).content == '{"n":11}'
    assert DocumentVersion.objects.get(version=31).note == "As version 11"
    with pytest.raises(VersionGone, match="the newest 20"):
        undo(project.pk, 10, Author(alice.pk))
    assert undo(project.pk, None, Author(alice.pk)).version == 32 and read(project.pk).content == '{"n":30}'
    assert undo(project.pk, None, Author(alice.pk)).version == 33 and read(project.pk).content == '{"n":11}'
    assert undo(project.pk, 0, Author(alice.pk)).version == 34 and read(project.pk).content == "{}"
    for wrong in (34 + 1, -1, 10**12):
        with pytest.raises(VersionUnknown):
            undo(project.pk, wrong, Author(alice.pk))
    with pytest.raises(VersionConflict):
        undo(project.pk, None, Author(alice.pk), expected=33)


def test_the_200_newest_are_kept(project: Project, alice: User) -> None:
    write(project.pk, put(0), Author(alice.pk))
    document = Document.objects.get()
    DocumentVersion.objects.all().delete()
    rows = [DocumentVersion(document=document, version=number, content=str(number)) for number in range(1, 201)]
    DocumentVersion.objects.bulk_create(rows)
    Document.objects.update(version=200, content="200")
    assert undo(project.pk, 1, Author(alice.pk)).version == 201
    assert read(project.pk).content == "1" and DocumentVersion.objects.count() == 200
    with pytest.raises(VersionGone):
        undo(project.pk, 1, Author(alice.pk))


def test_nothing_to_undo(project: Project, alice: User) -> None:
    for to in (None, 0, 1):
        with pytest.raises(VersionUnknown, match="never changed"):
            undo(project.pk, to, Author(alice.pk))
    assert not Document.objects.exists()


def test_each_new_version_is_told_and_nothing_else(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[uuid.UUID, int]] = []
    monkeypatch.setattr(telling, "TOLD", [lambda *what: told.append(what)])
    write(project.pk, put(1), Author(alice.pk))
    write(project.pk, put(1), Author(alice.pk))
    with pytest.raises(VersionConflict):
        write(project.pk, put(2), Author(alice.pk), expected=0)
    assert told == [(project.pk, 1)]


def test_one_call_makes_one_version_also_after_others(project: Project, alice: User) -> None:
    run = uuid.uuid4()
    by = Author(alice.pk, run, "call_1")
    first = write(project.pk, put({"a": 1}), by)
    write(project.pk, put({"b": 1}), Author(alice.pk))
    assert write(project.pk, put({"a": 1}), by) == first == Written(1, 7, [""])
    assert write(project.pk, put({"c": 1}), Author(alice.pk, run, "call_2")).version == 3
    assert write(project.pk, put({"d": 1}), Author(alice.pk, uuid.uuid4(), "call_1")).version == 4
    assert read(project.pk).version == 4


# --- Tools ------------------------------------------------------------------------------------------------------------


async def test_alice_reads_and_changes_it(alice: User, project: Project) -> None:
    ctx = acting(alice, project, call_id="call_1")
    assert (await execute(read_document, ctx, {})).result == {"version": 0, "path": "", "bytes": 2, "value": {}}
    done = await patch(ctx, add("/pages", [{"title": "Home"}]), add("/pages/-", {"title": "Shop"}), version=0)
    assert done.result == {"version": 1, "changed": ["/pages", "/pages/1"], "bytes": 45}
    read = await execute(read_document, ctx, {"path": "/pages/1/title"})
    assert read.result == {"version": 1, "path": "/pages/1/title", "bytes": 6, "value": "Shop"}


async def test_a_call_that_was_taken_over_finds_what_it_did(alice: User, project: Project) -> None:
    """Between the commit and the result the process died: the same call comes again, from another one."""
    ctx = acting(alice, project, call_id="call_1")
    first = await patch(ctx, add("/list", []), add("/list/-", 1), version=0)
    again = await patch(ctx, add("/list", []), add("/list/-", 1), version=0)
    assert first.outcome == "returned" and again.result == first.result
    assert (await execute(read_document, ctx, {})).result["value"] == {"list": [1]}
    assert (await execute(read_document, ctx, {})).result["version"] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"patch": [add("/a/b/c", 1)]}, ("patch[0]: add /a/b/c", "/a is 1.")),
        ({"patch": [add("/b", 1), {"op": "test", "path": "/a", "value": 2}]}, ("patch[1]: test /a", "/a is 1.")),
        ({"patch": [add("/b", 1)], "version": 0}, ("version 1 by now",)),
        ({"patch": [add("/__proto__", 1)]}, ("patch[0].path", "__proto__")),
        ({"patch": [{"op": "merge", "path": ""}]}, ("patch[0].op", "one of")),
        ({"patch": "add"}, ("patch", "an array")),
        ({"patch": [add("/b", "x" * 300_000)]}, ("patch[0]", "256,000 bytes")),
    ],
    ids=lambda each: str(each)[:50],
)
async def test_the_model_is_told_what_to_do_and_nothing_is_changed(
    alice: User, project: Project, arguments: dict[str, Any], told: tuple[str, ...]
) -> None:
    ctx = acting(alice, project)
    await patch(ctx, add("/a", 1))
    outcome = await execute(patch_document, ctx, arguments)
    assert outcome.retry and all(each in str(outcome.error) for each in told), outcome
    assert (await execute(read_document, ctx, {})).result["value"] == {"a": 1}


async def test_what_is_too_large_is_read_by_what_is_inside(alice: User, project: Project) -> None:
    ctx = acting(alice, project)
    await patch(ctx, add("/texts", {str(n): "x" * 1_000 for n in range(100)}), add("/long", "é" * 50_000), add("/n", 5))
    whole = (await execute(read_document, ctx, {})).result
    assert whole["inside"]["texts"].startswith("an object with the names 0, 1") and "value" not in whole
    assert whole["inside"]["n"] == "5, 1 bytes"
    texts = (await execute(read_document, ctx, {"path": "/texts", "max_bytes": 500})).result
    assert 0 < len(texts["inside"]) < 10 and "of 100" in texts["truncated"]
    long = (await execute(read_document, ctx, {"path": "/long", "max_bytes": 1_001})).result
    assert long["begins"] == "é" * 500 and long["bytes"] == 100_002
    one = (await execute(read_document, ctx, {"path": "/texts/7"})).result
    assert one["value"] == "x" * 1_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"path": "texts"}, "begins with /"),
        ({"path": "/x"}, "there is nothing at /x. The document is"),
        ({"path": "/a/0"}, "/a is 1."),
        ({"max_bytes": 5}, "100 to 60,000"),
    ],
)
async def test_a_wrong_path_is_told_what_is_there(
    alice: User, project: Project, arguments: dict[str, Any], told: str
) -> None:
    ctx = acting(alice, project)
    await patch(ctx, add("/a", 1))
    outcome = await execute(read_document, ctx, arguments)
    assert outcome.retry and told in str(outcome.error)


async def test_bob_writes_as_an_editor_and_reads_as_a_viewer(alice: User, bob: User, project: Project) -> None:
    ctx = acting(bob, project)
    assert (await patch(ctx, add("/a", 1))).outcome == "returned"
    await Membership.objects.filter(user=bob).aupdate(role=Role.VIEWER)
    assert "'write'" in str((await patch(ctx, add("/b", 1))).error)
    assert (await execute(read_document, ctx, {})).result["value"] == {"a": 1}


async def test_charlie_reaches_nothing(alice: User, charlie: User, project: Project) -> None:
    await patch(acting(alice, project), add("/secret", "the green door"))
    for tool, arguments in ((read_document, {}), (patch_document, {"patch": [add("/a", 1)]})):
        for place in (project, None):
            outcome = await execute(tool, acting(charlie, place), arguments)
            assert (outcome.outcome, outcome.result) == ("failed", None) and "secret" not in str(outcome.error)
    assert (await execute(read_document, acting(alice, project), {})).result["version"] == 1


def test_too_large_is_refused_whole(project: Project, alice: User) -> None:
    with pytest.raises(TooLarge, match="1,000,000 bytes"):
        write(project.pk, put(["x" * 200_000] * 6), Author(alice.pk))
    with pytest.raises(TooLarge, match="50,000"):
        write(project.pk, put([1] * 50_001), Author(alice.pk))
