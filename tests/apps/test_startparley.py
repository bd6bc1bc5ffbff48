"""`manage.py startparley` makes what examples/shop is, under any name, and says how it is turned on."""

import io
import os
import re
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.sign_in.new_people import weakness
from tests.apps.test_bad_apps import check
from tests.environment import ROOT

EXAMPLE = ROOT / "examples" / "shop"


# `manage.py test`, with tables made at once and not by all migrations, which take longer than the tests.
TESTS = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import config.settings
config.settings.DATABASES["default"]["TEST"] = {{"MIGRATE": False}}
from config.command_line import run
run(sys.argv[1:])
"""


def made(name: str, folder: Path) -> str:
    out = io.StringIO()
    call_command("startparley", name, directory=folder, stdout=out)
    return out.getvalue()


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.suffix != ".pyc" and path.is_file()
    }


def test_it_writes_what_the_example_is(tmp_path: Path) -> None:
    told = made("shop", tmp_path)
    assert files(tmp_path / "shop") == files(EXAMPLE)
    assert len(files(EXAMPLE)) > 10
    (shown,) = re.findall(r"```py\n(.*?)```", (ROOT / "docs" / "your-own.md").read_text(), re.DOTALL)
    assert shown in files(EXAMPLE)["parley.py"]
    assert f"Made {tmp_path / 'shop'}, with {len(files(EXAMPLE))} files." in told
    assert "Turn it on, in the environment or in .env: PARLEY_APPS=shop\n" in told
    assert f"Its tests: PARLEY_ENV=development PYTHONPATH={tmp_path} PARLEY_APPS=shop " in told


def test_below_the_data_folder_one_setting_turns_it_on(tmp_path: Path) -> None:
    told = check(tmp_path, "shop", "crm_2", command=("startparley", "crm_2"))  # both are named, and neither is there
    assert told.returncode == 0, told.stderr
    assert "PARLEY_APPS=shop,crm_2\n" in told.stdout
    assert "PYTHONPATH" not in told.stdout
    assert files(tmp_path / "apps" / "crm_2").keys() >= {"parley.py", "prompts/crm_2.md", "migrations/0001_initial.py"}
    assert not [text for text in files(tmp_path / "apps" / "crm_2").values() if "shop" in text.lower()]


def test_an_app_of_the_longest_name_starts(tmp_path: Path) -> None:
    name = "n" * 25
    made(name, tmp_path / "apps")
    done = check(tmp_path, name)
    assert done.returncode == 0, done.stderr


def test_the_tests_that_it_writes_pass(tmp_path: Path) -> None:
    made("crm_2", tmp_path / "apps")
    done = check(tmp_path, "crm_2", command=("-c", TESTS, "manage.py", "test", "crm_2"))
    assert done.returncode == 0, done.stderr
    assert "Ran 3 tests" in done.stderr


def test_what_the_guide_gives_to_paste_is_taken() -> None:
    guide = (ROOT / "docs" / "your-own.md").read_text()
    (password,) = re.findall(r"PARLEY_PASSWORD='([^']*)'", guide)
    assert weakness(password) == ""
    assert "PARLEY_ENV=development .parley/venv/bin/python manage.py test shop\n" in guide


REFUSED = {
    "Shop": "'Shop' is no name for an app: lower case letters",
    "a-b": "'a-b' is no name for an app",
    "../up": "'../up' is no name for an app",
    "x" * 26: "letters, digits and _, a letter first, at most 25",
    "async": "'async' is no name for an app",
    "class": "'class' is no name for an app",
    "there": "there is there already. Take another name, or --directory.",
    "chat": "There is a Python module named chat already.",
    "json": "There is a Python module named json already.",
    "winreg": "There is a Python module named winreg already.",
    **{each: f"There is a Django app labelled {each} already." for each in ("messages", "auth", "admin", "sessions")},
    **{each: f"There is an archetype named {each} already." for each in ("generalist", "model")},
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_cannot_be_one_is_refused_and_nothing_is_made(name: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(CommandError, match=REFUSED[name].replace(".", r"\.")):
        made(name, tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CommandError, match="cannot be written"):
        made("shop", tmp_path)


def test_these_tests_have_no_own_app() -> None:
    assert settings.PARLEY_APPS == []
    assert str(settings.OWN_APPS_FOLDER) not in sys.path
