"""What a tool may tell the model.

ToolFault
+-- ToolError           final: the model is told, and should go on without
|   +-- RepositoryBusy  another write holds the project's repository for too long
|   +-- ParsingError    a file cannot be read, with a code that says why
|   +-- OutwardError    no answer from a server outside, with a code that says why
|   +-- RemoteError     a repository elsewhere was not fetched, or a file of one not taken, with a code that says why
|   +-- ForgeError      the server of the project's remote repository did not do it, with a code that says why
+-- RetryTool           the model may try again with other arguments
    +-- PathRefused     no path of a project's file, or not one that may be written
"""

from typing import Literal

OutwardCode = Literal["refused_url", "refused_address", "too_large", "timeout", "unreachable", "bad_answer"]

ForgeCode = Literal[
    "forge_auth",
    "forge_forbidden",
    "forge_not_found",
    "forge_moved",
    "forge_rate_limited",
    "forge_invalid",
    "forge_unavailable",
    "branch_moved",
    "branch_protected",
    "base_missing",
    "nothing_to_propose",
    "push_too_large",
]


class ToolFault(Exception):
    """Its text is read by the model: one sentence, no internals."""


class ToolError(ToolFault):
    """The call cannot succeed."""


class RetryTool(ToolFault):
    """The call could succeed with other arguments; say which."""


class RepositoryBusy(ToolError):
    """Trying again in a moment may help."""


class OutwardError(ToolError):
    """Its text names the host that was asked for, and a setting where one would help; no address, no answer."""

    def __init__(self, code: OutwardCode, message: str) -> None:
        super().__init__(message)
        self.code = code


RemoteCode = Literal[
    "remote_auth",
    "remote_not_found",
    "remote_refused",
    "remote_unavailable",
    "remote_too_large",
    "remote_invalid",
    "diverged",
]


class RemoteError(ToolError):
    """Its text may be shown to whoever gave the URL or the file: no address, no token, nothing that came back."""

    def __init__(self, code: RemoteCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class ForgeError(ToolError):
    """Its text is for people: what to do, and at most a sentence of what the server said. No token is in it."""

    def __init__(self, code: ForgeCode, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s


class ParsingError(ToolError):
    """Its text says what is wrong with the file, and nothing of what stands in it."""

    def __init__(self, code: Literal["timeout", "failed", "refused"], message: str) -> None:
        super().__init__(message)
        self.code = code


class PathRefused(RetryTool):
    """Says what is wrong with the path."""
