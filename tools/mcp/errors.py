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
    "moved",  # a redirect that is not followed
    "auth",  # 401 or 403
    "scope",  # 403 that says what the token lacks
    "sign_in",  # the person's sign-in cannot be renewed or begun now
    "not_found",  # 404: no server of this protocol there, or its session is gone
    "bad_arguments",  # the server knows no such tool, or takes no such arguments
    "server_error",  # it answered with an error of its own
    "resting",  # it failed several times just now, and is left alone for a moment
    "busy",  # no connection is free
    "closed",  # the connection, or this process, ended while the call was under way
]

UNKNOWN = " Whether the call was carried out is not known."
# For the model; what a person can do, where it is more than that.
SENTENCES: dict[McpCode, tuple[str, str]] = {
    "refused_url": ("{host}, the server of this tool, is at an address that may not be asked.", "{said}"),
    "refused_address": ("{host}, the server of this tool, is at an address that may not be asked.", "{said}"),
    "unreachable": (
        "{host}, the server of this tool, cannot be reached.",
        "{host} cannot be reached: see whether it runs, and whether its address and its certificate are right.",
    ),
    "timeout": ("{host}, the server of this tool, did not answer in time.", ""),
    "too_large": ("{host}, the server of this tool, answered with more than is taken: ask for less.", "{said}"),
    "bad_answer": (
        "{host}, the server of this tool, broke its answer off, or gave one that nobody can read.",
        "{host} broke its answer off, or does not speak MCP by Streamable HTTP at this address.",
    ),
    "moved": (
        "{host}, the server of this tool, has moved: somebody must give its new address.",
        "{host} sends to {said}. Redirects are not followed: give that address, if it is the one that you mean.",
    ),
    "auth": (
        "{host}, the server of this tool, does not take the token that it is sent.",
        "{host} does not take the token: give a new one, or one with the rights that its tools need.",
    ),
    "scope": (
        "{host}, the server of this tool, wants a token with further rights: {said}",
        "{host} wants a token with further rights: {said}",
    ),
    "sign_in": ("The person's sign-in at {host} does not hold now: {said}", "{said}"),
    "not_found": ("{host} has no server of tools at this address.", "{host} has no MCP server at this address."),
    "bad_arguments": ("{host} did not take the call: {said}", ""),
    "server_error": ("{host} answered with an error: {said}", ""),
    "resting": ("{host}, the server of this tool, failed several times just now. It is asked again in {said}.", ""),
    "busy": ("All connections to servers of tools are in use: try again in a moment.", ""),
    "closed": ("The connection to {host} ended while it was asked.", ""),
}
NOT_SENT: tuple[McpCode, ...] = (
    *(
        "refused_url",
        "refused_address",
        "unreachable",
        "moved",
        "auth",
        "scope",
        "sign_in",
        "not_found",
        "bad_arguments",
        "resting",
        "busy",
    ),
)


class McpError(ToolError):
    """`str()` is for the model; `person` says what somebody who may change the server can do.

    In neither is a token or an address of a network; of what the server said, at most one sentence, cleaned.
    """

    def __init__(self, code: McpCode, host: str, said: str = "", *, was_sent: bool | None = None) -> None:
        """`was_sent`: whether the call may have been carried out all the same."""
        told, person = (each.format(host=host or "It", said=said) for each in SENTENCES[code])
        self.was_sent = code not in NOT_SENT if was_sent is None else was_sent
        super().__init__(told + UNKNOWN if self.was_sent and code != "server_error" else told)
        self.code, self.said = code, said
        self.person = person or told
        self._host = host

    def unsent(self) -> "McpError":
        """The same of a call that was not even begun."""
        return McpError(self.code, self._host, self.said, was_sent=False)
