"""A real server in front of servers of chat completions that want their own words back, or refuse what was chosen."""

import json
from collections.abc import Callable

import pytest

from tests.live import Server
from tests.streams import client, key
from tests.upstream import ScriptedCall, Turn, Upstream

NewServer = Callable[..., Server]
WRITE = {"path": "notes.txt", "content": "once"}
SIGNED = {"google": {"thought_signature": "EqQBCkYIB/+=="}}
CALL = {
    "id": "call_theirs",
    "type": "function",
    "function": {"name": "write_file", "arguments": json.dumps(WRITE)},
    "extra_content": SIGNED,
}
GEMINI = Turn(
    raw=[
        json.dumps({"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [CALL]}}]}),
        json.dumps({"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]}),
    ],
    has_done=False,
)
DEEPSEEK = Turn(reasoning=["I shall ", "write."], tool_calls=[ScriptedCall("write_file", WRITE)])


@pytest.mark.parametrize(
    ("first", "beside_text", "beside_call"),
    [(GEMINI, {}, {"extra_content": SIGNED}), (DEEPSEEK, {"reasoning_content": "I shall write."}, {})],
    ids=["Gemini", "DeepSeek"],
)
def test_after_kill_9_behind_a_tool_call_the_server_gets_its_words_back(
    first: Turn, beside_text: dict[str, str], beside_call: dict[str, object], new_server: NewServer, upstream: Upstream
) -> None:
    server = new_server().start()
    alice, mark, gate = client(server), key(), key()
    upstream.script(first, Turn(n=5, gate=gate, gate_at=1), Turn(text="Done."), key=mark)
    chat = alice.chat(archetype="project_navigator")
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    upstream.wait_for(lambda seen: any(each.waits_at == gate for each in seen), key=mark)
    server.kill()
    server.start_process()
    assert alice.wait(run)["status"] == "succeeded"
    assert alice.answer(chat)["content"] == "Done."
    before, after = upstream.requests(mark)[1:]
    assert after.messages == before.messages, "another process says the same, byte for byte"
    said = next(each for each in after.messages if each["role"] == "assistant")
    [call] = said["tool_calls"]
    assert {name: said.get(name) for name in beside_text} == beside_text
    assert {name: call.get(name) for name in beside_call} == beside_call
    with alice.events(run) as stream:
        shown = "".join(frame.data for frame in stream)
    assert "thought_signature" not in shown + str(alice.answer(chat))


def test_a_temperature_that_is_refused_is_left_out_and_told(new_server: NewServer, upstream: Upstream) -> None:
    alice, mark = client(new_server().start()), key()
    told = "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) is supported."
    refusal = {"error": {"message": told, "param": "temperature", "code": "unsupported_value"}}
    upstream.script(Turn(fault="400", body=refusal), Turn(text="First."), Turn(text="Second."), key=mark)
    chat = alice.chat(temperature=0.7)
    run = alice.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with alice.events(run) as stream:
        frames = [each.json for each in stream.frames()]
    assert [each["left_out"] for each in frames if each["type"] == "reply.completed"] == [["temperature"]]
    assert not [each for each in frames if each["type"] == "retry.scheduled"]
    alice.wait(alice.start(chat, "Again.")["run"]["id"])
    assert ["temperature" in each.body for each in upstream.requests(mark)] == [True, False, False]
