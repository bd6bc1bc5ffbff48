"""Parts of other people's code that we stand on and that they have promised to nobody, each with what to look at.

Where one of these tests fails after an upgrade, the sentence says which file of ours was written against the old part.
Nothing outside of those files may use such parts.
"""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.messages.storage.base import BaseStorage
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.operations import DatabaseOperations
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.models.query import ModelIterable, QuerySet, ValuesIterable, ValuesListIterable
from django.db.models.sql import InsertQuery, Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.deprecation import MiddlewareMixin
from rest_framework.request import Request
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

SQLITE = "config/sqlite/base.py: the turn to write is taken at BEGIN and passed on when a transaction ends, by any way."
HANDLER = "config/handler.py: it answers as Django's own handler does, step by step; compare the two."
THREADS = "config/threads.py: the work of a request goes to a thread of ours, and the next request gets that thread."
MIDDLEWARE = (
    "config/middleware/base.py: OnLoop does both halves of a middleware where Django would hand each to a thread."
)
MESSAGES = "config/middleware/base.py: MessageMiddleware takes a thread only where messages may have to be kept."
CSRF = "accounts/authentication.py: CsrfCheck hands on why a request was refused, where Django would make a page."
SESSIONS = "accounts/models.py: a session ends with the tokens, because its hash has token_version in it."
QUERIES = "accounts/db/compiled.py: a query's SQL is kept, and rows are handed to Django's iterable as if it had asked."
WRITES = "accounts/db/writes.py: UPDATE and INSERT statements are built from Django's own queries, and kept."
WORDS = "tools/knowledge/searching.py: a question of PostgreSQL goes with its values in it, so it is planned for them."
REST = "accounts/authentication.py and those who take request._request: Django's request within that of REST framework."
STATIC = (
    "config/middleware/static.py: only requests for a file are given to WhiteNoise, without its middleware's own call."
)
SERVER = (
    "chat/serving/server.py: connections that arrive while the server leaves are answered; streams pass by its tasks."
)
SOCKET = "chat/doors/incoming.py: what has come of a message that is not whole is counted, and has its time."
ACTING = "tools/acting/calling.py: a view that is exempt from ATOMIC_REQUESTS is called as Django's handler calls it."

# What we call, or define anew: its parameters.
PARAMETERS: list[tuple[Any, str, list[str], str]] = [
    (DatabaseWrapper, "_start_transaction_under_autocommit", ["self"], SQLITE),
    (DatabaseWrapper, "_commit", ["self"], SQLITE),
    (DatabaseWrapper, "_rollback", ["self"], SQLITE),
    (DatabaseWrapper, "_close", ["self"], SQLITE),
    (ASGIHandler, "resolve_request", ["self", "request"], HANDLER),
    (ASGIHandler, "create_request", ["self", "scope", "body_file"], HANDLER),
    (ASGIHandler, "run_get_response", ["self", "request"], HANDLER),
    (ASGIHandler, "send_response", ["self", "response", "send"], HANDLER),
    (ASGIHandler, "listen_for_disconnect", ["self", "receive"], HANDLER),
    (ThreadSensitiveContext, "__init__", ["self", "executor"], THREADS),
    (MiddlewareMixin, "__acall__", ["self", "request"], MIDDLEWARE),
    (CsrfViewMiddleware, "_reject", ["self", "request", "reason"], CSRF),
    (AbstractBaseUser, "_get_session_auth_hash", ["self", "secret"], SESSIONS),
    (Query, "get_compiler", ["self", "using", "connection", "elide_empty"], QUERIES),
    (SQLCompiler, "as_sql", ["self", "with_limits", "with_col_aliases"], QUERIES),
    (SQLCompiler, "execute_sql", ["self", "result_type", "chunked_fetch", "chunk_size"], QUERIES),
    (SQLCompiler, "get_converters", ["self", "expressions"], QUERIES),
    (Query, "chain", ["self", "klass"], WRITES),
    (Query, "clear_ordering", ["self", "force", "clear_default"], WRITES),
    (UpdateQuery, "add_update_values", ["self", "values"], WRITES),
    (InsertQuery, "__init__", ["self", "args", "on_conflict", "update_fields", "unique_fields", "kwargs"], WRITES),
    (SQLCompiler, "compile", ["self", "node"], WRITES),
    (DatabaseOperations, "compose_sql", ["self", "sql", "params"], WORDS),
    (WhiteNoiseMiddleware, "find_file", ["self", "url"], STATIC),
    (StaticFile, "get_response", ["self", "method", "request_headers"], STATIC),
    (HttpToolsProtocol, "__init__", ["self", "config", "server_state", "app_state", "_loop"], SERVER),
    (HttpToolsProtocol, "connection_made", ["self", "transport"], SERVER),
    (HttpToolsProtocol, "connection_lost", ["self", "exc"], SERVER),
    (HttpToolsProtocol, "on_header", ["self", "name", "value"], SERVER),
    (HttpToolsProtocol, "on_headers_complete", ["self"], SERVER),
    (HttpToolsProtocol, "on_body", ["self", "body"], SERVER),
    (HttpToolsProtocol, "data_received", ["self", "data"], SERVER),
    (HttpToolsProtocol, "on_message_begin", ["self"], SERVER),
    (HttpToolsProtocol, "on_message_complete", ["self"], SERVER),
    (HttpToolsProtocol, "handle_websocket_upgrade", ["self"], SERVER),
    (HttpToolsProtocol, "send_400_response", ["self", "msg"], SERVER),
    (HttpToolsProtocol, "on_response_complete", ["self"], SERVER),
    (HttpToolsProtocol, "shutdown", ["self"], SERVER),
    *((WebSocketsSansIOProtocol, name, ["self", "event"], SOCKET) for name in ("handle_text", "handle_bytes")),
    *((WebSocketsSansIOProtocol, name, ["self", "event"], SOCKET) for name in ("handle_cont", "handle_pong")),
    *((WebSocketsSansIOProtocol, name, ["self"], SOCKET) for name in ("handle_ping", "send_receive_event_to_app")),
    (WebSocketsSansIOProtocol, "handle_connect", ["self", "event"], SOCKET),
    (WebSocketsSansIOProtocol, "data_received", ["self", "data"], SOCKET),
    (WebSocketsSansIOProtocol, "connection_lost", ["self", "exc"], SOCKET),
    (uvicorn.Server, "startup", ["self", "sockets"], SERVER),
    (uvicorn.Server, "shutdown", ["self", "sockets"], SERVER),
]

