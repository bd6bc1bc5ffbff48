"""What log lines say besides their message, and never say. Loaded before all else: it imports nothing but patterns."""

import functools
import logging
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from pythonjsonlogger.json import JsonFormatter

from tools.credentials import BY_FORM, BY_NAME, IN_HEADERS, without


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


_TEXT_OF_SQL = re.compile(r"'(?:[^']|'')*'")
LEAST_CHARS = 8  # a shorter secret of the settings could be any word


class Cut(logging.Formatter):
    """A line without credentials, whoever wrote it: its message, its trace, and what a statement's parameters are."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        text = super().format(record)
        return cut(_TEXT_OF_SQL.sub("'...'", text) if record.name.startswith("django.db") else text)


# What a line of JSON says beside its message, where it is known.
ABOUT = ("request_id", "run", "chat", "user", "organization", "door", "status", "duration_ms")


class Json(JsonFormatter):
    """A line as a JSON object, whose texts are without credentials as those of Cut are."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        """Say when, how bad, who, what, and whom it is about; a trace is `exc_info`."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        log_data |= {"time": at, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        known = {**_known(), **{name: value for name in ABOUT if (value := getattr(record, name, None)) is not None}}
        log_data |= {name: known[name] for name in ABOUT if name in known} | message_dict

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """The same, without credentials."""
        if log_data["logger"].startswith("django.db"):
            log_data["message"] = _TEXT_OF_SQL.sub("'...'", log_data["message"])
        return {name: cut(value) if isinstance(value, str) else value for name, value in log_data.items()}


def _known() -> dict[str, Any]:
    """Of the request that is answered here, or the run that is at work."""
    from accounts.about import about
    from accounts.origin import origin

    asked = origin()
    request = {"request_id": asked.request_id, "user": asked.user_id or None} if asked else {}
    return {name: value for name, value in (request | dict(about())).items() if value}


def cut(text: str) -> str:
    """The text without what is a credential by its name or by its form, or is one of the settings' secrets."""
    for secret in _of_settings():
        text = text.replace(secret, "...")
    return without(text, (IN_HEADERS, BY_NAME, *BY_FORM), "...")


@functools.cache
def _of_settings() -> tuple[str, ...]:
    """The longest first, as one may be part of another."""
    from django.conf import settings

    redis = urlsplit(settings.REDIS_URL)
    found = {
        *(settings.SECRET_KEY, settings.SIMPLE_JWT["SIGNING_KEY"], settings.JWT_PREVIOUS_KEY, *settings.SECRETS_KEYS),
        *settings.ACTING_KEYS,
        *(*settings.MODEL_SECRETS, *settings.OPENAI_EXTRA_HEADERS.values(), settings.PARLEY_OWNER_PASSWORD),
        *(settings.PARLEY_PASSWORD, unquote(redis.password or "")),
        *(settings.METRICS_TOKEN, *settings.OTEL_EXPORTER_OTLP_HEADERS.values()),
        *(str(each.get("PASSWORD") or "") for each in settings.DATABASES.values()),
    }
    return tuple(sorted((each for each in found if len(each) >= LEAST_CHARS), key=len, reverse=True))
