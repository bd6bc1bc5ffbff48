"""What goes wrong with a server of other houses: one error, with a sentence for a person and one for the model."""

from typing import Literal

from tools.errors import ToolError

McpCode = Literal[
    "refused_url",  # no address that may be asked
    "refused_address",
    "unreachable",
    "timeout",
    "too_large",
    "bad_answer",  # broken off, not HTTP, not JSON, not this protocol
    "moved",  # a redirect to another origin
    "auth",  # 401 or 403
    "not_found",  # 404: no server of this protocol there, or its session is gone
    "server_error",  # it answered with an error of its own
    "resting",  # it failed several times just now, and is left alone for a moment
    "busy",  # no connection is free
    "closed",  # the connection, or this process, ended while the call was under way
]


class McpError(ToolError):
    """`str()` is for the model; `person` says what somebody who may change the server can do.

    In neither is a token or an address of a network; of what the server said, at most one sentence, cleaned.
    """

    def __init__(self, code: McpCode, message: str, person: str = "", *, was_sent: bool = True) -> None:
        """`was_sent`: whether the call may have been carried out all the same."""
        super().__init__(message)
        self.code = code
        self.person = person or message
        self.was_sent = was_sent
