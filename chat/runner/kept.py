"""Kept answers: who asks the same again within CACHE_ANSWERS_S is told the same again. docs/cache.md.

Off; on where an organization's rules say so. An answer is kept for the one person who was given it, in that
organization, with those rights: its key is a hash of all this and of the very bytes that the provider is sent, so
nobody finds another's, and what was changed is another question. And it is sealed by a second hash of the same and of
SECRET_KEY, which is stored nowhere: where answers are kept, nothing of them can be read.

A deletion of the person's makes another generation of keys. What was kept before is found by nobody, and lapses.
"""

import asyncio
import base64
import hashlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache as once
from functools import partial
from typing import TypeVar
from uuid import UUID

import msgspec
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.cache import caches
from django.db.models import Exists, F, QuerySet

from accounts.db.compiled import Compiled
from accounts.models import User
from accounts.permissions import Permissions
from accounts.plans import has_feature
from agents.options import CACHING, Caching
from agents.providers.base import Question
from agents.providers.cached import Ask, Kept, read
from chat.metering.counters import counter
from chat.models import Rules, Run
from chat.models.facts import facts_of
from chat.runner import hits, older
from chat.runner.hits import may_be_on

FEATURE = "cache"  # of an organization's plan
VERSION = 1  # of what is kept
AWAY_S = 5.0  # a cache that did not answer is not asked again for so long
R = TypeVar("R")
log = logging.getLogger(__name__)

hit = counter("parley_cache_hit_total", "Answers that were told again.")
miss = counter("parley_cache_miss_total", "Answers that were looked for, and given by a provider.")
errors = counter("parley_cache_error_total", "Kept answers that could not be read or written.")
saved = counter("parley_cache_saved_tokens_total", "Tokens that kept answers used when they were given.")


class _Away:
    """The cache did not answer."""

    until = 0.0  # monotonic


def stricter(first: Caching, second: Caching) -> Caching:
    """Of two wishes the one that is told, or keeps, less."""
    return max(first, second, key=CACHING.index)


def asked_by(cache_control: str) -> Caching:
    """What a request's Cache-Control wants of kept answers."""
    wanted = {each.strip().lower() for each in cache_control.split(",")}
    return "never" if "no-store" in wanted else "fresh" if "no-cache" in wanted else ""


def wish_of(user: User, organization_id: UUID, wish: Caching) -> Caching:
    """What a run's options say of kept answers, by the request's own wish and its headers; nothing where none are kept.

    No query. Processes of older versions, which keep none, know no such option.
    """
    if not may_be_on(organization_id) or older.are_up():
        return ""
    return stricter(wish, asked_by(user.cache_control))


def answers_for(run: Run, permissions: Permissions, wish: Caching) -> "KeptAnswers | None":
    """Where this run's answers are kept; None where none are. One query, or none where the rules are off. Sync."""
    organization = facts_of(run).organization_id
    if not may_be_on(organization) or wish == "never" or run.request.get("store") is False or older.are_up():
        return None
    person = _keeper.first(run.user_id, organization)
    if person is None or not has_feature(organization, FEATURE):
        return None
    whose = (str(organization), str(person.pk), person.answers_generation, sorted(permissions))
    return KeptAnswers(run.pk, whose, reads=wish != "fresh")


# The person as of now, if the organization keeps answers.
_keeper: Compiled[User] = Compiled(
    lambda user, organization: User.objects.filter(
        Exists(Rules.objects.filter(organization_id=organization, cache_answers=True)), pk=user
    ).only("pk", "answers_generation"),
    *(UUID, UUID),
)


def forget(runs: QuerySet[Run]) -> None:
    """What was kept for the people of these runs is found no more. Sync, within the transaction of a deletion."""
    people = User.objects.filter(pk__in=runs.order_by().values("user"))
    # In one order, so that two deletions do not wait for each other.
    ours = list(people.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    User.objects.filter(pk__in=ours).update(answers_generation=F("answers_generation") + 1)


class KeptAnswers:
    """One person's, with the rights of now."""

    def __init__(self, run_id: UUID, whose: tuple[object, ...], *, reads: bool) -> None:
        self.max_bytes: int = settings.CACHE_ANSWER_MAX_BYTES
        self.run_id = run_id
        self.reads = reads
        self._whose = msgspec.json.encode([VERSION, *whose])

    def place(self, ask: Ask) -> "KeptPlace":
        """The place of this question's answer."""
        return KeptPlace(self, lambda: _names(self._whose, ask()))


@dataclass(frozen=True)
class _Names:
    """What a question's answer is found by, and sealed by."""

    key: str
    seal: Fernet


def _names(whose: bytes, question: Question) -> _Names:
    # Two lists and the bytes behind them: where one ends can be read in no other way.
    told = hashlib.sha256(whose + msgspec.json.encode([question.address]))
    told.update(question.body)
    seal, key = told.copy(), told
    seal.update(settings.SECRET_KEY.encode())  # or who guesses the question could open what lies in Redis
    return _Names(key.hexdigest(), Fernet(base64.urlsafe_b64encode(seal.digest())))


class KeptPlace:
    """Where the answer of one question is, or will be."""

    def __init__(self, answers: KeptAnswers, names: Callable[[], _Names]) -> None:
        self._answers = answers
        self._make = names
        self._names: _Names | None = None

    async def find(self) -> Kept | None:
        """The answer, if it is kept and may be told; counted."""
        found = await _aside(self._find)
        hits.tell(self._answers.run_id, "miss" if found is None else "hit")
        if not self._answers.reads:
            return None
        if found is None:
            miss.add()
        else:
            hit.add()
            saved.add(found.tokens)
        return found

    async def keep(self, answer: bytes) -> None:
        """Keep it for CACHE_ANSWERS_S."""
        if self._names is not None:
            await _aside(partial(_tried, partial(self._keep, self._names, answer)))

    def _find(self) -> Kept | None:
        self._names = self._make()
        return _tried(partial(self._read, self._names)) if self._answers.reads else None

    def _read(self, names: _Names) -> Kept | None:
        sealed = caches["answers"].get(names.key)
        return None if sealed is None else read(names.seal.decrypt(sealed))

    def _keep(self, names: _Names, answer: bytes) -> None:
        caches["answers"].set(names.key, names.seal.encrypt(answer), settings.CACHE_ANSWERS_S)


def _tried(call: Callable[[], R]) -> R | None:
    """What it gives; None, counted, where the cache is away or holds what nobody can read."""
    if time.monotonic() < _Away.until:
        errors.add()
        return None
    try:
        return call()
    except Exception as error:  # whatever a pickle, a seal or a server can be wrong by
        errors.add()
        if isinstance(error, OSError | ConnectionError) or type(error).__module__.startswith("redis"):
            _Away.until = time.monotonic() + AWAY_S
        log.warning("A kept answer cannot be read or written (%s)", type(error).__name__)
        return None


async def _aside(call: Callable[[], R]) -> R:
    return await asyncio.get_running_loop().run_in_executor(_threads(), call)


@once
def _threads() -> ThreadPoolExecutor:
    """Threads for kept answers alone: a cache that hangs holds up nothing else."""
    return ThreadPoolExecutor(2, thread_name_prefix="answers")
