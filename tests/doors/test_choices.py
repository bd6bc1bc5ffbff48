"""What a request or its chat has chosen of temperature and effort, at every door: what is kept, sent and said."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.live import Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
Door = Callable[[str, dict[str, Any]], tuple[str, dict[str, Any]]]  # what is said, what is chosen -> path, body


@pytest.fixture(scope="module")
def alice(server: Server) -> Client:
    return client(server)


def told(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def native(text: str, chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    place = {"organization": ORGANIZATION["id"]}
    return "/api/chats/runs", {"chat": place, "content": text, "model": "gpt-4o", "stream": True, **chosen}


def in_chat(text: str, chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The choices are the chat's that is made."""
    place = {"organization": ORGANIZATION["id"], "model": "gpt-4o", **chosen}
    return "/api/chats/runs", {"chat": place, "content": text, "stream": True}


def completions(text: str, chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    renamed = {"reasoning_effort" if name == "effort" else name: value for name, value in chosen.items()}
    return "/v1/chat/completions", {"model": "gpt-4o", "messages": told(text), "stream": True, **renamed}


def responses(text: str, chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    rest = {name: value for name, value in chosen.items() if name != "effort"}
    reasoning = {"reasoning": {"effort": chosen["effort"]}} if "effort" in chosen else {}
    return "/v1/responses", {"model": "gpt-4o", "input": text, "stream": True, **rest, **reasoning}


def ui(text: str, chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    message = {"id": key(), "role": "user", "parts": [{"type": "text", "text": text}]}
    return "/api/chat", {"id": key(), "messages": [message], "model": "gpt-4o", **chosen}


def agui(text: str, chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    message = {"id": key(), "role": "user", "content": text}
    props = {"model": "gpt-4o", **chosen}
    run = {"threadId": key(), "runId": key(), "messages": [message], "tools": [], "context": [], "state": {}}
    return "/api/agui", {**run, "forwardedProps": props}


DOORS: dict[str, tuple[Door, str]] = {  # with the field that names an effort that is none
    "native": (native, "effort"),
    "native, its chat": (in_chat, "effort"),
    "completions": (completions, "reasoning_effort"),
    "responses": (responses, "reasoning.effort"),
    "ui": (ui, "effort"),
    "agui": (agui, "forwardedProps.effort"),
}
ORGANIZATION: dict[str, str] = {}


@pytest.fixture(autouse=True)
def organization(alice: Client) -> None:
    ORGANIZATION["id"] = alice.get("/api/organizations/")["results"][0]["id"]


def asked(alice: Client, upstream: Upstream, door: Door, chosen: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The run, as REST shows it, and what the model provider was sent."""
    mark = key()
    upstream.script(Turn(text="Yes."), key=mark)
    path, body = door(f"Hello [[key={mark}]]", chosen)
    with Stream(alice.server, path, body, token=alice.token) as stream:
        assert stream.status == 200, stream.response.read()
        stream.frames()
    (seen,) = upstream.requests(mark)
    return alice.get("/api/runs/?kind=answer")["results"][0], seen.body


@pytest.mark.parametrize("name", DOORS)
def test_nothing_is_sent_that_nobody_has_chosen(alice: Client, upstream: Upstream, name: str) -> None:
    run, sent = asked(alice, upstream, DOORS[name][0], {})
    assert (run["model"], run["temperature"], run["effort"]) == ("gpt-4o", None, None)
    assert not sent.keys() & {"temperature", "reasoning_effort", "reasoning"}


@pytest.mark.parametrize("name", DOORS)
def test_what_is_chosen_is_the_runs(alice: Client, upstream: Upstream, name: str) -> None:
    run, sent = asked(alice, upstream, DOORS[name][0], {"temperature": 0.3, "effort": "xhigh"})
    assert (run["temperature"], run["effort"]) == (0.3, "xhigh")
    assert sent["temperature"] == 0.3
    assert "reasoning_effort" not in sent  # the model has no efforts to choose from


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize("wrong", ["much", 3, ["low"]])
def test_an_effort_that_is_none_is_refused_by_its_name(alice: Client, name: str, wrong: Any) -> None:
    door, field = DOORS[name]
    path, body = door("Hello", {"effort": wrong})
    reply = alice.server.call("POST", path, body, token=alice.token)
    error = reply.body["error"]
    named = error.get("param") or next(iter(error.get("fields", {})), None)
    assert (reply.status, named) == (400, field), reply.body
    assert "Expected one of: none, minimal, low, medium, high, xhigh, max" in str(error)


def test_a_run_that_chooses_nothing_has_its_chats_choices(alice: Client, upstream: Upstream) -> None:
    chat = alice.chat()
    alice.server.call("PATCH", f"/api/chats/{chat}/", {"effort": "low", "temperature": 0.1}, token=alice.token)

    def here(text: str, chosen: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return f"/api/chats/{chat}/runs", {"content": text, "stream": True, **chosen}

    for chosen, found in (
        ({}, (0.1, "low")),
        ({"effort": "none", "temperature": 2}, (2, "none")),
        ({"effort": None}, (0.1, "low")),
    ):
        run, _ = asked(alice, upstream, here, chosen)
        assert (run["temperature"], run["effort"]) == found


def test_a_response_says_the_number_its_wire_documents(alice: Client) -> None:
    body = {"model": "gpt-4o", "input": "Hello"}
    for more, said in (({}, 1.0), ({"temperature": None}, 1.0), ({"temperature": 0.2}, 0.2)):
        reply = alice.server.call("POST", "/v1/responses", {**body, **more}, token=alice.token)
        assert (reply.status, reply.body["temperature"]) == (200, said)
