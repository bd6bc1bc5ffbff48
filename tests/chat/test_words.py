"""The page's words: each has its German, the compiled catalogue is the written one, and readers get their language."""

import ast
import gettext
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from accounts.models import User
from accounts.sso import errors as sso
from agents.archetypes.base import Limits
from agents.errors import CODES
from agents.installation import model_names
from chat.attachments import kinds
from chat.models import Chat
from chat.page import account_words, asked_words, faults, mcp_words, models, pulls, schedules, webhooks, words
from tools import pictures
from tools.mcp.oauth import errors as mcp_errors
from tools.parsing import documents

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "locale" / "de" / "LC_MESSAGES"
SIGN_IN = ROOT.glob("templates/registration/*.html")
COMMANDS = [*ROOT.glob("chat/commands/*.py"), *ROOT.glob("chat/runner/**/command*.py")]
EXPORTS = [each for each in ROOT.glob("chat/exports/**/*.py") if each.name != "admin.py"]
PAGES = [*ROOT.glob("templates/chat/*.html"), ROOT / "templates/error.html", *SIGN_IN]
ENTRY = re.compile(r'^(msgid|msgid_plural|msgstr|msgstr\[\d\]) "(.*)"$', re.MULTILINE)


def written() -> dict[str, list[str]]:
    """The catalogue as it is written: text -> its translations."""
    found: dict[str, list[str]] = {}
    text = ""
    for kind, value in ENTRY.findall((FOLDER / "django.po").read_text()):
        value = value.replace('\\"', '"')
        if kind == "msgid":
            text = value
        elif kind != "msgid_plural" and text:
            found.setdefault(text, []).append(value)
    return found


def said() -> Iterator[str]:
    """Every text that templates and scripts say, in English."""
    for path in PAGES:
        source = templatize(path.read_text(), origin=str(path))
        yield from (match[1] for match in re.finditer(r"gettext\(u?'((?:[^'\\]|\\.)*)'", source))
    with translation.override(None):
        for table in (
            words.TEXTS,
            words.ENDS,
            words.FAILURES,
            words.ADVICE,
            words.CHOICES,
            words.REFUSALS,
            sso.SENTENCES,
            mcp_errors.SENTENCES,
            models.TIERS,
            models.EFFORTS,
            pulls.STATES,
            account_words.DONE,
            account_words.SCOPE_USES,
            asked_words.SAID,
            schedules.TIMES,
            webhooks.OFF,
            webhooks.STATUSES,
            webhooks.DONE,
            webhooks.WHY,
            mcp_words.SERVERS,
            mcp_words.TOOLS,
            mcp_words.POLICIES,
            mcp_words.DONE,
            mcp_words.CLAIMS,
            mcp_words.PARTS,
            mcp_words.WHY,
        ):
            yield from map(str, table.values())
        yield from map(str, (*account_words.SAID, account_words.LAST_OWNER, account_words.TOO_MANY_KEYS))
        yield str(mcp_words.ASKED_NOW)
        yield from map(str, (*words.SENTENCES, *faults.EXPECTED, *faults.KINDS, *faults.PAGES, *faults.FIELDS.values()))
    yield from said_by_commands()


def said_by_commands() -> Iterator[str]:
    """Texts in calls of gettext's functions."""
    for path in (*COMMANDS, *EXPORTS):
        for call in (each for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Call)):
            if getattr(call.func, "id", "") in ("_", "gettext_noop", "gettext_lazy", "ngettext"):
                yield ast.literal_eval(call.args[0])


def test_every_text_has_its_german_and_none_is_doubtful() -> None:
    catalogue = written()
    texts = {text.replace("\\'", "'") for text in said()}
    assert len(texts) > 100
    assert texts - catalogue.keys() == set()
    assert all(all(each) for each in catalogue.values())
    assert "fuzzy" not in (FOLDER / "django.po").read_text()


def test_names_in_a_text_are_those_of_its_german() -> None:
    places = re.compile(r"%\((\w+)\)s")
    for text, german in written().items():
        assert all(set(places.findall(each)) == set(places.findall(text)) for each in german), text


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with open(FOLDER / "django.mo", "rb") as file:
        compiled = gettext.GNUTranslations(file)
    for text, german in written().items():
        if len(german) == 1:
            assert compiled.gettext(text) == german[0]
        else:
            assert [compiled.ngettext(text, "", number) for number in (1, 2)] == german


