"""What DATABASE_URL says of PostgreSQL counts, beside what Parley says of its own."""

import json
import os
import subprocess
import sys

from tests import environment

TELL = "import json; from config import settings; print(json.dumps(settings.DATABASES['default']['OPTIONS']))"


def options(**said: str) -> dict[str, object]:
    """Of the connections of a process that is started with these."""
    environ = {**os.environ, "PARLEY_DATA": str(environment.new_folder())}
    environment.forget_settings(environ)
    environ |= {"PARLEY_DATA": str(environment.new_folder()), **said}
    done = subprocess.run(
        [sys.executable, "-c", TELL], cwd=environment.ROOT, env=environ, capture_output=True, check=True
    )
    return dict(json.loads(done.stdout))


def test_what_stands_behind_the_question_mark_reaches_the_driver() -> None:
    told = options(
        DATABASE_URL="postgres://parley@db.example/parley?sslmode=verify-full&connect_timeout=7", DB_SESSION=""
    )
    assert (told["sslmode"], told["connect_timeout"], told["options"]) == ("verify-full", 7, "")
    assert told["pool"] and told["tcp_user_timeout"]
