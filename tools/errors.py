"""What a tool may tell the model.

ToolFault
+-- ToolError           final: the model is told, and should go on without
|   +-- RepositoryBusy  another write holds the project's repository for too long
|   +-- ParsingError    a file cannot be read, with a code that says why
|   +-- OutwardError    no answer from a server outside, with a code that says why
+-- RetryTool           the model may try again with other arguments
    +-- PathRefused     no path of a project's file, or not one that may be written
"""

from typing import Literal

OutwardCode = Literal["refused_url", "refused_address", "too_large", "timeout", "unreachable", "bad_answer"]


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


class ParsingError(ToolError):
    """Its text says nothing of the file."""

    def __init__(self, code: Literal["timeout", "failed"], message: str) -> None:
        super().__init__(message)
        self.code = code


class PathRefused(RetryTool):
    """Says what is wrong with the path."""
