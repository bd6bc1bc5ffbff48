"""What comes in: one JSON-RPC message, and what its headers must say of it."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chat.doors.mcp.dialect.errors import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    UNSUPPORTED_VERSION,
    NotAcceptable,
    ProtocolError,
)

MODERN = ("2026-07-28",)  # each request says all that is to be known of it
LEGACY = ("2025-11-25", "2025-06-18", "2025-03-26")  # newest first; begun by `initialize`
VERSIONS = (*MODERN, *LEGACY)
UNSAID = "2025-03-26"  # the version of who says none: later ones have the header

RESERVED = "io.modelcontextprotocol/"
VERSION_KEY = f"{RESERVED}protocolVersion"
CAPABILITIES_KEY = f"{RESERVED}clientCapabilities"

VERSION_HEADER, METHOD_HEADER, NAME_HEADER = "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"
NAMED = {"tools/call": "name", "resources/read": "uri"}  # what a method's Mcp-Name repeats
JSON, SSE = "application/json", "text/event-stream"
_BASE64 = re.compile(r"=\?base64\?(.*)\?=", re.DOTALL)

Id = str | int


@dataclass(frozen=True)
class Message:
    """A request, or with no id a notification, which nobody answers."""

    id: Id | None
    method: str
    params: dict[str, Any]
    version: str

    @property
    def is_modern(self) -> bool:
        """Whether results are of the revision that has no handshake."""
        return self.version in MODERN

    @property
    def progress_token(self) -> Id | None:
        """By which its sender knows the progress that it wants to hear of; None: it does not."""
        token = _meta(self.params).get("progressToken")
        return token if _is_id(token) else None


def check_accept(header: str) -> None:
    """Raise NotAcceptable unless both kinds of answers are taken: which of them comes is for the server to choose."""
    kinds = {each.partition(";")[0].strip().lower() for each in header.split(",")}
    takes_json = kinds & {JSON, "application/*", "*/*"}
    if not takes_json or not kinds & {SSE, "text/*", "*/*"}:
        raise NotAcceptable(f"Accept: Expected both {JSON} and {SSE}.")


def read(body: Any, headers: Mapping[str, str]) -> Message:
    """The message that the body is. Raises ProtocolError, which names its id where it has one."""
    try:
        _check_envelope(body)
        method, params = body["method"], body.get("params", {})
        return Message(body.get("id"), method, params, _version(method, params, headers, is_request="id" in body))
    except ProtocolError as error:
        error.id = id_of(body)
        raise


def id_of(body: Any) -> Id | None:
    """The id of what may not be a message at all."""
    id = body.get("id") if isinstance(body, dict) else None
    return id if _is_id(id) else None


def _check_envelope(body: Any) -> None:
    if isinstance(body, list):
        raise ProtocolError(INVALID_REQUEST, "Send one message a request: there are no batches.")
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0" or not isinstance(body.get("method"), str):
        raise ProtocolError(INVALID_REQUEST, 'Expected one JSON-RPC request: {"jsonrpc": "2.0", "id", "method", ...}.')
    if "id" in body and not _is_id(body["id"]):
        raise ProtocolError(INVALID_REQUEST, "id: Expected a text or a whole number.")
    if not isinstance(body.get("params", {}), dict):
        raise ProtocolError(INVALID_REQUEST, "params: Expected an object.")


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _meta(params: dict[str, Any]) -> dict[str, Any]:
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def _version(method: str, params: dict[str, Any], headers: Mapping[str, str], *, is_request: bool) -> str:
    """The revision that the message is of. Raises ProtocolError for one there is not, or where it contradicts itself.

    Nothing is defined for the headers of a notification but the version's.
    """
    header = headers.get(VERSION_HEADER)
    if is_request and (VERSION_KEY in _meta(params) or header in MODERN):
        _check_headers(method, params, headers)
        header = _meta(params)[VERSION_KEY]
    if header is not None and header not in VERSIONS:
        told = {"supported": list(VERSIONS), "requested": header}
        raise ProtocolError(UNSUPPORTED_VERSION, f"Unsupported protocol version. Expected {VERSIONS[0]}.", data=told)
    return header or UNSAID


def _check_headers(method: str, params: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Raise ProtocolError unless body and headers say the same: what is on the way goes by the headers."""
    meta = _meta(params)
    if missing := [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in meta]:
        raise ProtocolError(INVALID_PARAMS, f"params._meta: Expected {' and '.join(missing)}.")
    _check_same(VERSION_HEADER, headers.get(VERSION_HEADER), meta[VERSION_KEY])
    _check_same(METHOD_HEADER, headers.get(METHOD_HEADER), method)
    if method in NAMED:
        _check_same(NAME_HEADER, decoded(headers.get(NAME_HEADER)), params.get(NAMED[method]))


def _check_same(header: str, value: str | None, wanted: Any) -> None:
    if value is None or value != wanted:
        raise ProtocolError(HEADER_MISMATCH, f"{header}: Expected what the body says.")


def decoded(value: str | None) -> str | None:
    """A header's text, which may be wrapped as `=?base64?...?=`; None for one that is wrapped badly."""
    wrapped = _BASE64.fullmatch(value or "")
    if wrapped is None:
        return value
    try:
        return base64.b64decode(wrapped[1], validate=True).decode()
    except (binascii.Error, ValueError):
        return None
