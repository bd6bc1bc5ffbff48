"""Chat completions on the wire: frames, headers, what is left behind, and whose it is."""

import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from chat.models import Chat, Run
from tests.clients.keys import new_key
from tests.doors.people import newcomer
from tests.live import Server
from tests.routes import ROUTES, Place
from tests.streams import Client, Stream, client, key
from tests.test_routes import send_to_door, spelled
from tests.upstream import Turn, Upstream

PATH = "/v1/chat/completions"
HELLO: Any = {"model": "demo", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def without_id(chunks: list[Any]) -> list[Any]:
    return [{**each, "id": "", "created": 0} for each in chunks]


@pytest.mark.live
@pytest.mark.parametrize("path", [PATH, "/api/llm/chat/completions"])
def test_a_stream_is_data_frames_with_one_id_and_done(alice: Client, path: str) -> None:
    with Stream(alice.server, path, {**HELLO, "stream": True}, token=alice.token) as stream:
        headers = stream.response.headers
        frames = stream.frames()
    assert stream.status == 200
    assert headers["Content-Type"].startswith("text/event-stream")
    assert "no-cache" in headers["Cache-Control"] and headers["X-Accel-Buffering"] == "no"
    assert "Content-Length" not in headers and "Content-Encoding" not in headers
    assert all((each.event, each.id) == ("", "") for each in frames)
    assert frames[-1].data == "[DONE]"
    chunks = [each.json for each in frames[:-1]]
    assert len({(each["id"], each["created"], each["model"]) for each in chunks}) == 1
    assert all("usage" not in each and len(each["choices"]) == 1 for each in chunks)
    again = Stream(alice.server, path, {**HELLO, "stream": True}, token=alice.token).frames()
    assert without_id([each.json for each in again[:-1]]) == without_id(chunks)


@pytest.mark.live
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*", "text/html"])
def test_the_body_says_whether_it_is_streamed_and_accept_does_not(alice: Client, accept: str) -> None:
    whole = alice.server.call("POST", PATH, HELLO, token=alice.token, headers={"Accept": accept})
    assert (whole.status, whole.body["object"]) == (200, "chat.completion")
    with Stream(alice.server, PATH, {**HELLO, "stream": True}, token=alice.token, headers={"Accept": accept}) as stream:
        assert stream.status == 200 and stream.frames()[-1].data == "[DONE]"


@pytest.mark.live
def test_a_request_again_under_its_idempotency_key_costs_nothing(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text=["On", "ce."]), key=mark)
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"[[key={mark}]]"}]}
    headers = {"Idempotency-Key": mark}
    first = alice.server.call("POST", PATH, body, token=alice.token, headers=headers)
    second = alice.server.call("POST", PATH, body, token=alice.token, headers=headers)
    assert first.body == second.body
    assert first.body["choices"][0]["message"]["content"] == "Once."
    assert len(upstream.requests(mark)) == 1


@pytest.mark.live
def test_nobody_else_reaches_what_a_request_has_left(alice: Client) -> None:
    said = alice.server.call("POST", PATH, HELLO, token=alice.token).body
    run = alice.get(f"/api/runs/{said['id'].removeprefix('chatcmpl-')}/")
    charlie = newcomer(alice.server)
    for address in (f"/api/runs/{run['id']}/", f"/api/chats/{run['chat']}/", f"/api/runs/{run['id']}/events"):
        assert alice.server.call("GET", address, token=charlie.token).status == 404
    key_alone = new_key(alice.server, "llm")
    assert alice.server.call("GET", f"/api/runs/{run['id']}/", token=key_alone).status == 403
    project = alice.get("/api/projects/")["results"][0]["id"]
    foreign = alice.server.call("POST", PATH, HELLO, token=charlie.token, headers={"OpenAI-Project": project})
    assert (foreign.status, foreign.body["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.live
def test_the_runs_go_where_the_keys_organization_is(alice: Client) -> None:
    said = alice.server.call("POST", PATH, HELLO, token=new_key(alice.server, "llm")).body
    run = alice.get(f"/api/runs/{said['id'].removeprefix('chatcmpl-')}/")
    chat = alice.get(f"/api/chats/{run['chat']}/")
    assert chat["organization"] == alice.get("/api/projects/")["results"][0]["organization"]


@pytest.mark.django_db(transaction=True)
async def test_its_chat_is_hidden_and_does_not_stay(settings: Any) -> None:
    settings.CHAT_RUN_HERE = False
    here = await sync_to_async(Place)("Here")
    (route,) = (each for each in ROUTES if str(each) == f"POST {PATH}")
    answered = await send_to_door(route, here.people["editor"], PATH, await sync_to_async(spelled)(route, here))
    assert answered.status_code == 200
    chat = await Chat.objects.aget(origin="completions")
    assert not chat.is_listed
    assert chat.expires_at is not None
    left = chat.expires_at - timezone.now()
    assert timedelta() < left <= timedelta(seconds=settings.CHAT_UNSTORED_S)
    run = await Run.objects.aget(chat=chat)
    assert (run.archetype, run.model, run.door) == ("model", "gpt-4o", "completions")


@pytest.mark.django_db(transaction=True)
async def test_what_does_not_come_in_time_is_not_asked_for_again(settings: Any) -> None:
    settings.CHAT_RUN_HERE, settings.CHAT_ANSWER_TIMEOUT_S = False, 0.1
    here = await sync_to_async(Place)("Here")
    (route,) = (each for each in ROUTES if str(each) == f"POST {PATH}")
    answered = await send_to_door(route, here.people["editor"], PATH, json.dumps({**HELLO, "model": "gpt-4o"}))
    assert (answered.status_code, answered["x-should-retry"]) == (504, "false")
