"""Garbage is not collected while everything is imported, and is again once it is."""

import subprocess
import sys

import pytest

from tests import environment

TOLD = "import gc; print('collects', gc.isenabled())"
STARTS = {
    "a command": ("manage.py", "shell", "-v", "0", "-c", TOLD),
    "an ASGI server": ("-c", f"import config.asgi; {TOLD}"),
}


@pytest.mark.parametrize("arguments", STARTS.values(), ids=STARTS)
def test_a_process_that_is_up_collects(arguments: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, *arguments], cwd=environment.ROOT, capture_output=True, text=True)
    assert "collects True" in done.stdout, done.stderr
