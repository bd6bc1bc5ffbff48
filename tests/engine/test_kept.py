"""Kept answers of a running server: who is told one, who is not, and what becomes of one that is being told."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_client

from tests import environment
from tests.engine.kept import asked, events, is_hit, metric, place, say, switch
from tests.engine.test_takeover import follow
from tests.live import Server
from tests.servers import Redis
from tests.streams import Client, Frame, Stream, client, key, text_of
from tests.upstream import Upstream

pytestmark = pytest.mark.live
NewServer = Callable[..., Server]
LOOKED_S = 5.0  # by then each process knows whose answers are kept: chat.metering.catalog.REFRESH_S


@pytest.fixture
def redis() -> Iterator[Redis]:
    redis = Redis()
    yield redis
    redis.close()


@pytest.fixture(scope="module")
def keeper(upstream: Upstream) -> Iterator[Server]:
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    yield server.start()
    server.close()


@pytest.fixture(scope="module")
def alice(keeper: Server) -> Client:
    return client(keeper)


@pytest.fixture(scope="module")
def where(alice: Client) -> dict[str, Any]:
    """Alice's organization, which keeps answers, and is known to by now."""
    made = place(alice)
    known(alice, made)
    return made


def known(alice: Client, where: dict[str, Any]) -> None:
    """Wait until the server knows that answers are kept there."""
    end = time.monotonic() + LOOKED_S
    before = metric(alice.server, "parley_cache_miss_total")
    while metric(alice.server, "parley_cache_miss_total") == before:
        assert time.monotonic() < end, "nobody looks whose answers are kept"
        say(alice, where, f"Is it on? {key()}")


def bob_in(alice: Client, where: dict[str, Any], role: str = "editor") -> Client:
    email = f"{key()}@example.com"
    alice.server.quickly("create_user", email, "--organization", where["organization"], "--role", role)
    return Client(alice.server, alice.server.quickly("token", email).strip())


def test_asked_twice_it_is_given_once_and_used_once(alice: Client, where: dict[str, Any], upstream: Upstream) -> None:
    mark = key()
    hits, saved = (
        metric(alice.server, "parley_cache_hit_total"),
        metric(alice.server, "parley_cache_saved_tokens_total"),
    )
    first, second = (say(alice, where, f"[[n=30 key={mark}]] Tell.") for _ in range(2))
    assert asked(upstream, mark) == 1 and (is_hit(alice, first), is_hit(alice, second)) == (False, True)
    runs = [alice.get(f"/api/runs/{each}/") for each in (first, second)]
    assert runs[0]["usage"]["total_tokens"] > 0 and runs[1]["usage"]["total_tokens"] == 0
    texts = ["".join(e["text"] for e in events(alice, run) if e["type"] == "text.delta") for run in (first, second)]
    assert texts[0] == texts[1] and texts[0].endswith("29 ")
    assert metric(alice.server, "parley_cache_hit_total") == hits + 1
    used = runs[0]["usage"]["total_tokens"]
    assert metric(alice.server, "parley_cache_saved_tokens_total") == saved + used


def test_nobody_is_told_what_another_was_told(alice: Client, where: dict[str, Any], upstream: Upstream) -> None:
    """Neither of another organization, nor of the same one: who asks learns nothing of what others asked."""
    mark, elsewhere = key(), place(alice)
    text = f"[[n=3 key={mark}]] Who else asked this?"
    bob, charlie = bob_in(alice, where), bob_in(alice, elsewhere)
    known(alice, elsewhere)
    hits = metric(alice.server, "parley_cache_hit_total")
    asking = [(alice, where), (alice, elsewhere), (bob, where), (charlie, elsewhere)]
    for number, (who, there) in enumerate(asking, 1):
        assert not is_hit(who, say(who, there, text)) and asked(upstream, mark) == number
    assert metric(alice.server, "parley_cache_hit_total") == hits
    for who, there in asking:
        assert is_hit(who, say(who, there, text))
    assert asked(upstream, mark) == len(asking)


def test_off_by_itself_and_off_at_once(alice: Client, where: dict[str, Any], upstream: Upstream) -> None:
    off, mark = place(alice, keeps=False), key()
    for _ in range(2):
        assert not is_hit(alice, say(alice, off, f"[[n=3 key={mark}]] Off."))
    assert asked(upstream, mark) == 2
    mark, there = key(), place(alice)
    known(alice, there)
    say(alice, there, f"[[n=3 key={mark}]] On.")
    switch(alice.server, there["organization"], on=False)
    assert not is_hit(alice, say(alice, there, f"[[n=3 key={mark}]] On."))
    assert asked(upstream, mark) == 2