@pytest.mark.parametrize(
    ("asked", "cookie", "language"),
    [("de-AT,en;q=0.5", "", "de"), ("fr", "", "en"), ("de", "en", "en"), ("en", "de", "de"), ("", "x", "en")],
)
def test_a_page_speaks_the_readers_language(db: None, asked: str, cookie: str, language: str) -> None:
    client = Client(headers={"accept-language": asked})
    if cookie:
        client.cookies["language"] = cookie
    answer = client.get("/login/")
    assert answer["Content-Language"] == language
    assert {"en": "Password", "de": "Passwort"}[language] in answer.content.decode()


def test_the_api_speaks_english(alice: User, chat: Chat) -> None:
    answer = Client(headers={"accept-language": "de"}).get("/api/chats/")
    assert answer.json()["error"]["message"].startswith("Sign in first")
    signed_in = Client(headers={"accept-language": "de"})
    signed_in.force_login(alice)
    signed_in.cookies["language"] = "de"
    answer = signed_in.patch(f"/api/chats/{chat.pk}/", {"model": "none"}, content_type="application/json")
    expected = f"Expected one of: {', '.join(model_names())}."
    told = {"code": "invalid", "message": f"model: {expected}", "fields": {"model": [expected]}}
    assert answer.json() == {"error": told}


def test_counts_have_the_forms_of_the_language() -> None:
    with translation.override("de"):
        assert words.say("tokens", count=1) == "1 Token"
        assert words.say("tokens", count=1204) == "1.204 Tokens"
        assert words.for_scripts()["people"] == {"other": "%(count)s Personen", "one": "%(count)s Person"}


# --- Why an answer failed, or ended -----------------------------------------------------------------------------------

FAILING = [  # but for entry.py: its words are of settings
    *(each for each in Path("agents/providers").rglob("*.py") if each.name != "entry.py" and "demo" not in each.parts),
    *(Path("agents/errors.py"), Path("chat/runner/execution.py")),
]
PLACE = re.compile(r"%\(\w+\)s")


def test_every_way_to_end_or_fail_has_its_sentence() -> None:
    assert {each.name for each in fields(Limits)} <= set(words.ENDS)
    assert set(words.FAILURES) == set(CODES)


def sentences(path: Path) -> Iterator[str]:
    """What this module tells people in whole sentences, with "…" for what is filled in."""
    tree = ast.parse(path.read_text())
    told = (ast.Tuple, ast.Call, ast.Assign)
    for parent in ast.walk(tree):
        for each in ast.iter_child_nodes(parent) if isinstance(parent, told) else ():
            text = ast.unparse(each) if isinstance(each, ast.JoinedStr) else getattr(each, "value", "")
            if isinstance(text, str):
                text = re.sub(r"\{[^}]*\}", "…", text.removeprefix("f").strip("'\""))
                if re.fullmatch(r"[A-Z].* .*\.", text):
                    yield text


def test_every_sentence_of_a_failure_is_known_by_the_page() -> None:
    with translation.override(None):
        known = {PLACE.sub("…", str(text)) for text in (*words.SENTENCES, *words.FAILURES.values())}
    told = {text for path in FAILING for text in sentences(path)}
    assert len(told) > 10
    assert told - known == set()


