"""What a model is given to read of a chat: in an order that strict servers take, cut by tokens, and nothing broken."""

import base64
from typing import Any

import pytest

from agents.conversation import NO_ANSWER
from tests.live import Server
from tests.pictures import HEIC, jpeg, png
from tests.streams import Client, client, key
from tests.strict import check_strict
from tests.upstream import ScriptedCall, Turn, Upstream


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def picture(data: bytes, kind: str = "png", name: str = "photo.png") -> dict[str, Any]:
    return {"type": "image", "name": name, "url": f"data:image/{kind};base64,{base64.b64encode(data).decode()}"}


def sent(upstream: Upstream, mark: str) -> list[dict[str, Any]]:
    """The messages of the newest request, which a strict server would take."""
    messages = upstream.requests(mark)[-1].messages
    check_strict(messages)
    return messages[1:]


def test_behind_a_failed_run_two_messages_of_a_person_are_one(alice: Client, upstream: Upstream) -> None:
    chat, mark = alice.chat(), key()
    upstream.script(Turn(fault="400"), Turn(text="Here I am."), Turn(text="Yes."), key=mark)
    assert alice.wait(alice.start(chat, f"[[key={mark}]] One.")["run"]["id"])["status"] == "failed"
    alice.wait(alice.start(chat, "Two.")["run"]["id"])
    assert [(each["role"], each["content"]) for each in sent(upstream, mark)] == [
        ("user", f"[[key={mark}]] One.\n\nTwo."),
    ]
    alice.wait(alice.start(chat, "Three.")["run"]["id"])
    assert [each["role"] for each in sent(upstream, mark)] == ["user", "assistant", "user"]


def test_behind_a_stop_at_a_tools_result_an_answer_stands_between(alice: Client, upstream: Upstream) -> None:
    chat, mark, gate = alice.chat(), key(), key()
    reads = [ScriptedCall("list_files", {}), ScriptedCall("read_file", {"path": "README.md"})]
    upstream.script(Turn(text="Let me look.", tool_calls=reads), Turn(n=3, gate=gate), Turn(text="Yes."), key=mark)
    run = alice.start(chat, f"[[key={mark}]] One.")["run"]["id"]
    upstream.wait_for(lambda seen: len(seen) == 2, key=mark)
    alice.post(f"/api/runs/{run}/cancel", {})
    assert alice.wait(run)["status"] == "cancelled"
    alice.wait(alice.start(chat, "Two.")["run"]["id"])
    upstream.release(gate)
    said = sent(upstream, mark)
    assert [each["role"] for each in said] == ["user", "assistant", "tool", "tool", "assistant", "user"]
    assert [each["function"]["name"] for each in said[1]["tool_calls"]] == ["list_files", "read_file"]
    assert [each["tool_call_id"] for each in said[2:4]] == [each["id"] for each in said[1]["tool_calls"]]
    assert (said[1]["content"], said[4]["content"], said[5]["content"]) == ("Let me look.", NO_ANSWER, "Two.")


def test_calls_that_write_one_after_the_other_are_of_one_reply_and_turns_stay_apart(
    alice: Client, upstream: Upstream
) -> None:
    chat, mark = alice.chat(), key()
    writes = [ScriptedCall("write_file", {"path": f"{name}.md", "content": name}) for name in "ab"]
    reads = [ScriptedCall("read_file", {"path": "a.md"})]
    upstream.script(Turn(tool_calls=writes), Turn(tool_calls=reads), Turn(text="Done."), Turn(text="Yes."), key=mark)
    alice.wait(alice.start(chat, f"[[key={mark}]] One.")["run"]["id"])
    alice.wait(alice.start(chat, "Two.")["run"]["id"])
    said = sent(upstream, mark)
    assert [len(each.get("tool_calls", ())) for each in said if each["role"] == "assistant"] == [2, 1, 0]


def test_deleted_messages_leave_no_gap(alice: Client, upstream: Upstream) -> None:
    chat, mark = alice.chat(), key()
    upstream.script(*[Turn(text=f"Answer {number}.") for number in range(3)], key=mark)
    first = alice.start(chat, f"[[key={mark}]] One.")
    alice.wait(first["run"]["id"])
    second = alice.start(chat, "Two.")
    alice.wait(second["run"]["id"])
    for id in (first["message"]["id"], second["input"]["id"]):
        assert alice.server.call("DELETE", f"/api/messages/{id}/", token=alice.token).status in (200, 204)
    alice.wait(alice.start(chat, "Three.")["run"]["id"])
    assert [each["role"] for each in sent(upstream, mark)] == ["user", "assistant", "user"]


# --- Cut by tokens ----------------------------------------------------------------------------------------------------


def test_a_large_file_of_a_picture_makes_the_model_forget_nothing(alice: Client, upstream: Upstream) -> None:
    chat, mark = alice.chat(), key()
    upstream.script(*[Turn(text="Yes.") for _ in range(3)], key=mark)
    alice.wait(alice.start(chat, f"[[key={mark}]] My name is Ada.")["run"]["id"])
    alice.wait(alice.start(chat, "See.", attachments=[picture(png(800, 600) + bytes(290_000))])["run"]["id"])
    run = alice.wait(alice.start(chat, "Who am I?")["run"]["id"])
    assert "Ada" in sent(upstream, mark)[0]["content"] and run["read_from"] is None