def test_a_right_that_is_taken_or_given_is_another_question(
    alice: Client, where: dict[str, Any], upstream: Upstream
) -> None:
    mark, bob = key(), bob_in(alice, where, "admin")
    text = f"[[n=3 key={mark}]] May I?"
    say(bob, where, text)
    members = alice.get(f"/api/organizations/{where['organization']}/members/")["results"]
    me = bob.get("/api/users/me/")["id"]
    (his,) = [each["id"] for each in members if each["user"]["id"] == me]
    path = f"/api/organizations/{where['organization']}/members/{his}/"
    alice.patch(path, {"role": "editor"})
    assert not is_hit(bob, say(bob, where, text)) and asked(upstream, mark) == 2
    alice.patch(path, {"role": "admin"})
    assert is_hit(bob, say(bob, where, text)) and asked(upstream, mark) == 2


@pytest.mark.parametrize(("asks", "reads", "keeps"), [("no-cache", False, True), ("no-store, max-age=0", False, False)])
def test_a_request_may_want_it_new(
    asks: str, reads: bool, keeps: bool, alice: Client, where: dict[str, Any], upstream: Upstream
) -> None:
    mark, headers = key(), {"Cache-Control": asks}
    text = f"[[n=3 key={mark}]] New."
    assert not is_hit(alice, say(alice, where, text, headers=headers))
    assert is_hit(alice, say(alice, where, text)) == keeps
    assert is_hit(alice, say(alice, where, text, headers=headers)) == reads
    assert asked(upstream, mark) == (2 if keeps else 3)


def test_who_wants_it_answered_again_is_answered_anew(alice: Client, where: dict[str, Any], upstream: Upstream) -> None:
    mark, chat = key(), alice.chat(**where)
    begun = alice.start(chat, f"[[n=3 key={mark}]] Again.")
    alice.wait(begun["run"]["id"])
    message = alice.answer(chat)["id"]
    alice.post(f"/api/messages/{message}/regenerate/", {})
    run = alice.wait(alice.get(f"/api/runs/?chat={chat}")["results"][0]["id"])
    assert not is_hit(alice, run["id"]) and asked(upstream, mark) == 2
    assert is_hit(alice, say(alice, where, f"[[n=3 key={mark}]] Again."))


@pytest.mark.parametrize("deletes", ["message", "chat"])
def test_what_was_deleted_is_told_no_more(
    deletes: str, alice: Client, where: dict[str, Any], upstream: Upstream
) -> None:
    mark, chat = key(), alice.chat(**where)
    text = f"[[n=3 key={mark}]] Forget."
    alice.wait(alice.start(chat, text)["run"]["id"])
    path = f"/api/messages/{alice.answer(chat)['id']}/" if deletes == "message" else f"/api/chats/{chat}/"
    assert alice.server.call("DELETE", path, token=alice.token).status in (200, 204)
    assert not is_hit(alice, say(alice, where, text)) and asked(upstream, mark) == 2


def test_what_is_not_stored_is_not_kept(alice: Client, where: dict[str, Any], upstream: Upstream) -> None:
    mark = key()
    body = {"model": "gpt-4o", "input": f"[[n=3 key={mark}]] Responses.", "store": False}
    project = alice.get(f"/api/projects/{where['project']}/")["id"]
    for number, is_stored in enumerate((False, False, True, True), 1):
        asking = {**body, "store": is_stored}
        headers = {"OpenAI-Project": project}
        reply = alice.server.call("POST", "/v1/responses", asking, token=alice.token, headers=headers)
        assert reply.status == 200 and reply.body["status"] == "completed", reply
        assert asked(upstream, mark) == min(number, 3)


def test_a_kept_answer_can_be_stopped_in_its_middle(alice: Client, where: dict[str, Any], upstream: Upstream) -> None:
    mark = key()
    text = f"[[n=400 delay_ms=2 key={mark}]] Long."
    say(alice, where, text)
    run = alice.start(alice.chat(**where), text)["run"]["id"]
    with alice.events(run) as stream:
        stream.until("text.delta")
        alice.post(f"/api/runs/{run}/cancel", {})
        rest = stream.frames()
    ended = alice.get(f"/api/runs/{run}/")
    assert rest[-1].json["type"] == "run.cancelled" and "399 " not in text_of(rest)
    assert ended["status"] == "cancelled" and ended["usage"]["total_tokens"] == 0 and asked(upstream, mark) == 1


def test_after_kill_9_in_the_middle_of_a_kept_answer_it_goes_on(new_server: NewServer, upstream: Upstream) -> None:
    server = new_server(CHAT_LEASE_S="2", CHAT_LEASE_RENEW_S="0.5", CHAT_SCAN_S="0.2").start()
    alice, mark = client(server), key()
    there = place(alice)
    known(alice, there)
    text = f"[[n=400 delay_ms=2 key={mark}]] Long."
    first = say(alice, there, text)
    run = alice.start(alice.chat(**there), text)["run"]["id"]
    frames: list[Frame] = []
    reader = threading.Thread(target=follow, args=(alice, run, frames))
    reader.start()
    while " 100 " not in text_of(frames):  # a quarter of it: its beginning, which says that it was kept, is stored
        time.sleep(0.005)
    server.kill()
    assert "399 " not in text_of(frames), "it died in its middle"
    server.start_process()
    reader.join(30)
    ended = alice.wait(run)
    assert ended["status"] == "succeeded"
    with alice.events(first) as stream:
        assert text_of(frames) == text_of(stream.frames())
    # Where answers lie in the process, they died with it; where they do not, nobody is asked, and nothing is used.
    shared = environment.profile() == "scaled"
    assert asked(upstream, mark) == (1 if shared else 2)
    assert (ended["usage"]["total_tokens"] == 0) == shared


