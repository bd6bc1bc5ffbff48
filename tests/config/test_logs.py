"""No line of a log holds a credential, whoever wrote it and however: by names, by forms, by the settings' own."""

import json
import logging
import secrets
import sys
import time
import uuid
from contextvars import ContextVar
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.crypto import get_random_string

from accounts import about
from accounts.origin import Origin, as_of
from config.logs import ABOUT, Cut, Json, cut
from config.reading import BadSetting, Env, debugged_in, otlp_header

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9mLWl0"
TICKET = "Zk3vQ9wLr7TnXc2BmPf8HsYd5GjUe1Ao6RiWlKxNtVb"
SESSION = "k3j5h2g9f8d7s6a5p4o3i2u1y0t9r8e7"
KEY = "pk_" + "aB3" * 14 + "x"
GUEST = f"sess-{uuid.uuid4()}"
PLAIN = "swordfish"
LINES = {
    "a ticket": f'1.2.3.4 - "GET /api/runs/1/events?after=3&ticket={TICKET} HTTP/1.1" 200',
    "a ticket that is no word of ours": f"WebSocket /ws/chats/1/?TICKET={PLAIN} [accepted]",
    "a session's id": f"GET /api/chat/stream?sessionId={PLAIN}&typing=1",
    "parameters of tRPC": f"GET /trpc/x?connectionParams=%7B%22token%22%3A%22{PLAIN}%22%7D&input=1",
    "the same, readable": f'connectionParams={{"token": "{PLAIN}"}}',
    "a guest's session in a path": f"GET /agent/chat/history/{GUEST}",
    "a header": f"Authorization: Bearer {PLAIN}",
    "a header, as a pair of bytes": f"(b'authorization', b'Bearer {PLAIN}')",
    "a header, as a pair": f"headers=[('Cookie', 'a=b; sessionid={PLAIN}'), ('x', 'y')]",
    "a header, in a dictionary": f"{{'authorization': 'Token {PLAIN}', 'accept': '*/*'}}",
    "a header of WSGI": f"HTTP_COOKIE='access_token={PLAIN}; language=de'",
    "cookies": f"> Cookie: access_token={PLAIN}; other={PLAIN}",
    "a cookie that is set": f"< Set-Cookie: sessionid={PLAIN}; HttpOnly",
    "a protocol of a socket": f"< Sec-WebSocket-Protocol: bearer, {PLAIN}",
    "a key of a header": f"x-api-key: {PLAIN}",
    "a password in JSON": f'{{"email": "a@b.example", "password": "{PLAIN}"}}',
    "a password in JSON in JSON": f'"{{\\"password\\": \\"{PLAIN}\\"}}"',
    "a password in a form": f"username=a&password={PLAIN}&csrfmiddlewaretoken={PLAIN}",
    "a token alone": f"Unexpected {JWT} at 3",
    "half of a token": f'< TEXT \'{{"x": "{JWT[:30]}...',
    "a key alone": f"no scope for {KEY}",
    "a provider's key": "Incorrect API key provided: sk-proj-abcDEF1234567890.",
    "a ticket alone": f"redeem({TICKET!r})",
    "a session alone": f"Session.DoesNotExist: {SESSION}",
    "an address of a database": f"postgres://parley:{PLAIN}@db.example/parley",
    "an address of a Redis": f"rediss://:{PLAIN}@redis.example:6379/0",
    "a connection of a driver": f"host=db user=parley password={PLAIN} dbname=x",
    "credentials of a proxy": f"Proxy-Authorization: Basic {PLAIN}",
}
HEX = "0123456789abcdef" * 4
ESCAPED = {
    "a page to go on to": f"GET /login/?next=/invitation/%3Ftoken%3D{HEX}",
    "an invitation's token alone": f"GET /invitation/{HEX}/",
    "a session's id, escaped": f"GET /login/?next=/a%3FsessionId%3D{PLAIN}",
    "all escaped": f"GET /login/?next=%2Fws%2F%3Fticket%3D{PLAIN} HTTP/1.1",
    "behind an escaped &": f"GET /login/?next=x%26ticket%3D{PLAIN}",
    "input of tRPC": f"GET /trpc/x?input=%7B%220%22%3A%7B%22password%22%3A%22{PLAIN}%22%7D%7D",
    "the same with spaces": f"GET /trpc/x?input=%7B%22password%22:+%22a+b%20{PLAIN}%22%7D",
    "escaped twice": f"?next=%252F%253Ftoken%253D{PLAIN}",
    "escaped three times": f"?next=%25252F%25253Ftoken%25253D{PLAIN}",
    "escaped in lower case": f"?next=a%3ftoken%3d{PLAIN}",
    "a ticket alone, escaped": f"?next=%2F{TICKET}%2F",
    "a session alone, escaped": f"?x=%3D{SESSION}",
    "as JSON escapes": f'"a\\u0026token\\u003d{PLAIN}"',
    "a line in a line": f"'user=a\\npassword={PLAIN}'",
    "spaces": f'{{"password": "x y {PLAIN}"}}',
    "a quote in quotes": f'{{"password": "x \\" {PLAIN}"}}',
    "quotes in JSON in JSON": f'"{{\\"password\\": \\"x \\\\\\" {PLAIN}\\"}}"',
    "lines": f"password='x\n{PLAIN}'",
    "no end": f'{{"password": "x {PLAIN}',
    "a cut header in quotes": f"{{'authorization': 'Digest a=\"b\", c={PLAIN}'}}",
    "an @ in a password": f"postgres://u:p@{PLAIN}@host/x",
    "a / in a password": f"postgres://u:p/{PLAIN}@host/x",
    "an address, escaped": f"?u=https%3A%2F%2Fuser%3A{PLAIN}%40host%2Fv1",
    "a user of an address": f"https://{PLAIN}@host/v1",
}
LINES |= ESCAPED
SECRETS = (HEX, JWT, JWT[:30], TICKET, SESSION, KEY, GUEST, PLAIN, "sk-proj-abcDEF1234567890")


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_credential_is_cut(line: str) -> None:
    assert any(secret in line for secret in SECRETS)
    said = cut(line)
    assert not [secret for secret in SECRETS if secret in said], said
    assert "..." in said


