"""Whatever the SDK raises, as one McpError. What it says of it, and what a server said at length, is for nobody."""

from collections.abc import Iterator

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    PARSE_ERROR,
    REQUEST_TIMEOUT,
    UNSUPPORTED_PROTOCOL_VERSION,
    URL_ELICITATION_REQUIRED,
    ElicitationRequiredErrorData,
)
from pydantic import ValidationError

from tools.cleaning import clean
from tools.errors import OutwardError
from tools.forms import Form
from tools.hidden import on_one_line
from tools.mcp.asking import MAX_ASKED, asked_of
from tools.mcp.errors import McpError
from tools.mcp.exchange import Exchange
from tools.mcp.texts import cut
from tools.openapi.masking import Mask
from tools.schema import SchemaRefused

SAID_MAX_BYTES = 300


def told(error: BaseException, exchange: Exchange, host: str, masked: Mask) -> McpError:
    """The fault that it comes from."""
    if exchange.fault is not None:
        return exchange.fault
    for each in _flat(error):
        match each:
            case McpError():
                return each
            case OutwardError():
                return McpError(each.code, host, str(each), was_sent=False)
            case MCPError():
                return _said(each, exchange, host, masked)
            case _:
                pass
    return exchange.note or McpError("bad_answer", host)


def _flat(error: BaseException) -> Iterator[BaseException]:
    """The errors of groups in groups, first the first."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _flat(each)
    else:
        yield error


def _said(error: MCPError, exchange: Exchange, host: str, masked: Mask) -> McpError:
    if exchange.note is not None:
        return exchange.note
    match error.code:
        case code if code == PARSE_ERROR:
            return McpError("bad_answer", host)
        case code if code == REQUEST_TIMEOUT:
            return McpError("timeout", host)
        case code if code == UNSUPPORTED_PROTOCOL_VERSION:
            exchange.asks_anew = True
            return McpError("bad_answer", host, was_sent=False)
    text = cut(on_one_line(clean(str(masked(error.message[: SAID_MAX_BYTES * 4])))).strip(), SAID_MAX_BYTES)
    quoted = f"“{text}”" if text else "it does not say which."
    return McpError("bad_arguments" if error.code == INVALID_PARAMS else "server_error", host, quoted)


def pages_of(error: BaseException) -> tuple[Form, ...]:
    """What a person must open before an older server does the call; nothing where it is another error."""
    for each in _flat(error):
        if isinstance(each, MCPError) and each.code == URL_ELICITATION_REQUIRED:
            try:
                pages = ElicitationRequiredErrorData.model_validate(each.data).elicitations[:MAX_ASKED]
                return tuple(asked_of(str(at), page) for at, page in enumerate(pages))
            except (ValidationError, ValueError, SchemaRefused):
                return ()
    return ()
