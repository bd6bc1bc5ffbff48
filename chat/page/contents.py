"""What the chat page shows: the list of chats, the branch of messages one reads, and each message in words."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar
from uuid import UUID

from django.utils.safestring import SafeString

from accounts import look
from accounts.models import Membership, Organization, Project, ProjectMember, Role, User
from accounts.permissions import PERMISSIONS
from agents.archetypes import registry
from agents.installation import is_replaced
from chat.eventlog.drafts import attach_drafts
from chat.feedback import shown as said
from chat.markdown import blocks
from chat.metering import costs
from chat.metering.answers import fitting
from chat.models import Message, MessageRole, MessageStatus, Run, RunStatus
from chat.page.builds import builds_of
from chat.page.cards import Cards, duration, joined
from chat.page.made import made
from chat.page.money import paid
from chat.page.pictures import beside_calls, of_calls, shown_files
from chat.page.tree import Tree
from chat.page.words import ENDS, Counted, advice, failure, say
from tools.components.tool import KIND as BUILD
from tools.editing import delete_file, edit_file, move_file, write_files
from tools.files import list_files, read_file, search_project_files, write_file

Row = TypeVar("Row")
FILE_TOOLS = frozenset(each.name for each in (list_files, read_file, search_project_files, write_file))
WRITING_TOOLS = frozenset(each.name for each in (write_file, edit_file, write_files, move_file, delete_file))
WORK = {
    RunStatus.QUEUED: "workWaits",
    RunStatus.RUNNING: "workGoesOn",
    RunStatus.WAITING: "workGoesOn",
    RunStatus.FAILED: "workFailed",
    RunStatus.CANCELLED: "workStopped",
}


@dataclass(frozen=True)
class Place:
    """Where a new chat may be made."""

    organization: Organization
    project: Project | None


@dataclass(frozen=True)
class Part:
    """One block of a message: `kind` is text, reasoning, tool or files, and says which of the others are filled."""

    kind: str
    html: SafeString | str = ""
    label: str = ""
    tool: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)  # that came of the call above


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
        {
            "name": each.name,
            "label": label_of(each.name),
            "purpose": each.purpose,
            "examples": examples_of(each.name),
            "needs_project": needs_project(each.name),
        }
        for each in found
    ]


def examples_of(archetype: str, *, has_project: bool = True) -> list[str]:
    """Three questions an empty chat offers; an archetype may have fewer, then the last are empty.

    Those of one with file tools are about files: without a project there are none to ask for.
    """
    is_known = archetype in registry.names() and (has_project or not needs_project(archetype))
    return [*(registry.get(archetype).examples if is_known else ()), "", "", ""][:3]


def needs_project(archetype: str) -> bool:
    """Whether what an archetype's examples ask for is in a project's files: whether it has tools for them."""
    return bool(FILE_TOOLS & {each.name for each in registry.get(archetype).tools})


def label_of(archetype: str) -> str:
    """An archetype's name as people read it: "Project navigator"."""
    return archetype.replace("_", " ").capitalize()


def model_label(model: str) -> str:
    """A model's name, and where the demo answers in its place, that."""
    return say("demoFor", model=model) if model and is_replaced(model) else model


@dataclass(frozen=True)
class Window:
    """Which messages of a branch: the newest `most` of those from `first` on and before `before`, by position.

    With `after` it is the oldest ones behind that position.
    """

    most: int
    first: int = 0
    before: int | None = None
    after: int | None = None

    def of(self, positions: list[int]) -> list[int]:
        """Those of the positions, in order, that are in it."""
        if self.after is not None:
            return [each for each in positions if each > self.after][: self.most]
        return [each for each in positions if each >= self.first and (self.before is None or each < self.before)][
            -self.most :
        ]

    def nearest(self, rows: list[Row]) -> list[Row]:
        """These, oldest first, in the order in which the reader comes to them; and back."""
        return rows if self.after is not None else rows[::-1]


def branch(tree: Tree, at: UUID | None, window: Window, reader: User) -> list[dict[str, Any]]:
    """The messages one reads, oldest first, as the page shows them: those on the way to the newest one, or by way of
    `at`; of those in the window as many as one answer holds."""
    path = tree.path(at)
    positions = set(window.of([tree.positions[each] for each in path]))
    ids = window.nearest([each for each in path if tree.positions[each] in positions])
    messages = _stored(tree, fitting(ids), reader)
    with blocks.for_answer():
        fit = list(takewhile(_fits, window.nearest(messages)))
        return shown(window.nearest(fit), tree, reader, last=path[-1] if path else None)


