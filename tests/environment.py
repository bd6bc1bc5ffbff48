"""What the tests run in: an environment of their own, whatever the shell or a .env file says.

TEST_PROFILE=embedded (default) is SQLite in a file and everything in memory; TEST_PROFILE=scaled is a real PostgreSQL
and a real Redis, started once and shared by all workers, each with its own databases. With TEST_POOLER=pgbouncer
besides, the servers that tests start reach that PostgreSQL through a PgBouncer; the tests themselves do not.
"""

import os
import pathlib
import re
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import django
from django.conf import settings

from tests.servers import IN_MEMORY, PgBouncer, Postgres, Redis

ROOT = pathlib.Path(__file__).resolve().parent.parent
CRASH = re.compile(r"PANIC|terminated by signal|was terminated|received (immediate|fast) shutdown")
REDIS_WORKERS, REDIS_DATABASES = 16, 8192  # the first of them are of the workers' own processes
SETTING = re.compile(r"""env\.\w+\(\s*"([A-Z0-9_]+)""")


# The models that tests name; what an installation has that names none, tests/agents/test_catalog.py says.
MODELS = {"OPENAI_MODELS": "gpt-4.1-mini,gpt-4o,gpt-4-turbo", "AGENTS_DEFAULT_MODEL": "gpt-4.1-mini"}

# Tests ask faster than people do. Those that are about these limits set their own.
ROOMY = "1000000/1s:1000000"
IN_A_HURRY = {
    **dict.fromkeys(("LIMITS_USER", "LIMITS_KEY", "LIMITS_ORGANIZATION"), ROOMY),
    "CHAT_SESSION_PROMPTS": "1000000",
}


@dataclass
class Made:
    """What this process has to remove at its end."""

    folders: list[pathlib.Path] = field(default_factory=list)
    servers: list[Postgres | Redis | PgBouncer] = field(default_factory=list)


MADE = Made()


def prepare() -> None:
    """Give this process its environment and load Django. Before anything else reads the settings."""
    assert not settings.configured, "somebody has read the settings before the tests could say what they are"
    forget_settings(os.environ)
    if is_pooled() or profile() == "scaled":
        _start_servers()
    os.environ.update(settings_of_this_worker())
    shared_folder()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    django.setup()
    # Workers inherit the environment, and pytest-django would load the settings of this process in them.
    del os.environ["DJANGO_SETTINGS_MODULE"]
    _hash_passwords_fast()


def clean() -> None:
    """Stop and delete what `prepare` made in this process."""
    for server in MADE.servers:
        server.close()
    for folder in MADE.folders:
        shutil.rmtree(folder, ignore_errors=True)


def profile() -> str:
    """embedded or scaled."""
    name = os.environ.get("TEST_PROFILE", "embedded")
    if name not in ("embedded", "scaled"):
        raise RuntimeError(f"TEST_PROFILE is {name!r}; it can be embedded or scaled.")
    return name


def is_pooled() -> bool:
    """Whether a PgBouncer is to be between the servers and PostgreSQL."""
    name = os.environ.get("TEST_POOLER", "")
    if name not in ("", "pgbouncer"):
        raise RuntimeError(f"TEST_POOLER is {name!r}; it can be pgbouncer, or empty.")
    if name and profile() != "scaled":
        raise RuntimeError("TEST_POOLER is for TEST_PROFILE=scaled: SQLite has no pooler.")
    return bool(name)


def through_pooler(url: str) -> str:
    """The address of the same database behind the pooler; empty where none is before it."""
    direct, pooled = os.environ.get("TEST_POSTGRES_URL", ""), os.environ.get("TEST_POOLER_URL", "")
    is_before = pooled and urlsplit(url).netloc == urlsplit(direct).netloc
    return pooled.rpartition("/")[0] + urlsplit(url).path if is_before else ""


def setting_names() -> list[str]:
    """Every environment variable that config/settings.py reads, in its order."""
    return SETTING.findall((ROOT / "config" / "settings.py").read_text())


def forget_settings(environ: "os._Environ[str] | dict[str, str]") -> None:
    """Remove what the shell says about Parley, and the say of a .env file."""
    for name in setting_names():
        environ.pop(name, None)
    environ["PARLEY_ENV_FILE"] = os.devnull


def settings_of_this_worker() -> dict[str, str]:
    """PARLEY_DATA, a new folder, and with the scaled profile DATABASE_URL and REDIS_URL."""
    values = {"PARLEY_ENV": "development", "PARLEY_DATA": str(new_folder()), **MODELS, **IN_A_HURRY}
    if profile() == "scaled":
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        values["DATABASE_URL"] = os.environ["TEST_POSTGRES_URL"]
        values["REDIS_URL"] = f"{os.environ['TEST_REDIS_URL']}/{worker}"
        values["DB_SESSION"] = "-c idle_in_transaction_session_timeout=0"  # a test is one, and its machine may rest
    return values


def server_versions() -> str:
    """Which PostgreSQL and Redis are used, or the SQLite."""
    return os.environ.get("TEST_SERVER_VERSIONS") or f"SQLite {sqlite3.sqlite_version}"


def crashes() -> list[str]:
    """What the log of the PostgreSQL that all workers share says of its own end, where it crashed: a line each."""
    logs = [server.folder / "log" for server in MADE.servers if isinstance(server, Postgres)]
    return [line for log in logs for line in log.read_text(errors="replace").splitlines() if CRASH.search(line)]


def new_folder() -> pathlib.Path:
    """An empty folder that is removed when the tests end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley_"))
    MADE.folders.append(folder)
    return folder


def shared_folder() -> pathlib.Path:
    """The one folder of all workers of a run. Who is first makes it."""
    if "TEST_SHARED" not in os.environ:
        os.environ["TEST_SHARED"] = str(new_folder())
    return pathlib.Path(os.environ["TEST_SHARED"])


def _start_servers() -> None:
    """Start PostgreSQL and Redis, once: workers inherit the addresses from the process that starts them."""
    if "TEST_POSTGRES_URL" in os.environ:
        return
    postgres, redis = Postgres(), Redis(*IN_MEMORY, "--databases", str(REDIS_DATABASES))
    MADE.servers += [postgres, redis]
    os.environ["TEST_POSTGRES_URL"] = postgres.url
    os.environ["TEST_REDIS_URL"] = redis.url().rpartition("/")[0]
    os.environ["TEST_SERVER_VERSIONS"] = f"{postgres.version()}, {redis.version()}"
    if is_pooled():
        pooler = PgBouncer(postgres.port)
        MADE.servers.insert(0, pooler)
        os.environ["TEST_POOLER_URL"] = pooler.url()
        os.environ["TEST_SERVER_VERSIONS"] += f", {pooler.version()}"


def _hash_passwords_fast() -> None:
    # A password's hash is slow by intent. Real server processes keep the slow one.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
