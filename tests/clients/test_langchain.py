"""LangChain's ChatOpenAI at chat completions, and at the Responses API."""

from collections.abc import Callable
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from tests.clients.keys import new_key
from tests.live import Server
from tests.streams import key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
Model = Callable[..., ChatOpenAI]


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"snow in {city}"


class City(BaseModel):
    """A city."""

    name: str


@pytest.fixture(scope="module")
def model(server: Server) -> Model:
    token = new_key(server, "llm")

    def made(name: str = "demo", **options: Any) -> ChatOpenAI:
        return ChatOpenAI(
            **{"base_url": f"{server.url}/v1", "api_key": token, "model": name, "max_retries": 0, **options}
        )

    return made


def prompt(upstream: Upstream, *turns: Turn) -> str:
    mark = key()
    upstream.script(*turns, key=mark)
    return f"[[key={mark}]] go"


def joined(chunks: list[Any]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


@pytest.mark.smoke
@pytest.mark.parametrize("responses", [False, True])
def test_it_answers_streamed_or_not(model: Model, responses: bool) -> None:
    chat = model(use_responses_api=responses, stream_usage=True)
    whole = chat.invoke("Hello [x]")
    chunks = list(chat.stream("Hello [x]"))
    assert len(chunks) > 4
    streamed = joined(chunks)
    assert whole.text == streamed.text != ""
    assert whole.usage_metadata and streamed.usage_metadata
    assert whole.usage_metadata["total_tokens"] == streamed.usage_metadata["total_tokens"] > 0
    if responses:
        assert whole.response_metadata["id"].startswith("resp_")
    else:
        assert whole.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("responses", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_its_tools_are_called_and_answered(model: Model, stream: bool, responses: bool) -> None:
    chat = model(use_responses_api=responses).bind_tools([get_weather])
    said: list[Any] = [SystemMessage("Be brief."), HumanMessage("The weather?")]
    first: Any = joined(list(chat.stream(said))) if stream else chat.invoke(said)
    (call,) = first.tool_calls
    assert call["name"] == "get_weather" and call["id"] and "city" in call["args"]
    result = get_weather.invoke(call)
    assert isinstance(result, ToolMessage)
    last = chat.invoke([*said, first, result])
    assert "snow" in last.text and not last.tool_calls


def test_a_structured_answer_is_the_clients_own_type(model: Model, upstream: Upstream) -> None:
    text = prompt(upstream, Turn(text='{"name": "Rome"}'))
    assert model("gpt-4o").with_structured_output(City).invoke(text) == City(name="Rome")
    by_tool = model("demo").with_structured_output(City, method="function_calling").invoke("Which city?")
    assert isinstance(by_tool, City)


async def test_it_answers_in_async_code(model: Model) -> None:
    chat = model()
    whole = await chat.ainvoke("Hello [x]")
    assert "".join([chunk.text async for chunk in chat.astream("Hello [x]")]) == whole.text
    assert [each.text for each in await chat.abatch(["Hello [x]"] * 4)] == [whole.text] * 4


def test_a_conversation_with_earlier_answers_goes_on(model: Model, upstream: Upstream) -> None:
    text = prompt(upstream, Turn(text="Done."))
    model("gpt-4o", temperature=0.2, stop=["END"], seed=7).invoke(
        [SystemMessage("Be brief."), HumanMessage("Hello"), AIMessage("Good day."), HumanMessage(text)]
    )
    body = upstream.requests(text[6:16])[-1].body
    assert [each["role"] for each in body["messages"]] == ["system", "user", "assistant", "user"]
    assert (body["temperature"], body["stop"], body["seed"]) == (0.2, ["END"], 7)


@pytest.mark.parametrize("stream", [False, True])
def test_errors_have_their_class(model: Model, stream: bool) -> None:
    def ask(chat: ChatOpenAI) -> None:
        list(chat.stream("Hello")) if stream else chat.invoke("Hello")

    with pytest.raises(openai.NotFoundError):
        ask(model("gpt-99"))
    with pytest.raises(openai.AuthenticationError):
        ask(model(api_key="pk_x"))
    with pytest.raises(openai.BadRequestError):
        ask(model(n=2))
