"""What must not come out: secrets in logs and errors, one person's words in another's answers."""

import random
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live import PASSWORD, Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

PLANTED = {
    "SECRET_KEY": "planted-django-" + "d" * 50,
    "JWT_SIGNING_KEY": "planted-signing-" + "s" * 50,
    "OPENAI_API_KEY": "sk-planted-provider-key",
    "OPENAI_EXTRA_HEADERS": '{"X-Proxy-Auth": "planted-proxy-key"}',
}
EVERYTHING = {"LOG_FORMAT": "json", "CHAT_DEBUG": "streaming,providers,tools"}
SAID = "planted words that somebody said"
FAULTS = (
    "401",
    "400",
    "429",
    "500",
    "refuse",
    "cut",
    "eof",
    "empty",
    "html",
    "badjson",
    "nonsense",
    "error",
    "redirect",
)
PEOPLE, ROUNDS = 12, 6


def test_no_fault_brings_a_secret_or_what_was_said_into_a_log_or_an_error(
    new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server(**PLANTED, **EVERYTHING, AGENTS_MAX_ATTEMPTS="1").start()
    alice, told = client(server), []
    for fault in FAULTS:
        mark = key()
        upstream.script(
            Turn(text=["half "], fault=fault, body={"error": {"message": PLANTED["OPENAI_API_KEY"]}}), key=mark
        )
        run = alice.start(alice.chat(), f"{SAID} [[key={mark}]]")["run"]["id"]
        told.append(str(alice.wait(run)))
        with alice.events(run) as stream:
            told.extend(frame.data for frame in stream.frames())
    told += _refusals(alice)
    ticket = alice.post("/api/auth/ticket", {"run": run})["ticket"]
    with Stream(server, f"/api/runs/{run}/events?ticket={ticket}") as stream:
        assert stream.status == 200 and stream.frames()
    server.stop()
    assert "Listening" in server.log() and "parley.streaming" in server.log() and "parley.providers" in server.log()
    secrets = ["planted-django", "planted-signing", "planted-provider", "planted-proxy"]
    for secret in [*secrets, PASSWORD]:
        assert not [each for each in told if secret in each], secret
    for secret in [*secrets, PASSWORD, SAID, ticket, alice.token]:
        assert secret not in server.log(), secret


def _refusals(alice: Client) -> list[str]:
    """What the server says to people and bodies that it refuses, each with a secret in it."""
    server, wrong = alice.server, {"email": "alice@example.com", "password": PASSWORD + "!"}
    refused = [
        server.call("POST", "/api/auth/token", wrong),
        server.call("POST", "/api/auth/token", {"email": 5, "password": [PASSWORD]}),
        server.call("GET", f"/api/chats/?token={alice.token}"),
        server.call("GET", "/api/chats/", token=alice.token[:-2]),
        server.call("GET", "/no-such-page", headers={"Cookie": f"access_token={alice.token}"}),
    ]
    assert all(400 <= each.status < 500 for each in refused), refused
    return [str(each.body) for each in refused]


@pytest.mark.faults
def test_many_people_at_once_with_cuts_and_stops_get_their_own_words_only(server: Server, upstream: Upstream) -> None:
    everybody = [_somebody(server) for _ in range(PEOPLE)]
    words = {each.token: f"canary-{uuid.uuid4().hex}" for each in everybody}
    begin = threading.Barrier(PEOPLE)

    def live(person: Client) -> str:
        """All that the server tells the person, who reads, leaves early and stops at random."""
        dice, heard = random.Random(words[person.token]), []
        begin.wait(30)
        for _ in range(ROUNDS):
            mark = key()
            upstream.script(Turn(text=[words[person.token], " "], n=20, delay_ms=5), key=mark)
            chat = person.chat(title=words[person.token])
            run = person.start(chat, f"{words[person.token]} [[key={mark}]]")["run"]["id"]
            with person.events(run) as stream:
                heard += [each.data for each in stream.take(dice.randrange(1, 20))]
            if dice.random() < 0.4:
                person.post(f"/api/runs/{run}/cancel", {})
            with person.events(run) as stream:
                heard += [each.data for each in stream.frames()]
            heard += [str(person.get(path)) for path in (f"/api/chats/{chat}/messages/", "/api/chats/", "/api/runs/")]
        return "".join(heard)

    with ThreadPoolExecutor(PEOPLE) as pool:
        heard = dict(zip(words, pool.map(live, everybody), strict=True))
    for token, text in heard.items():
        assert words[token] in text
        assert not [word for other, word in words.items() if other != token and word in text]


def _somebody(server: Server) -> Client:
    """A new owner of an organization of their own, with a project."""
    email, name = f"{uuid.uuid4().hex}@example.com", f"Own {uuid.uuid4().hex}"
    server.quickly("create_user", email, "--organization", name, "--role", "owner")
    person = Client(server, server.token(email))
    organization = person.get("/api/organizations/")["results"][0]["id"]
    person.post("/api/projects/", {"organization": organization, "name": "Own"})
    return person
