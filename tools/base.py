"""What a tool is. No Django here: a tool is a value, and its context carries ids, not rows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

Permission = Literal["read", "write", "deploy", "admin"]


@dataclass(frozen=True)
class ToolContext:
    """For whom and where a tool runs. Rows are reached from these ids through `visible_to`."""

    user_id: UUID
    organization_id: UUID
    project_id: UUID | None
    chat_id: UUID | None  # None: work of no chat
    run_id: UUID
    branch: str  # the chat's own branch in the project's repository
    author_name: str  # for commits
    author_email: str
    permissions: frozenset[Permission]  # the caller's, in this project, now
    capabilities: frozenset[str]  # what the project has: "repository", ...
    progress: Callable[[str], Awaitable[None]] | None = None  # tells readers how far the tool is; set by the loop


@dataclass(frozen=True)
class Tool:
    """A function the model may call. `@tool` makes one from an async function; it registers nothing."""

    name: str
    description: str  # read by the model
    schema: dict[str, Any]  # JSON Schema of the arguments: an object, additionalProperties false
    function: Callable[..., Awaitable[Any]] = field(repr=False)  # (ctx, **arguments) -> JSON value
    permission: Permission = "read"
    capability: str = ""  # what the project must have; "" for nothing
    idempotent: bool = False  # running it twice is the same as once: a takeover may repeat it
    asks_first: bool = False  # a person must allow each call
    timeout_s: float = 30.0
    max_result_bytes: int = 64_000  # a longer result is cut, and says so

    def offered_in(self, ctx: ToolContext) -> bool:
        """Whether this caller may be offered the tool here."""
        has_capability = not self.capability or self.capability in ctx.capabilities
        return self.permission in ctx.permissions and has_capability
