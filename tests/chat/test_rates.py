"""How often people may start runs: the arithmetic, whom a start counts for, and what answers say of it."""

import re
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis as Client

from accounts.errors import TooMany
from accounts.models import ApiKey, Organization, User
from chat.metering import buckets, gcra, rate_headers, rates
from chat.metering.buckets import Here
from chat.metering.gcra import US, Rate
from chat.models import Chat
from tests.servers import Redis

rate_of = st.builds(Rate, st.integers(1, 5_000), st.integers(1, 3_600), st.integers(1, 500))
SLOW = "1/3600s:3"  # three at once, and then none for as long as a test takes
POLICY = re.compile(r'"(\w+)";q=(\d+);w=(\d+)')
STANDING = re.compile(r'"(\w+)";r=(\d+);t=(\d+)')


def forget() -> None:
    """Nobody has taken anything."""
    buckets.here.forget()
    if settings.REDIS_URL:
        with Client.from_url(settings.REDIS_URL) as store:
            store.delete("nothing", *store.scan_iter("rate:*"))


@pytest.fixture(autouse=True)
def nobody_has_asked() -> Iterator[None]:
    forget()
    yield
    forget()


# --- The arithmetic ---------------------------------------------------------------------------------------------------


@given(rate_of, st.lists(st.integers(0, 5 * US), max_size=200))
def test_in_no_stretch_of_time_are_there_more_than_a_burst_and_what_time_gave_back(
    rate: Rate, steps: list[int]
) -> None:
    now, ends, admitted = 0, 0, []
    for step in steps:
        now += step
        debt = max(0, ends - now)
        before = gcra.standing("user", rate, debt)
        after = gcra.taken([rate], [debt])
        assert (after is not None) == (before.left > 0), "what was told is what happens"
        if after is None:
            refused = gcra.standing("user", rate, debt, is_refused=True)
            assert gcra.taken([rate], [debt - refused.wait_us]) and not gcra.taken([rate], [debt - refused.wait_us + 1])
            continue
        assert gcra.standing("user", rate, after[0]).left == before.left - 1
        ends = now + after[0]
        admitted.append(now)
    for first, began in enumerate(admitted):
        for count, ended in enumerate(admitted[first:], 1):
            assert count <= rate.burst + (ended - began) / rate.interval_us
            assert (count - rate.burst) * rate.window_s * US <= (ended - began) * rate.quota


@given(rate_of, rate_of)
def test_of_two_limits_both_are_taken_from_or_none(one: Rate, other: Rate) -> None:
    debts = [one.most_us, 0]
    assert gcra.taken([one, other], debts) is None
    assert gcra.taken([one, other], [0, 0]) == [one.interval_us, other.interval_us]


@given(rate_of, rate_of, st.integers(0, 10**12))
def test_a_limit_that_is_lowered_admits_nothing_that_either_would_not(own: Rate, plan: Rate, debt: int) -> None:
    lowered = own.lowered(plan)
    assert lowered.interval_us == max(own.interval_us, plan.interval_us)
    assert lowered.burst == min(own.burst, plan.burst) == plan.lowered(own).burst
    assert gcra.standing("user", lowered, debt).left >= 0


def test_a_rate_is_read_or_refused() -> None:
    assert gcra.read("120/60s:40") == Rate(120, 60, 40)
    assert gcra.read("120/60s:40").interval_us == US // 2  # type: ignore[union-attr]
    assert gcra.read("0") is None
    for wrong in (
        "",
        "00",
        "120",
        "120/60s",
        "1/0s:1",
        "1000001/60s:1",
        "1/86401s:1",
        "1/86400s:31",
        " 1/1s:1",
        "٣/1s:1",
    ):
        with pytest.raises(ValueError):
            gcra.read(wrong)


