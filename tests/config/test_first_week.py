"""What people do wrong in their first week: each setting with a wrong value, each server away, said in one sentence."""

import os
import pathlib
import re
import runpy
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from config.machine import own_names
from config.reading import BadSetting
from tests import environment
from tests.environment import ROOT

READ = re.compile(r'env\.(\w+)\(\s*"([A-Z0-9_]+)"')
KINDS = {name: kind for kind, name in READ.findall((ROOT / "config" / "settings.py").read_text())}
WRONG = {
    "int": ("abc", "1.5", "-1", "9" * 30, "1e3", "nan", "0x10", "1,000"),
    "float": ("abc", "-1", "nan", "inf", "1e99", "1,5", "5s"),
    "bool": ("maybe", "2", "-", "truee", "on off"),
    "choice": ("whatever", "develop", "DEBUG INFO"),
    "object": ("[1]", "{", "text", '{"a": 1}', "null"),
    "address": ("nonsense", "ftp://host/", "http://", "redis://", "http://a b/", "http://host:port/", "//host"),
    "origin": ("nonsense", "chat.example.org", "https://", "https://host/path", "https://host?x", "https://host:99999"),
    "database": (
        *("nonsense", "", "mysql://u:p@host/db", "oracle://u:p@host/db", "sqlite://", "sqlite:///", "postgres://host"),
        *("postgres://host:port/db", "postgres://[::1/db", "postgresql:/host/db", "cockroachdb://host/db"),
    ),
}
EACH = {  # of kinds that have one rule for each name, and of lists
    "PARLEY_NAME": ("a<b", 'a"b', "x" * 41, "a\u202eb"),
    "PARLEY_LOGO": ("/nowhere/logo.svg", "."),
    "PARLEY_ACCENT": ("blue", "#12", "#12345g", "url(x)"),
    "DATABASES_EXTRA": ("[1]", "{", "shop", '{"shop": 1}', '{"default": "sqlite:///x"}', '{"Shop": "sqlite:///x"}'),
    "EMBED_ORIGINS": ("*", "shop.example", "https://shop.example/path", "https://*.example"),
    "CLONE_CA_FILE": ("/nowhere/ca.pem", ".", "/etc/passwd"),
    "KNOWLEDGE_LEVELS": ("viewer", "viewer:4", "guest:1", "viewer=1", "viewer:1,editor"),
    **dict.fromkeys(
        ("LIMITS_USER", "LIMITS_KEY", "LIMITS_ORGANIZATION"),
        ("120", "120/60s", "120/60:40", "0/60s:40", "120/0s:40", "120/60s:0", "-1/60s:40", "120/1m:40", "1/86400s:31"),
    ),
    "CHAT_DEBUG": ("all", "streaming,everything", "chat:streaming"),
    "OTEL_EXPORTER_OTLP_HEADERS": ("secret", "=value", "a=b,c"),
    "PARLEY_APPS": ("a b", "shop/", "1shop"),
    "OUTWARD_PORTS": ("https", "0", "65536", "443,x"),
    "ALLOWED_HOSTS": ("http://host", "host:8000", "host/path", "[::1", "a b"),
    "CORS_ALLOWED_ORIGINS": ("app.example.org", "https://a/path", "https://a,b"),
    "FORWARDED_ALLOW_IPS": ("proxy", "10.0.0.0/99", "127.0.0.1,300.1.1.1"),
}
TABLE = [(name, value) for name, kind in KINDS.items() for value in WRONG.get(kind, ())]
TABLE += [(name, value) for name, values in EACH.items() for value in values]
TABLE += [("OPENAI_API_KEY", "$no_such_name"), ("OPENAI_API_KEY", "a\udcffb"), ("HOST", "$nobody")]


