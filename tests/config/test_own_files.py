"""What an installation keeps is its owner's alone: made so, mended, and warned of where it cannot be."""

import os
import pathlib
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from django.conf import settings
from django.test import override_settings

from config import own_files
from config.checks import check_own_files
from tests import environment
from tests.environment import ROOT


def manage(folder: pathlib.Path, *words: str) -> None:
    environ = dict(os.environ)
    environment.forget_settings(environ)
    environ |= {"PARLEY_DATA": str(folder), "PARLEY_ENV": "development"}
    script = f"umask 000; exec {sys.executable} manage.py {' '.join(words)}"
    subprocess.run(["sh", "-c", script], cwd=ROOT, env=environ, check=True, capture_output=True, timeout=180)


def open_to_others(folder: pathlib.Path) -> list[str]:
    """Everything in the folder, and itself, that others could come at."""
    found = [folder, *folder.iterdir(), *(folder / "repositories").iterdir()]
    return [str(each) for each in found if stat.S_IMODE(each.stat().st_mode) & 0o077]


def test_what_is_made_and_what_was_left_open_is_its_owner_s_alone(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "data"
    manage(folder, "quickstart")
    assert (folder / "db.sqlite3").is_file() and (folder / "secret_key").is_file()
    assert open_to_others(folder) == []
    for path in [folder, folder / "db.sqlite3", folder / "jwt_key", folder / "repositories"]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    manage(folder, "check_log")
    assert open_to_others(folder) == []


def test_what_cannot_be_mended_is_warned_of(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    before = os.umask(0o022)
    try:
        (tmp_path / "secret_key").write_text("x")
        (tmp_path / "secret_key").chmod(0o640)
        tmp_path.chmod(0o711)
        monkeypatch.setattr(os, "chmod", refuse)
        with override_settings(PARLEY_DATA=tmp_path, TOOLS_REPOSITORIES=tmp_path / "repositories"):
            own_files.keep_to_owner()
            (told,) = check_own_files()
            assert told.id == "config.W003" and str(tmp_path / "secret_key") in told.msg
            monkeypatch.undo()
            tmp_path.chmod(0o700)
            assert check_own_files() == []
            assert told.hint is not None and "chmod go-rwx" in told.hint
    finally:
        os.umask(before)


def test_the_folder_of_a_database_elsewhere_is_mended_or_named(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    for path in (tmp_path, folder):
        path.chmod(0o755)
    with kept_in(tmp_path / "data", folder / "db.sqlite3"):
        with monkeypatch.context() as patched:
            patched.setattr(os, "chmod", lambda *_: None)
            own_files.keep_to_owner()
            (told,) = check_own_files()
            assert told.msg.endswith(f": {folder}.")
        own_files.keep_to_owner()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
        assert check_own_files() == []


def test_a_folder_that_is_not_for_the_database_alone_is_left_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "src" / "parley"
    code.mkdir(parents=True)
    code.chmod(0o755)
    (tmp_path / "src").chmod(0o755)
    sticky = tmp_path / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    names = [code / "db", code.parent / "db", sticky / "db", pathlib.Path("/usr/db"), pathlib.Path("/none/db")]
    for name in [*names, pathlib.Path(":memory:")]:
        with kept_in(tmp_path / "data", name), override_settings(BASE_DIR=code):
            assert own_files.exposed() == []
    with kept_in(tmp_path / "data", code / "db"):
        assert own_files.exposed() == [code]
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert own_files.exposed() == []


@contextmanager
def kept_in(data: pathlib.Path, name: pathlib.Path) -> Iterator[None]:
    """Parley's data in that folder, and its database in a file of that name."""
    before = os.umask(0o022)
    try:
        own = {"PARLEY_DATA": data, "TOOLS_REPOSITORIES": data / "repositories", "IS_SQLITE": True}
        with override_settings(**own), patch.dict(settings.DATABASES["default"], NAME=str(name)):
            yield
    finally:
        os.umask(before)


def test_a_folder_of_everybody_is_left_alone(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o1777)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(tmp_path / "db.sqlite3"))
    with override_settings(PARLEY_DATA=tmp_path, TOOLS_REPOSITORIES=tmp_path / "repositories"):
        assert own_files.exposed() == []