KEPT = [
    'GET /api/chats/?page_size=20&search=token HTTP/1.1" 200',
    "run 0b9b3c3e-2f7e-4c8e-9d1c-111111111111 (failed): lease_expires_at lapsed after 8.0 s",
    "12 tokens, 3 sessions; 43 characters of a name_that_is_long_but_says_no_secret_at_all",
    "Database: disk_full. Make room on the disk of the database and of PARLEY_DATA; nothing else is to be done.",
    "[4f2a9c3b1d0e] Internal Server Error: /api/chats/",
    'Missing bearer or basic authentication in header, a basic plan; "the Bearer token" is over',
    "GET /a%2Fb?next=%2Fchats%2F1%3Fafter%3D3&u=https%3A%2F%2Fparley.example%2Fa%40b",
    "d41d8cd98f00b204e9800998ecf8427e is a checksum, https://parley.example/chats/1 an address, a@b.example a person",
]


@pytest.mark.parametrize("line", KEPT)
def test_what_is_none_stays(line: str) -> None:
    assert cut(line) == line


def test_secrets_of_the_settings_are_cut_whatever_they_look_like() -> None:
    for secret in (settings.SECRET_KEY, settings.SIMPLE_JWT["SIGNING_KEY"], *settings.SECRETS_KEYS):
        assert secret not in cut(f"it is {secret}.")


def test_values_of_statements_are_cut() -> None:
    text = "(0.001) SELECT * FROM django_session WHERE session_key = '%s' AND name = 'O''Hara'; args=('%s',)"
    said = Cut().format(record("django.db.backends", text % (PLAIN, PLAIN)))
    assert PLAIN not in said and "Hara" not in said and "SELECT * FROM django_session" in said


def test_traces_are_cut() -> None:
    try:
        raise ValueError(f"bad ticket={PLAIN} and {JWT}")
    except ValueError:
        said = Cut().format(record("x", "failed", exc_info=sys.exc_info()))
    assert "Traceback" in said and PLAIN not in said and JWT not in said


def test_all_handlers_of_the_process_cut() -> None:
    names = [None, *logging.Logger.manager.loggerDict]
    handlers = {each for name in names for each in logging.getLogger(name).handlers if is_ours(each)}
    assert handlers and all(isinstance(each.formatter, Cut) for each in handlers)


def test_random_ones_are_cut() -> None:
    for _ in range(200):
        ticket, session = secrets.token_urlsafe(32), get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789")
        if session.isalpha():  # one in 30,000 has no digit, and is a long word to whoever reads it
            continue
        assert session not in cut(f"a {session} b")
        assert ticket not in cut(f"?ticket={ticket}") and ticket not in cut(f"ticket, '{ticket}'")


SLOW = {
    "names": "a_" * 100_000 + "token" * 20_000 + '"' * 10_000,
    "backslashes": 'password="' + "\\" * 100_000,
    "open quotes": "token='" + "x" * 100_000,
    "many open quotes": "token='a token=\"b " * 5_000,
    "escapes": "%25" * 50_000 + "%3Ftoken" * 10_000,
    "spaces": "token" + " +%20" * 50_000,
    "addresses": "a://" * 50_000 + "redis://x" * 10_000,
    "escaped addresses": "a%3A%2F%2Fb" * 10_000,
    "bearers": "bearer " * 30_000,
    "letters": "a" * 200_000,
}


