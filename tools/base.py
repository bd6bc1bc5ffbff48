"""What a tool is. No Django here: a tool is a value, and its context carries ids, not rows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from tools.forms import Given

Permission = Literal["read", "write", "deploy", "admin"]
Makes = Literal["", "patch", "component"]
Reads = Literal["", "repository"]
Risk = Literal["read", "write", "outward", "delete"]


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
    on_behalf: str  # the least role that may do what the caller may here, now: viewer, editor, admin; "" for none
    # Of this call, unique in the run and the same when a takeover runs it again; set by the loop. What a tool writes
    # can carry (run_id, call_id): repeated, it finds its own effect, and so may be `idempotent`.
    call_id: str = ""
    progress: Callable[[str], Awaitable[None]] | None = None  # tells readers how far the tool is; set by the loop
    may_ask: bool = False  # the tool may raise NeedsPerson: somebody will be asked; set by the loop
    given: Given | None = None  # what was answered then; set by the loop
    may_attach: bool = False  # the tool may give pictures back: tools.giving; set by the loop


def titled(name: str) -> str:
    """A tool's name in words: the title of one that has none of its own."""
    return name.replace("_", " ").strip().capitalize()


@dataclass(frozen=True)
class Tool:
    """A function the model may call. `@tool` makes one from an async function; it registers nothing.

    A tool that writes is `idempotent` if a second run of the same call changes nothing more: because the effect is the
    same however often it comes, or because it looks for the one that carries its (run_id, call_id) first.
    """

    name: str
    description: str  # read by the model
    schema: dict[str, Any]  # JSON Schema of the arguments: an object, additionalProperties false
    function: Callable[..., Awaitable[Any]] = field(repr=False)  # (ctx, **arguments) -> JSON value
    permission: Permission = "read"
    capability: str = ""  # what the project must have; "" for nothing
    idempotent: bool = False  # running it twice is the same as once: a takeover may repeat it
    asks_first: bool = False  # a person must allow each call
    as_person: bool = False  # it does elsewhere what the run's person may: nobody else may allow a call of it
    foreign: bool = False  # of another house, where a project's admin said what is done: no rule loosens that
    makes: Makes = ""  # what the answer is, besides a text, once a call has returned
    includes: tuple["Tool", ...] = ()  # whose work it has done later: a call is judged as one of each of these, too
    outward: bool = False  # something leaves the installation: an address is asked, a branch pushed
    place: str = ""  # of an outward tool: the one host that it asks, where an operator has named it
    reads: Reads = ""  # whose words its answer has, where they may be others': the files of the project
    cites: bool = False  # it gives {"passages": [{"title", "text", ...}]}: sources that the answer names by number
    deletes: bool = False  # what it takes away cannot be had back
    title: str = ""  # a person's word for it; the default is made from the name
    timeout_s: float = 30.0
    max_result_bytes: int = 64_000  # a longer result is cut, and says so

    def __post_init__(self) -> None:
        if not self.title:
            object.__setattr__(self, "title", titled(self.name))

    @property
    def risk(self) -> Risk:
        """The worst that a call may do, for who is asked to allow it."""
        if self.deletes:
            return "delete"
        return "outward" if self.outward else "read" if self.permission == "read" else "write"

    @property
    def names(self) -> frozenset[str]:
        """Its own, and those of the tools whose work it has done."""
        return frozenset([self.name, *(each.name for each in self.includes)])

    def offered_in(self, ctx: ToolContext) -> bool:
        """Whether this caller may be offered the tool here."""
        has_capability = not self.capability or self.capability in ctx.capabilities
        return self.permission in ctx.permissions and has_capability
