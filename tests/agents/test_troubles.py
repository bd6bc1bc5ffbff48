"""What goes wrong at model servers, in the words that they were seen to use, each with its public source.

Over real HTTP. Sentences of the longest table, of a context that is too small, are read by their words alone too.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agents.errors import CODES, UNUSED, ProviderError
from agents.messages import UserMessage
from agents.providers import errors, meanings
from agents.providers.base import ProviderRequest
from agents.providers.openai import OpenAIProvider
from tests.upstream import Turn, Upstream

# The same request met it again: none is tried again.
CONTEXT: dict[str, str] = {
    "ggml-org/llama.cpp#15780": "the request exceeds the available context size. try increasing the context size",
    "the same, newer": "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    "cline/cline#5140: Cerebras": "Please reduce the length of the messages or completion. "
    "Current length is 140000 while limit is 131072",
    "prcore/assistant#1: OpenAI": "This model's maximum context length is 4097 tokens. "
    "However, your messages resulted in 5613 tokens. Please reduce the length of the messages.",
    "OpenAI's Responses": "Your input exceeds the context window of this model. Please adjust your input.",
    "dirk1983/deepseek#11": "This model's maximum context length is 4096 tokens. "
    "However, you requested 4222 tokens (1222 in the messages, 3000 in the completion).",
    "getkimchi/kimchi#794: SGLang": "The input (1492905 tokens) is longer than the model's context length "
    "(1048576 tokens).",
    "SGLang": "Requested token count exceeds the model's maximum context length of 8192 tokens. "
    "You requested a total of 9000 tokens",
    "Gitlawb/openclaude#353: LM Studio": "The number of tokens to keep from the initial prompt is greater than the "
    "context length (n_keep: 13055>= n_ctx: 4096). Try to load the model with a larger context length",
    "lmstudio-ai/lmstudio-bug-tracker#546": "Trying to keep the first 111490 tokens when context the overflows. "
    "However, the model is loaded with context length of only 32768 tokens, which is not enough.",
    "earendil-works/pi#5929: Anthropic": "prompt is too long: 213462 tokens > 200000 maximum",
    "earendil-works/pi#5929: Bedrock": "Input is too long for requested model.",
    "earendil-works/pi#5929: Gemini": "The input token count (1196265) exceeds the maximum number of tokens allowed "
    "(1048575).",
    "earendil-works/pi#5929: xAI": "This model's maximum prompt length is 131072 but the request contains 537812.",
    "earendil-works/pi#5929: Groq": "Please reduce the length of the messages or completion.",
    "earendil-works/pi#5929: OpenRouter": "This endpoint's maximum context length is 400000 tokens. However, you "
    "requested about 500000 tokens",
    "earendil-works/pi#5929: Copilot": "prompt token count of 64123 exceeds the limit of 64000",
    "earendil-works/pi#5929: MiniMax": "invalid params, context window exceeds limit",
    "earendil-works/pi#5929: Kimi": "Invalid request: Your request exceeded model token limit: 262144",
    "earendil-works/pi#5929: Mistral": "Prompt contains 140000 tokens, too large for model with 131072 maximum context "
    "length",
    "earendil-works/pi#5929: Ollama": "prompt too long; exceeded max context length by 17 tokens",
    "BerriAI/litellm#21647: DashScope": "Range of input length should be [1, 30720]",
    "BerriAI/litellm#21647: litellm": "litellm.ContextWindowExceededError: input is larger than the context window",
    "vakidzaci/test_llama_chat: Ollama": "The input length exceeds the context length",
}  # fmt: skip


def said(message: str = "", **fields: Any) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


FILTERED = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
GROQ_LARGE = "Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, Requested 7000"
GROQ_RATE = "Rate limit reached for model `x` on tokens per minute (TPM): Limit 6000, Used 5000, Requested 2000."
GEMINI_KEY = [said("API key not valid. Please pass a valid API key.", code=400, status="INVALID_ARGUMENT")]
GEMINI_KEY[0]["error"]["details"] = [{"reason": "API_KEY_INVALID", "domain": "googleapis.com"}]
GEMINI_RATE = said("You exceeded your current quota, please check your plan and billing details.", code=429)
GEMINI_RATE["error"] |= {"status": "RESOURCE_EXHAUSTED", "details": [{"retryDelay": "34.5s"}]}

# name: (status, body, code without "upstream_", retryable)
TROUBLES: dict[str, tuple[int, Any, str, bool]] = {
    "ggml-org/llama.cpp#15780: by its type": (400, said(type="exceed_context_size_error", code=400), "context", False),
    "the same with 500": (500, said(type="exceed_context_size_error", code=500), "context", False),
    "HunorLaczko/ha-groq-cloud-api#27: 413": (
        413, said(GROQ_LARGE, type="tokens", code="rate_limit_exceeded"), "context", False),
    "nginx: 413": (413, said("Request Entity Too Large"), "context", False),
    "Anthropic: 413": (413, said("Request exceeds the maximum size", type="request_too_large"), "context", False),
    "Groq: a rate of tokens": (429, said(GROQ_RATE, type="tokens", code="rate_limit_exceeded"), "rate_limited", True),
    "a rate, in words of a context": (
        429, said("Rate limit: too many tokens per minute, the limit is 1000"), "rate_limited", True),
    "Gemini: a rate": (429, [GEMINI_RATE], "rate_limited", True),
    "continuedev/continue#9942: DeepSeek": (
        402, said("Insufficient Balance", type="unknown_error", code="invalid_request_error"), "credit", False),
    "OpenRouter: 402": (402, said("Insufficient credits. Add more using https://x", code=402), "credit", False),
    "the same in other words": (
        402, said("This request requires more credits, or fewer max_tokens.", code=402), "credit", False),
    "OpenAI: no quota": (
        429, said("You exceeded your current quota", type="insufficient_quota", code="insufficient_quota"), "credit",
        False),
    "Anthropic, behind a gateway": (
        400, said("Your credit balance is too low to access the Anthropic API."), "credit", False),
    "xAI: 403": (403, {"code": "x", "error": "Your newly created team doesn't have any credits yet."}, "credit", False),
    "402 without a word": (402, {}, "credit", False),
    "cequence-io/openai-scala-client#109: Gemini": (400, GEMINI_KEY, "auth", False),
    "the same by its words": (400, said("API key expired. Please renew the API key."), "auth", False),
    "OpenAI: a key": (401, said("Incorrect API key provided: x", code="invalid_api_key"), "auth", False),
    "xAI: a key": (400, {"code": "x", "error": "Incorrect API key provided: xx. You can obtain one"}, "auth", False),
    "no permission": (403, said("Country, region, or territory not supported"), "auth", False),
    "openai/openai-python#331: Azure": (
        400, said(FILTERED, param="prompt", code="content_filter", status=400), "moderation", False),
    "continuedev/continue#4192: Azure, inside": (
        400, said("Filtered.", code=None, innererror={"code": "ResponsibleAIPolicyViolation"}), "moderation", False),
    "OpenRouter: moderation": (
        403, said("Your chosen model requires moderation and your input was flagged for \"violence\"", code=403),
        "moderation", False),
    "OpenAI: invalid_prompt": (
        400, said("Invalid prompt: your prompt was flagged as potentially violating our usage policy."), "moderation",
        False),
    "DeepSeek: moderation": (400, said("Content Exists Risk", type="invalid_request_error"), "moderation", False),
    "DashScope: moderation": (
        400, said("Input data may be risky.", code="data_inspection_failed"), "moderation", False),
    "Routstr/routstr-core#554: no such model": (
        404, said("The model `gpt-5.4-image-2` does not exist or you do not have access to it."), "not_found", False),
    "OpenRouter: no such model": (400, said("x/y is not a valid model ID", code=400), "not_found", False),
    "Ollama: no such model": (404, said('model "qwen3:8b" not found, try pulling it first'), "not_found", False),
    "DeepSeek: no such model": (400, said("Model Not Exist", type="invalid_request_error"), "not_found", False),
    "Mistral: no such model": (400, {"object": "error", "message": "Invalid model: x", "code": "1500"}, "not_found",
                               False),
    "Groq: a model that has ended": (
        400, said("The model `x` has been decommissioned and is no longer supported.", code="model_decommissioned"),
        "not_found", False),
    "Azure: no such deployment": (404, said("The API deployment", code="DeploymentNotFound"), "not_found", False),
    "Anthropic: overloaded": (529, said("Overloaded", type="overloaded_error"), "overloaded", True),
    "Kimi: overloaded": (429, said("The engine is currently overloaded", type="engine_overloaded_error"), "overloaded",
                         True),
    "OpenAI: overloaded": (503, said("That model is currently overloaded with other requests."), "overloaded", True),
    "llama.cpp: Loading model": (503, said("Loading model", type="unavailable_error", code=503), "unavailable", True),
    "Ollama: a type that says nothing": (400, said("invalid message content type", type="api_error"), "invalid", False),
    "tools, where they must be called": (400, said("gemma3:4b does not support tools"), "tools", False),
    "a status, and a word that says less": (500, said("Oh.", type="invalid_request_error"), "unavailable", True),
    "vllm-project/vllm#6862: roles": (400, said("Conversation roles must alternate user/assistant/..."), "invalid",
                                      False),
}  # fmt: skip
ADDRESSES: dict[str, Any] = {
    "Ollama without /v1": "404 page not found",
    "FastAPI": {"detail": "Not Found"},
    "OpenAI": said("Invalid URL (POST /chat/completions)", type="invalid_request_error"),
    "Azure": said("Resource not found", code="404"),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream().start()
    yield upstream
    upstream.close()


@pytest.fixture
async def provider(upstream: Upstream) -> AsyncIterator[OpenAIProvider]:
    upstream.reset()
    provider = OpenAIProvider(api_key="k", base_url=upstream.url, connect_timeout_s=5, idle_timeout_s=5)
    yield provider
    await provider.close()


async def error_of(provider: OpenAIProvider) -> ProviderError:
    asked = ProviderRequest(model="m", system="", messages=(UserMessage("Go."),), max_output_tokens=50)
    with pytest.raises(ProviderError) as caught:
        async for _ in provider.stream(asked):
            pass
    return caught.value


@pytest.mark.parametrize("name", TROUBLES)
async def test_each_trouble_has_its_code(name: str, upstream: Upstream, provider: OpenAIProvider) -> None:
    status, body, code, retryable = TROUBLES[name]
    upstream.script(Turn(fault=str(status), body=body or {"x": 1}))
    error = await error_of(provider)
    assert (error.code, error.retryable) == (f"upstream_{code}", retryable)
    assert error.code in CODES
    assert error.code in UNUSED
    assert len(upstream.requests()) == 1


@pytest.mark.parametrize("name", CONTEXT)
async def test_a_context_that_is_too_small_is_known_by_words(
    name: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(Turn(fault="400", body=said(CONTEXT[name], type="invalid_request_error")))
    error = await error_of(provider)
    assert (error.code, error.retryable) == ("upstream_context", False)


@pytest.mark.parametrize("name", CONTEXT)
@pytest.mark.parametrize("status", [0, 413, 422, 429, 500, 503])
def test_whatever_the_status(name: str, status: int) -> None:
    assert meanings.of(status, [], CONTEXT[name]).code == "upstream_context"


@pytest.mark.parametrize("name", ADDRESSES)
async def test_a_wrong_address_is_no_unknown_model(name: str, upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(fault="404", body=ADDRESSES[name]))
    error = await error_of(provider)
    assert (error.code, error.retryable) == ("upstream_not_found", False)
    assert error.message == "The model provider has nothing at this address. An operator must check it."


async def test_an_error_in_the_stream_means_what_it_would_by_a_status(
    upstream: Upstream, provider: OpenAIProvider
) -> None:
    upstream.script(*(Turn(raw=[body]) for body in (
        '{"error": {"message": "prompt is too long: 3 tokens > 2 maximum", "code": 400}}',
        '{"error": {"message": "Insufficient credits", "code": 402}}',
        '{"error": {"message": "Overloaded", "type": "overloaded_error"}}',
        '{"error": {"message": "Slow.", "code": 429, "details": [{"retryDelay": "7s"}]}}')))  # fmt: skip
    found = [await error_of(provider) for _ in range(4)]
    codes = [each.code for each in found]
    assert codes == ["upstream_context", "upstream_credit", "upstream_overloaded", "upstream_rate_limited"]
    assert found[3].retry_after_s == 7.0


async def test_google_says_in_the_error_how_long_to_wait(upstream: Upstream, provider: OpenAIProvider) -> None:
    upstream.script(Turn(fault="429", body=[GEMINI_RATE]), Turn(fault="429", body=[GEMINI_RATE], retry_after="3"))
    assert [(await error_of(provider)).retry_after_s for _ in range(2)] == [34.5, 3.0]


@pytest.mark.parametrize(
    ("status", "code", "said_so", "retryable"),
    [("500", "unavailable", "false", False), ("400", "invalid", "true", True), ("400", "invalid", "", False),
     ("413", "context", "true", False), ("401", "auth", "true", False)],
)  # fmt: skip
def test_a_server_says_whether_to_try_again(status: str, code: str, said_so: str, retryable: bool) -> None:
    error = errors.from_status(int(status), {"x-should-retry": said_so}, b"{}", str)
    assert (error.code, error.retryable) == (f"upstream_{code}", retryable)