def test_where_older_messages_are_left_out_the_run_and_its_answer_say_from_where(
    new_server: Any, upstream: Upstream
) -> None:
    server = new_server(CHAT_CONTEXT_TOKENS="600").start()
    alice, mark = client(server), key()
    chat = alice.chat()
    upstream.script(*[Turn(text="Yes.") for _ in range(3)], key=mark)
    alice.wait(alice.start(chat, f"[[key={mark}]] One. " + "中" * 400)["run"]["id"])
    second = alice.start(chat, f"[[key={mark}]] Two. " + "中" * 300)
    assert alice.wait(second["run"]["id"])["read_from"] == second["input"]["id"]
    assert alice.answer(chat)["read_from"] == second["input"]["id"]
    assert [each["role"] for each in sent(upstream, mark)] == ["user"]
    third = alice.wait(alice.start(chat, "Three.")["run"]["id"])
    assert third["read_from"] == second["input"]["id"]


# --- Pictures ---------------------------------------------------------------------------------------------------------

REFUSAL = {
    "error": {"code": "invalid_image_format", "message": "The image is not valid.", "type": "invalid_request_error"}
}


def test_a_picture_that_a_provider_cannot_read_breaks_no_later_message(alice: Client, upstream: Upstream) -> None:
    chat, mark = alice.chat(), key()
    upstream.script(
        Turn(text="Nice."), Turn(fault="400", body=REFUSAL), Turn(text="Well."), Turn(text="Well, then."), key=mark
    )
    fine, broken = picture(png(10, 10), name="fine.png"), picture(jpeg(10, 10), "jpeg", "broken.jpg")
    alice.wait(alice.start(chat, f"[[key={mark}]] See.", attachments=[fine])["run"]["id"])
    begun = alice.start(chat, "And this?", attachments=[broken])
    failed = alice.wait(begun["run"]["id"])
    assert failed["error"]["code"] == "upstream_invalid" and "broken.jpg" in failed["error"]["message"]
    assert alice.get(f"/api/messages/{begun['input']['id']}/")["attachments"] == [{**broken, "unreadable": True}]
    assert alice.wait(alice.start(chat, "Go on.")["run"]["id"])["status"] == "succeeded"
    said = sent(upstream, mark)
    urls = [
        part["image_url"]["url"]
        for each in said
        if isinstance(each["content"], list)
        for part in each["content"]
        if "image_url" in part
    ]
    assert urls == [fine["url"]] and "broken.jpg" in str(said[-1]["content"])
    changed = {"content": "And this one?", "attachments": [{**broken, "unreadable": True}]}
    reply = alice.server.call("PATCH", f"/api/messages/{begun['input']['id']}/", changed, token=alice.token)
    assert reply.body["attachments"] == [{**broken, "unreadable": True}]


def test_the_picture_that_the_provider_names_is_the_one(alice: Client, upstream: Upstream) -> None:
    chat, mark = alice.chat(), key()
    told = {"error": {"param": "messages[1].content[2].image_url", "message": "Could not process image"}}
    upstream.script(Turn(fault="400", body=told), Turn(text="Well."), key=mark)
    files = [picture(png(10, 10), name=f"{number}.png") for number in range(3)]
    begun = alice.start(chat, f"[[key={mark}]] See.", attachments=files)
    alice.wait(begun["run"]["id"])
    marks = [
        each.get("unreadable", False) for each in alice.get(f"/api/messages/{begun['input']['id']}/")["attachments"]
    ]
    assert marks == [False, True, False]


@pytest.mark.parametrize(
    "message",
    ["Rate limited", "The image of the company is great", "Invalid schema for function 'f'", "context length exceeded"],
)
def test_a_refusal_that_is_about_something_else_marks_none(alice: Client, upstream: Upstream, message: str) -> None:
    chat, mark = alice.chat(), key()
    upstream.script(Turn(fault="400", body={"error": {"message": message}}), key=mark)
    begun = alice.start(chat, f"[[key={mark}]] See.", attachments=[picture(png(10, 10))])
    alice.wait(begun["run"]["id"])
    assert "unreadable" not in alice.get(f"/api/messages/{begun['input']['id']}/")["attachments"][0]


def test_a_picture_that_is_none_is_refused_by_name_and_a_wrong_type_is_put_right(alice: Client) -> None:
    chat = alice.chat()
    body = {"content": "See.", "attachments": [picture(HEIC, "jpeg", "holiday.jpg")]}
    reply = alice.server.call("POST", f"/api/chats/{chat}/runs", body, token=alice.token)
    assert reply.status == 400 and list(reply.body["error"]["fields"]) == ["attachments.0.url"]
    (told,) = reply.body["error"]["fields"]["attachments.0.url"]
    assert told == "holiday.jpg: this is a HEIC picture. Expected PNG, JPEG, GIF or WebP: convert it first."
    assert alice.get(f"/api/chats/{chat}/messages/")["results"] == []
    stored = alice.post(f"/api/chats/{chat}/messages/", {"content": "See.", "attachments": [picture(jpeg(2, 2))]})
    assert stored["attachments"][0]["url"].startswith("data:image/jpeg;base64,")
