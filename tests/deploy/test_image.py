"""The image and the set of containers, as far as they can be tried without any: the Dockerfile is followed here."""

import fnmatch
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
import yaml

from tests.deploy.nginx import CONFIG
from tests.environment import ROOT, forget_settings, setting_names
from tests.servers import free_port

LINES = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
STEPS = [tuple(line.split(" ", 1)) for line in LINES.splitlines() if line and not line.startswith("#")]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ("web1", "web2", "agents1", "agents2")
NOBODY = 65534


def step(name: str) -> str:
    """The last step of that name: its argument."""
    return [argument for kind, argument in STEPS if kind == name][-1]


def variables(folder: pathlib.Path) -> dict[str, str]:
    """The image's environment, with the data and port of this test and this Python in the place of its own."""
    said = dict(pair.split("=", 1) for pair in step("ENV").split())
    assert said["PARLEY_DATA"] == "/data" and said["HOST"] == "0.0.0.0"
    environ = {name: value for name, value in os.environ.items() if name in ("LANG", "TZ")}
    forget_settings(environ)
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**environ, **said, "PATH": path, "PARLEY_DATA": str(folder), "PORT": str(free_port()), "HOST": "127.0.0.1"}


def test_the_image_has_one_user_without_rights_and_asks_after_its_health() -> None:
    assert step("USER") == "parley" and "--uid 10001" in LINES
    assert [kind for kind, _ in STEPS][-2:] == ["HEALTHCHECK", "CMD"]
    assert step("COPY") == ". /app" and step("WORKDIR") == "/app"
    installs = [argument for kind, argument in STEPS if kind == "RUN" and "pip install" in argument]
    assert len(installs) == 1 and "--require-hashes" in installs[0] and "--no-deps" in installs[0]


def copied(target: pathlib.Path) -> pathlib.Path:
    """What `COPY . /app` takes: what git knows, without what .dockerignore names."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, names):
        if not any(fnmatch.fnmatch(name, each) or name.startswith(f"{each}/") for each in ignored):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                shutil.copy(ROOT / name, target / name)
    return target


@pytest.mark.live
@pytest.mark.faults
def test_what_is_copied_runs_as_nobody_in_particular_and_stops_when_told(tmp_path: pathlib.Path) -> None:
    app, data = copied(tmp_path / "app"), tmp_path / "data"
    data.mkdir()
    assert not (app / "tests").exists() and not (app / ".git").exists() and (app / "manage.py").exists()
    environ = variables(data)
    as_nobody: dict[str, Any] = {}
    if os.geteuid() == 0 and _may_run_python(environ):
        os.chown(data, NOBODY, NOBODY)
        tmp_path.chmod(0o755)
        for each in [*tmp_path.parents][:3]:
            each.chmod(each.stat().st_mode | 0o011)
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    process = subprocess.Popen(
        json.loads(step("CMD")), cwd=app, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **as_nobody
    )
    try:
        check = json.loads(step("HEALTHCHECK").partition(" CMD ")[2])
        end = time.monotonic() + 180
        while subprocess.run(check, env=environ, capture_output=True).returncode:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)  # the shell has become the server, so the signal reached it
    finally:
        process.kill()
    assert subprocess.run(check, env=environ, capture_output=True).returncode != 0
    assert list(app.rglob("__pycache__")) == []


def _may_run_python(environ: dict[str, str]) -> bool:
    """Whether this Python lies where nobody may go."""
    command = [sys.executable, "-c", "import django"]
    try:
        done = subprocess.run(command, env=environ, cwd="/", user=NOBODY, group=NOBODY, extra_groups=[])
    except PermissionError:
        return False
    return done.returncode == 0


def test_the_containers_are_one_image_in_two_roles() -> None:
    services = COMPOSE["services"]
    assert set(services) == {*OURS, "nginx", "postgres", "redis"} and set(COMPOSE["volumes"]) >= {"data", "postgres"}
    for name in OURS:
        service = services[name]
        assert service["image"] == "parley" and service["volumes"] == ["data:/data"]
        assert int(service["stop_grace_period"].rstrip("s")) > 10 + 5
        theirs = {"POSTGRES_PASSWORD"}
        assert set(service["environment"]) - theirs <= {*setting_names()}, name
        needs = service["depends_on"]
        if name.startswith("agents"):
            command = service["command"][-1]
            assert list(ROOT.glob(f"*/management/commands/{command}.py"))
            assert needs == {"web1": {"condition": "service_healthy"}}
        else:
            assert set(needs) == {"postgres", "redis"} and service["environment"]["CHAT_RUN_HERE"] == "off"
    assert "noeviction" in services["redis"]["command"]
    for name in ("postgres", "redis"):
        assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_no_container_but_nginx_is_reached_from_outside() -> None:
    assert [name for name, each in COMPOSE["services"].items() if "ports" in each] == ["nginx"]
    assert COMPOSE["services"]["nginx"]["ports"] == ["127.0.0.1:8000:80"]


def test_its_nginx_names_the_containers(tmp_path: pathlib.Path) -> None:
    (shell, option, script) = COMPOSE["services"]["nginx"]["command"]
    script = script.replace("/parley.conf", str(CONFIG)).replace(
        "/etc/nginx/conf.d/default.conf", str(tmp_path / "out")
    )
    script = script.replace("exec nginx -g 'daemon off;'", "true")
    subprocess.run([shell, option, script], check=True)
    text = (tmp_path / "out").read_text()
    assert "server web1:8000 " in text and "server web2:8000 " in text and "127.0.0.1:80" not in text