@pytest.mark.parametrize("name", SLOW)
def test_it_takes_no_time(name: str) -> None:
    begin = time.process_time()
    cut(SLOW[name])
    assert time.process_time() - begin < 2


def record(name: str, text: str, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord(name, logging.DEBUG, __file__, 1, text, (), exc_info)


def is_ours(handler: logging.Handler) -> bool:
    """Not pytest's."""
    return isinstance(handler, logging.StreamHandler) and not type(handler).__module__.startswith("_pytest")


# --- As JSON, and what lines are about --------------------------------------------------------------------------------


def as_json(line: logging.LogRecord) -> dict[str, Any]:
    """The line as JSON, which it is alone."""
    text = Json().format(line)
    assert "\n" not in text and "\r" not in text and "\x1b" not in text
    return dict(json.loads(text))


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_credential_is_cut_of_json_too(line: str) -> None:
    told = as_json(record("x", line))["message"]
    assert told == cut(line) and not [secret for secret in SECRETS if secret in told]


@pytest.fixture
def _about_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other tests in this thread were about."""
    monkeypatch.setattr(about, "_about", ContextVar("about", default=None))


@pytest.mark.usefixtures("_about_nothing")
def test_a_line_of_json_says_when_how_bad_who_and_what() -> None:
    told = as_json(record("chat.runner", "one\r\ntwo \x1b[31m"))
    assert told.pop("time").endswith("+00:00")
    assert told == {"level": "DEBUG", "logger": "chat.runner", "message": "one\r\ntwo \x1b[31m"}
    sql = as_json(record("django.db.backends", f"SELECT '{PLAIN}'"))
    assert sql["message"] == "SELECT '...'"


def test_a_trace_is_a_text_of_its_own() -> None:
    try:
        raise ValueError(f"bad ticket={PLAIN}")
    except ValueError:
        told = as_json(record("x", "failed", exc_info=sys.exc_info()))
    assert told["message"] == "failed" and told["exc_info"].startswith("Traceback") and PLAIN not in told["exc_info"]


@pytest.mark.django_db  # whose threads look whether they are connected still
@pytest.mark.usefixtures("_about_nothing")
async def test_a_line_says_of_which_request_and_which_run_it_is() -> None:
    from accounts.db import db

    asked = Origin("192.0.2.1", "req-1")
    asked.user_id = "alice"
    with as_of(asked):
        assert as_json(record("x", "a")).items() >= {"request_id": "req-1", "user": "alice"}.items()
        told = await db(lambda: as_json(record("x", "in a thread of the database")))
        assert told["request_id"] == "req-1"
    about.note(run=uuid.UUID(int=1), door="native", chat=None)
    told = await db(lambda: as_json(record("x", "in a thread of the database")))
    assert told.items() >= {"run": str(uuid.UUID(int=1)), "door": "native"}.items()
    assert not told.keys() & {"chat", "request_id", "user"}


@pytest.mark.usefixtures("_about_nothing")
def test_a_line_says_nothing_else_that_was_handed_to_it() -> None:
    one = record("x", "a")
    one.__dict__.update(request="a whole request", duration_ms=3, whatever="more")
    assert as_json(one).keys() == {"time", "level", "logger", "message", "duration_ms"}
    assert "duration_ms" in ABOUT


def test_an_address_adds_no_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "config.requests"):
        answered = Client().get("/static/x%0D%0AERROR%20all%20is%20lost?token=1")
    [line] = [each for each in caplog.records if each.name == "config.requests"]
    assert line.getMessage() == f"GET /static/x%0D%0AERROR%20all%20is%20lost {answered.status_code}"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("chat:streaming", {"streaming"}),
        ("chat:streaming, chat:tools", {"streaming", "tools"}),
        ("chat:*", {"streaming", "providers", "tools"}),
        *(
            (text, set())
            for text in ("", "true", "False", "chat", "chat:", "chat:all", "other:*", "chat:tools,express")
        ),
    ],
)
def test_what_others_call_debug_is_ours(text: str, meant: set[str]) -> None:
    assert debugged_in(text) == meant


def test_a_header_for_a_collector() -> None:
    assert otlp_header("Authorization=Basic%20eDp5") == ("authorization", "Basic eDp5")
    env = Env()
    env.ENVIRON = {"X": "no header"}
    with pytest.raises(BadSetting, match="NAME=VALUE"):
        env.list("X", [], otlp_header, "NAME=VALUE")
