"""What log lines say besides their message, and never say. Loaded before all else: it imports nothing of Parley."""

import functools
import logging
import re
from urllib.parse import unquote, urlsplit


class ErrorIds(logging.Filter):
    """Puts the id that a 500 answer carries into Django's log line about that request, the one with the trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        id = getattr(getattr(record, "request", None), "error_id", None)
        if id and not str(record.msg).startswith("["):
            record.msg = f"[{id}] {record.msg}"
        return True


class NoQuery(logging.Filter):
    """Cuts the query out of the server's access log: it may hold a ticket."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true. uvicorn's arguments are (client, method, path with query, HTTP version, status)."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, version, status = record.args
            record.args = (client, method, str(path).partition("?")[0], version, status)
        return True


class Sockets(logging.Filter):
    """The same for the lines about WebSockets, which come from uvicorn.error. And no line says that a handshake was
    not completed: one that we refuse is answered with 401 or 403, which uvicorn takes for an oversight."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep the line. uvicorn's arguments are (client, path with query) and perhaps a status."""
        if "WebSocket" in str(record.msg) and isinstance(record.args, tuple) and len(record.args) >= 2:
            client, path, *status = record.args
            record.args = (client, str(path).partition("?")[0], *status)
        return record.msg != "ASGI callable returned without completing handshake."


# What stands behind these names is a credential, in an address, a header, JSON or SQL; upper or lower case, also behind
# another word (x-api-key, HTTP_COOKIE).
NAMES = (
    *("ticket", "token", "access", "refresh", "access_token", "refresh_token", "id_token", "jwt", "connectionparams"),
    *("sessionid", "session_id", "session_key", "csrftoken", "csrfmiddlewaretoken", "key_hash", "token_hash"),
    *("password", "passwd", "pwd", "secret", "client_secret", "api_key", "api-key", "apikey", "credentials"),
)
HEADERS = ("authorization", "cookie", "set-cookie", "set_cookie", "sec-websocket-protocol")  # the whole line is one
_QUOTE = r"""(?:\\*["']|%22)"""
_IS = rf"{_QUOTE}?\s*(?:[=:]|%3D|%3A|,(?=\s*b?['\"]))\s*b?{_QUOTE}?"
CUTS = (
    (re.compile(rf"(?i)(?<![\w-])((?:[\w-]*[_-])?(?:{'|'.join(HEADERS)}){_IS})[^\"'\r\n]+"), r"\1..."),
    (re.compile(rf"(?i)(?<![\w-])((?:[\w-]*[_-])?(?:{'|'.join(NAMES)}){_IS})[^\s&\"'\\,;<>)}}\]]+"), r"\1..."),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{8,}"), r"\1\2..."),
    (re.compile(r"(\w://)[^\s/@'\"]+@"), r"\1...@"),  # name and password before a host
    (re.compile(r"eyJ[\w-]{5,}(?:\.[\w-]*)*"), "eyJ..."),  # tokens of ours and of others
    (re.compile(r"\bpk_[A-Za-z0-9]{9,}"), "pk_..."),  # API keys of ours
    (re.compile(r"\bsk-[\w-]{9,}"), "sk-..."),  # and of providers
    (re.compile(r"sess-[0-9a-f-]{36}"), "sess-..."),  # the agent door's: to a guest's session the id is the only key
    (re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])"), "..."),  # tickets
    (re.compile(r"(?<![\w-])(?=[a-z0-9]*[g-z])(?=[a-z0-9]*\d)[a-z0-9]{32}(?![\w-])"), "..."),  # Django's sessions
)
_TEXT_OF_SQL = re.compile(r"'(?:[^']|'')*'")
LEAST_CHARS = 8  # a shorter secret of the settings could be any word


class Cut(logging.Formatter):
    """A line without credentials, whoever wrote it: its message, its trace, and what a statement's parameters are."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        text = super().format(record)
        return cut(_TEXT_OF_SQL.sub("'...'", text) if record.name.startswith("django.db") else text)


def cut(text: str) -> str:
    """The text without what is a credential by its name or by its form, or is one of the settings' secrets."""
    for secret in _of_settings():
        text = text.replace(secret, "...")
    for pattern, instead in CUTS:
        text = pattern.sub(instead, text)
    return text


@functools.cache
def _of_settings() -> tuple[str, ...]:
    """The longest first, as one may be part of another."""
    from django.conf import settings

    database, redis = settings.DATABASES["default"], urlsplit(settings.REDIS_URL)
    found = {
        *(settings.SECRET_KEY, settings.SIMPLE_JWT["SIGNING_KEY"], settings.JWT_PREVIOUS_KEY, *settings.SECRETS_KEYS),
        *(settings.OPENAI_API_KEY, *settings.OPENAI_EXTRA_HEADERS.values(), settings.PARLEY_OWNER_PASSWORD),
        *(settings.PARLEY_PASSWORD, str(database.get("PASSWORD") or ""), unquote(redis.password or "")),
    }
    return tuple(sorted((each for each in found if len(each) >= LEAST_CHARS), key=len, reverse=True))
