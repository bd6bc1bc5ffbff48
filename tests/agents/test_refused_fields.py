"""What servers were seen to refuse and could do without, each with its public source: it is asked again at once.

A row is the error, what was asked for, and what is sent then: fields that are gone, fields with what they have become.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from agents import events as ev
from agents.errors import ProviderError
from agents.events import Call
from agents.loop import Agent
from agents.messages import AssistantMessage, ToolMessage, ToolSpec, UserMessage
from agents.options import OutputFormat
from agents.providers import refused
from agents.providers.base import LeftOut, ProviderRequest, TextPiece
from agents.providers.openai import OpenAIProvider
from agents.providers.refused import CHOICES, REMEMBERED_MAX, REMEMBERED_S, Change
from agents.state import VendorState
from tests.agents.test_loop import archetype, job
from tests.upstream import Seen, Turn, Upstream

TOOL = ToolSpec("f", "F.", {"type": "object"})
TOOLS = {"tools": (TOOL,)}
WARM = {"temperature": 0.7}
OUTPUT = {"output": OutputFormat("answer", {"type": "object"})}
CALL = AssistantMessage("", (Call("c1", "f", "{}"),))
CALLED = {"messages": (UserMessage("Go."), CALL, ToolMessage("c1", "f", "ok"))}


def extra(**fields: Any) -> dict[str, Any]:
    return {"extra": fields}


def unsupported(name: str, told: str, code: str = "unsupported_parameter") -> dict[str, Any]:
    return {"error": {"message": told, "type": "invalid_request_error", "param": name, "code": code}}


def said(message: str, **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def forbidden(*place: str | int) -> dict[str, Any]:
    return {"detail": [{"type": "extra_forbidden", "loc": list(place), "msg": "Extra inputs are not permitted"}]}


class Row(NamedTuple):
    error: Any
    asked: dict[str, Any] = {}
    gone: tuple[str, ...] = ()
    sent: dict[str, Any] = {}
    left_out: tuple[str, ...] = ()
    status: int = 400


BOTH = "Function tools with reasoning_effort are not supported for gpt-5.6-mini in /v1/chat/completions. "
BOTH += "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
EFFORTS = "Unsupported value: 'minimal' is not supported with the 'gpt-5.1' model. "
EFFORTS += "Supported values are: 'none', 'low', 'medium', and 'high'."
WARM_ONE = (
    "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported."
)
MAX = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
LARGE = (
    "'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context length is 4096 tokens "
)
LARGE += "and your request has 2104 input tokens (2000 > 4096 - 2104)."
UNKNOWN = 'Invalid JSON payload received. Unknown name "parallel_tool_calls": Cannot find field.'
AUTO = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
PYDANTIC = (
    "1 validation error for ChatCompletionRequest\ntools\n  Extra inputs are not permitted [type=extra_forbidden]"
)
GPT5 = "litellm.UnsupportedParamsError: gpt-5 models (including gpt-5-codex) don't support temperature=0.7. "
GPT5 += "Only temperature=1 is supported."
VERIFY = "Your organization must be verified to stream this model. Please go to: https://platform.openai.com/settings"

REFUSED: dict[str, Row] = {
    "QwenLM/qwen-code#921: temperature": Row(
        unsupported("temperature", WARM_ONE, "unsupported_value"), WARM, ("temperature",), {}, ("temperature",)),
    "RooCodeInc/Roo-Code#3725: the same without a code": Row(
        said("Unsupported parameter: 'temperature' is not supported with this model.", param="temperature", code=None),
        WARM, ("temperature",), {}, ("temperature",)),
    "Anthropic's words, behind a gateway": Row(
        said("`temperature` is deprecated for this model."), WARM, ("temperature",), {}, ("temperature",)),
    "litellm's words": Row(said(GPT5), WARM, ("temperature",), {}, ("temperature",)),
    "litellm's words, a list": Row(
        said("openai does not support parameters: ['top_p'], for model=gpt-5.1"), extra(top_p=0.5), ("top_p",), {},
        ("top_p",)),
    "a range": Row(
        said("temperature: Input should be less than or equal to 1"), {"temperature": 1.7}, ("temperature",), {},
        ("temperature",)),
    "OpenRouter: what its provider said": Row(
        said("Provider returned error", code=400, metadata={"raw": json.dumps(unsupported("temperature", WARM_ONE))}),
        WARM, ("temperature",), {}, ("temperature",)),
    "griptape-ai/ComfyUI-Griptape#312: max_tokens": Row(
        unsupported("max_tokens", MAX), {"max_output_tokens": 50}, ("max_tokens",), {"max_completion_tokens": 50}),
    "anomalyco/opencode#37964: the same without param": Row(
        said(MAX), {"max_output_tokens": 50}, ("max_tokens",), {"max_completion_tokens": 50}),
    "canfieldjuan/finetunelab.ai: max_tokens beyond the window": Row(
        said(LARGE), {"max_output_tokens": 2000}, ("max_tokens", "max_completion_tokens")),
    "GEMISIS/leviath#333: tools with effort": Row(
        unsupported("reasoning_effort", BOTH), {**TOOLS, "effort": "high"}, (), {"reasoning_effort": "none"},
        ("effort",)),
    "BerriAI/litellm#34569: the same where none was sent": Row(
        said(BOTH), TOOLS, (), {"reasoning_effort": "none"}),
    "anomalyco/opencode#4451: another effort": Row(
        unsupported("reasoning_effort", EFFORTS, "unsupported_value"), {"effort": "minimal"}, (),
        {"reasoning_effort": "low"}, ("effort",)),
    "mistralai/mistral-vibe#1117: the same, max": Row(
        said("reasoning_effort must be one of ['low', 'high', 'xhigh']"), {"effort": "max"}, (),
        {"reasoning_effort": "xhigh"}, ("effort",), 422),
    "ollama/ollama#12561: think value": Row(
        said('think value "medium" is not supported for this model', type="api_error"), {"effort": "medium"},
        ("reasoning_effort",), {}, ("effort",)),
    "taketwo/llm-ollama#54: no thinking": Row(
        said("registry.ollama.ai/library/gemma3n:e4b-it-q8_0 does not support thinking"), {"effort": "low"},
        ("reasoning_effort",), {}, ("effort",)),
    "modelscope/ms-agent#489: stream_options": Row(
        forbidden("body", "stream_options"), {}, ("stream_options",), status=422),
    "anomalyco/opencode#31156: the same, Databricks": Row(
        {"error_code": "BAD_REQUEST", "message": "stream_options: Extra inputs are not permitted"}, {},
        ("stream_options",)),
    "Mistral: errors in the message": Row(
        {"object": "error", "message": forbidden("body", "user"), "type": "invalid_request_error"}, {"user": "u1"},
        ("user",), status=422),
    "Azure: unrecognized": Row(
        said("Unrecognized request argument supplied: user"), {"user": "u1"}, ("user",)),
    "jackmpcollins/magentic#382: Gemini's words": Row(
        [said(UNKNOWN, code=400, status="INVALID_ARGUMENT")], extra(parallel_tool_calls=False),
        ("parallel_tool_calls",), {}, ("parallel_tool_calls",)),
    "Groq: response format": Row(
        said("This model does not support response format `json_schema`. See supported models at"), OUTPUT,
        ("response_format",), {}, ("output",)),
    "DeepSeek: response format": Row(
        said("This response_format type is unavailable now"), OUTPUT, ("response_format",), {}, ("output",)),
    "a seed": Row(said("Unknown parameter: 'seed'."), extra(seed=7), ("seed",), {}, ("seed",)),
    "a penalty": Row(
        said("frequency_penalty is not supported"), extra(frequency_penalty=1), ("frequency_penalty",), {},
        ("frequency_penalty",)),
    "louisho5/picobot#6: tools": Row(
        said("registry.ollama.ai/library/gemma3:4b does not support tools", type="api_error"), TOOLS, ("tools",), {},
        ("tools",)),
    "the same, with what hangs on them": Row(
        said("gemma3:4b does not support tools"), {**TOOLS, **extra(parallel_tool_calls=False)},
        ("tools", "parallel_tool_calls"), {}, ("parallel_tool_calls", "tools")),
    "Routstr/routstr-core#554: tools, OpenRouter": Row(
        said("No endpoints found that support tool use. To learn more, visit: https://openrouter.ai", code=404), TOOLS,
        ("tools",), {}, ("tools",), 404),
    "vllm-project/vllm#9986: tools": Row(said(AUTO, code=400), TOOLS, ("tools",), {}, ("tools",)),
    "runpod-workers/worker-vllm#85: tools, older vLLM": Row(
        {"object": "error", "message": PYDANTIC, "code": 400}, TOOLS, ("tools",), {}, ("tools",)),
    "llama.cpp: tools without --jinja": Row(
        said("tools param requires --jinja flag", code=500), TOOLS, ("tools",), {}, ("tools",), 500),
    "zed-industries/zed#36094: tool_choice, OpenRouter": Row(
        said("No endpoints found that support the provided 'tool_choice' value.", code=404),
        {**TOOLS, "tool_choice": "required"}, ("tool_choice",), {}, ("tool_choice",), 404),
    "DeepSeek: tool_choice": Row(
        said("deepseek-reasoner does not support this tool_choice"), {**TOOLS, "tool_choice": "f"}, ("tool_choice",),
        {}, ("tool_choice",)),
    "OpenAI: a model that may not be streamed": Row(
        unsupported("stream", VERIFY, "unsupported_value"), {}, ("stream", "stream_options")),
    "an error in the stream's clothes": Row(
        "data: " + json.dumps(unsupported("temperature", WARM_ONE)) + "\n\ndata: [DONE]\n\n", WARM, ("temperature",),
        {}, ("temperature",), 200),
}  # fmt: skip

STANDS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "about a message": (unsupported("messages[0].content", "Invalid type for 'messages[0].content'"), WARM, "invalid"),
    "about a message, by its words": (said("Unexpected role 'user' after role 'tool'"), {"user": "u"}, "invalid"),
    "a schema of a tool": (
        unsupported("tools[0].function.parameters", "Invalid schema for function 'f': not valid", "invalid_value"),
        TOOLS, "invalid"),
    "glowingjade/obsidian-smart-composer#455: the same, Gemini": (
        said("Unknown name \"additionalProperties\" at 'tools[0].function_declarations[0].parameters': Cannot find"),
        TOOLS, "invalid"),
    "a schema of an answer": (said("Invalid schema for response_format 'answer'"), OUTPUT, "invalid"),
    "what was not sent": (unsupported("top_k", "top_k is not supported"), WARM, "invalid"),
    "the model itself": (said("The model `m` does not exist", code="model_not_found"), WARM, "not_found"),
    "no fault of it": (said("Something else is wrong. The temperature is fine."), WARM, "invalid"),
    "context": (said("This model's maximum context length is 4096 tokens."), {"max_output_tokens": 9}, "context"),
    "tools that must be called": (
        said("gemma3:4b does not support tools"), {**TOOLS, "tool_choice": "required"}, "tools"),
    "tools of the client": (said("gemma3:4b does not support tools"), {**TOOLS, "has_client_tools": True}, "tools"),
}  # fmt: skip


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture
async def provider(upstream: Upstream) -> AsyncIterator[OpenAIProvider]:
    refused.forget()
    upstream.reset()
    provider = OpenAIProvider(api_key="k", base_url=upstream.url, connect_timeout_s=5, idle_timeout_s=5)
    yield provider
    await provider.close()
    refused.forget()


async def ask(provider: OpenAIProvider, **fields: Any) -> tuple[str, tuple[str, ...]]:
    """The text of the reply, and what was left out."""
    asked = ProviderRequest(**{"model": "m", "system": "Be kind.", "messages": (UserMessage("Go."),), **fields})
    pieces = [piece async for pieces in provider.stream(asked) for piece in pieces]
    left_out = [each.names for each in pieces if isinstance(each, LeftOut)]
    assert len(left_out) <= 1
    text = "".join(each.text for each in pieces if isinstance(each, TextPiece))
    return text, left_out[0] if left_out else ()


def error_turn(row: Row) -> Turn:
    return Turn(verbatim=row.error) if row.status == 200 else Turn(fault=str(row.status), body=row.error)


def check(seen: Seen, row: Row) -> None:
    assert not set(row.gone) & set(seen.body)
    assert {name: seen.body.get(name) for name in row.sent} == row.sent


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_is_left_out_at_once_and_from_then_on(
    name: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    row = REFUSED[name]
    upstream.script(error_turn(row), Turn(text="ok"), Turn(text="again"))
    assert await ask(provider, **row.asked) == ("ok", row.left_out)
    first, second = upstream.requests()
    assert set(row.gone) - {"max_completion_tokens"} <= set(first.body), "it was sent at first"
    check(second, row)
    untouched = set(first.body) - set(row.gone) - set(row.sent)
    assert {key: second.body.get(key) for key in untouched} == {key: first.body[key] for key in untouched}
    assert await ask(provider, **row.asked) == ("again", row.left_out)
    assert len(upstream.requests()) == 3
    check(upstream.requests()[2], row)


@pytest.mark.parametrize("name", STANDS)
async def test_another_error_is_not_asked_about_again(name: str, upstream: Upstream, provider: OpenAIProvider) -> None:
    body, asked, code = STANDS[name]
    upstream.script(Turn(fault="400", body=body))
    with pytest.raises(ProviderError) as caught:
        await ask(provider, **asked)
    assert caught.value.code == f"upstream_{code}"
    assert not caught.value.retryable
    assert len(upstream.requests()) == 1


async def test_several_fields_are_refused_one_after_the_other(upstream: Upstream, provider: OpenAIProvider) -> None:
    rows = [REFUSED[name] for name in (
        "QwenLM/qwen-code#921: temperature", "griptape-ai/ComfyUI-Griptape#312: max_tokens",
        "modelscope/ms-agent#489: stream_options", "Azure: unrecognized")]  # fmt: skip
    upstream.script(*map(error_turn, rows), Turn(text="ok"))
    assert await ask(provider, temperature=0.7, max_output_tokens=50, user="u1") == ("ok", ("temperature",))
    assert set(upstream.requests()[-1].body) == {"model", "messages", "stream", "max_completion_tokens"}


async def test_a_server_that_refuses_everything_is_given_up(upstream: Upstream, provider: OpenAIProvider) -> None:
    names = [f"field_{number}" for number in range(20)]
    upstream.script(*(Turn(fault="400", body=said(f"Unknown parameter: {name}")) for name in names))
    with pytest.raises(ProviderError):
        await ask(provider, extra=dict.fromkeys(names, 1))
    assert len(upstream.requests()) == refused.CHANGES_MAX + 1
    assert refused.learned(f"{upstream.url}/chat/completions", "m") == ()


async def test_the_same_refusal_twice_is_a_failure(upstream: Upstream, provider: OpenAIProvider) -> None:
    row = REFUSED["QwenLM/qwen-code#921: temperature"]
    upstream.script(error_turn(row), error_turn(row))
    with pytest.raises(ProviderError) as caught:
        await ask(provider, **WARM)
    assert caught.value.code == "upstream_invalid"
    upstream.script(Turn(text="ok"))
    await ask(provider, **WARM)
    assert upstream.requests()[-1].body["temperature"] == 0.7, "what did not help is not learned"


async def test_it_is_learned_of_this_model_and_this_value_alone(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(error_turn(REFUSED["a range"]), *[Turn(text="ok")] * 4)
    await ask(provider, temperature=1.7)
    for asked in ({"temperature": 1.7}, {"temperature": 0.3}, {"temperature": 1.7, "model": "other"}):
        await ask(provider, **asked)
    assert [each.body.get("temperature") for each in upstream.requests()] == [1.7, None, None, 0.3, 1.7]


SCHEMA = {"type": "json_schema", "json_schema": {"name": "n"}}
# what one client asked for, and what is said of it: whether another client is asked for its own value
ONE_S: dict[str, tuple[dict[str, Any], Any, bool]] = {
    "a list in words": (extra(stop=["a"] * 9), said("Invalid value for 'stop': at most 4 are allowed"), True),
    "a list by its place": (extra(stop=["a"] * 9), unsupported("stop", "Invalid 'stop': array too long", "x"), True),
    "a list of too many": (extra(stop=["a"] * 9), unsupported("stop", "At most 4 are taken", "array_above_max"), True),
    "an object": (extra(logit_bias={"x": 1}), unsupported("logit_bias", "Invalid key in 'logit_bias'", "x"), True),
    "a word": (extra(verbosity="huge"), said("verbosity: 'huge' is not supported"), True),
    "a value": (extra(seed=-1), unsupported("seed", "Unsupported value: 'seed'", "unsupported_value"), True),
    "a form of answers": (extra(response_format=SCHEMA), said("response format `json_schema` is not supported"), True),
    "no such field": (extra(stop=["a"] * 9), said("Unknown parameter: 'stop'."), False),
    "not supported": (extra(logit_bias={"x": 9}), said("logit_bias is not supported with this model"), False),
    "by its code": (extra(seed=-1), unsupported("seed", "Invalid: -1", "unknown_parameter"), False),
    "FastAPI": (extra(seed=-1), forbidden("body", "seed"), False),
}  # fmt: skip


@pytest.mark.parametrize("name", ONE_S)
async def test_what_one_client_wrote_switches_nothing_off_for_others(
    name: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    asked, error, stays = ONE_S[name]
    [field] = asked["extra"]
    upstream.script(Turn(fault="400", body=error), *[Turn(text="ok")] * 2)
    assert await ask(provider, **asked) == ("ok", (CHOICES.get(field, field),))
    await ask(provider, extra={field: {"another": "one"}})
    assert [field in each.body for each in upstream.requests()] == [True, False, stays]


async def test_a_list_of_ours_that_is_refused_is_refused_alone(upstream: Upstream, provider: OpenAIProvider) -> None:
    error = unsupported("tools", "Extra inputs: at most 1 of tools may be sent", "x")
    many = {"tools": tuple(ToolSpec(f"f{number}", "F.", {"type": "object"}) for number in range(9))}
    upstream.script(Turn(fault="400", body=error), *[Turn(text="ok")] * 3)
    for asked in (many, many, TOOLS):
        await ask(provider, **asked)
    assert ["tools" in each.body for each in upstream.requests()] == [True, False, False, True]


async def test_effort_is_asked_for_where_no_tools_are(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(error_turn(REFUSED["GEMISIS/leviath#333: tools with effort"]), *[Turn(text="ok")] * 2)
    await ask(provider, effort="high", **TOOLS)
    assert await ask(provider, effort="high") == ("ok", ())
    assert upstream.requests()[-1].body["reasoning_effort"] == "high"


# --- What is within messages ------------------------------------------------------------------------------------------

ROLE = {"object": "error", "message": "System role not supported", "type": "BadRequestError", "code": 400}
O1 = "Unsupported value: 'messages[0].role' does not support 'system' with this model."


@pytest.mark.parametrize("error", [ROLE, unsupported("messages[0].role", O1, "unsupported_value")])
async def test_a_model_without_a_system_role_is_told_by_the_first_message(
    error: Any, upstream: Upstream, provider: OpenAIProvider
) -> None:  # vllm-project/vllm#2964
    upstream.script(Turn(fault="400", body=error), Turn(text="ok"))
    assert await ask(provider) == ("ok", ())
    assert upstream.requests()[-1].messages == [{"role": "user", "content": "Be kind.\n\nGo."}]


STATE = VendorState("m", "m", ('{"field": "reasoning_content", "value": "Hm."}',))
GROQ = "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property "
GROQ += "'reasoning_content' is unsupported)]"
CEREBRAS = "messages.2.assistant.reasoning_content: property 'messages.2.assistant.reasoning_content' is unsupported"


@pytest.mark.parametrize(
    "error",
    [  # janhq/jan#8136, Kilo-Org/kilocode#10375
        said(GROQ),
        {"message": CEREBRAS, "type": "invalid_request_error", "param": "validation_error", "code": "wrong_api_format"},
    ],
)
async def test_thoughts_that_a_server_gives_but_does_not_take_are_not_sent_back(
    error: Any, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(fault="400", body=error), Turn(text="ok"))
    called = (UserMessage("Go."), AssistantMessage("", CALL.calls, STATE), ToolMessage("c1", "f", "ok"))
    assert await ask(provider, messages=called) == ("ok", ())
    assert ["reasoning_content" in each.messages[2] for each in upstream.requests()] == [True, False]


@pytest.mark.parametrize(
    "told",
    [  # warpdotdev/warp#11587, continuedev/continue#9831, agentscope-ai/QwenPaw#433
        "Error from provider (DeepSeek): The `reasoning_content` in the thinking mode must be passed back to the API.",
        "Missing `reasoning_content` field in the assistant message at message index 2. For more information, see",
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
    ],
)
async def test_calls_of_another_model_get_a_thought_where_one_is_wanted(
    told: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(fault="400", body=said(told)), Turn(text="ok"), Turn(text="again"))
    assert await ask(provider, **CALLED) == ("ok", ())
    assert await ask(provider, **CALLED) == ("again", ())
    assert [each.messages[2].get("reasoning_content") for each in upstream.requests()] == [None, " ", " "]


@pytest.mark.parametrize(
    "told",
    [  # lbjlaq/Antigravity-Manager#938, pydantic/pydantic-ai#3881
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work.",
        "Unable to submit request because function call `f` in the 2. content block is missing a `thought_signature`.",
    ],
)
async def test_calls_of_another_model_get_a_signature_where_one_is_wanted(
    told: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(fault="400", body=[said(told, code=400)]), Turn(text="ok"))
    assert await ask(provider, **CALLED) == ("ok", ())
    [first], [second] = (each.messages[2]["tool_calls"] for each in upstream.requests())
    assert "extra_content" not in first
    assert second["extra_content"] == {"google": {"thought_signature": "skip_thought_signature_validator"}}


# --- What is told of it -----------------------------------------------------------------------------------------------


async def test_a_reply_says_what_its_provider_would_not_take(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(error_turn(REFUSED["QwenLM/qwen-code#921: temperature"]), Turn(text="ok"), Turn(text="again"))
    agent = archetype()
    for asked in (job(provider, agent, temperature=0.7), job(provider, agent, temperature=None)):  # type: ignore[arg-type]
        working = Agent(asked, agent, path="", messages=(UserMessage("Go."),))
        happened = [each async for events in working.work() for each in events]
        assert not [each for each in happened if isinstance(each, ev.RetryScheduled)], "it is no retry"
        [reply] = [each for each in happened if isinstance(each, ev.ReplyCompleted)]
        assert reply.left_out == (("temperature",) if asked.temperature else ())
        assert ev.load(ev.dump([reply])) == [reply]


# --- Memory -----------------------------------------------------------------------------------------------------------


def test_what_was_learned_is_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    refused.forget()
    now = [100.0]
    monkeypatch.setattr(refused.time, "monotonic", lambda: now[0])
    refused.learn("a", "m", [Change("user")])
    refused.learn("a", "m", [Change("user"), Change("seed")])
    now[0] += REMEMBERED_S - 1
    assert refused.learned("a", "m") == (Change("user"), Change("seed"))
    now[0] += 2
    assert refused.learned("a", "m") == ()


def test_so_many_models_are_remembered_and_no_more() -> None:
    refused.forget()
    for number in range(REMEMBERED_MAX + 1):
        refused.learn("a", str(number), [Change("user")])
    assert [bool(refused.learned("a", str(number))) for number in (0, 1, REMEMBERED_MAX)] == [False, True, True]
    refused.forget()