@pytest.mark.parametrize(
    ("code", "message", "german"),
    [
        ("no_rights", CODES["no_rights"], "Wer die Antwort angefordert hat, darf das hier nicht mehr."),
        (
            "upstream_invalid",
            "The model provider could not read a picture: a.png, 100% (b).png. Later requests leave it out.",
            "Der Modellanbieter konnte ein Bild nicht lesen: a.png, 100% (b).png. Spätere Anfragen lassen es weg.",
        ),
        (
            "upstream_rate_limited",
            "The account at the model provider has no quota left.",
            "Das Konto beim Modellanbieter hat kein Guthaben mehr.",
        ),
        (
            "upstream_invalid",
            "The conversation is longer than the model can read.",
            "Das Gespräch ist länger, als das Modell lesen kann.",
        ),
        ("limit", "The result is longer than 1,000 bytes.", "Das Ergebnis ist länger als 1,000 Bytes."),
        ("upstream_invalid", "Of a later day.", "Der Modellanbieter hat die Anfrage abgelehnt. Of a later day."),
        ("of_a_later_version", "As it is.", "As it is."),
    ],
)
def test_a_failure_says_in_german_what_it_says_in_english(code: str, message: str, german: str) -> None:
    assert words.failure(code, message) == message
    with translation.override("de"):
        assert words.failure(code, message) == german


# --- What was wrong with what a person sent ---------------------------------------------------------------------------

REFUSING = [
    Path(f"chat/services/{name}.py")
    for name in ("rules", "attachments", "chats", "approvals", "schedules", "commanding")
]
REFUSING += [Path("chat/due.py")]


def refusals(path: Path) -> Iterator[str]:
    """What this module expects of fields, with "…" for what is filled in."""
    for each in ast.walk(ast.parse(path.read_text())):
        if isinstance(each, ast.Call) and getattr(each.func, "id", "") == "refuse":
            text = each.args[1]
            parts = text.values if isinstance(text, ast.JoinedStr) else [text]
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


PARSING = [Path(f"tools/parsing/{name}.py") for name in ("documents", "docx", "pdf", "plain", "process", "reading")]


def test_why_a_file_is_not_read_is_known_by_the_page() -> None:
    with translation.override(None):
        known = {pattern(str(text)) for text in faults.EXPECTED}
    told = {text for path in PARSING for text in sentences(path)}
    assert len(told) > 10
    assert told - known == {documents.KINDS}  # the end of another one
    with translation.override("de"):
        said = words.fault(f"This is a picture: there is no text in it. {documents.KINDS}")
    assert said.startswith("Das ist ein Bild: darin steht kein Text. Erwartet wird ein PDF")


def pattern(text: str) -> str:
    return PLACE.sub("…", text)


def test_what_is_expected_of_a_field_is_known_by_the_page() -> None:
    with translation.override(None):
        known = {pattern(str(text)) for text in faults.EXPECTED}
    told = {text for path in REFUSING for text in refusals(path)}
    assert len(told) > 20
    apart = {"… is …. Expected …."}  # put together of parts: "…: this is …. Expected …: convert it first."
    assert told - known == apart
    assert all(any(text.endswith(end.removeprefix("…")) for text in known) for end in apart)


def test_every_kind_of_file_that_is_no_picture_is_known_by_the_page() -> None:
    with translation.override(None):
        known = {str(text) for text in faults.KINDS}
    named = {name for _, _, name in pictures._OTHERS} | set(pictures._BRANDS)
    named |= {pictures.named(data) for data in (b"....ftypmp42", b"<svg>", b"<html>", b"?")} | {kinds.EXPECTED}
    assert named - known == set()


@pytest.mark.parametrize(
    ("path", "status", "german"),
    [
        ("/chats/00000000-0000-4000-8000-000000000000/", 404, "Das gibt es nicht, oder Sie dürfen es nicht sehen."),
        ("/nowhere", 404, "Das gibt es nicht, oder Sie dürfen es nicht sehen."),
    ],
)
def test_an_error_page_speaks_the_readers_language(alice: User, path: str, status: int, german: str) -> None:
    client = Client()
    client.force_login(alice)
    for language, said in (("de", german), ("en", "There is no such thing, or you may not see it.")):
        answer = client.get(path, headers={"accept-language": language})
        assert answer.status_code == status
        assert said in answer.content.decode()


def test_of_two_sentences_that_fit_the_longer_one_is_said() -> None:
    with translation.override("de"):
        assert words.fault("Expected at most 20 characters; these are 30.") == (
            "Höchstens 20 Zeichen sind erlaubt; es sind 30."
        )
        assert words.fault("Expected at most 3; these are 4.") == "Höchstens 3 sind erlaubt; es sind 4."
        assert words.fault("Of a later day.") == "Of a later day."
