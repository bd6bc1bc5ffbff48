"""What the chat page shows: the list of chats, the branch of messages one reads, and each message in words."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.safestring import SafeString

from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.permissions import PERMISSIONS
from agents import registry
from chat import markdown
from chat.access import chats_of
from chat.drafts import attach_drafts
from chat.models import Chat, ChatStatus, Message, MessageRole, MessageStatus, Run, ToolCall
from chat.words import ENDS, say

LISTED_CHATS = 200
SHORT_CHARS = 60


Took = dict[UUID, dict[str, float]]  # message -> tool call -> seconds


@dataclass(frozen=True)
class Section:
    """The chats of one project in the list; `project` is None for those of none."""

    project: Project | None
    chats: list[Chat] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a new chat may be made."""

    organization: Organization
    project: Project | None


@dataclass(frozen=True)
class Part:
    """One block of a message: `kind` is text, reasoning or tool, and says which of the others are filled."""

    kind: str
    html: SafeString | str = ""
    tool: dict[str, Any] = field(default_factory=dict)


def sections(user: User) -> list[Section]:
    """The user's active chats by project: what was used last comes first."""
    chats = chats_of(user).listed().filter(status=ChatStatus.ACTIVE).select_related("project")[:LISTED_CHATS]
    found: dict[UUID | None, Section] = {}
    for chat in chats:
        found.setdefault(chat.project_id, Section(chat.project)).chats.append(chat)
    return list(found.values())


def places(user: User) -> list[Place]:
    """Projects in which the user may write, and organizations, for chats of no project. Three queries."""
    roles = dict(Membership.objects.filter(user=user).values_list("organization_id", "role"))
    in_projects = dict(ProjectMember.objects.filter(user=user).values_list("project_id", "role"))
    projects = Project.objects.visible_to(user).select_related("organization")
    written = [
        Place(each.organization, each)
        for each in projects
        if _may_write(in_projects.get(each.pk) or roles[each.organization_id])
    ]
    organizations = Organization.objects.visible_to(user)
    return written + [Place(each, None) for each in organizations if _may_write(roles[each.pk])]


def _may_write(role: str) -> bool:
    return "write" in PERMISSIONS[Role(role)]


def archetypes() -> list[dict[str, Any]]:
    """What the choice of an archetype shows."""
    found = [registry.get(name) for name in registry.names()]
    return [
        {"name": each.name, "label": label_of(each.name), "purpose": each.purpose, "examples": examples_of(each.name)}
        for each in found
    ]


def examples_of(archetype: str) -> list[str]:
    """Three questions an empty chat offers; an archetype may have fewer, then the last are empty."""
    found = registry.get(archetype).examples if archetype in registry.names() else ()
    return [*found, "", "", ""][:3]


def label_of(archetype: str) -> str:
    """An archetype's name as people read it: "Project navigator"."""
    return archetype.replace("_", " ").capitalize()


def branch(chat: Chat, *, first: int = 0, most: int | None = None) -> list[Message]:
    """The messages one reads, oldest first: the newest one and those it follows, from position `first` on.

    `most`: no more than this many, the newest. Those still being written hold what is stored of them.
    """
    parents = dict(chat.messages.values_list("pk", "parent_id"))
    ids: list[UUID] = []
    id = chat.leaf_id
    while id is not None and (most is None or len(ids) < most):
        ids.append(id)
        id = parents.get(id)
    found = list(
        chat.messages.filter(pk__in=ids, position__gte=first)
        .select_related("author", "run", "run__cancel_requested_by")
        .order_by("position")
    )
    attach_drafts(found)
    return found


def shown(messages: Iterable[Message], reader: User) -> list[dict[str, Any]]:
    """Each message as `_message.html` shows it. One query, for how long the tools took."""
    messages = list(messages)
    took = _took_by_call(messages)
    return [
        {
            "message": message,
            "run": _run_of(message),
            "author": _author(message),
            "parts": _parts(message, took),
            "end": _end(message, reader),
        }
        for message in messages
    ]


