"""The README's commands do what it says."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.environment import ROOT
from tests.live import OWNER, PASSWORD, Server

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


@pytest.mark.live
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_the_curl_streams_an_answer_to_its_end(new_server: Callable[..., Server]) -> None:
    server = new_server().start()  # as after make run: one chat, and nobody in it
    script = next(block for block in BLOCKS if "curl -sS -N" in block)
    environ = {"BASE": server.url, "EMAIL": OWNER, "PASSWORD": PASSWORD}
    done = subprocess.run(
        ["bash", "-euc", script],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "text.delta" in done.stdout
    assert done.stdout.count("run.completed") == 1


def test_every_file_it_points_to_is_there() -> None:
    paths = [path for path in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in path]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_make_goal_it_names_is_there() -> None:
    goals = set(re.findall(r"make ([a-z]+)(?=[`\n])", README))
    assert {"run", "test"} <= goals
    makefile = (ROOT / "Makefile").read_text()
    assert [goal for goal in goals if not re.search(rf"^{goal}:", makefile, re.MULTILINE)] == []
