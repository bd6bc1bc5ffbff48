"""The commands of docs/deploy.md, run as they stand there."""

import os
import pathlib
import re
import subprocess
import sys

from chat.ops.chaos.servers import _postgres_bin as postgres_bin
from tests import environment
from tests.environment import ROOT
from tests.live import Server

PAGE = (ROOT / "docs" / "deploy.md").read_text()
BLOCKS = dict(re.findall(r"```sh ([a-z-]+)\n(.*?)```", PAGE, re.DOTALL))
KIND = "postgres" if environment.profile() == "scaled" else "sqlite"


def run(name: str, server: Server, backup: pathlib.Path) -> str:
    """What the page's commands print, on this server's data."""
    programs = [str(pathlib.Path(sys.executable).parent), *([postgres_bin()] if KIND == "postgres" else [])]
    environ = {**server.environ(), "PATH": os.pathsep.join([*programs, os.environ["PATH"]]), "BACKUP": str(backup)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", BLOCKS[name]],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
