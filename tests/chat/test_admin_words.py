"""The admin's words: each has its German, the compiled catalogue is the written one, and readers get their language."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from accounts.models import Project, User
from chat.admin import names

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "locale" / "admin" / "de" / "LC_MESSAGES"
SOURCES = [
    *ROOT.glob("chat/admin/**/*.py"),
    *ROOT.glob("chat/figures/*.py"),
    ROOT / "config/admin_site.py",
    *ROOT.glob("accounts/admin*.py"),
]
SOURCES += [
    ROOT / "chat/services/language_models.py",
    ROOT / "chat/services/policies.py",
    ROOT / "accounts/organizations/audit_admin.py",
    ROOT / "accounts/sso/admin.py",
    *ROOT.glob("chat/*/admin.py"),
]
PAGES = [*ROOT.glob("templates/admin/**/*.html")]
PLACES = re.compile(r"%\((\w+)\)s")
TEXT = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""


def catalogue() -> gettext.GNUTranslations:
    with open(FOLDER / "django.mo", "rb") as file:
        return gettext.GNUTranslations(file)


def in_code() -> Iterator[str]:
    """Texts in calls of gettext's functions."""
    functions = ("_", "gettext", "gettext_lazy", "ngettext")
    nodes = (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())))
    calls = (node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    for call in calls:
        said = call.args[0] if call.args and call.func.id in functions else None  # type: ignore[attr-defined]
        if isinstance(said, ast.Constant):  # what is not is a table's or column's: see names.said
            yield str(said.value)


def in_pages() -> Iterator[str]:
    for path in PAGES:
        source = templatize(path.read_text(), origin=str(path))
        for kind, text, second in re.findall(rf"(n|p)?gettext\({TEXT}(?:,\s*{TEXT})?", source):
            yield ast.literal_eval(second if kind == "p" else text)


def test_every_text_has_its_german() -> None:
    with translation.override(None):
        texts = {text for text in [*in_code(), *in_pages(), *names.said()] if text.strip()}
    known = {key[0] if isinstance(key, tuple) else key.rpartition("\x04")[2] for key in catalogue()._catalog}  # type: ignore[attr-defined]
    assert len(texts) > 300
    assert texts - known == set()
    assert known - texts == {""}, "nobody says these any more"


def test_names_in_a_text_are_those_of_its_german_and_none_is_empty() -> None:
    for key, german in catalogue()._catalog.items():  # type: ignore[attr-defined]
        text = key[0] if isinstance(key, tuple) else key
        assert german, text
        assert set(PLACES.findall(german)) == set(PLACES.findall(text)) or not text, text


def test_the_compiled_catalogue_is_the_written_one() -> None:
    written = re.findall(r'^msgstr(?:\[\d\])? "(.+)"$', (FOLDER / "django.po").read_text(), re.MULTILINE)
    compiled = catalogue()._catalog  # type: ignore[attr-defined]
    assert sorted(text.replace('\\"', '"') for text in written) == sorted(text for key, text in compiled.items() if key)


@pytest.mark.django_db
def test_deleting_and_the_log_of_interventions_speak_german_too(project: Project) -> None:
    """Also of what Django names itself, from the names of tables, and of what was kept in English."""
    root = User.objects.create_superuser("root@example.com")
    group = Group.objects.create(name="Support")
    for message in ("Stopped: it hung", "Re-driven as run 7: es hing", "Content shown: a ticket"):
        LogEntry.objects.log_actions(root.pk, [group], CHANGE, message, single_object=True)
    client = Client(headers={"accept-language": "de"})
    client.force_login(root)
    log = client.get("/admin/admin/logentry/").content.decode()
    assert all(
        each in log for each in ("Angehalten: it hung", "Neu gestartet → 7: es hing", "Inhalt gezeigt: a ticket")
    )
    assert "<h1>Logeinträge</h1>" in log
    page = client.get(f"/admin/accounts/project/{project.pk}/delete/").content.decode()
    assert "Projekte: 1" in page and "Projekt:" in page and "Projekt „Website“ löschen" in page
    assert not re.search(r"\b(project|projects|project members?):", page, re.IGNORECASE)


@pytest.mark.django_db
def test_the_admin_speaks_the_readers_language() -> None:
    client = Client(headers={"accept-language": "de"})
    client.force_login(User.objects.create_superuser("root@example.com"))
    first = client.get("/admin/").content.decode()
    assert all(
        each in first for each in ("Im Augenblick", "Läuft gerade", "Wer verbraucht", "Werkzeugaufrufe", "Konten")
    )
    runs = client.get("/admin/chat/run/").content.decode()
    assert all(each in runs for each in ("<h1>Läufe</h1>", "Gelungen", "Heute gescheitert"))
    client.cookies["language"] = "en"
    assert "Running now" in client.get("/admin/").content.decode()
