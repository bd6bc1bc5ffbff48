"""The OpenAI SDK for Python at chat completions and models, with tokens and API keys, on real sockets."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from agents.conversation import BEFORE
from tests.clients.keys import new_key
from tests.live import Server
from tests.pictures import DOT
from tests.streams import Client, client, key
from tests.strict import check_strict
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def api_key(server: Server) -> str:
    return new_key(server, "llm")


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture(params=["/v1", "/api/llm"])
def sdk(server: Server, api_key: str, request: pytest.FixtureRequest) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url + request.param, api_key=api_key, max_retries=0) as made:
        yield made


@pytest.fixture
def v1(server: Server, api_key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url + "/v1", api_key=api_key, max_retries=0) as made:
        yield made


def scripted(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def seen(upstream: Upstream, prompt: str) -> dict[str, Any]:
    """What reached the model for a scripted prompt."""
    return upstream.requests(prompt[6:16])[-1].body


def says(text: Any, role: str = "user", **more: Any) -> Any:
    return {"role": role, "content": text, **more}


def strict(model: Any, value: Any) -> Any:
    """The value, if it is right in every field and not only near enough for the SDK."""
    return model.model_validate(json.loads(value.to_json(use_api_names=True)))


def checked(chunks: list[Any]) -> str:
    """The text of a whole stream, after looking at everything that can be wrong with it."""
    for chunk in chunks:
        strict(ChatCompletionChunk, chunk)
    (id,) = {each.id for each in chunks}
    assert id.startswith("chatcmpl-")
    with_choice = [each for each in chunks if each.choices]
    assert with_choice[0].choices[0].delta.role == "assistant"
    assert sum(each.choices[0].delta.role is not None for each in with_choice) == 1
    assert [each for each in with_choice if each.choices[0].finish_reason] == with_choice[-1:]
    return "".join(each.choices[0].delta.content or "" for each in with_choice)


@pytest.mark.smoke
def test_an_answer_is_the_same_streamed_and_not(sdk: OpenAI) -> None:
    whole = strict(ChatCompletion, sdk.chat.completions.create(model="demo", messages=[says("Hello [x]")]))
    chunks = list(sdk.chat.completions.create(model="demo", messages=[says("Hello [x]")], stream=True))
    assert checked(chunks) == whole.choices[0].message.content != ""
    assert len(chunks) > 4
    assert whole.choices[0].finish_reason == chunks[-1].choices[0].finish_reason == "stop"
    assert whole.usage is not None
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens > 0
    assert {whole.model, *(each.model for each in chunks)} == {"demo"}
    assert all(each.usage is None for each in chunks), "nobody has asked for it"


@pytest.mark.smoke
def test_the_usage_comes_last_where_it_is_asked_for(sdk: OpenAI) -> None:
    options: Any = {"include_usage": True}
    stream = sdk.chat.completions.create(model="demo", messages=[says("Hello")], stream=True, stream_options=options)
    chunks = list(stream)
    checked(chunks)
    *before, last = chunks
    assert last.choices == [] and last.usage is not None and last.usage.total_tokens > 0
    assert all(each.usage is None and each.choices for each in before)


def test_the_first_words_come_long_before_the_last(v1: OpenAI) -> None:
    began, times = time.monotonic(), []
    for chunk in v1.chat.completions.create(model="demo", messages=[says("[slow] Hello")], stream=True):
        if chunk.choices[0].delta.content:
            times.append(time.monotonic() - began)
    assert len(times) > 5 and times[-1] > 1 and times[0] < 0.6 * times[-1]


def test_text_of_any_kind_arrives_as_it_was_written(v1: OpenAI, upstream: Upstream) -> None:
    text = 'naïve “q” "p" back\\slash\nnew   data: [DONE] \U0001f600 </script>\r\nevent: done'
    prompt = scripted(upstream, Turn(text=list(text)), Turn(text=list(text)))
    chunks = list(v1.chat.completions.create(model="gpt-4o", messages=[says(prompt)], stream=True))
    assert checked(chunks) == text
    whole = v1.chat.completions.create(model="gpt-4o", messages=[says(prompt)])
    assert whole.choices[0].message.content == text


@pytest.mark.smoke
@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_of_the_clients_is_called_and_its_result_answered(sdk: OpenAI, stream: bool) -> None:
    asked = [says("The weather?")]
    if stream:
        chunks = list(sdk.chat.completions.create(model="demo", messages=asked, tools=[WEATHER], stream=True))
        assert checked(chunks) == ""
        calls = [call for each in chunks for call in each.choices[0].delta.tool_calls or []]
        first, *rest = calls
        assert (first.index, first.type, first.function.name, first.function.arguments) == (
            0, "function", "get_weather", "",
        )  # fmt: skip
        assert all(each.index == 0 and each.id is None for each in rest)
        id, arguments = first.id, "".join(each.function.arguments for each in rest)
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
    else:
        (choice,) = sdk.chat.completions.create(model="demo", messages=asked, tools=[WEATHER]).choices
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
        assert choice.message.tool_calls is not None
        call: Any = choice.message.tool_calls[0]
        id, arguments = call.id, call.function.arguments
    assert "city" in json.loads(arguments)
    made = {"id": id, "type": "function", "function": {"name": "get_weather", "arguments": arguments}}
    answered = [says(None, "assistant", tool_calls=[made]), says('{"sky": "blue"}', "tool", tool_call_id=id)]
    last = sdk.chat.completions.create(model="demo", messages=[*asked, *answered], tools=[WEATHER])
    assert "blue" in (last.choices[0].message.content or "")


def test_several_calls_at_once_keep_their_order(v1: OpenAI, upstream: Upstream) -> None:
    cities = ["Rome", "Oslo", "Bern"]
    calls = [ScriptedCall("get_weather", {"city": city}) for city in cities]
    prompt = scripted(upstream, Turn(text="Wait.", tool_calls=calls), Turn(tool_calls=calls))
    (choice,) = v1.chat.completions.create(model="gpt-4o", messages=[says(prompt)], tools=[WEATHER]).choices
    assert choice.message.content == "Wait."
    whole: Any = choice.message.tool_calls
    assert [json.loads(each.function.arguments)["city"] for each in whole] == cities
    assert len({each.id for each in whole}) == 3
    chunks = list(v1.chat.completions.create(model="gpt-4o", messages=[says(prompt)], tools=[WEATHER], stream=True))
    joined = ["", "", ""]
    for each in chunks:
        for call in each.choices[0].delta.tool_calls or []:
            joined[call.index] += call.function.arguments
    assert [json.loads(each)["city"] for each in joined] == cities


def test_a_conversation_reaches_the_model_as_it_was_sent(v1: OpenAI, upstream: Upstream) -> None:
    prompt = scripted(upstream, Turn(text="Done."))

    def call(id: str, city: str) -> Any:
        return {"id": id, "type": "function", "function": {"name": "get_weather", "arguments": f'{{"city":"{city}"}}'}}

    sent = [
        says("Be brief.", "system"),
        says("Speak German.", "developer"),
        says("Good day.", "assistant"),
        says("Hello"),
        says("Looking.", "assistant", tool_calls=[call("1", "Rome")]),
        says("sunny", "tool", tool_call_id="1"),
        says([{"type": "text", "text": "It is sunny."}], "assistant"),
        says("Now be long.", "system"),
        says(prompt),
        says(None, "assistant", tool_calls=[call("1", "Oslo")]),  # some clients count from 1 again
        says([{"type": "text", "text": "snow"}], "tool", tool_call_id="1"),
    ]
    v1.chat.completions.create(model="gpt-4o", messages=sent, tools=[WEATHER])
    said = seen(upstream, prompt)["messages"]
    check_strict(said)
    assert "Be brief.\n\nSpeak German.\n\nNow be long." in said[0]["content"]
    assert [each["role"] for each in said[2:]] == [
        "assistant", "user", "assistant", "tool", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip
    assert [each["content"] for each in said[1:]] == [
        BEFORE, "Good day.", "Hello", "Looking.", "sunny", "It is sunny.", prompt, None, "snow",
    ]  # fmt: skip
    made = [each["tool_calls"][0] for each in said if each.get("tool_calls")]
    assert [json.loads(each["function"]["arguments"])["city"] for each in made] == ["Rome", "Oslo"]
    assert [each["tool_call_id"] for each in said if each["role"] == "tool"] == [each["id"] for each in made]
    assert len({each["id"] for each in made}) == 2


def test_how_to_answer_is_passed_on(v1: OpenAI, upstream: Upstream) -> None:
    prompt = scripted(upstream, Turn(text="{}"))
    image: Any = {"type": "image_url", "image_url": {"url": DOT, "detail": "low"}}
    v1.chat.completions.create(
        model="gpt-4o", messages=[says([{"type": "text", "text": prompt}, image])], temperature=0.1, top_p=0.3,
        max_completion_tokens=77, seed=5, stop=["END"], presence_penalty=1, frequency_penalty=-1, n=1,
        logit_bias={"50256": -100}, response_format={"type": "json_object"}, tools=[WEATHER], user="somebody",
        tool_choice={"type": "function", "function": {"name": "get_weather"}}, parallel_tool_calls=False,
        extra_body={"of_tomorrow": True},
    )  # fmt: skip
    body = seen(upstream, prompt)
    told = {"temperature": 0.1, "top_p": 0.3, "max_tokens": 77, "seed": 5, "stop": ["END"], "presence_penalty": 1}
    told |= {"frequency_penalty": -1, "logit_bias": {"50256": -100}, "response_format": {"type": "json_object"}}
    told |= {"parallel_tool_calls": False, "tool_choice": {"type": "function", "function": {"name": "get_weather"}}}
    assert {name: body[name] for name in told} == told
    assert "of_tomorrow" not in body, "what a client adds goes to no provider"
    assert body["messages"][-1]["content"][1] == {"type": "image_url", "image_url": {"url": image["image_url"]["url"]}}


def test_an_answer_is_parsed_into_the_clients_own_type(v1: OpenAI, upstream: Upstream) -> None:
    class City(BaseModel):
        name: str

    prompt = scripted(upstream, Turn(text=['{"name":', '"Rome"}']))
    parsed = v1.chat.completions.parse(model="gpt-4o", messages=[says(prompt)], response_format=City)
    assert parsed.choices[0].message.parsed == City(name="Rome")
    assert seen(upstream, prompt)["response_format"]["json_schema"]["schema"]["required"] == ["name"]


@pytest.mark.smoke
def test_an_agent_is_a_model_and_runs_its_own_tools(v1: OpenAI, alice: Client) -> None:
    project = alice.get("/api/projects/")["results"][0]["id"]
    chats = len(alice.get("/api/chats/")["results"])
    there = v1.with_options(project=project)
    asked = [says("CALL list_files {}")]
    whole = there.chat.completions.create(model="parley/generalist", messages=asked)
    chunks = list(there.chat.completions.create(model="parley/generalist", messages=asked, stream=True))
    assert whole.model == chunks[0].model == "parley/generalist"
    assert checked(chunks) == whole.choices[0].message.content != ""
    run = alice.get(f"/api/runs/{whole.id.removeprefix('chatcmpl-')}/")
    assert (run["archetype"], run["turns"]) == ("generalist", 2)
    assert [each["type"] for each in alice.answer(run["chat"])["parts"]] == ["tool_call", "tool_result", "text"]
    assert len(alice.get("/api/chats/")["results"]) == chats, "a request leaves no chat in a list"


@pytest.mark.smoke
def test_models_are_the_catalog_and_the_agents(sdk: OpenAI) -> None:
    listed = {each.id: each for each in sdk.models.list()}
    assert {"demo", "gpt-4o", "parley/generalist", "parley/project_navigator"} <= set(listed)
    for name, shown in listed.items():
        assert sdk.models.retrieve(name) == shown
        assert (shown.object, type(shown.created), bool(shown.owned_by)) == ("model", int, True)
    with pytest.raises(openai.NotFoundError) as refused:
        sdk.models.retrieve("gpt-99")
    assert refused.value.code == "model_not_found"


# --- Errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.smoke
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("wrong", "kind", "code", "param"),
    [
        ({"model": "gpt-99"}, openai.NotFoundError, "model_not_found", "model"),
        ({"model": "parley/nobody"}, openai.NotFoundError, "model_not_found", "model"),
        ({"n": 2}, openai.BadRequestError, "invalid_value", "n"),
        ({"logprobs": True}, openai.BadRequestError, "invalid_value", "logprobs"),
        ({"store": True}, openai.BadRequestError, "invalid_value", "store"),
        ({"modalities": ["audio"]}, openai.BadRequestError, "invalid_value", "modalities"),
        ({"temperature": 3}, openai.BadRequestError, "invalid_value", "temperature"),
        ({"messages": []}, openai.BadRequestError, "invalid_value", "messages"),
        ({"messages": [says("x", "robot")]}, openai.BadRequestError, "invalid_value", "messages.0.role"),
        ({"extra_body": {"top_k": 5}}, openai.BadRequestError, "invalid_value", "top_k"),
        ({"functions": [{"name": "f"}]}, openai.BadRequestError, "invalid_value", "functions"),
        ({"tool_choice": "required"}, openai.BadRequestError, "invalid_value", "tool_choice"),
        (
            {"messages": [says("a"), says("b", "tool", tool_call_id="c")]},
            openai.BadRequestError, "invalid_value", "messages.1.tool_call_id",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_by_name_before_a_stream_begins(
    v1: OpenAI, stream: bool, wrong: dict[str, Any], kind: Any, code: str, param: str
) -> None:
    asked: Any = {"model": "demo", "messages": [says("Hello")], "stream": stream, **wrong}
    with pytest.raises(kind) as refused:
        v1.chat.completions.create(**asked)
    assert (refused.value.code, refused.value.param) == (code, param)
    assert refused.value.message


@pytest.mark.smoke
def test_who_has_no_right_key_is_told_so(server: Server) -> None:
    for wrong in ("x", "pk_" + 43 * "x", new_key(server, "read")[:-1]):
        with pytest.raises(openai.AuthenticationError) as refused:
            OpenAI(base_url=server.url + "/v1", api_key=wrong, max_retries=0).models.list()
        assert refused.value.code == "invalid_api_key"


def test_a_key_opens_what_its_scope_names_and_nothing_once_it_is_revoked(server: Server) -> None:
    token = new_key(server, "llm")
    assert server.call("GET", "/api/chats/", token=token).status == 403
    made = OpenAI(base_url=server.url + "/v1", api_key=token, max_retries=0)
    assert made.models.list().data
    server.quickly("revoke_key", token[:11])
    with pytest.raises(openai.AuthenticationError):
        made.models.list()
    reads = OpenAI(base_url=server.url + "/v1", api_key=new_key(server, "read"), max_retries=0)
    assert reads.models.list().data
    with pytest.raises(openai.PermissionDeniedError):
        reads.chat.completions.create(model="demo", messages=[says("Hello")])


def test_a_stream_ends_soon_after_its_key_was_revoked(new_server: Any, upstream: Upstream) -> None:
    server = new_server(CHAT_HEARTBEAT_S="0.3").start()
    token, gate = new_key(server, "llm"), key()
    prompt = scripted(upstream, Turn(n=20, gate=gate, gate_at=5))
    made = OpenAI(base_url=server.url + "/v1", api_key=token, max_retries=0)
    try:
        with made.chat.completions.create(model="gpt-4o", messages=[says(prompt)], stream=True) as stream:
            next(iter(stream))
            server.quickly("revoke_key", token[:11])
            with pytest.raises(openai.APIError):
                list(stream)
    finally:
        upstream.release(gate)


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("400", openai.BadRequestError, "upstream_invalid"),
        ("401", openai.InternalServerError, "upstream_auth"),
        ("404", openai.NotFoundError, "model_not_found"),
        ("429", openai.RateLimitError, "rate_limit_exceeded"),
        ("503", openai.InternalServerError, "upstream_unavailable"),
        ("cut", openai.InternalServerError, "upstream_interrupted"),
    ],
)
def test_a_failed_run_is_an_error_whole_and_in_a_stream(
    server: Server, api_key: str, upstream: Upstream, fault: str, kind: Any, code: str
) -> None:
    made = OpenAI(base_url=server.url + "/v1", api_key=api_key, max_retries=3)
    at = 3 if fault == "cut" else -1
    prompt = scripted(upstream, *(3 * [Turn(n=9, fault=fault, at=at)]))
    with pytest.raises(kind) as refused:
        made.chat.completions.create(model="gpt-4o", messages=[says(prompt)])
    assert refused.value.code == code
    again = scripted(upstream, *(3 * [Turn(n=9, fault=fault, at=at)]))
    texts = []
    with pytest.raises(openai.APIError) as broken:
        for chunk in made.chat.completions.create(model="gpt-4o", messages=[says(again)], stream=True):
            texts.append(chunk.choices[0].delta.content)
    assert broken.value.code == code
    assert ("0 " in texts) is (fault == "cut")
    runs = len(upstream.requests(prompt[6:16]))
    assert runs == len(upstream.requests(again[6:16])), "the SDK has asked again for what was tried already"


def test_more_than_a_model_gets_to_read_is_refused(v1: OpenAI) -> None:
    for messages in ([says("x")] * 101, [says("x" * 99_000)] * 5):
        with pytest.raises(openai.BadRequestError) as refused:
            v1.chat.completions.create(model="demo", messages=messages)
        assert refused.value.code == "context_length_exceeded"


def test_a_long_way_of_a_clients_agent_is_one_turn(v1: OpenAI, upstream: Upstream) -> None:
    prompt = scripted(upstream, Turn(text="Done."))
    sent = [says("Be brief.", "system"), says(prompt)]
    for number in range(150):
        made = {"id": f"c{number}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        sent += [says(None, "assistant", tool_calls=[made]), says(str(number), "tool", tool_call_id=f"c{number}")]
    v1.chat.completions.create(model="gpt-4o", messages=sent)
    said = seen(upstream, prompt)["messages"]
    assert [each["content"] for each in said if each["role"] == "tool"] == [str(number) for number in range(150)]
    assert len(said) == len(sent)


async def test_streams_at_once_stay_separate(server: Server, api_key: str, upstream: Upstream) -> None:
    made = AsyncOpenAI(base_url=server.url + "/v1", api_key=api_key, max_retries=0)

    async def answer(number: int) -> str:
        prompt = scripted(upstream, Turn(text=[f"{number} "] * 30, delay_ms=3))
        stream = await made.chat.completions.create(model="gpt-4o", messages=[says(prompt)], stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert await asyncio.gather(*map(answer, range(8))) == [f"{number} " * 30 for number in range(8)]
