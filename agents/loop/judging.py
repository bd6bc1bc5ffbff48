"""Whether a call may be made, waits for a person, or is refused: values, and what tools say of themselves. No Django.

Who knows more, such as the policies of an organization, hands a judge down in the Job. It is asked when a call is about
to start, so that what it says holds as of then.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from agents import events as ev
from tools.base import Tool

Decision = Literal["allow", "ask", "deny"]
STRICTNESS: tuple[Decision, ...] = ("allow", "ask", "deny")


@dataclass(frozen=True)
class Question:
    """A call that is about to start."""

    tool: Tool
    call: str  # its id
    asks_first: bool = False  # the installation wants a person asked, whatever else is said
    is_tainted: bool = False  # something goes out, and what others wrote outside has come in
    allowed_by: str = ""  # id of the person who has allowed this very call
    starts: bool = True  # False: it waits for what comes before it, and is judged again then


@dataclass(frozen=True)
class Verdict:
    """What is to be done with it."""

    decision: Decision
    because: str = ""  # where it is denied: what the model is told


ALLOW, ASK = Verdict("allow"), Verdict("ask")
Judge = Callable[[Question], Awaitable[Verdict]]


async def by_flags(question: Question) -> Verdict:
    """As the tool says of itself: where nobody has made a rule."""
    return Verdict(guarded(strictest(*map(usual, (question.tool, *question.tool.includes))), question))


def usual(tool: Tool) -> Decision:
    """What holds without a rule. Reading is allowed, as is writing to what is the chat's own; the rest asks.

    An outward tool that reads asks too, unless it can only reach the one host that an operator has named.
    """
    goes_anywhere = tool.outward and not (tool.permission == "read" and tool.place)
    asks = tool.asks_first or tool.deletes or goes_anywhere or tool.permission in ("deploy", "admin")
    return "ask" if asks else "allow"


def guarded(decision: Decision, question: Question) -> Decision:
    """The decision, or asking where no rule may spare that."""
    must_ask = question.asks_first or (question.is_tainted and question.tool.outward)
    return strictest(decision, "ask") if must_ask else decision


def strictest(*decisions: Decision) -> Decision:
    """Deny beats ask beats allow."""
    return max(decisions, key=STRICTNESS.index)


def digest_asked(asked: ev.ApprovalRequested) -> str:
    """The digest of a call as a person is shown it: of its arguments, and of what is wanted of them."""
    if not asked.forms:
        return digest_of(asked.name, asked.arguments)
    return digest_of(asked.name, {"arguments": asked.arguments, "forms": msgspec.to_builtins(asked.forms)})


def digest_of(name: str, arguments: Any) -> str:
    """SHA-256, hex, of a tool's name and its arguments, however their fields are ordered."""
    told = json.dumps([name, arguments], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(told.encode()).hexdigest()
