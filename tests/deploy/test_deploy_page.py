"""docs/deploy.md: its commands do what it says, and the files it points to are right."""

import configparser
import os
import pathlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from uuid import UUID

import pytest
from django.conf import settings
from django.urls import URLPattern, reverse

from chat.urls import urlpatterns
from tests.deploy.page import BLOCKS, KIND, PAGE, run
from tests.environment import ROOT, setting_names
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

UNITS = sorted(
    each for each in (ROOT / "docs" / "deploy").iterdir() if each.suffix in (".service", ".socket", ".timer")
)
NewServer = Callable[..., Server]


def test_nginx_hands_every_address_on_by_the_name_it_was_asked_for_and_logs_no_query() -> None:
    text = (ROOT / "docs" / "deploy" / "nginx.conf").read_text()
    server = text[text.index("\nserver {") :]
    outside = re.sub(r"location [^{]*\{[^}]*\}", "", server)
    for name in ("Host $http_host", "X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme"):
        assert f"proxy_set_header {name};" in outside
    assert "proxy_set_header" not in "".join(re.findall(r"location [^{]*\{([^}]*)\}", server)), (
        "it would lose the others"
    )
    (form,) = re.findall(r"log_format parley ([^;]*);", text)
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer|uri|arg_\w+|http_cookie)\b", form)
    assert re.findall(r"access_log [^;]*;", text) == ["access_log /var/log/nginx/access.log parley;"]


def _one_of(regex: str) -> str:
    return next(each for each in (str(UUID(int=1)), "1", "x") if re.fullmatch(regex, each))


def test_nginx_lets_through_what_each_address_takes() -> None:
    text = (ROOT / "docs" / "deploy" / "nginx.conf").read_text()
    places = re.findall(r"location ~ (\S+) \{([^}]*)\}", text)
    (usual,) = re.findall(r"^    client_max_body_size (\d+)m;", text, re.MULTILINE)
    seen = set()
    for view in (each for each in urlpatterns if isinstance(each, URLPattern) and each.name):
        names = getattr(getattr(view.callback, "cls", view.callback), "body_bounds", ("BODY_MAX_BYTES",))
        arguments = {name: _one_of(kind.regex) for name, kind in view.pattern.converters.items()}
        own = [inside for regex, inside in places if re.search(regex, reverse(view.name, kwargs=arguments))]
        most = re.findall(r"client_max_body_size (\d+)m;", own[0]) if own else [usual]
        assert int(most[0]) * 2**20 >= getattr(settings, names[0]), view.name
        seen.add(names[0])
    assert seen == {"BODY_MAX_BYTES", "UPLOAD_MAX_BYTES", "ATTACHMENT_BODY_MAX_BYTES", "KNOWLEDGE_FILE_MAX_BYTES"}


@pytest.mark.live
@pytest.mark.faults
def test_what_is_backed_up_while_it_runs_is_there_again_when_it_is_restored(
    new_server: NewServer, upstream: Upstream, tmp_path: pathlib.Path
) -> None:
    server = new_server().start()
    alice, mark = client(server), key()
    upstream.script(Turn(text="Kept."), key=mark)
    chat = alice.chat()
    alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    run(f"{KIND}-backup", server, tmp_path)
    assert server.call("DELETE", f"/api/chats/{chat}/", token=alice.token).status == 204
    later = alice.chat(title="Later")
    server.stop()
    shutil.rmtree(server.data / "repositories")
    run(f"{KIND}-restore", server, tmp_path)
    server.start_process()
    assert alice.answer(chat)["content"] == "Kept."  # by the same token: the keys are the same
    assert server.call("GET", f"/api/chats/{later}/", token=alice.token).status == 404
    assert list((server.data / "repositories").iterdir())
    assert server.manage("check_log").returncode == 0
    assert _goes_on(alice, upstream, chat) == "Goes on."


def _goes_on(alice: Client, upstream: Upstream, chat: str) -> str:
    mark = key()
    upstream.script(Turn(text="Goes on."), key=mark)
    alice.wait(alice.start(chat, f"[[key={mark}]] go")["run"]["id"])
    return str(alice.answer(chat)["content"])


@pytest.mark.skipif(KIND == "postgres", reason="it meets no database")
def test_a_new_secret_is_long_enough() -> None:
    script = BLOCKS["secret"]
    path = os.pathsep.join([str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(["sh", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=True)
    assert len(done.stdout.strip()) >= 50


def test_every_block_of_commands_is_run() -> None:
    assert set(BLOCKS) == {
        "secret",
        *(f"{kind}-{what}" for kind in ("sqlite", "postgres") for what in ("backup", "restore")),
    }


def test_every_file_it_points_to_is_there() -> None:
    paths = [path.partition("#")[0] for path in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in path]
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / "docs" / path).exists()] == []
    assert [each.name for each in UNITS if each.name not in PAGE] == []


def test_every_setting_and_command_it_names_is_there() -> None:
    theirs = {"BACKUP", "LISTEN_FDS", "SIGTERM", "SO_REUSEPORT", "POSTGRES_PASSWORD", "VACUUM_INTO"}
    named = set(re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", PAGE)) - theirs
    assert named and named - set(setting_names()) == set()
    commands = set(re.findall(r"manage\.py ([a-z_]+)", PAGE)) - {"migrate", "check"}
    there = {each.stem for each in ROOT.glob("*/management/commands/*.py")}
    assert commands and commands - there == set()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_says_what_there_is(unit: pathlib.Path) -> None:
    parsed = configparser.ConfigParser(strict=True, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment]
    parsed.read_string(unit.read_text())
    if unit.suffix == ".service":
        _, _, command = parsed["Service"]["ExecStart"].partition("manage.py ")
        assert list(ROOT.glob(f"*/management/commands/{command}.py")), command
        seconds = int(parsed["Service"].get("TimeoutStopSec", "99"))
        assert seconds > 10 + 5  # CHAT_DRAIN_S, and time to close
    if not shutil.which("systemd-analyze"):
        return
    done = subprocess.run(["systemd-analyze", "verify", *map(str, UNITS)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if unit.name.split("@")[0].split(".")[0] in line]
    assert [line for line in said if "/srv/parley/.venv/bin/python is not executable" not in line] == []
