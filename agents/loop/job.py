"""What a run is handed: values and functions, no rows. No Django."""

import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from agents.archetypes.base import Archetype
from agents.errors import LimitReached
from agents.loop.citing import Sources
from agents.loop.judging import Judge, by_flags
from agents.loop.ledger import Ledger
from agents.loop.looking import Look, Most
from agents.loop.looking import nothing as nothing_seen
from agents.loop.outside import Outside, nothing
from agents.loop.purse import Purse
from agents.loop.sent import Sent
from agents.loop.shortening import Shortening
from agents.loop.target import Target
from agents.loop.toolset import Toolset
from agents.messages import Message
from agents.options import RunOptions
from agents.providers.cached import Answers
from tools.base import Permission, Tool, ToolContext


@dataclass
class Tally:
    """What all agents of a run have used together; a subagent spends from its parent's purse."""

    text_bytes: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and how patiently, a provider is asked again before its first token of a turn."""

    max_attempts: int = 3
    max_delay_s: float = 30.0
    down_s: float = 30.0  # so long one that could not answer is asked after those that answer in its place


@dataclass(frozen=True)
class Job:
    """Everything the loop needs to answer one message."""

    run_id: str
    archetype: Archetype
    model: str
    temperature: float | None  # None: nobody has chosen one, and none is sent
    history: tuple[Message, ...]  # the last one is the message to answer
    targets: Callable[[str], tuple[Target, ...]]  # who serves this model, and who does where that one cannot
    context: ToolContext
    options: RunOptions = field(default_factory=RunOptions)
    briefing: str = ""  # at the end of the system prompt: what is told of the person; subagents are not told it
    toolset: Toolset = field(default_factory=Toolset)  # the project's own tools; subagents have none of them
    ledger: Ledger = field(default_factory=Ledger)
    retry: RetryPolicy = RetryPolicy()
    tally: Tally = field(default_factory=Tally)
    sources: Sources = field(default_factory=Sources)  # what the answer may name by number
    purse: Purse | None = None  # None: nobody counts
    answers: Answers | None = None  # kept ones, for its first turn; None: none are
    shortening: Shortening | None = None  # None: what is too long for its model loses its beginning
    effort: str = ""  # of reasoning: agents.options.EFFORTS; empty: as the model does by itself
    max_depth: int = 3  # of subagents
    subagents_at_once: int = 3  # of those that only read, and are asked in one turn
    asks_first: frozenset[str] = frozenset()  # names of tools whose calls a person must allow
    judge: Judge = by_flags  # says of each call that is about to start whether it may
    may_offer: Callable[[Tool], bool] = lambda tool: True  # False: every call would be refused
    heard: set[str] = field(
        default_factory=set
    )  # places outside that have answered in this attempt: agents.loop.foreign
    outside: Callable[[], Awaitable[Outside]] = nothing  # what came in before this run; asked where a call goes out
    look: Look = nothing_seen  # at files that tools gave back
    most: Most = field(default_factory=Most)  # of pictures, in one request
    approval_lifetime_s: float = 24 * 3600.0
    is_among_older: bool = False  # processes of an older version are up: its log is kept in words that they know
    sent: Callable[[Sent], None] | None = None  # told each request that goes to a model; None: nobody wants to know
    has_first_turn: bool = False  # the turn.started of its first turn is in the log already
    now: Callable[[], float] = time.time

    def call_id(self, path: str, turn: int, index: int) -> str:
        """A tool call's id: ours, unique in the run, and the same however often it is worked out."""
        return f"call_{uuid.uuid5(uuid.UUID(self.run_id), f'{path}/{turn}/{index}').hex[:24]}"

    def narrowed(self, permissions: frozenset[Permission]) -> "Job":
        """The same job with no more rights than these; purse, tally and ledger are shared."""
        left = self.context.permissions & permissions
        if left == self.context.permissions:
            return self
        return replace(self, context=replace(self.context, permissions=left))

    def check_budget(self) -> None:
        """Raise LimitReached once the agents together have written as much as the run may."""
        limits = self.archetype.limits
        if self.tally.text_bytes > limits.max_text_bytes:
            raise LimitReached("max_text_bytes")
        if self.tally.output_tokens > limits.max_output_tokens:
            raise LimitReached("max_output_tokens")