@pytest.fixture(autouse=True)
def environment_as_it_was() -> Iterator[None]:
    """What a .env file says goes into the environment."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def read(monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path, **said: str) -> dict[str, Any]:
    """All settings, read anew with these in the environment and nothing else."""
    for name in environment.setting_names():
        monkeypatch.delenv(name, raising=False)
    for name, value in {"PARLEY_ENV_FILE": os.devnull, "PARLEY_DATA": str(folder), **said}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "config" / "settings.py"))


def test_the_table_has_every_setting_of_a_kind_that_can_be_wrong() -> None:
    assert {kind for name, kind in KINDS.items() if name not in EACH} <= {*WRONG, "str", "list"}
    assert len({name for name, _ in TABLE}) > 100


def test_a_wrong_value_of_any_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    passed = []
    for name, value in TABLE:
        with monkeypatch.context() as patch:
            reached = {"DATABASE_URL": "postgres://u@h/d"} if name.startswith("DB_") and name != "DB_TIMEOUT_S" else {}
            try:
                read(patch, tmp_path, **{**reached, name: value})
            except BadSetting as told:
                text = str(told)
                assert text.startswith(f"{name}: expected ") and "\n" not in text, text
                assert len(value) < 11 or value not in text  # it may be a secret in the wrong line
            else:
                passed.append((name, value))
    assert passed == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("PORT", " 9000 ", 9000),
        ("PORT", "", 8000),
        ("DEBUG", "ON", True),
        ("CHAT_RUN_HERE", "off", False),
        ("CHAT_RUN_HERE", "", True),
        ("LOG_LEVEL", "debug", None),
        ("ALLOWED_HOSTS", " a.example , [::1] ,", ["a.example", "[::1]"]),
        ("PARLEY_PUBLIC_URL", "https://a.example/", "https://a.example"),
        ("REDIS_URL", "rediss://:secret@redis.example:6380/2", "rediss://:secret@redis.example:6380/2"),
        ("OPENAI_API_KEY", r"\$ecret", "$ecret"),
    ],
)
def test_what_can_be_meant_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, name: str, text: str, expected: object
) -> None:
    found = read(monkeypatch, tmp_path, **{name: text})
    assert found.get(name) == expected


ENV_FILES = {
    "bytes that are no text": (b"PORT=8000\nPARLEY_OWNER_EMAIL=\xff\xfe\n", "line 2"),
    "spaces around the equals sign": (b"# first\nPORT = 9000\n", "line 2"),
    "another language": (b"PORT: 9000\n", "line 1"),
    "a wrong value": (b"PORT=abc\n", "PORT: expected a whole number"),
}


@pytest.mark.parametrize(("content", "said"), ENV_FILES.values(), ids=ENV_FILES.keys())
def test_a_file_of_settings_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, content: bytes, said: str
) -> None:
    file = tmp_path / "settings.env"
    file.write_bytes(content)
    with pytest.raises(BadSetting) as told:
        read(monkeypatch, tmp_path, PARLEY_ENV_FILE=str(file))
    assert said in str(told.value)


def test_a_file_of_settings_may_begin_with_a_mark_of_its_encoding(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "bom.env").write_text("\ufeffPORT=9000\n\n# comment\nexport HOST=::1\n")
    found = read(monkeypatch, tmp_path, PARLEY_ENV_FILE=str(tmp_path / "bom.env"))
    assert (found["PORT"], found["HOST"]) == (9000, "::1")


def test_a_file_of_settings_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(BadSetting, match=str(path)):
            read(monkeypatch, tmp_path, PARLEY_ENV_FILE=str(path))


def test_a_data_folder_that_keeps_nothing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", pathlib.Path("/proc/parley")):
        with pytest.raises(BadSetting, match=f"PARLEY_DATA: expected a folder.*{folder}"):
            read(monkeypatch, folder)


def test_an_empty_secret_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(BadSetting, match="secret_key is empty"):
        read(monkeypatch, tmp_path)


def manage(folder: pathlib.Path, *words: str, **said: str) -> "subprocess.CompletedProcess[str]":
    environ = dict(os.environ)
    environment.forget_settings(environ)
    environ |= {"PARLEY_DATA": str(folder), "PARLEY_ENV": "development", **said}
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120
    )


PROCESSES: dict[str, tuple[list[str], dict[str, str], str]] = {
    "a port that is none": (["serve"], {"PORT": "abc"}, "PORT: expected a whole number from 1 to 65535"),
    "a database of another kind": (["migrate"], {"DATABASE_URL": "mysql://u:p@h/d"}, "DATABASE_URL: expected sqlite:"),
    "a file that is no database": (["migrate"], {"DATABASE_URL": "sqlite:///{folder}/text"}, "no database"),
    "a folder that is not there": (["migrate"], {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "DATABASE_URL"),
    "no PostgreSQL": (["migrate"], {"DATABASE_URL": "postgres://u:swordfish@127.0.0.1:1/d"}, "DATABASE_URL"),
    "no tables yet": (["check_log"], {}, "manage.py migrate"),
    "a port that another has": (["serve", "--port", "{taken}"], {}, "Cannot listen on"),
    "an address of another machine": (["serve", "--host", "192.0.2.1"], {}, "HOST is an address of this machine"),
    "an argument that is no text": (["revoke_key", "pk_\udcff"], {}, "no text in UTF-8"),
    "a command that is none": (["servee"], {}, "Unknown command: 'servee'"),
}


@pytest.mark.parametrize(("words", "said", "told"), PROCESSES.values(), ids=PROCESSES.keys())
def test_a_process_ends_with_a_sentence(
    tmp_path: pathlib.Path, words: list[str], said: dict[str, str], told: str
) -> None:
    (tmp_path / "text").write_text("This is a letter.\n" * 100)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        places = {"folder": str(tmp_path), "taken": str(taken.getsockname()[1])}
        done = manage(
            tmp_path, *(each.format(**places) for each in words), **{k: v.format(**places) for k, v in said.items()}
        )
    printed = done.stdout + done.stderr
    assert done.returncode != 0 and told in printed, printed
    assert "Traceback" not in printed and "swordfish" not in printed


def test_who_opens_it_by_another_name_is_told_what_to_set(db: None) -> None:
    page = Client().get("/login/", headers={"Host": "192.0.2.7:8000"})
    assert page.status_code == 400
    assert "ALLOWED_HOSTS" in page.content.decode() and "PARLEY_PUBLIC_URL" in page.content.decode()
    assert "ALLOWED_HOSTS" in Client().get("/api/chats/", headers={"Host": "192.0.2.7"}).json()["error"]["message"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_balancer_may_call_it_anything(db: None, path: str) -> None:
    assert Client().get(path, headers={"Host": "parley"}).status_code == 200


def test_in_development_the_machine_s_own_names_are_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    names = own_names()
    assert socket.gethostname().lower() in names
    for host, env, is_open in (
        ("0.0.0.0", "development", True),
        ("::", "development", True),
        ("127.0.0.1", "development", False),
        ("0.0.0.0", "production", False),
    ):
        with monkeypatch.context() as patch:
            found = read(patch, tmp_path, HOST=host, PARLEY_ENV=env)["ALLOWED_HOSTS"]
        assert (set(names) <= {*found, "127.0.0.1", "localhost", "[::1]"}) is is_open, (host, env)
