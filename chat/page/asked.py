"""The question whether a tool call may be made, as its card on the page asks it; and what was decided.

The service decides who may (chat.services.approvals); this says it beforehand, so that nobody presses in vain.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from accounts.errors import NotFound
from accounts.models import User
from accounts.permissions import Permissions
from agents import events as ev
from chat.access import find_project, get_run, permissions_over
from chat.eventlog import stored
from chat.models import Run
from chat.models.facts import facts_of
from chat.page import forms
from chat.page.asked_words import say
from chat.page.decided import Grants, answer_of, decision_of, people_of
from chat.page.effects import Unreadable, effects_of
from chat.services.asked_tools import as_now, forms_of, tool_of
from tools.errors import RetryTool, ToolError
from tools.git.repository import Repository
from tools.git.snapshot import Snapshot
from tools.hidden import on_one_line
from tools.validation import faults_of

NEEDS = "write"  # of who decides, where the event does not say


def question(reader: User, run: Run, call: str) -> dict[str, Any]:
    """What `_asked.html` shows of a call that waited, or waits, for a person. Raises NotFound."""
    asked, resolved = _events(run, call)
    if resolved is not None:
        return {"decision": _decision(run, asked, resolved)}
    tool = tool_of(run, asked)
    title = on_one_line(asked.title or (tool.title if tool is not None else asked.name))
    if asked.forms:
        return {"title": title, **forms.shown(forms_of(asked), tool), **_may(reader, run, asked)}
    effects = effects_of(asked.arguments, _Present(reader, run))
    return {
        "title": title,
        "who": run.user.display_name,
        "effects": effects,
        "is_whole": all(each.is_whole for each in effects),
        "risk": _risk(as_now(run, asked).risk, tool.place if tool is not None else ""),
        "problem": say("cannotRun") if tool is not None and faults_of(tool.schema, asked.arguments) else "",
        **_may(reader, run, asked),
    }


def run_in(reader: User, chat: UUID, run: UUID) -> Run:
    """The run, if it works in the chat and the reader sees it. Raises NotFound."""
    found = get_run(reader, run)
    if found.chat_id != chat:
        raise NotFound
    return found


def _events(run: Run, call: str) -> tuple[ev.ApprovalRequested, ev.ApprovalResolved | None]:
    """The newest question about the call, and its answer."""
    asked: ev.ApprovalRequested | None = None
    resolved: ev.ApprovalResolved | None = None
    for entry in stored(run.pk):
        match entry.event:
            case ev.ApprovalRequested() as event if event.call == call:
                asked, resolved = event, None
            case ev.ApprovalResolved() as event if event.call == call:
                resolved = event
    if asked is None:
        raise NotFound
    return asked, resolved


def _decision(run: Run, asked: ev.ApprovalRequested, resolved: ev.ApprovalResolved) -> str:
    by, is_wide = resolved.by, resolved.scope == "chat"
    name = people_of([by]).get(by, "")
    if asked.forms:
        return answer_of(resolved.decision, name, by, resolved.reason)
    until = Grants(run.chat_id).until(resolved.name, by, resolved.at) if is_wide else None
    return decision_of(resolved.decision, name, by, resolved.reason, is_wide=is_wide, until=until)


def _risk(risk: str, host: str) -> str:
    """What one should know before one allows it; "" where it only reads or writes what is the chat's own.

    `host` is the one that an operator has named: arguments are the model's, and say nothing of where it goes.
    """
    if risk == "delete":
        return f"{say('goesTo', host=host)} {say('deletes')}" if host else say("deletes")
    if risk != "outward":
        return ""
    return f"{say('goesTo', host=host) if host else say('goesOut')} {say('cannotTakeBack')}"


def _may(reader: User, run: Run, asked: ev.ApprovalRequested) -> dict[str, str]:
    """What the reader may answer, as words for the script; and why not more."""
    has: Permissions = permissions_over(reader, run)
    if NEEDS not in has:
        return {"may": "", "why": say("onlyRead")}
    needs = as_now(run, asked)
    if needs.as_person and run.user_id != reader.pk:
        return {"may": "deny", "why": say("onlyTheirs", who=run.user.display_name)}
    if needs.permission not in has:
        return {"may": "deny", "why": say("needs", permission=needs.permission)}
    return {"may": "allow deny", "why": ""}


@dataclass
class _Present:
    """The project's files as the chat's branch holds them now, for a reader who sees the project."""

    reader: User
    run: Run

    def __call__(self, path: str) -> str | None:
        if self._snapshot is None:
            return None
        try:
            return self._snapshot.read(path)
        except RetryTool:
            return None
        except ToolError:
            raise Unreadable(say("notText")) from None

    @cached_property
    def _snapshot(self) -> Snapshot | None:
        project_id = facts_of(self.run).project_id
        if project_id is None or self.run.chat is None:
            return None
        if find_project(self.reader, project_id) is None:
            raise Unreadable(say("notYours"))
        repository = Repository(project_id)
        # To look does not make one.
        return repository.at(self.run.chat.branch_name()) if repository.exists() else None