def _run_of(message: Message) -> Run | None:
    return getattr(message, "run", None)


def _author(message: Message) -> str:
    if message.role == MessageRole.ASSISTANT:
        return "Parley"
    return message.author.display_name if message.author else str(message.get_role_display())


def _parts(message: Message, took: Took) -> list[Part]:
    if message.status == MessageStatus.IN_PROGRESS:
        return []  # drawn by the browser from the run's events
    if message.role != MessageRole.ASSISTANT:
        return [Part("text", html=message.content)]
    results = {each["call"]: each for each in message.parts if each["type"] == "tool_result"}
    seconds = took.get(message.pk, {})
    parts = [_part(each, results, seconds) for each in message.parts if each["type"] != "tool_result"]
    return parts or [Part("text", html=markdown.render(message.content))]


def _part(part: dict[str, Any], results: dict[str, dict[str, Any]], took: dict[str, float]) -> Part:
    if part["type"] == "tool_call":
        return Part("tool", tool=_tool(part, results.get(part["call"]), took.get(part["call"])))
    if part["type"] == "reasoning":
        return Part("reasoning", html=part["text"])
    return Part("text", html=markdown.render(part["text"]))


def _tool(call: dict[str, Any], result: dict[str, Any] | None, took: float | None) -> dict[str, Any]:
    status = _tool_status(result)
    outcome = None if result is None else result.get("error" if result["is_error"] else "result")
    return {
        **{"call": call["call"], "name": call["name"], "is_inner": bool(call.get("agent"))},
        **{"argument": _short(call["arguments"]), "arguments": _pretty(call["arguments"])},
        **{"status": status, "state": _tool_state(status, took), "result": _pretty(outcome)},
    }


def _tool_state(status: str, took: float | None) -> str:
    if status == "returned":
        return "" if took is None else _duration(took)
    return _joined(say(status), "" if took is None or status != "failed" else _duration(took))


def _took_by_call(messages: list[Message]) -> Took:
    calls = ToolCall.objects.filter(run__message__in=messages, elapsed_ms__isnull=False)
    found: Took = {}
    for message, call, elapsed_ms in calls.values_list("run__message", "call", "elapsed_ms"):
        found.setdefault(message, {})[call] = (elapsed_ms or 0) / 1000
    return found


def _tool_status(result: dict[str, Any] | None) -> str:
    if result is None:
        return "unfinished"
    return str(result.get("outcome", "failed")) if result["is_error"] else "returned"


def _short(arguments: Any) -> str:
    """The argument worth showing beside a tool's name: the first short text among them."""
    values = arguments.values() if isinstance(arguments, dict) else [arguments]
    texts = [str(each) for each in values if isinstance(each, str | int | float) and not isinstance(each, bool)]
    line = texts[0].strip().split("\n")[0] if texts else ""
    return line if len(line) <= SHORT_CHARS else f"{line[: SHORT_CHARS - 1]}…"


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def _end(message: Message, reader: User) -> str:
    """The line under an answer that is over; static/chat/words.js says the same of one that was watched."""
    run = _run_of(message)
    if message.status == MessageStatus.FAILED:
        return str((message.error or {}).get("message", ""))
    if run is None or message.status == MessageStatus.IN_PROGRESS:
        return ""
    if message.status == MessageStatus.CANCELLED:
        who = say("stoppedByYou" if run.cancel_requested_by_id == reader.pk else "stopped")
        return _joined(who, _tokens(run))
    return _joined(str(ENDS.get(run.end_reason, "")), _tokens(run), _took(run), message.model)


def _joined(*facts: str) -> str:
    return " · ".join(each for each in facts if each)


def _tokens(run: Run) -> str:
    if not run.total_tokens:
        return ""
    tokens = say("tokens", count=run.total_tokens)
    return tokens if run.usage_status in ("", "reported") else say("about", tokens=tokens)


def _took(run: Run) -> str:
    if not run.started_at or not run.ended_at:
        return ""
    return _duration((run.ended_at - run.started_at).total_seconds())


def _duration(seconds: float) -> str:
    if seconds < 0.1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