# --- What answers say -------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(rate_of, st.integers(0, 10**10)), min_size=1, max_size=4), st.booleans())
def test_headers_say_how_the_caller_stands_the_tightest_limit_first(of: list[tuple[Rate, int]], refused: bool) -> None:
    stands = [gcra.standing(f"n{number}", *each, is_refused=refused) for number, each in enumerate(of)]
    told, openai = rate_headers.of(stands), rate_headers.as_openai(stands)
    policies = [POLICY.fullmatch(each) for each in told["RateLimit-Policy"].split(", ")]
    standings = [STANDING.fullmatch(each) for each in told["RateLimit"].split(", ")]
    by_name = {each.name: each for each in stands}
    for policy, standing in zip(policies, standings, strict=True):
        assert policy and standing and policy[1] == standing[1]
        own = by_name[policy[1]]
        assert (int(policy[2]), int(policy[3]), int(standing[2])) == (own.quota, own.window_s, own.left)
        assert (int(standing[3]) - 1) * US < own.reset_us <= int(standing[3]) * US
    left = [int(each[2]) for each in standings if each]
    assert left == sorted(left) and openai["x-ratelimit-remaining-requests"] == str(left[0])
    wait_us = max(each.wait_us for each in stands)
    assert ("retry-after-ms" in openai) == (wait_us > 0)
    if wait_us:
        assert int(openai["retry-after-ms"]) * 1000 >= wait_us
        assert -(-wait_us // US) == max(each.wait_s for each in stands) >= 1


@pytest.mark.parametrize(
    ("us", "said"),
    [
        *((0, "0s"), (1, "1ms"), (999_000, "999ms"), (1_000_000, "1s"), (1_500_000, "1.5s")),
        *(
            (59_999_999, "60s"),
            (60_000_000, "60s"),
            (60_000_001, "1m1s"),
            (119_500_000, "2m0s"),
            (3_600_000_000, "60m0s"),
        ),
    ],
)
def test_a_time_is_written_as_openai_does(us: int, said: str) -> None:
    stands = [gcra.Standing("user", 1, 1, 1, 0, us)]
    assert rate_headers.as_openai(stands)["x-ratelimit-reset-requests"] == said


# --- Who is counted ---------------------------------------------------------------------------------------------------


def take(user: User, chat: Any, key: ApiKey | None = None) -> bool:
    try:
        rates.take(user, chat, key)
    except TooMany as error:
        assert (error.code, error.status) == ("rate_limited", 429) and error.retry_after_s
        return False
    return True


def taken(user: User, chat: Any, key: ApiKey | None = None, tries: int = 12) -> int:
    return sum(take(user, chat, key) for _ in range(tries))


OFF = {"LIMITS_USER": "0", "LIMITS_KEY": "0", "LIMITS_ORGANIZATION": "0"}


def key_of(user: User, organization: Organization) -> ApiKey:
    mark = uuid.uuid4().hex
    return ApiKey.objects.create(user=user, organization=organization, key_hash=mark, prefix=mark[:8], scopes=["chat"])


def test_each_person_has_their_own_and_an_organization_one_for_all(
    alice: User, bob: User, charlie: User, chat: Chat, elsewhere: Organization
) -> None:
    theirs = SimpleNamespace(organization_id=elsewhere.pk)
    with override_settings(**{**OFF, "LIMITS_USER": SLOW}):
        assert (taken(alice, chat), taken(bob, chat), taken(charlie, theirs)) == (3, 3, 3)
    forget()
    with override_settings(**{**OFF, "LIMITS_ORGANIZATION": "1/3600s:4", "LIMITS_USER": SLOW}):
        assert (taken(alice, chat), taken(bob, chat), taken(charlie, theirs)) == (3, 1, 3)
        assert not take(bob, chat) and bob.standings["user"].left == 2, "what is refused takes nothing of the others"


def test_a_key_has_its_own_and_takes_of_its_person_s(alice: User, bob: User, chat: Chat) -> None:
    first, second = (key_of(alice, chat.organization) for _ in range(2))
    with override_settings(**{**OFF, "LIMITS_KEY": "1/3600s:2", "LIMITS_USER": SLOW}):
        assert (taken(alice, chat, first), taken(alice, chat, second), taken(alice, chat)) == (2, 1, 0)
        assert taken(bob, chat, key_of(bob, chat.organization)) == 2


def test_0_is_no_limit_and_says_nothing(alice: User, chat: Chat) -> None:
    with override_settings(**OFF):
        assert taken(alice, chat, tries=200) == 200
        rates.look(alice)
    assert alice.standings == {}


# --- One process, several, and Redis ----------------------------------------------------------------------------------


def test_twenty_at_once_take_what_there_is_and_no_more() -> None:
    here, rate = Here(), Rate(1, 3600, 5)
    gate = threading.Barrier(20)

    def ask(_: int) -> bool:
        gate.wait()
        return here.ask(["a", "b"], [rate, Rate(1, 3600, 50)], True)[0]

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(ask, range(20))) == 5
    assert here.ask(["b"], [Rate(1, 3600, 50)], False)[1][0] > 4 * 3600 * US
    assert here.ask(["b"], [Rate(1, 3600, 50)], False)[1][0] <= 5 * 3600 * US


def test_what_is_forgotten_does_not_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "SWEEP_AT", 10)
    here = Here()
    here._sweep_at = 10
    for number in range(500):
        here.ask([str(number)], [Rate(1_000_000, 1, 1)], True)
    assert len(here._ends) <= 20


def test_one_that_is_taken_costs_a_single_process_some_microseconds(alice: User, chat: Chat) -> None:
    names, each = [f"user:{alice.pk}", f"organization:{chat.organization_id}"], [Rate(1_000_000, 1, 1_000_000)] * 2
    took = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(1_000):
            buckets.here.ask(names, each, True)
        took.append((time.perf_counter() - began) / 1_000)
    assert min(took) < 20e-6, f"{min(took) * 1e6:.1f} us"


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    server = Redis()
    yield server
    server.close()