def _fits(message: Message) -> bool:
    return message.status == MessageStatus.IN_PROGRESS or blocks.fits(message)


def _stored(tree: Tree, ids: list[UUID], reader: User) -> list[Message]:
    """These messages, oldest first. Those still being written hold what is stored of them."""
    found = list(
        tree.chat.messages.filter(pk__in=ids)
        .select_related("author", "run", "run__cancel_requested_by", "compacted")
        .prefetch_related("job")
        .order_by("position")
    )
    attach_drafts(found)
    said.attach(found, reader.pk)
    return found


def shown(messages: list[Message], tree: Tree, reader: User, last: UUID | None) -> list[dict[str, Any]]:
    """Each message as `_message.html` shows it; the one behind which there are more, up to the `last`, says so.

    One query for how long the tools took, one for who allowed them, one for uploaded files.
    """
    cards, builds, files = Cards(messages), builds_of(messages), shown_files(messages)
    return [
        {
            "message": message,
            "run": _run_of(message),
            "author": _author(message),
            "is_own": message.author_id == reader.pk,
            "versions": tree.versions(message.pk),
            "parts": _parts(message, cards, of_calls(message, files[message.pk])),
            "why": _why(message),
            "end": _end(message, reader),
            "work": _work(message),
            "wrote": _wrote(message),
            "made": made(message, tree.chat),
            "sources": _sources(message),
            "builds": builds.get(message.pk, []),
            "read_from": _read_from(message, tree),
            "compacted": getattr(message, "compacted", None),
            "usage": _usage(message),
            "attachments": beside_calls(message, files[message.pk]),
            "said": said.of(message),
            "has_more": message is messages[-1] and message.pk != last,
        }
        for message in messages
    ]


def _wrote(message: Message) -> bool:
    """Whether a tool of this answer changed the project's files."""
    done = {each["call"] for each in message.parts if each["type"] == "tool_result" and not each["is_error"]}
    return any(
        each["type"] == "tool_call" and each["name"] in WRITING_TOOLS and each["call"] in done for each in message.parts
    )


def _run_of(message: Message) -> Run | None:
    return getattr(message, "run", None)


def _author(message: Message) -> str:
    if message.role == MessageRole.ASSISTANT:
        return look.name()
    return message.author.display_name if message.author else str(message.get_role_display())


def _parts(message: Message, cards: Cards, files: dict[str, list[dict[str, Any]]]) -> list[Part]:
    if message.status == MessageStatus.IN_PROGRESS:
        return []  # drawn by the browser from the run's events
    if message.role != MessageRole.ASSISTANT:
        return [Part("text", html=message.content)]
    results = {each["call"]: each for each in message.parts if each["type"] == "tool_result"}
    html = blocks.html_of(message)
    parts = list[Part]()
    for number, each in nested(message.parts):
        is_text = each["type"] == "text"
        parts.append(Part("text", html=html.get(number, "")) if is_text else _part(message, each, results, cards))
        if each["type"] == "tool_call" and each["call"] in files:
            parts.append(Part("files", files=files[each["call"]]))
    return parts or [Part("text", html=html.get(0, ""))]


def _sources(message: Message) -> list[dict[str, Any]]:
    """The sources that the answer names, each once, by number; static/chat/cited.js draws those of an open one."""
    if message.status == MessageStatus.IN_PROGRESS:
        return []
    found = {each["n"]: each for each in reversed(message.parts) if each["type"] == "citation"}
    return [_source(found[n]) for n in sorted(found)]


def _source(part: dict[str, Any]) -> dict[str, Any]:
    page = say("sourcePage", page=part["page"]) if part.get("page") else ""
    url = part.get("url", "")
    title = part.get("title") or url or say("sourceUntitled")
    return {
        "n": part["n"],
        "title": title,
        "where": joined(part.get("path", ""), page),
        "quote": part.get("quote", ""),
        "url": url,
    }


