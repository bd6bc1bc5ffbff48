"""The pages for who runs it: each command in them does what the page says, beside a real server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import environment
from tests.environment import ROOT
from tests.live import OWNER, PASSWORD, Server
from tests.upstream import Upstream

PAGES = {name: ROOT / "docs" / f"{name}.md" for name in ("troubleshooting", "money", "privacy")}
SECTION = re.compile(r"^## (.*?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
PERSON = "bob@example.com"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
# What one must see of each section's commands; a section without commands is not here.
SHOWN = {
    "Nothing streams, or it comes in lumps": ["Streams pass"],
    "A run stays queued, or hangs": ['"unclaimed_s"', "consistency"],
    "401": ["Sign in first", "does not hold", "last_seen"],
    "403 `plan_model`": ['"ENTERPRISE"', '"available":true'],
    "404, though it is there": [OWNER, '"results":[{'],
    "402 `quota_exceeded`, `price_unknown`": ['"results":', '"totals"'],
    "429": ["ratelimit-policy", "ratelimit:"],
    "A run failed": ['"results":', "gpt"],
    "A tool fails, or is not used": ["generalist", '"results":'],
    "Something is there twice": ['"run"'],
    "Streams break off": ["0 with something wrong"],
    "Signing in leads back to signing in": ["csrftoken"],
    "A webhook's signature does not fit": ["It fits: {'type': 'run.completed'}"],
    "503": ['"status": "ok"', "no issues"],
    "Figures do not add up": ["0 faults", "it holds"],
    "From a token to the bill": ["would be corrected"],
    "Who spends it": ['"totals"', "month,project"],
    "Where it stops": ["50000000"],
    "When the bill of the provider differs": ["unknown_cost_runs"],
    "For how long": ["sessions"],
    "Somebody asks": ["Nothing was changed.", "There is none.", "export.jsonl"],
}


def sections() -> Iterator[tuple[str, str, str]]:
    """(page, heading, its commands)."""
    for name, page in PAGES.items():
        for heading, text in SECTION.findall(page.read_text()):
            if commands := "\n".join(BLOCK.findall(text)):
                yield name, heading, commands


@pytest.fixture(scope="module")
def server(upstream: Upstream) -> Iterator[Server]:
    made = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    made.start().quickly("create_user", PERSON, "--organization", "First organization")
    yield made
    made.close()


@pytest.mark.live
@pytest.mark.parametrize(("heading", "commands"), [each[1:] for each in sections()], ids=lambda each: each[:30])
def test_a_sections_commands_show_what_the_page_says(
    heading: str, commands: str, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    (tmp_path / "config").symlink_to(ROOT / "config")
    preamble = BLOCK.findall(PAGES["troubleshooting"].read_text())[0]
    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", f"{preamble}\n{commands}"], cwd=tmp_path, env=environ(server),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    told = done.stdout + done.stderr
    for expected in SHOWN[heading]:
        assert expected.lower() in told.lower(), (expected, told)
    assert "Traceback" not in told and "command not found" not in told, told


def environ(server: Server) -> dict[str, str]:
    """A shell's beside the server, whose `python` is ours."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {
        **server.environ(),
        "PATH": path,
        "BASE": server.url,
        "EMAIL": OWNER,
        "PASSWORD": PASSWORD,
        "PERSON": PERSON,
    }


def test_every_section_with_commands_says_what_they_show() -> None:
    assert [heading for _page, heading, _commands in sections()] == list(SHOWN)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_what_a_page_points_to_and_names_is_there(page: Path) -> None:
    text = page.read_text()
    paths = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [path for path in paths if not (page.parent / path).exists()] == []
    known = {*environment.setting_names(), "BASE", "EMAIL", "PASSWORD", "TOKEN", "ORGANIZATION", "ENTERPRISE", "PERSON"}
    assert set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=\w+)?`", text)) - known == set()


def test_two_answers_of_one_key_are_of_one_run(server: Server, tmp_path: Path) -> None:
    """As the page of troubleshooting says of its commands under "twice"."""
    commands = next(commands for _page, heading, commands in sections() if heading == "Something is there twice")
    preamble = BLOCK.findall(PAGES["troubleshooting"].read_text())[0]
    script = f"{preamble}\n{commands}"
    told = subprocess.run(["bash", "-uec", script], env=environ(server), capture_output=True, text=True, timeout=60)
    runs = re.findall(r'"run":\s*{"id":\s*"([^"]+)', told.stdout)
    assert len(runs) == 2 and len(set(runs)) == 1, told
