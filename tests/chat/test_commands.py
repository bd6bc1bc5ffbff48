"""manage.py as a newcomer tries it: wrong arguments are answered in a sentence, by no trace, and change nothing."""

import pathlib
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import ApiKey, Organization, Project, User
from chat.models import Chat

NOBODY = "00000000-0000-4000-8000-000000000000"  # the same in each of the processes that run the tests
PLACE = "Acme"
ALICE = "alice@example.com"
WRONG: dict[str, list[list[str]]] = {
    "create_user": [
        [], ["dora@example.com"], ["no address", "--organization", PLACE, "--role", "editor"],
        ["dora@example.com", "--organization", "Nowhere", "--role", "editor"],
        ["dora@example.com", "--organization", PLACE, "--role", "king"],
        ["dora@example.com", "--organization", "", "--role", "owner"],
        ["dora@example.com", "--organization", "x" * 5000, "--role", "owner"],
        ["d" * 300 + "@example.com", "--organization", PLACE, "--role", "editor"],
        ["dora@example.com", "--organization", NOBODY, "--role", "owner"],
        [ALICE, "--organization", PLACE, "--role", "editor"],
    ],
    "create_key": [
        [], [ALICE], [ALICE, "--organization", PLACE, "--scope", "v1", "--name", "x"],
        [ALICE, "--organization", "Nowhere", "--scope", "llm", "--name", "x"],
        ["nobody@example.com", "--organization", PLACE, "--scope", "llm", "--name", "x"],
        [ALICE, "--organization", PLACE, "--scope", "llm", "--name", ""],
        [ALICE, "--organization", PLACE, "--scope", "llm", "--name", "x" * 1000],
        [ALICE, "--organization", PLACE, "--scope", "llm", "--name", "x", "--days", "-1"],
        [ALICE, "--organization", PLACE, "--scope", "llm", "--name", "x", "--days", "9" * 20],
    ],
    "revoke_key": [[], ["pk_nothing"], [""]],
    "set_budget": [
        [], ["Nowhere"], [PLACE, "many"], [PLACE, "-1"], [PLACE, "9" * 30], [PLACE, "5", "--period", "year"],
        [NOBODY, "5"], ["", "5"],
    ],
    "export_chat": [
        [], ["not-an-id", "--output", "{folder}/x"], [NOBODY, "--output", "{folder}/x"], [NOBODY],
        ["{chat}", "--output", "{folder}"], ["{chat}", "--output", "{folder}/none/x"],
        ["{chat}", "--output", "{folder}/letter"], ["{chat}", "--output", "{folder}/" + "x" * 300],
    ],
    "import_chat": [
        [], ["{folder}/none", "--organization", PLACE, "--owner", ALICE],
        ["{folder}", "--organization", PLACE, "--owner", ALICE],
        ["{folder}/letter", "--organization", PLACE, "--owner", ALICE],
        ["{folder}/binary", "--organization", PLACE, "--owner", ALICE],
        ["{folder}/letter.gz", "--organization", PLACE, "--owner", ALICE],
        ["{folder}/letter", "--organization", "Nowhere", "--owner", ALICE],
        ["{folder}/letter", "--organization", PLACE, "--owner", "nobody@example.com"],
        ["{folder}/letter", "--organization", PLACE, "--owner", ALICE, "--project", NOBODY],
        ["{folder}/letter", "--organization", PLACE, "--owner", ALICE, "--project", "x"],
    ],
    "rebuild_usage": [
        [], ["--from", "yesterday"], ["--from", "2026-13-01"], ["--from", "2026-11-02", "--to", "2026-11-01"],
        ["--from", "2026-11-01", "--to", "x"], ["--from", "9999-12-31", "--to", "9999-12-31"],
    ],
    "cleanup_sessions": [["--batch", "0"], ["--batch", "x"], ["--batch", "99999999"], ["--batch", "-5"], ["now"]],
    "chores": [["--run", "dishes"], ["dishes"]],
    "check_log": [["--limit", "x"], ["--limit", "-1"], ["--limit", "9" * 30]],
    "import_repository": [
        [], ["x", "{folder}"], [NOBODY, "{folder}"], ["{project}", "{folder}/none"], ["{project}", "{folder}/letter"],
        ["{project}", "{folder}"],
    ],
    "test_sse": [["nonsense"], ["ftp://host"], ["http://127.0.0.1:1"], ["http://"], ["http://[::1"], ["http://h:x/"]],
    "serve": [["--port", "x"], ["--port", "0.5"], ["--port", "99999"], ["--port", "-1"], ["--host", "no such host"]],
    "run_agents": [["--fast"]],
    "chaos": [["--profile", "large"], ["--runs", "0"], ["--faults", "earthquake"], ["--pace", "x"], ["--seed", "x"],
              ["--keep", "{folder}/letter"], ["--pace", "0"], ["--pace", "-1"], ["--pace", "nan"],
              ["--pooler"], ["--pooler", "--profile", "both"],
              ["--pooler", "--profile", "scaled", "--database-url", "postgres://postgres@127.0.0.1:1/x"]],
    "changepassword": [["nobody@example.com"]],
}  # fmt: skip
TABLE = [(command, words) for command, cases in WRONG.items() for words in cases]


@pytest.fixture
def places(alice: User, chat: Chat, project: Project, tmp_path: pathlib.Path) -> dict[str, str]:
    """What the arguments name."""
    (tmp_path / "letter").write_text("Dear reader,\n")
    (tmp_path / "letter.gz").write_text("this is not packed\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    return {"folder": str(tmp_path), "chat": str(chat.pk), "project": str(project.pk)}


@pytest.mark.parametrize(("command", "words"), TABLE, ids=lambda each: repr(each)[:60])
def test_wrong_arguments_are_answered_in_a_sentence(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch, settings: object, command: str, words: list[str]
) -> None:
    settings.PARLEY_PASSWORD = "a long enough secret"  # type: ignore[attr-defined]
    given = [each.format(**places) for each in words]
    before = counts()
    with pytest.raises(CommandError) as said:
        call_command(command, *given, stdout=StringIO(), stderr=StringIO())
    assert str(said.value).strip()
    assert counts() == before


def counts() -> list[int]:
    return [each._default_manager.count() for each in (User, Organization, Project, ApiKey, Chat)]
