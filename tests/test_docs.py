"""What the pages in docs/ say is so: their commands work, and what they name is there. docs/doors: tests/doors."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from django.urls import Resolver404, resolve

from agents import events as ev
from tests import environment
from tests.environment import ROOT
from tests.live import OWNER, PASSWORD, Server
from tests.routes import paths_of_resolver
from tests.upstream import Upstream

DOCS = ROOT / "docs"
MOVING = sorted((DOCS / "moving-over").glob("*.md"))
PAGES = [DOCS / "native.md", DOCS / "events.md", *MOVING]
EVERY = [*PAGES, *sorted((DOCS / "doors").glob("*.md"))]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
ROUTE = re.compile(r"(?:GET|POST|PATCH|DELETE|PUT)? ?(?<!/static)(/(?:api|v1|agent|chat|trpc)/[^\s`?\"',)]*)")
# What one must see of each page's commands.
SHOWN = {
    "native": ["run.queued", "run.completed"],
    "system-1": ['"tokensUsed"', '"type":"content"', "[DONE]"],
    "system-2": ['"type":"token"', '"type":"done"', '"chatId": "conversation-42"'],
    "system-3": ['"response": ', '"type":"ai_response"', '"success":true'],
    "system-4": ['"content": ', '"type":"delta"', '"type":"finalized"'],
    "system-5": ['"session_id": "sess-', '"type":"text"', '"type":"done"'],
}


def names(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.fixture(scope="module")
def open_server(upstream: Upstream) -> Iterator[Server]:
    """A server that takes guests, as one page says."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", AGENT_ALLOW_GUESTS="on")
    yield server.start()
    server.close()


def run(page: Path, server: Server, change: tuple[str, str] = ("", "")) -> str:
    """What the page's commands print."""
    environ = {"PATH": os.environ["PATH"], "BASE": server.url, "EMAIL": OWNER, "PASSWORD": PASSWORD}
    script = "\n".join(BLOCK.findall(page.read_text())).replace(*change)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"error":' not in re.sub(r'"error": ?null', "", done.stdout), done.stdout
    return done.stdout


@pytest.mark.live
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("page", [each for each in PAGES if each.stem in SHOWN], ids=names)
def test_the_commands_of_a_page_work(page: Path, open_server: Server) -> None:
    told = run(page, open_server)
    for expected in SHOWN[page.stem]:
        assert expected in told, (expected, told)


@pytest.mark.live
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_system_5_s_commands_work_without_a_token_where_guests_are_allowed(open_server: Server) -> None:
    told = run(DOCS / "moving-over" / "system-5.md", open_server, (' -H "Authorization: Bearer $TOKEN"', ""))
    assert '"type":"done"' in told


def test_every_page_with_commands_says_what_they_show() -> None:
    assert {each.stem for each in PAGES if BLOCK.search(each.read_text())} == set(SHOWN)


@pytest.mark.parametrize("page", EVERY, ids=names)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    paths = [path for path in re.findall(r"\]\(([^)#]+)\)", page.read_text()) if "://" not in path]
    assert [path for path in paths if not (page.parent / path).exists()] == []


@pytest.mark.parametrize("page", EVERY, ids=names)
def test_the_addresses_that_a_page_names_are_routes(page: Path) -> None:
    known = {nameless(path) for path in paths_of_resolver()}
    named = {each.rstrip(".:;") for each in ROUTE.findall(page.read_text())}
    unknown = {each for each in named if nameless(each) not in known and not is_prefix(each, known)}
    unknown = {each for each in unknown if not is_served(each)}
    assert unknown == set()


def nameless(path: str) -> str:
    return re.sub(r"\{\w+\}|:\w+|\$\{?\w+\}?", "{}", path)


def is_served(path: str) -> bool:
    """An address with an example's own names in it."""
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


def is_prefix(path: str, known: set[str]) -> bool:
    """A base address, or a procedure by its name."""
    return any(each.startswith(path.rstrip("/") + "/") for each in known) or path.startswith("/trpc/")


@pytest.mark.parametrize("page", EVERY, ids=names)
def test_the_settings_that_a_page_names_are_settings(page: Path) -> None:
    known = {*environment.setting_names(), "BASE", "EMAIL", "PASSWORD"}
    named = set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)(?:=\w+)?`", page.read_text()))
    words = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+)"', (ROOT / "chat/doors/agui/dialect.py").read_text()))
    assert named - known - words - {"GENERALIST", "PROJECT_NAVIGATOR", "NOT_FOUND"} == set()


def test_the_page_of_events_names_each_event_with_its_fields_and_no_other() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| ([^|]*) \|", (DOCS / "events.md").read_text(), re.MULTILINE)
    told = {name: re.findall(r"`(\w+)`", fields) for name, fields in rows}
    assert told == {
        str(each.__struct_config__.tag): [
            field.name for field in msgspec.structs.fields(each) if field.name not in ("at", "agent")
        ]
        for each in ev.AnyEvent.__args__
    }
