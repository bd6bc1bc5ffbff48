"""What is wrong with an own app is said in a sentence: which app, which line of it, what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import environment

TOOL = '''
from tools import ToolContext, tool
from agents.own import Archetype, extend, register, register_api


@tool
async def {name}(ctx: ToolContext, text: str = "") -> str:
    """Find things.

    Arguments:
        text: what to find
    """
    return ""


'''
AGENT = "register(Archetype(name={name!r}, purpose='Finds.', prompt='Find it for them.', tools=({tool},)))\n"
HEAD = "from tools import tool\n\n\n@tool\n"
OWN = "from agents.own import Command, register_api, register_command\n"
PATH = "from pathlib import Path\n"
# By app: its parley.py, and what must be told of it, besides its name.
REGISTER_BADLY = {
    "no_docstring": (
        HEAD + "async def find(ctx, text: str) -> str:\n    return ''\n",
        "line 4: find: a tool needs a docstring",
    ),
    "sync_tool": (
        HEAD + "def find(ctx, text: str) -> str:\n    'Find.'\n",
        "line 4: find: a tool is an async function",
    ),
    "no_schema": (
        HEAD + "async def find(ctx, text: set) -> str:\n    'Find.'\n",
        "line 4: find(text): <class 'set'> has no JSON Schema here; use str",
    ),
    "no_type": (HEAD + "async def find(ctx, text) -> str:\n    'Find.'\n", "find(text): needs a type"),
    "not_described": (
        HEAD + "async def find(ctx) -> str:\n    '''Find.\n\n    Arguments:\n        text: no\n    '''\n",
        "the docstring describes ['text'], no such argument",
    ),
    "our_tool": (
        TOOL.format(name="read_file") + AGENT.format(name="mine", tool="read_file"),
        "line 16: tool read_file: the name is taken, in tools/files.py",
    ),
    "our_archetype": (
        TOOL.format(name="f1") + AGENT.format(name="generalist", tool="f1"),
        "line 16: archetype generalist: the name is taken, in agents/archetypes/generalist.py",
    ),
    "fine": (TOOL.format(name="find_fine") + AGENT.format(name="fine", tool="find_fine"), ""),
    "their_tool": (
        TOOL.format(name="find_fine") + AGENT.format(name="other", tool="find_fine"),
        "tool find_fine: the name is taken, in {folder}/fine/parley.py",
    ),
    "their_archetype": (
        TOOL.format(name="f2") + AGENT.format(name="fine", tool="f2"),
        "archetype fine: the name is taken, in {folder}/fine/parley.py",
    ),
    "extends_nobody": (
        TOOL.format(name="f3") + "extend('nobody', f3)\n",
        "Unknown archetype 'nobody'; there are:",
    ),
    "no_prompt": (
        TOOL.format(name="f4") + PATH + "register(Archetype('p', 'P.', Path('/no/p.md')))\n",
        "line 17: archetype p: no prompt file /no/p.md",
    ),
    "empty_prompt": (TOOL.format(name="f5") + "register(Archetype('p', 'P.', ' '))\n", "the prompt is empty"),
    "bad_name": (TOOL.format(name="f6") + AGENT.format(name="A B", tool="f6"), "archetype name 'A B': lower case"),
    "our_api": (OWN + "register_api('chat', 'x:Y')\n", "API chat: the name is taken, in agents/providers/apis.py"),
    "no_api": (OWN + "register_api('mine', 'json:Y')\n", "expected module:Class of a provider"),
    "no_command": (
        OWN + "register_command(Command('Mine', 'M', 'm'))\n",
        "line 2: command 'Mine': lower case letters",
    ),
    "no_agent": (
        OWN + "register_command(Command('mine', 'M', 'm', 'nobody'))\n",
        "line 2: Unknown archetype 'nobody'",
    ),
    "imports_badly": ("import not_here\n", "line 1: ModuleNotFoundError: No module named 'not_here'"),
    "no_python": ("def (\n", "line 1: SyntaxError: invalid syntax"),
}


def app(folder: Path, name: str, **files: str) -> None:
    """Write a Django app of these modules."""
    (folder / name).mkdir(parents=True)
    for file, text in {"__init__": "", **files}.items():
        (folder / name / f"{file}.py").write_text(text)


def check(data: Path, *apps: str, command: tuple[str, ...] = ("check",)) -> "subprocess.CompletedProcess[str]":
    environ = dict(os.environ)
    environment.forget_settings(environ)
    own = {"PARLEY_DATA": str(data), "PARLEY_ENV": "development", "PARLEY_APPS": ",".join(apps)}
    return subprocess.run(
        [sys.executable, *(() if command[0] == "-c" else (environment.ROOT / "manage.py",)), *command],
        cwd=data,
        env={**environ, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def test_what_an_app_registers_badly_is_told_of_each_by_the_system_check(tmp_path: Path) -> None:
    for name, (text, _) in REGISTER_BADLY.items():
        app(tmp_path / "apps", name, parley=text)
    app(tmp_path / "apps", "bad_urls", parley="", urls="from bad_urls import views\n")
    done = check(tmp_path, *REGISTER_BADLY, "bad_urls")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    told = {name: line for line in done.stderr.splitlines() for name in told_of(line)}
    for name, (_, expected) in REGISTER_BADLY.items():
        assert expected.format(folder=tmp_path / "apps") in told.get(name, ""), (name, done.stderr)
        assert bool(expected) == (f"{tmp_path}/apps/{name}/parley.py, line " in told.get(name, "")), name
    assert "bad_urls/urls.py, line 1: ImportError" in told["bad_urls"]
    assert done.stderr.count("own_apps.E001") == len(told) == len(REGISTER_BADLY)  # the fine one not, but the urls


def told_of(line: str) -> list[str]:
    return [name for name in (*REGISTER_BADLY, "bad_urls") if f"the app {name} cannot be used" in line]


# By app: its files, and what must be told.
LOADED_BADLY = {
    "absent": ({}, "there is no app absent: it is neither on Python's path nor in {data}/apps. Make it by"),
    "broken": ({"__init__": "import not_here\n"}, "{data}/apps/broken/__init__.py, line 1: ModuleNotFoundError"),
    "tables": (
        {"models": "from django.db import models\n\n\nclass Row(models.Model):\n    x = models.NoField()\n"},
        "{data}/apps/tables/models.py, line 5: AttributeError",
    ),
    "python": ({"models": "class Row(:\n"}, "{data}/apps/python/models.py, line 1: SyntaxError"),
    "labelled": (
        {"apps": "from django.apps import AppConfig\n\n\nclass C(AppConfig):\n    name, label = 'labelled', 'chat'\n"},
        "Application labels aren't unique, duplicates: chat",
    ),
    "not-a-name": ({}, "PARLEY_APPS: expected names of Django apps, such as shop, with commas between."),
}


@pytest.mark.parametrize("name", LOADED_BADLY)
def test_an_app_that_cannot_be_loaded_stops_a_command_with_one_sentence(name: str, tmp_path: Path) -> None:
    files, expected = LOADED_BADLY[name]
    if files:
        app(tmp_path / "apps", name, **files)
    done = check(tmp_path, name)
    assert done.returncode == 1
    assert expected.format(data=tmp_path) in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_an_app_without_a_parley_py_has_no_addresses(tmp_path: Path) -> None:
    """It may be a package that brings a urls.py for projects that want it."""
    urls = "from django.urls import path\nfrom django.http import HttpResponse\n\n"
    urls += "urlpatterns = [path('', lambda request: HttpResponse('served'))]\n"
    app(tmp_path / "apps", "helper", urls=urls)
    app(tmp_path / "apps", "meant", urls=urls, parley="")
    resolve = (
        "from config.own_apps.loading import set_up, urls; set_up(); print(list(urls()));"
        "from django.urls import resolve; print(resolve('/apps/meant/').route); print(resolve('/apps/helper/'))"
    )
    env = f"import sys, os; sys.path.insert(0, {str(environment.ROOT)!r});"
    env += "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings';"
    done = check(tmp_path, "helper", "meant", command=("-c", env + resolve))
    assert done.stdout.splitlines() == ["[('meant', 'meant.urls')]", "apps/meant/"], done.stderr
    assert "Resolver404" in done.stderr


UNUSABLE = {
    "an app": ("import not_installed_here\n", "BadApp: PARLEY_APPS: the app bad cannot be used."),
    "a copy": (
        "import tools\n\ntools.from_openapi('https://shop.example/openapi.json', ['listOrders'])\n",
        "BadApp: No tools are made of https://shop.example/openapi.json: no copy of it is kept. "
        "Run: python manage.py fetch_openapi https://shop.example/openapi.json",
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_server_that_runs_no_system_checks_does_not_start_with_it_either(what: str, tmp_path: Path) -> None:
    parley, told = UNUSABLE[what]
    app(tmp_path / "apps", "bad", parley=parley)
    environ = {"PATH": "", "PARLEY_DATA": str(tmp_path), "PARLEY_APPS": "bad", "PARLEY_ENV_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", "import config.asgi"], cwd=environment.ROOT, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert told in done.stderr.splitlines()[-1]