def nested(parts: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What is shown, with its number among the parts: a subagent's calls follow the call that asked it, though those of
    another were made in between. static/chat/reducer.js orders those of an open answer so."""
    inner: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    calls = {part["call"] for part in parts if part["type"] == "tool_call"}
    outer: list[tuple[int, dict[str, Any]]] = []
    for place in enumerate(parts):
        if place[1]["type"] == "citation":
            continue  # shown below the answer
        asked_by = place[1].get("agent", "").rpartition(":")[2]
        if place[1]["type"] != "tool_result":
            (inner.setdefault(asked_by, []) if asked_by in calls else outer).append(place)
    waiting = outer[::-1]
    while waiting:
        yield (place := waiting.pop())
        waiting += inner.pop(place[1].get("call", ""), [])[::-1]


def _part(message: Message, part: dict[str, Any], results: dict[str, dict[str, Any]], cards: Cards) -> Part:
    if part["type"] == "tool_call":
        return Part("tool", tool=cards.card(message, part, results.get(part["call"])))
    return Part("reasoning", html=part["text"], label=_thought(part.get("elapsed_ms", 0) / 1000))


def _thought(seconds: float) -> str:
    return say("thoughts") if seconds < 1 else say("thoughtFor", time=duration(seconds))


def _why(message: Message) -> dict[str, Any] | None:
    """Why it failed, in words, what one can do, and the code for whoever is asked about it."""
    error = message.error if message.status == MessageStatus.FAILED else None
    if not error:
        return None
    code = str(error.get("code", ""))
    told, is_upstream = str(error.get("message", "")), code.startswith("upstream_")
    return {"message": failure(code, told), "advice": advice(told), "code": code, "models": is_upstream}


def _usage(message: Message) -> list[tuple[str, str]]:
    """What the line under an answer opens to."""
    run = _run_of(message)
    if run is None or not run.total_tokens or message.status == MessageStatus.IN_PROGRESS:
        return []
    counts = {
        "inputTokens": run.input_tokens,
        "cachedTokens": run.cached_tokens,
        "outputTokens": run.output_tokens,
        "reasoningTokens": run.reasoning_tokens,
        "turns": run.turns,
    }
    facts = [(say(name), str(Counted(count))) for name, count in counts.items() if count]
    if cost := _cost(run):
        facts.append((say("cost"), cost))
    if run.first_token_ms is not None:
        facts.append((say("firstToken"), duration(run.first_token_ms / 1000)))
    return facts


def _end(message: Message, reader: User) -> str:
    """The line under an answer that is over; static/chat/words.js says the same of one that was watched."""
    run = _run_of(message)
    if run is None or message.status == MessageStatus.IN_PROGRESS:
        return ""
    if message.status == MessageStatus.FAILED:
        return _tokens(run)
    if message.status == MessageStatus.CANCELLED:
        who = say("stoppedByYou" if run.cancel_requested_by_id == reader.pk else "stopped")
        return joined(who, _tokens(run))
    return joined(str(ENDS.get(run.end_reason, "")), _tokens(run), _took(run), _who(message, run))


def _who(message: Message, run: Run) -> str:
    """The model that answered; where it did so for another, of whom it was asked."""
    own = registry.get(run.archetype).model if run.archetype in registry.names() else ""
    asked, answered = own or run.model, model_label(message.model)
    if message.model in ("", asked):
        return answered
    return say("inPlaceOf", model=answered, asked=model_label(asked))


def _work(message: Message) -> str:
    """The line of work that the answer began and did not wait for; none where it is done, or has a card."""
    job = message.job
    return say(WORK[RunStatus(job.status)]) if job and job.status in WORK and job.kind != BUILD else ""


def _read_from(message: Message, tree: Tree) -> dict[str, Any] | None:
    """The first message that the model was given, where older ones were left out; None too where it is gone."""
    run = _run_of(message)
    id = run.read_from if run is not None else None
    return {"id": id, "position": tree.positions[id]} if id in tree.positions else None


def _tokens(run: Run) -> str:
    if not run.total_tokens:
        return ""
    tokens = say("tokens", count=run.total_tokens)
    return joined(tokens if run.usage_status in ("", "reported") else say("about", tokens=tokens), _cost(run))


def _cost(run: Run) -> str:
    """Beside the tokens, where it is known: 0.0123 $; static/chat/words.js says the same of one that was watched."""
    cost = costs.of_run(run)
    if cost.amount is None or not run.cost_nanos:
        return ""
    amount = paid(cost.amount, cost.currency)
    return say("atLeast", amount=amount) if cost.status == "unknown" else amount


def _took(run: Run) -> str:
    if not run.started_at or not run.ended_at:
        return ""
    return duration((run.ended_at - run.started_at).total_seconds())