# Where theirs calls what we have put in its place, or sets what we read: the names that must still be in it.
NAMES: list[tuple[Callable[..., Any], set[str], str]] = [
    (BaseDatabaseWrapper.set_autocommit, {"_start_transaction_under_autocommit"}, SQLITE),
    (BaseDatabaseWrapper.commit, {"_commit"}, SQLITE),
    (BaseDatabaseWrapper.rollback, {"_rollback"}, SQLITE),
    (BaseDatabaseWrapper.close, {"_close"}, SQLITE),
    (ASGIHandler.handle, {"read_body", "create_request", "run_get_response", "send_response"}, HANDLER),
    (SyncToAsync.__call__, {"thread_sensitive_context", "context_to_thread_executor"}, THREADS),
    (MiddlewareMixin.__call__, {"async_mode", "__acall__", "process_request", "process_response"}, MIDDLEWARE),
    (BaseStorage.__init__, {"_queued_messages", "used", "added_new"}, MESSAGES),
    (CsrfViewMiddleware.process_view, {"_reject"}, CSRF),
    (AbstractBaseUser.get_session_auth_hash, {"_get_session_auth_hash"}, SESSIONS),
    (QuerySet.__init__, {"_iterable_class"}, QUERIES),
    (ModelIterable.__iter__, {"get_compiler", "execute_sql", "results_iter"}, QUERIES),
    (ValuesIterable.__iter__, {"get_compiler", "results_iter"}, QUERIES),
    (ValuesListIterable.__iter__, {"get_compiler", "results_iter"}, QUERIES),
    (SQLCompiler.results_iter, {"execute_sql", "get_converters", "select", "col_count"}, QUERIES),
    (Request.__init__, {"_request"}, REST),
    (BaseHandler.make_view_atomic, {"_non_atomic_requests"}, ACTING),
    (WhiteNoiseMiddleware.__init__, {"autorefresh", "add_files_from_finders"}, STATIC),
    (
        HttpToolsProtocol.__init__,
        {"loop", "server_state", "transport", "flow", "scope", "cycle", "headers", "timeout_keep_alive_task"},
        SERVER,
    ),
    (HttpToolsProtocol.data_received, {"HttpParserError", "send_400_response", "handle_websocket_upgrade"}, SERVER),
    (HttpToolsProtocol.on_message_begin, {"url", "headers"}, SERVER),
    (RequestResponseCycle.__init__, {"keep_alive", "response_started", "response_complete"}, SERVER),
    (
        WebSocketsSansIOProtocol.__init__,
        {"frames", "read_paused", "close_sent", "handshake_complete", "conn", "transport", "loop"},
        SOCKET,
    ),
    (WebSocketsSansIOProtocol.handle_connect, {"scope", "app_state"}, SOCKET),
    (FlowControl.__init__, {"write_paused"}, SERVER),
    (ServerState.__init__, {"tasks", "connections"}, SERVER),
    (uvicorn.Server.startup, {"started", "create_server", "sockets"}, SERVER),
    (uvicorn.Server.shutdown, {"server_state", "connections", "shutdown", "tasks"}, SERVER),
]


@pytest.mark.parametrize(
    ("owner", "name", "parameters", "look"), PARAMETERS, ids=lambda each: getattr(each, "__name__", "")
)
def test_an_inner_part_takes_what_we_give_it(owner: Any, name: str, parameters: list[str], look: str) -> None:
    part = getattr(owner, name, None)
    assert part is not None, f"{owner.__name__}.{name} is gone. {look}"
    found = list(inspect.signature(part).parameters)
    assert found == parameters, f"{owner.__name__}.{name} takes {found} now. {look}"


@pytest.mark.parametrize(("function", "names", "look"), NAMES, ids=lambda each: getattr(each, "__qualname__", ""))
def test_an_inner_part_is_still_used_where_we_believe(function: Any, names: set[str], look: str) -> None:
    missing = names - _names_in(inspect.unwrap(function).__code__)
    assert not missing, f"{function.__qualname__} has no {', '.join(sorted(missing))} any more. {look}"


def _names_in(code: Any) -> set[str]:
    """All names that the function looks up or sets, those of functions within it too, and its strings."""
    inner = [each for each in code.co_consts if hasattr(each, "co_names")]
    texts = {each for each in code.co_consts if isinstance(each, str)}
    return {*code.co_names, *code.co_varnames, *code.co_freevars, *texts}.union(*map(_names_in, inner))
