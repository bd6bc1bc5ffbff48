"""Pictures in the results of tools of other houses, on a real server: kept, shown to whom the chat is shown, and to the
model, once."""

import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import photos
from tests.engine.test_attachments_live import fetched
from tests.engine.test_mcp_live import Asked, Room, calling, until
from tests.live import Server
from tests.mcp_house import House, described
from tests.streams import Client, client
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
READS = {"readOnlyHint": True, "idempotentHint": True}
BELIEVED = {"policy": "allow", "read_only_is_believed": True, "idempotent_is_believed": True}

BLIND = """
from chat.models import LanguageModel
LanguageModel.objects.filter(pk="gpt-4-turbo").update(abilities=["tools"], note="blind")
"""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        yield house


def pictured(*pictures: bytes) -> dict[str, Any]:
    """What a tool answers: a text and these, each of which it calls a PNG."""
    content = [{"type": "image", "mimeType": "image/png", "data": b64encode(each).decode()} for each in pictures]
    return {"content": [{"type": "text", "text": "as you asked"}, *content]}


def seeing(house: House, upstream: Upstream, **settings: str) -> dict[str, str]:
    return {"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": "none", "OUTWARD_ALLOW": house.host, **settings}


@pytest.fixture(scope="module")
def parley(house: House, upstream: Upstream) -> Iterator[Server]:
    server = Server(**seeing(house, upstream))
    yield server.start()
    server.close()


def room_of(alice: Client, house: House, name: str) -> Room:
    room = Room(alice, house, described(name, annotations=READS))
    room.approve(name, **BELIEVED)
    return room


def urls_of(message: dict[str, Any]) -> list[str]:
    content = message["content"] if isinstance(message["content"], list) else []
    return [part["image_url"]["url"] for part in content if part["type"] == "image_url"]


def attachments_of(alice: Client) -> list[dict[str, Any]]:
    """Of hers that are in no message."""
    return list(alice.get("/api/attachments/")["results"])


def test_a_picture_of_a_result_is_kept_shown_and_seen(parley: Server, house: House, upstream: Upstream) -> None:
    alice = client(parley)
    house.answers["shot"] = pictured(photos.with_place(), b"\x89PNG\r\n\x1a\nnothing", photos.photo(40, 30, "PNG"))
    asked = Asked(room_of(alice, house, "shot"), upstream, calling("mcp_tracker_shot"))
    result = asked.ended()["mcp_tracker_shot"]
    assert "as you asked" in result["result"] and "what was said to be a picture" in result["result"].lower()
    assert [each["name"] for each in result["attachments"]] == ["shot 1", "shot 2"]
    assert "shot 1, shot 2" in result["result"]
    # Whoever reads the message finds them there, and the call's result names them.
    answer = alice.answer(asked.chat)
    assert [each["id"] for each in answer["attachments"]] == [each["id"] for each in result["attachments"]]
    (part,) = [each for each in answer["parts"] if each["type"] == "tool_result"]
    assert part["attachments"] == [each["id"] for each in answer["attachments"]]
    first = answer["attachments"][0]
    assert (first["type"], first["media_type"], first["width"], first["height"]) == ("image", "image/jpeg", 200, 300)
    for way in ("content", "thumbnail"):
        status, data = fetched(parley, alice.token, f"/api/attachments/{first['id']}/{way}")
        assert status == 200 and photos.opened(data).format == "JPEG" and b"secret" not in data
    assert attachments_of(alice) == []
    # The model saw them in its next request, as material and as no word of the person's.
    seen = upstream.requests(asked.mark)[1].body["messages"]
    roles = [each["role"] for each in seen if each["role"] != "system"]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    urls = urls_of(seen[-1])
    assert len(urls) == 2 and "material" in seen[-1]["content"][0]["text"]
    kept = photos.opened(b64decode(urls[0].partition(",")[2]))
    assert kept.size == (200, 300) and not kept.getexif()
    # And in the next question of the chat.
    upstream.script(Turn(text="Again."), key=asked.mark)
    alice.wait(alice.start(asked.chat, f"[[key={asked.mark}]] and now")["run"]["id"])
    later = upstream.requests(asked.mark)[-1].body["messages"]
    assert [urls_of(each) for each in later if urls_of(each)] == [urls]


def test_what_cannot_be_kept_is_said_and_the_call_does_not_fail(
    new_server: Callable[..., Server], house: House, upstream: Upstream
) -> None:
    """An organization whose files have all their room; a model that sees no pictures is told that there was one."""
    house.answers["full"] = pictured(photos.photo(), photos.photo(20, 20))
    full = new_server(**seeing(house, upstream, ATTACHMENTS_PER_ORGANIZATION_BYTES="1")).start()
    alice = client(full)
    asked = Asked(room_of(alice, house, "full"), upstream, calling("mcp_tracker_full"))
    result = asked.ended()["mcp_tracker_full"]
    assert result["type"] == "tool.returned" and "attachments" not in result
    assert result["result"].count("left out: The files of your organization's chats have 1 bytes already") == 1
    assert "2 pictures that came with it were left out" in result["result"]
    assert alice.answer(asked.chat)["attachments"] == []


def test_a_model_that_sees_no_pictures_is_told_that_there_was_one(
    parley: Server, house: House, upstream: Upstream
) -> None:
    alice = client(parley)
    parley.quickly("shell", "-c", BLIND)
    until(lambda: "blind" in [each["note"] for each in alice.get("/api/models/")["results"]])
    house.answers["blind"] = pictured(photos.photo(40, 30))
    room = room_of(alice, house, "blind")
    asked = Asked(room, upstream, calling("mcp_tracker_blind"), model="gpt-4-turbo")
    answer_of = asked.ended()["mcp_tracker_blind"]
    assert len(answer_of["attachments"]) == 1
    told = upstream.requests(asked.mark)[1].body["messages"][-1]
    assert told["role"] == "tool" and "[image: blind 1, not shown to this model]" in told["content"]
    (file,) = alice.answer(asked.chat)["attachments"]
    assert file["unseen"] == ["gpt-4-turbo"]


def test_a_killed_call_that_is_made_again_keeps_its_picture_once(
    new_server: Callable[..., Server], house: House, upstream: Upstream
) -> None:
    server = new_server(**seeing(house, upstream)).start()
    alice = client(server)
    house.answers["twice"] = pictured(photos.photo(40, 30))
    room = room_of(alice, house, "twice")
    house.gates["twice"] = threading.Event()
    asked = Asked(room, upstream, calling("mcp_tracker_twice"))
    until(lambda: house.calls("twice"))
    server.kill()
    house.gates["twice"].set()
    server.start_process()
    result = asked.ended()["mcp_tracker_twice"]
    assert len(result["attachments"]) == 1 and len(house.calls("twice")) == 2
    assert attachments_of(alice) == []
    (id,) = [each["id"] for each in alice.answer(asked.chat)["attachments"]]
    assert fetched(server, alice.token, f"/api/attachments/{id}/content")[0] == 200
    alice.server.call("DELETE", f"/api/chats/{asked.chat}/", token=alice.token)
    until(lambda: fetched(server, alice.token, f"/api/attachments/{id}/content")[0] == 404)
    assert not [each for each in (server.data / "attachments").glob("*") if str(id) in each.name]
