"""So many rows in the tables that tests/chat/busy.py leaves nearly empty: people, keys, tokens, tasks, shares."""

import hashlib
import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, TypeVar

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.models import (
    ApiKey,
    EndedSignIn,
    IdempotencyKey,
    Invitation,
    Membership,
    Organization,
    Project,
    ProjectMember,
    Ticket,
    User,
)
from chat.models import Budget, Character, Chat, ChatAlias, ChatSession, ChatShare, Chore, Process, Run, Task, UsageDay

BATCH = 5000
Row = TypeVar("Row", bound=Model)


def crowd(count: int) -> None:
    """Fill them to `count` rows each. Chats and runs are there already."""
    now, numbers = timezone.now(), range(count)
    later = now + timedelta(hours=1)
    organization, chats = Organization.objects.earliest("created_at"), list(Chat.objects.all()[:5000])
    runs = list(Run.objects.values_list("pk", "chat_id")[:5000])
    users = _made(User(email=f"person{n}@crowd.example", name=f"Person {n}", password="!") for n in numbers)
    places = _made(Organization(name=f"Place {n}") for n in numbers)
    projects = _made(Project(organization=places[n], name=f"Project {n}") for n in numbers)
    _made(Membership(organization=organization, user=users[n]) for n in numbers)
    _made(ProjectMember(project=projects[n // 3], user=users[n]) for n in numbers)
    _made(
        ApiKey(key_hash=_hash(n), prefix=f"pk_{n}", name=f"Key {n}", user=users[n], organization=places[n], scopes=[])
        for n in numbers
    )
    _made(
        Ticket(token_hash=_hash(n), user=users[n], token_version=0, run_id=uuid.UUID(int=n), expires_at=later)
        for n in numbers
    )
    _made(
        Invitation(
            organization=organization, email=f"new{n}@crowd.example", invited_by=users[n], token_hash=_hash(n),
            expires_at=later,
        )
        for n in numbers
    )  # fmt: skip
    _made(EndedSignIn(id=uuid.UUID(int=n), expires_at=later) for n in numbers)
    _made(IdempotencyKey(user=users[n], key=f"key-{n}", route="POST /x", body_hash=_hash(n)) for n in numbers)
    tokens = _made(
        OutstandingToken(user=users[n], jti=_hash(n), token="x", created_at=now, expires_at=later) for n in numbers
    )
    _made(BlacklistedToken(token=token) for token in tokens)
    _made(Budget(organization=place, amount=1_000_000) for place in places)
    _made(Group(name=f"Group {n}") for n in numbers)
    kind = ContentType.objects.get_for_model(Run)
    _made(
        LogEntry(user=users[n], content_type=kind, object_id=str(runs[n % len(runs)][0]), object_repr="Run",
                 action_flag=CHANGE, change_message="Stopped: it hung", action_time=now - timedelta(minutes=n))
        for n in numbers
    )  # fmt: skip
    _made(Character(id=n + 1, organization=organization, name=f"Guide {n}", archetype="generalist") for n in numbers)
    _made(ChatAlias(chat=chats[n % len(chats)], user=users[n], door="threads", external_id=f"t-{n}") for n in numbers)
    _made(ChatShare(chat=chats[n % len(chats)], user=users[n]) for n in numbers)
    tasks = _made(Task(project=projects[n // 20], title=f"Task {n}", external_id=f"T-{n}") for n in numbers)
    _made(
        ChatSession(token_hash=_hash(n), user=users[n], token_version=0, model="m", chat_id=runs[n % len(runs)][1],
                    run_id=runs[n % len(runs)][0], task=tasks[n], expires_at=later)
        for n in numbers
    )  # fmt: skip
    _made(_process(n) for n in numbers)
    _made(Chore(name=f"chore {n}", due_at=later) for n in numbers)
    _made(_usage(n, organization, projects, users) for n in numbers)


def _process(n: int) -> Process:
    seen = timezone.now() - timedelta(minutes=n)
    return Process(id=uuid.UUID(int=n), host=f"web-{n}", pid=n, takes_runs=True, started_at=seen, seen_at=seen)


def _usage(n: int, organization: Organization, projects: list[Project], users: list[User]) -> UsageDay:
    """Some 140 people and projects a day, for two years: the newest 30 days are as many rows as a large team makes."""
    day = timezone.localdate() - timedelta(days=n // 140)
    return UsageDay(
        day=day, organization=organization, project=projects[n % 50], user=users[n % 300], model=f"model-{n % 4}",
        runs=3, input_tokens=10_000, cached_tokens=2_000, output_tokens=900, reasoning_tokens=10,
    )  # fmt: skip


def _hash(n: int) -> str:
    return hashlib.sha256(str(n).encode()).hexdigest()


def _made(rows: Iterable[Row]) -> list[Row]:
    made = list(rows)
    table: Any = type(made[0])._default_manager
    for start in range(0, len(made), BATCH):
        table.bulk_create(made[start : start + BATCH])
    return made