def test_the_page_of_metrics_is_for_few(alice: Client, where: dict[str, Any], new_server: NewServer) -> None:
    bob = bob_in(alice, where)
    there = alice.server
    assert "parley_cache_hit_total" in there.call("GET", "/api/metrics").body, "in development, on this machine"
    assert there.call("GET", "/api/metrics", token=alice.token).status == 200, "she runs it"
    assert there.call("GET", "/api/metrics", token=bob.token).status == 404
    own = new_server(METRICS_TOKEN="of-the-scraper").start()
    asks = {"": 404, "of-the-scrape": 404, "of-the-scraper": 200}
    assert {token: own.call("GET", "/api/metrics", token=token).status for token in asks} == asks


def test_totals_never_fall_whoever_is_asked(alice: Client, new_server: NewServer, upstream: Upstream) -> None:
    """Two processes of one installation, asked in turn while both count, and one of them goes."""
    if environment.profile() != "scaled":
        pytest.skip("SQLite is for one process")
    server = new_server().start()
    other = server.sibling().start_process()
    owner, totals = client(server), [0]
    for number in range(12):
        Client([server, other][number % 2], owner.token).start(owner.chat(), f"[[n=2]] {number}")
        totals.append(runs_of([other, server][number % 2]))
    other.stop()
    totals.append(runs_of(server))
    assert totals == sorted(totals) and totals[-1] >= 12


def runs_of(server: Server) -> int:
    lines = server.call("GET", "/api/metrics").body.splitlines()
    return sum(
        round(float(line.rpartition(" ")[2]))
        for line in lines
        if line.startswith('parley_runs_total{code="",door="native"')
    )


def test_a_header_says_where_the_answer_comes_from(alice: Client, where: dict[str, Any], upstream: Upstream) -> None:
    mark, off = key(), place(alice, keeps=False)
    text = f"[[n=3 key={mark}]] Header."

    def told(there: dict[str, Any], path: str = "runs", **headers: str) -> str:
        chat = alice.chat(**there)
        asking: dict[str, Any] = {"content": text, "stream": True}
        with Stream(alice.server, f"/api/chats/{chat}/{path}", asking, token=alice.token, headers=headers) as stream:
            stream.frames()
            return stream.response.headers.get("X-Parley-Cache", "")

    assert [told(where), told(where), told(off)] == ["miss", "hit", "off"]
    assert told(where, **{"Cache-Control": "no-store"}) == "off"
    assert told(where, **{"Cache-Control": "no-cache"}) == "miss"
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text}]}
    headers = {"OpenAI-Project": where["project"]}
    whole = [alice.server.call("POST", "/v1/chat/completions", body, token=alice.token, headers=headers) for _ in "ab"]
    assert [each.headers["x-parley-cache"] for each in whole] == ["miss", "hit"]
    assert whole[0].body["choices"] == whole[1].body["choices"]


def test_nothing_is_readable_where_answers_are_kept_and_garbage_is_a_miss(
    new_server: NewServer, upstream: Upstream, redis: Redis
) -> None:
    if environment.profile() != "scaled":
        pytest.skip("it needs a Redis")
    server = new_server(REDIS_URL=redis.url()).start()
    alice, mark = client(server), key()
    there = place(alice)
    known(alice, there)
    text = f"[[n=3 key={mark}]] Canary."
    say(alice, there, text)
    store: Any = redis_client.Redis.from_url(redis.url())
    kept = [each for each in store.keys("answers:*") if store.type(each) == b"string"]
    values = [store.get(each) or b"" for each in kept]
    assert kept and not any(mark.encode() in each or b"Canary" in each or b"0 1 2" in each for each in values)
    assert all(0 < store.ttl(each) <= 3600 for each in kept)
    assert is_hit(alice, say(alice, there, text))
    errors = metric(server, "parley_cache_error_total")
    for name in kept:
        store.set(name, b"\x80\x04garbage")
    assert not is_hit(alice, say(alice, there, text)) and asked(upstream, mark) == 2
    assert metric(server, "parley_cache_error_total") == errors + 1
    assert is_hit(alice, say(alice, there, text)), "what could not be read was written anew"
    store.execute_command("CLIENT", "PAUSE", 60_000, "ALL")  # it takes the question
    killer = threading.Timer(0.3, redis.kill)  # and dies before it answers
    killer.start()
    assert not is_hit(alice, say(alice, there, text)) and asked(upstream, mark) == 3
    killer.join()
    assert metric(server, "parley_cache_error_total") > errors + 1
    assert not is_hit(alice, say(alice, there, text)) and asked(upstream, mark) == 4
