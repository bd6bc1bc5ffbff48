"""Each call of a run is judged when it is about to start: with the rights, policies and grants of that moment.

One query for a call; where that comes to asking, one more for the grants of the chat, and where a person has allowed
or granted it, one for what they may.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from accounts.db import AWAY, db
from accounts.models import User
from accounts.permissions import NOTHING, PERMISSIONS, Permissions, permissions_in, role_in
from agents.loop.judging import ALLOW, ASK, Question, Verdict, guarded
from chat.access import permissions_of, permissions_on, ruled
from chat.models import Chat, ToolGrant, ToolPolicy
from chat.models.facts import RunFacts
from chat.runner.policies import Rule, decided
from tools.base import Tool

log = logging.getLogger(__name__)

DENIED = "A policy does not allow {name} here. Go on without it."
NO_RIGHT = "The person you act for may not use {name} here any more. Go on without it."
NO_RIGHT_TO_ALLOW = "Who allowed this call may not use {name} here any more. It was not made."
AGAIN_S = 0.5  # between two tries while the database is away
GRANTABLE = ("read", "write")  # risks of tools that may be allowed for a while


class CallJudge:
    """The judge of one run's calls."""

    def __init__(self, run_id: UUID, facts: RunFacts) -> None:
        self.run_id = run_id
        self.facts = facts

    async def judge(self, question: Question) -> Verdict:
        """What is to be done with the call. It waits for a database that is away, as all of the run does."""
        while True:
            try:
                return await db(self.judged, question)
            except AWAY:
                await asyncio.sleep(AGAIN_S)

    def judged(self, question: Question) -> Verdict:
        """The same. Sync."""
        tool = question.tool
        has, role, rules = self._standing()
        if tool.permission not in has:
            return Verdict("deny", NO_RIGHT.format(name=tool.name))
        decision = guarded(decided(tool, role, rules, self.facts.project_id), question)
        if decision == "deny":
            return Verdict("deny", DENIED.format(name=tool.name))
        if question.allowed_by:
            return ALLOW if self._may(question.allowed_by, tool) else _lost(tool)
        if decision == "ask" and not self._is_granted(question):
            return ASK
        return ALLOW

    def role(self) -> str:
        """The role of the run's person where it works, by which rules are chosen. Sync."""
        return self._standing()[1]

    def _standing(self) -> tuple[Permissions, str, list[Rule]]:
        """What the run's person may do where it works, by which role, and the rules there."""
        if self.facts.chat_id is None:
            return self._standing_in_project()
        found = ruled(self.facts.user_id, self.facts.chat_id)
        if not found:
            return NOTHING, "", []
        chat: Any = found[0]
        role = chat.project_role or chat.organization_role
        return permissions_of(self.facts.user_id, chat), role, _rules(found)

    def _standing_in_project(self) -> tuple[Permissions, str, list[Rule]]:
        person = User.objects.filter(pk=self.facts.user_id, is_active=True).first()
        role = person and role_in(person, organization=self.facts.organization_id, project=self.facts.project_id)
        if not role:
            return NOTHING, "", []
        rows = ToolPolicy.objects.filter(organization=self.facts.organization_id)
        return PERMISSIONS[role], role, [rule_of(each) for each in rows]

    def _may(self, user_id: str | UUID, tool: Tool) -> bool:
        """Whether that person could allow the tool here, as of now."""
        person = User.objects.filter(pk=user_id, is_active=True).first()
        return person is not None and {"write", tool.permission} <= self._permissions_of(person)

    def _permissions_of(self, person: User) -> Permissions:
        if self.facts.chat_id is not None:
            return permissions_on(person, Chat(pk=self.facts.chat_id))
        return permissions_in(person, organization=self.facts.organization_id, project=self.facts.project_id)

    def _is_granted(self, question: Question) -> bool:
        """Whether somebody who may has allowed the tool in this chat for a while. Its use is counted."""
        tool = question.tool
        if self.facts.chat_id is None or tool.risk not in GRANTABLE:
            return False
        grants = ToolGrant.objects.valid().filter(chat=self.facts.chat_id, tool=tool.name)
        if tool.as_person:
            grants = grants.filter(by=self.facts.user_id)
        givers = (grant for grant in grants if self._may(grant.by_id, tool))
        return any(not question.starts or self._use(grant, question) for grant in givers)

    def _use(self, grant: ToolGrant, question: Question) -> bool:
        """Count a use; False where it was revoked, or has expired, a moment ago."""
        counted = ToolGrant.objects.valid().filter(pk=grant.pk).update(uses=F("uses") + 1, used_at=timezone.now())
        if counted:
            told = (grant.pk, grant.tool, grant.by_id, self.facts.chat_id, self.run_id, question.call)
            log.info("tool grant %s used: tool=%s by=%s chat=%s run=%s call=%s", *told)
        return bool(counted)


def _rules(found: Sequence[Any]) -> list[Rule]:
    return [
        Rule(each.rule_pattern, each.rule_role, each.rule_decision, each.rule_project_id)
        for each in found
        if each.rule_pattern is not None
    ]


def rule_of(row: ToolPolicy) -> Rule:
    """The row as a value."""
    decision: Any = row.decision  # one of the column's choices
    return Rule(row.pattern, row.role, decision, row.project_id)


def _lost(tool: Tool) -> Verdict:
    return Verdict("deny", NO_RIGHT_TO_ALLOW.format(name=tool.name))
