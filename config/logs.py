"""What log lines say besides their message. It is loaded before everything else, so it imports nothing of Parley."""

import logging
import re


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


class NoSessions(logging.Filter):
    """Cuts session ids of the agent door out of addresses: to a guest's session the id is the only key."""

    session = re.compile(r"sess-[0-9a-f-]{36}")

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true."""
        if isinstance(record.args, tuple):
            record.args = tuple(self.session.sub("sess-...", x) if isinstance(x, str) else x for x in record.args)
        return True
