"""The OpenAI SDK for Python at the Responses door: all its calls for responses and conversations, on real sockets."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.conversations import Conversation
from openai.types.responses import CompactedResponse, Response, ResponseStreamEvent
from openai.types.responses.responses_server_event import ResponsesServerEvent
from pydantic import TypeAdapter

from tests.live import Server
from tests.pictures import DOT
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
BASES = ("/v1", "/api/llm")
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
SOCKET_EVENT: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
OVER = ("response.completed", "response.failed", "response.incomplete", "error")
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(params=BASES)
def sdk(server: Server, alice: Client, request: pytest.FixtureRequest) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url + request.param, api_key=alice.token, max_retries=0) as made:
        yield made


@pytest.fixture
def v1(server: Server, alice: Client) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url + "/v1", api_key=alice.token, max_retries=0) as made:
        yield made


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def strict(model: Any, value: Any) -> Any:
    """The value, if it is right in every field and not only near enough for the SDK."""
    return model.model_validate(json.loads(value.to_json(use_api_names=True)))


def checked(events: list[Any], adapter: TypeAdapter[Any] = EVENT) -> str:
    """The text of a whole stream, after looking at everything that can be wrong with it."""
    for event in events:
        adapter.validate_python(json.loads(event.to_json(use_api_names=True)))
    assert [each.sequence_number for each in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    final = strict(Response, events[-1].response)
    text = "".join(each.delta for each in events if each.type == "response.output_text.delta")
    assert text == "".join(each.text for each in events if each.type == "response.output_text.done")
    assert text == final.output_text
    added = [each.item.id for each in events if each.type == "response.output_item.added"]
    assert added == [each.id for each in final.output]
    assert all(each.item_id in added for each in events if hasattr(each, "item_id"))
    return text


@pytest.mark.smoke
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_the_same_streamed_and_not_and_as_it_is_stored(sdk: OpenAI, alice: Client, stream: bool) -> None:
    before = len(alice.get("/api/chats/")["results"])
    if stream:
        events = list(sdk.responses.create(model="demo", input="Hello [x]", stream=True))
        text, response = checked(events), events[-1].response
        assert sum(each.type == "response.output_text.delta" for each in events) > 2
    else:
        response = strict(Response, sdk.responses.create(model="demo", input="Hello [x]"))
        text = response.output_text
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens > 0
    assert sdk.responses.retrieve(response.id) == response
    run = alice.get(f"/api/runs/{response.id.removeprefix('resp_')}/")
    messages = alice.get(f"/api/chats/{run['chat']}/messages/")["results"]
    assert [each["content"] for each in messages] == ["Hello [x]", text]
    assert response.output[0].id == f"msg_{messages[-1]['id']}"
    assert len(alice.get("/api/chats/")["results"]) == before  # a chat that nobody named is in no list


def test_the_first_words_come_long_before_the_last(v1: OpenAI) -> None:
    began, times = time.monotonic(), []
    for event in v1.responses.create(model="demo", input="[slow] Hello", stream=True):
        if event.type == "response.output_text.delta":
            times.append(time.monotonic() - began)
    assert len(times) > 5 and times[-1] > 1 and times[0] < 0.6 * times[-1]


@pytest.mark.smoke
def test_a_tool_of_the_clients_is_called_and_its_output_answered(sdk: OpenAI) -> None:
    events = list(sdk.responses.create(model="demo", input="The weather?", tools=[WEATHER], stream=True))
    checked(events)
    (call,) = events[-1].response.output
    added = next(each.item for each in events if each.type == "response.output_item.added")
    assert (added.call_id, added.name) == (call.call_id, "get_weather")
    deltas = [each.delta for each in events if each.type == "response.function_call_arguments.delta"]
    assert "".join(deltas) == call.arguments and "city" in json.loads(call.arguments)
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": '{"sky": "blue"}'}
    first = events[-1].response
    by_id = sdk.responses.create(model="demo", previous_response_id=first.id, input=[output], tools=[WEATHER])
    assert "blue" in by_id.output_text and by_id.previous_response_id == first.id
    sent: Any = [{"role": "user", "content": "The weather?"}, call.model_dump(), output]
    whole = sdk.responses.create(model="demo", input=sent, tools=[WEATHER], store=False)
    assert "blue" in whole.output_text


def test_what_is_asked_for_reaches_the_model(v1: OpenAI, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="Yes."), key=mark)
    image: Any = {"type": "input_image", "image_url": DOT}
    text: Any = {"type": "input_text", "text": f"[[key={mark}]] See"}
    v1.responses.create(
        model="gpt-4o", instructions="Be brief.", temperature=0.1, top_p=0.3, max_output_tokens=77, tools=[WEATHER],
        tool_choice={"type": "function", "name": "get_weather"}, parallel_tool_calls=False,
        text={"format": {"type": "json_object"}},
        input=[{"role": "developer", "content": "Speak German."}, {"role": "user", "content": [text, image]}],
    )  # fmt: skip
    (seen,) = upstream.requests(mark)
    body = seen.body
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.1, 0.3, 77)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert [each["function"]["name"] for each in body["tools"]] == ["get_weather"]
    assert (body["response_format"], body["parallel_tool_calls"]) == ({"type": "json_object"}, False)
    roles = [each["role"] for each in body["messages"]]
    assert roles == ["system", "user"] and "Be brief.\n\nSpeak German." in body["messages"][0]["content"]
    assert body["messages"][-1]["content"][1] == {"type": "image_url", "image_url": {"url": image["image_url"]}}


def test_a_conversation_goes_on_by_the_last_response_and_by_references(v1: OpenAI, upstream: Upstream) -> None:
    first = v1.responses.create(model="gpt-4o", input=scripted(upstream, Turn(text="One.")))
    mark = key()
    upstream.script(Turn(text="Two."), Turn(text="Three."), key=mark)
    v1.responses.create(model="gpt-4o", input=f"[[key={mark}]] a", previous_response_id=first.id)
    before: Any = [{"role": "user", "content": "Say one."}, {"type": "item_reference", "id": first.output[0].id}]
    v1.responses.create(model="gpt-4o", input=[*before, {"role": "user", "content": f"[[key={mark}]] b"}])
    for seen in upstream.requests(mark):
        assert [each["role"] for each in seen.messages] == ["user", "assistant", "user"]
        assert seen.messages[1]["content"] == "One."


@pytest.mark.smoke
def test_an_agent_is_a_model_and_runs_its_own_tools(v1: OpenAI, alice: Client) -> None:
    project = alice.get("/api/projects/")["results"][0]["id"]
    there = v1.with_options(project=project)
    response = there.responses.create(model="parley/generalist", input="CALL list_files {}")
    assert response.model == "parley/generalist" and [each.type for each in response.output] == ["message"]
    run = alice.get(f"/api/runs/{response.id.removeprefix('resp_')}/")
    assert (run["archetype"], run["turns"]) == ("generalist", 2)
    parts = alice.answer(run["chat"])["parts"]
    assert [each["type"] for each in parts] == ["tool_call", "tool_result", "text"] and not parts[1]["is_error"]


def test_reasoning_is_shown_to_who_asks_for_a_summary(v1: OpenAI) -> None:
    events = list(v1.responses.create(model="demo", input="Hm", reasoning={"summary": "auto"}, stream=True))
    checked(events)
    thought = events[-1].response.output[0]
    deltas = [each.delta for each in events if each.type == "response.reasoning_summary_text.delta"]
    assert thought.type == "reasoning" and thought.summary[0].text == "".join(deltas) != ""


@pytest.mark.smoke
def test_in_the_background_it_is_read_again_from_any_number(sdk: OpenAI) -> None:
    begun = sdk.responses.create(model="demo", input="[slow] Hello", background=True)
    assert begun.status in ("queued", "in_progress") and begun.background and begun.output == []
    seen: list[Any] = []
    with sdk.responses.retrieve(begun.id, stream=True) as stream:
        for event in stream:
            seen.append(event)
            if len(seen) == 7:
                break
    seen += sdk.responses.retrieve(begun.id, stream=True, starting_after=seen[-1].sequence_number)
    checked(seen)
    assert seen == list(sdk.responses.retrieve(begun.id, stream=True))
    assert sdk.responses.retrieve(begun.id).status == "completed"
    last = seen[-1].sequence_number
    assert list(sdk.responses.retrieve(begun.id, stream=True, starting_after=last)) == []


def test_leaving_a_stream_stops_nothing_and_cancel_does(v1: OpenAI, upstream: Upstream) -> None:
    gate = key()
    prompt = scripted(upstream, Turn(n=20, gate=gate, gate_at=5))
    with v1.responses.create(model="gpt-4o", input=prompt, stream=True) as stream:
        id = next(iter(stream)).response.id
    upstream.release(gate)
    assert list(v1.responses.retrieve(id, stream=True))[-1].type == "response.completed"
    stopped = v1.responses.create(
        model="gpt-4o", input=scripted(upstream, Turn(n=20, gate=key(), gate_at=5)), stream=True
    )
    events = []
    for event in stopped:
        events.append(event)
        if len(events) == 6:
            assert v1.responses.cancel(event.response.id if hasattr(event, "response") else events[0].response.id)
    assert (events[-1].type, events[-1].response.status) == ("response.incomplete", "cancelled")
    again = v1.responses.retrieve(events[0].response.id)
    assert again.status == "cancelled" and again.output_text.startswith("0 1 ")


def test_what_is_not_stored_or_deleted_is_not_found(sdk: OpenAI) -> None:
    unstored = sdk.responses.create(model="demo", input="Hello", store=False)
    kept = sdk.responses.create(model="demo", input="Hello")
    assert unstored.store is False
    items = sdk.responses.input_items.list(kept.id).data
    assert [(each.type, each.content[0].text) for each in items] == [("message", "Hello")]  # type: ignore[union-attr]
    sdk.responses.delete(kept.id)
    for id in (unstored.id, kept.id, "resp_none", "resp_00000000-0000-4000-8000-000000000000"):
        with pytest.raises(openai.NotFoundError):
            sdk.responses.retrieve(id)
        with pytest.raises(openai.NotFoundError) as refused:
            sdk.responses.create(model="demo", input="Hello", previous_response_id=id)
        assert refused.value.code == "previous_response_not_found"


@pytest.mark.smoke
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_the_sdks_own_before_any_stream(sdk: OpenAI, stream: Any) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.responses.create(model="gpt-none", input="Hello", stream=stream)
    assert (unknown.value.code, unknown.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(model="parley/nobody", input="Hello", stream=stream)
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.responses.create(model="demo", input="Hello", tools=[{"type": "web_search"}], stream=stream)
    assert refused.value.param == "tools.0.type"
    with pytest.raises(openai.AuthenticationError) as nobody:
        sdk.with_options(api_key="wrong").responses.create(model="demo", input="Hello", stream=stream)
    assert nobody.value.code == "invalid_api_key"


def test_a_failure_of_the_model_is_told_and_stored(v1: OpenAI, upstream: Upstream) -> None:
    events = list(v1.responses.create(model="gpt-4o", input=scripted(upstream, Turn(fault="401")), stream=True))
    assert (events[-1].type, events[-1].response.error.code) == ("response.failed", "server_error")
    assert strict(Response, v1.responses.retrieve(events[0].response.id)).status == "failed"
    cut = v1.responses.create(model="gpt-4o", input=scripted(upstream, Turn(text="Long", finish_reason="length")))
    assert (cut.status, cut.incomplete_details.reason) == ("incomplete", "max_output_tokens")  # type: ignore[union-attr]


def test_a_conversation_holds_what_was_said_in_it(sdk: OpenAI, alice: Client) -> None:
    first: Any = [{"type": "message", "role": "user", "content": "My name is Ada."}]
    made = strict(Conversation, sdk.conversations.create(metadata={"a": "b"}, items=first))
    assert sdk.conversations.retrieve(made.id) == made and made.metadata == {"a": "b"}
    response = sdk.responses.create(model="demo", input="Hello", conversation=made.id)
    assert response.conversation and response.conversation.id == made.id
    events = list(sdk.responses.create(model="demo", input="Again", conversation={"id": made.id}, stream=True))
    text = checked(events)
    listed = [each.content[0].text for each in sdk.conversations.items.list(made.id, order="asc", limit=2)]  # type: ignore[union-attr]
    assert listed == ["My name is Ada.", "Hello", response.output_text, "Again", text]
    newest = sdk.conversations.items.list(made.id, limit=1)
    assert newest.data[0].id == events[-1].response.output[0].id and newest.has_more
    assert sdk.conversations.items.retrieve(newest.data[0].id or "", conversation_id=made.id).id == newest.data[0].id
    more = sdk.conversations.items.create(made.id, items=[{"role": "user", "content": "One more."}])
    assert more.data[0].content[0].text == "One more."  # type: ignore[union-attr]
    assert sdk.conversations.update(made.id, metadata={"c": "d"}).metadata == {"c": "d"}
    chat = made.id.removeprefix("conv_")
    assert [each["content"] for each in alice.get(f"/api/chats/{chat}/messages/")["results"]][-1] == "One more."
    assert sdk.conversations.delete(made.id).deleted is True
    with pytest.raises(openai.NotFoundError):
        sdk.conversations.retrieve(made.id)


def test_one_response_at_a_time_in_a_conversation(v1: OpenAI, upstream: Upstream) -> None:
    gate, made = key(), v1.conversations.create()
    prompt = scripted(upstream, Turn(n=5, gate=gate, gate_at=2))
    begun = v1.responses.create(model="gpt-4o", input=prompt, conversation=made.id, background=True)
    with pytest.raises(openai.ConflictError) as refused:
        v1.responses.create(model="demo", input="Hello", conversation=made.id)
    assert refused.value.code == "run_live" and begun.id.removeprefix("resp_") in refused.value.message
    upstream.release(gate)


def test_a_compacted_conversation_goes_on(sdk: OpenAI, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="They launch on Tuesday."), Turn(text="On Tuesday."), key=mark)
    said: Any = [
        {"role": "user", "content": f"[[key={mark}]] We launch on Tuesday."},
        {"role": "assistant", "content": "Fine."},
    ]
    made = strict(CompactedResponse, sdk.responses.compact(model="gpt-4o", input=said, prompt_cache_key="x"))
    assert [each.type for each in made.output] == ["compaction"] and made.usage.total_tokens > 0
    following: Any = [*(each.model_dump() for each in made.output), {"role": "user", "content": "When?"}]
    assert sdk.responses.create(model="gpt-4o", input=following).output_text == "On Tuesday."
    messages = upstream.requests(mark)[-1].messages
    assert [each["role"] for each in messages] == ["system", "user"]
    assert "They launch on Tuesday." in messages[0]["content"] and messages[1]["content"].endswith("\n\nWhen?")


async def test_four_streams_at_once_stay_apart(server: Server, alice: Client, upstream: Upstream) -> None:
    async with AsyncOpenAI(base_url=server.url + "/v1", api_key=alice.token, max_retries=0) as sdk:

        async def one(number: int) -> None:
            prompt = scripted(upstream, Turn(text=[f"<{number}>"] * 30, delay_ms=3))
            stream = await sdk.responses.create(model="gpt-4o", input=prompt, stream=True)
            assert checked([event async for event in stream]) == f"<{number}>" * 30

        await asyncio.gather(*(one(number) for number in range(4)))


# --- The socket -------------------------------------------------------------------------------------------------------


def turn(connection: Any, **asked: Any) -> list[Any]:
    connection.response.create(**{"model": "demo", **asked})
    events: list[Any] = []
    for event in connection:
        events.append(event)
        if event.type in OVER:
            break
    return events


@pytest.mark.smoke
def test_two_turns_on_one_socket(sdk: OpenAI) -> None:
    with sdk.responses.connect() as connection:
        first = turn(connection, input="Hello", store=False)
        second = turn(connection, input="Again", store=False, previous_response_id=first[-1].response.id)
    assert checked(first, SOCKET_EVENT) and checked(second, SOCKET_EVENT)
    assert second[-1].response.previous_response_id == first[-1].response.id
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve(first[-1].response.id)


def test_a_tool_of_the_clients_over_a_socket(v1: OpenAI) -> None:
    with v1.responses.connect() as connection:
        first = turn(connection, input="The weather?", tools=[WEATHER])
        (call,) = first[-1].response.output
        output = {"type": "function_call_output", "call_id": call.call_id, "output": "blue"}
        second = turn(connection, input=[output], tools=[WEATHER], previous_response_id=first[-1].response.id)
    assert "blue" in checked(second, SOCKET_EVENT)
    assert v1.responses.retrieve(second[-1].response.id).output_text == second[-1].response.output_text


def test_a_socket_opens_for_nobody_without_a_key(v1: OpenAI) -> None:
    with pytest.raises(Exception, match="401"), v1.with_options(api_key="wrong").responses.connect():
        pass
