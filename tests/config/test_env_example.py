""".env.example tells the truth: every setting is there, and with its real default."""

import json
import pathlib
import re
import subprocess
import sys

from tests import environment

EXAMPLE = environment.ROOT / ".env.example"
LINE = re.compile(r"^#([A-Z0-9_]+)=(.*)$", re.MULTILINE)
SHOW = (
    "import json, config.settings as s;"
    "print(json.dumps({n: getattr(s, n) for n in dir(s) if n.isupper()}, default=str, sort_keys=True))"
)


def settings_with(tmp_path: pathlib.Path, env_file: str) -> dict[str, object]:
    """All settings of a process that reads this .env file and nothing else."""
    file = tmp_path / "env"
    file.write_text(env_file)
    environ = {"PATH": "", "PARLEY_ENV_FILE": str(file), "PARLEY_DATA": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=environment.ROOT, env=environ, capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    assert sorted(set(environment.setting_names())) == sorted(name for name, _ in LINE.findall(EXAMPLE.read_text()))


def test_the_example_s_values_are_the_defaults(tmp_path: pathlib.Path) -> None:
    # DATABASE_URL's default is a path of the data folder, and ALLOWED_HOSTS names the public host too.
    lines = [f"{name}={value}" for name, value in LINE.findall(EXAMPLE.read_text()) if name not in EXCEPTIONS]
    assert settings_with(tmp_path, "\n".join(lines)) == settings_with(tmp_path, "")


EXCEPTIONS = {"PARLEY_DATA", "PARLEY_ENV_FILE", "DATABASE_URL", "ALLOWED_HOSTS"}