@pytest.fixture
def asked(redis: Redis) -> Iterator[Redis]:
    """Rates are counted in this Redis."""
    buckets._away["until"] = 0.0
    with override_settings(REDIS_URL=redis.url()):
        yield redis
    buckets._away["until"] = 0.0
    buckets._script.cache_clear()


FIVE = [Rate(1, 3600, 5)]


def tries(count: int, name: str) -> int:
    return sum(buckets.ask([name], FIVE, takes=True)[0] for _ in range(count))


def test_redis_killed_in_between_each_process_goes_on_with_the_same_numbers(asked: Redis) -> None:
    name = f"user:{uuid.uuid4()}"
    assert tries(3, name) == 3
    asked.kill()
    try:
        assert tries(20, name) == 2
        assert tries(20, f"user:{uuid.uuid4()}") == 5, "and with others"
    finally:
        asked.start()
    assert tries(5, name) == 0, "not asked again at once"
    buckets._away["until"] = 0.0
    assert tries(5, name) == 0, "a Redis that comes back empty forgives nothing"
    buckets.here.forget()
    assert tries(20, name) == 5, "of what nobody has seen it knows nothing"


def test_a_redis_that_hangs_is_waited_for_once(asked: Redis) -> None:
    asked.freeze()
    try:
        began = time.monotonic()
        assert tries(20, f"user:{uuid.uuid4()}") == 5
        assert time.monotonic() - began < 3 * buckets.PATIENCE_S
    finally:
        asked.thaw()


def test_the_clock_is_redis_s_and_not_ours(asked: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"user:{uuid.uuid4()}"
    assert tries(5, name) == 5
    buckets.here.forget()  # as another process, whose clock runs ahead
    for ahead_s in (10**6, -(10**6)):
        monkeypatch.setattr(buckets.time, "time", lambda ahead_s=ahead_s: ahead_s)
        monkeypatch.setattr(buckets, "_now_us", lambda ahead_s=ahead_s: ahead_s * US)
        assert tries(5, name) == 0
        buckets.here.forget()


@given(st.lists(st.tuples(st.integers(0, 3 * US), st.integers(0, US // 2), st.integers(0, US // 2)), max_size=50))
def test_a_question_that_takes_longer_than_the_one_before_takes_nothing_more(steps: list[tuple[int, int, int]]) -> None:
    at, end, late, rate = [0], [0], [0, 0], Rate(1, 1, 1_000)

    def script(keys: list[str], arguments: list[int]) -> list[int]:
        at[0] += late[0]
        debt = max(0, end[0] - at[0])
        assert arguments[3] <= debt, "what this process knows is never more than Redis does"
        end[0] = at[0] + debt + rate.interval_us
        at[0] += late[1]
        return [1, debt + rate.interval_us]

    buckets.here.forget()
    with pytest.MonkeyPatch.context() as patched, override_settings(REDIS_URL="redis://nowhere"):
        patched.setattr(buckets, "_now_us", lambda: at[0])
        patched.setattr(buckets, "_script", lambda url: script)
        for pause, *both_ways in steps:
            at[0], late[:] = at[0] + pause, both_ways
            buckets.ask(["user:somebody"], [rate], takes=True)


def test_what_time_gave_back_in_redis_may_be_taken_again(asked: Redis) -> None:
    name, quick = f"user:{uuid.uuid4()}", [Rate(10, 1, 2)]
    assert [buckets.ask([name], quick, takes=True)[0] for _ in range(3)] == [True, True, False]
    time.sleep(0.11)
    assert [buckets.ask([name], quick, takes=True)[0] for _ in range(2)] == [True, False]
    time.sleep(0.3)
    with Client.from_url(asked.url()) as store:
        assert not store.exists(f"rate:{name}"), "what is forgotten leaves nothing behind"
    assert buckets.ask([name], quick, takes=False) == (True, [0])


def test_it_is_one_round_trip_of_less_than_a_millisecond(asked: Redis) -> None:
    names, each = ["user:a", "key:b", "organization:c"], [Rate(1_000_000, 1, 1_000_000)] * 3
    buckets.ask(names, each, takes=True)  # the connection, and the script
    with Client.from_url(asked.url()) as store:
        store.config_resetstat()
        took = []
        for _ in range(200):
            began = time.perf_counter()
            buckets.ask(names, each, takes=True)
            took.append(time.perf_counter() - began)
        calls = {name: told["calls"] for name, told in store.info("commandstats").items()}
    assert calls.pop("cmdstat_evalsha") == 200 and not [name for name in calls if "script" in name], calls
    assert sorted(took)[50] < 1e-3, f"{sorted(took)[50] * 1e3:.2f} ms"
