"""The filling itself: chats from the oldest to the newest, some thousand rows at a time. Sync."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction

from accounts.audit import sealing
from accounts.models import User
from agents.installation import default_model
from chat.metering import catalog, usage_days
from chat.ops.filling.places import Place, make_places
from chat.ops.filling.rows import Basket
from chat.ops.filling.talk import Ages, Talk, add_counts
from chat.search.indexing import give_numbers
from chat.search.models import SearchEntry

BATCH = 2_000  # messages that are in memory at a time, with all that is theirs; a chat is never cut
DAY_S = 86_400.0
NEVER = float("-inf")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be made. `messages` counts questions and answers; what is 0 follows from them."""

    messages: int = 100_000
    chats: int = 0  # one for each fifty messages
    people: int = 50
    organizations: int = 5
    days: int = 365
    seed: int = 1
    member: User | None = None  # who is to see the first organization, and to have chats in it

    @property
    def turns(self) -> int:
        """Questions, each with its answer."""
        return max(1, self.messages // 2)

    @property
    def talks(self) -> int:
        """Chats: none of them is empty."""
        return min(self.turns, self.chats or max(1, self.messages // 50))


@dataclass(frozen=True)
class Made:
    """What was made."""

    rows: dict[str, int]  # table: how many
    text_bytes: int  # that people and models have said
    took_s: float


def fill(order: Order, told: Callable[[int], None] = lambda messages: None) -> Made:
    """Make it all; `told` hears how many messages there are so far. Each batch is a transaction of its own."""
    began, chance, basket = time.monotonic(), random.Random(order.seed), Basket()
    catalog.refresh()
    places = make_places(order.organizations, order.people, chance, order.member)
    text_bytes, done, waiting = 0, 0, []
    for talk, turns in _talks(order, chance, places, basket):
        talk.hold(turns)
        waiting.append(talk)
        text_bytes, done = text_bytes + talk.text_bytes, done + 2 * turns
        if sum(each.chat.position for each in waiting) >= BATCH:
            _pour(basket, waiting)
            told(done)
            waiting = []
    _pour(basket, waiting)
    _finish()
    told(done)
    return Made(dict(basket.poured), text_bytes, time.monotonic() - began)


def _talks(order: Order, chance: random.Random, places: list[Place], basket: Basket) -> Iterator[tuple[Talk, int]]:
    """Each chat, with how much is said in it, in the order in which they begin. Some are long and most are not."""
    model, ages, days_s = default_model(), _ages(), order.days * DAY_S
    weights = [chance.paretovariate(1.2) for _ in range(order.talks)]
    more = Counter(chance.choices(range(order.talks), weights, k=order.turns - order.talks))
    begins = sorted(ages.now - 60 - chance.random() * days_s for _ in range(order.talks))
    for number, began in enumerate(begins):
        yield Talk(chance.choice(places), basket, chance, ages, model, began), 1 + more[number]


def _ages() -> Ages:
    """By the settings of now, as the chores follow them."""
    now = time.time()

    def since(seconds: float) -> float:
        return now - seconds if seconds else NEVER

    return Ages(
        now,
        since(settings.CHAT_DELTA_RETENTION_S),
        since(settings.CHAT_LOG_RETENTION_S),
        since(settings.WEBHOOKS_KEEP_DAYS * DAY_S),
        since(settings.AUDIT_KEEP_DAYS * DAY_S),
    )


@transaction.atomic
def _pour(basket: Basket, talks: list[Talk]) -> None:
    give_numbers(basket.of(SearchEntry))
    basket.pour()
    used: dict[usage_days.Key, usage_days.Counts] = {}
    for talk in talks:
        for key, counts in talk.usage.items():
            add_counts(used, key, counts)
    usage_days.add_up(used)


def _finish() -> None:
    """Seal what the audit log was told, and let the database count its rows: it plans by what it knows of them.

    PostgreSQL also puts away what its autovacuum would: index entries that wait to be sorted in.
    """
    while sealing.seal():
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE")
