"""What model servers were seen to send, each with its public source: no text is lost, and no end is false.

A row is the bytes of a whole answer and what must come of it in the loop: text, reasoning, calls, and how it ends: a
finish reason, or the code of a failure. What came before a failure stays.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest

from agents import events as ev
from agents.archetypes.base import Limits
from agents.errors import ProviderError
from agents.loop.job import RetryPolicy
from agents.loop.reply import Reply, replies
from agents.messages import UserMessage
from agents.providers.base import ProviderRequest, UsageReport
from agents.providers.openai import OpenAIProvider, stream
from agents.usage import Usage
from tests.agents.test_loop import archetype, job
from tests.upstream import Turn, Upstream

DONE = "data: [DONE]\n\n"


def frame(value: Any) -> str:
    return f"data: {json.dumps(value)}\n\n"


def delta(reason: str | None = None, **fields: Any) -> str:
    return frame({"choices": [{"index": 0, "delta": fields, "finish_reason": reason}]})


def said(text: str, reason: str | None = None) -> str:
    return delta(reason, content=text)


def call(reason: str | None = None, /, **fields: Any) -> str:
    """A piece of a call: `name` and `arguments` are the function's."""
    function = {name: fields.pop(name) for name in ("name", "arguments") if name in fields}
    return delta(reason, tool_calls=[{**fields, **({"function": function} if function else {})}])


END = delta("stop")
CALLED = delta("tool_calls")
PATH = '{"path": "a"}'


class Came(NamedTuple):
    """What a reply has come to."""

    text: str = ""
    end: str = "stop"
    calls: tuple[tuple[str, str], ...] = ()
    thought: str = ""


F, G = ("f", PATH), ("g", '{"x": 1}')
ONE, TWO = Came(end="tool_calls", calls=(F,)), Came(end="tool_calls", calls=(F, G))

FRAMES: dict[str, tuple[str, Came]] = {
    "openai/openai-go#227: comments between chunks": (
        f": OPENROUTER PROCESSING\n\n{said('a')}: OPENROUTER PROCESSING\n\n{said('b')}{END}{DONE}", Came("ab")),
    "SamSaffron/term-llm#487: no space behind data:": ((said("a") + END + DONE).replace("data: ", "data:"), Came("a")),
    "Routstr/routstr-core#543: CRLF": ((said("a") + END + DONE).replace("\n", "\r\n"), Came("a")),
    "WHATWG: lines end by CR": ((said("a") + END + DONE).replace("\n", "\r"), Came("a")),
    "WHATWG: a byte order mark": (f"\ufeff{said('a')}{END}{DONE}", Came("a")),
    "WHATWG: id, retry, event and a field without a colon": (
        f"id: 1\nretry: 5\nevent: message\ndata\n{said('a')}{END}{DONE}", Came("a")),
    "netease-lcap/wave-agent#1326: empty data as a sign of life": (
        f"data: \n\n{said('a')}data:\n\n{END}{DONE}", Came("a")),
    "SamSaffron/term-llm#454: one event over several data lines": (
        "".join(f"data: {line}\n" for line in json.dumps(
            {"choices": [{"delta": {"content": "a", "tags": ["x", "y"]}}]}, indent=2).splitlines()) + f"\n{END}{DONE}",
        Came("a")),
    "NOirBRight/CodexHub#20: the same, cut inside a string's neighbours": (
        'data: {"choices": [{"delta":\ndata: {"content": "a"}\ndata: }]}\n\n' + END + DONE, Came("a")),
    "rexxars/eventsource-parser#31: no blank line between events": (
        (said("a") + said("b") + END + DONE).replace("\n\n", "\n"), Came("ab")),
    "both: several lines, and no blank line behind them": (
        'data: {"choices": [{"delta":\ndata: {"content": "a"}}]}\n' + said("b") + END + DONE, Came("ab")),
    "open-learning-exchange/planet#10281: no [DONE]": (said("a") + END, Came("a")),
    "no line end behind the last event": ((said("a") + END).rstrip("\n"), Came("a")),
    "open-webui/open-webui#20634: a line of 1 MB": (said("a" * 1_000_000) + END + DONE, Came("a" * 1_000_000)),
    "open-webui/open-webui#20779: a line of 5 MB that holds a picture": (
        said("a") + delta(images=[{"image_url": {"url": "x" * 5_000_000}}]) + said("b") + END + DONE, Came("ab")),
    "nashsu/llm_wiki#619: a JSON error in a stream's clothes": (
        json.dumps({"error": {"message": "no", "code": 400}}), Came(end="upstream_invalid")),
    "the same over several lines": (
        json.dumps({"error": {"message": "no", "code": 429}}, indent=1) + "\n", Came(end="upstream_rate_limited")),
    "a whole reply in a stream's clothes": (
        json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}), Came("a")),
    "no JSON at all": ("Internal error", Came(end="upstream_incomplete")),
    "Gemini: an error in a list": (
        frame([{"error": {"message": "no", "code": 400}}]), Came(end="upstream_invalid")),
    "the same list in no event": (json.dumps([{"error": {"code": 429}}], indent=1), Came(end="upstream_rate_limited")),
    "an error object without a name for it": (
        said("a") + frame({"message": "no", "type": "BadRequestError", "code": 400}), Came("a", "upstream_invalid")),
    "the same alone, in no event": (json.dumps({"message": "no", "code": 404}), Came(end="upstream_not_found")),
    "text, then an error in no event": (
        said("a") + json.dumps({"error": {"code": 400}}) + "\n", Came("a", "upstream_invalid")),
    "the same over several lines, behind words": (
        said("a") + "Oh\n" + json.dumps({"error": {"code": 400}}, indent=1), Came("a", "upstream_invalid")),
    "the same, and [DONE]": (
        said("a") + json.dumps({"error": {"code": 400}}) + "\n\n" + DONE, Came("a", "upstream_invalid")),
    "a list of chunks": (frame([{"choices": [{"delta": {"content": each}}]} for each in "ab"]) + END, Came("ab")),
    "text, then words in no event": (said("a") + "Bye: now\n" + END + DONE, Came("a")),
    "text, then a note that is no error": (said("a") + frame({"message": "slow"}) + END + DONE, Came("a")),
    "the same in no event": (said("a") + json.dumps({"message": "slow"}) + "\n" + END + DONE, Came("a")),
    "danielmiessler/Fabric#2203: characters of several bytes, cut anywhere": (
        'data: {"choices": [{"delta": {"content": "Grüß 世界 😀"}}]}\n\n' + END + DONE, Came("Grüß 世界 😀")),
    "Growth-Circle/cadis#2329: empty data between the lines of an event": (
        'data: {"choices": [{"delta":\ndata:\ndata: {"content": "a"}}]}\n\n' + END + DONE, Came("a")),
    "data: ping": (f"data: ping\n\n{said('a')}data: ping\n\n{said('b')}{END}{DONE}", Came("ab")),
    "data: : keep-alive": (f"{said('a')}data: : keep-alive\n\n{END}{DONE}", Came("a")),
    "event: heartbeat": (f"{said('a')}event: heartbeat\ndata: alive\n\n{said('b')}{END}{DONE}", Came("ab")),
    "the same without blank lines": (
        f"data: ping\n{said('a')}data: ping\ndata: pong\n{END}{DONE}", Came("a")),
    "a chunk whose beginning is lost": (
        f"{said('a')}data: 1, \"choices\": [\n\n{END}{DONE}", Came("a", "upstream_malformed")),
    "an event that never becomes whole": (
        f'{said("a")}data: {{"choices": [\n\n{END}{DONE}', Came("a", "upstream_malformed")),
}  # fmt: skip

ENDS: dict[str, tuple[str, Came]] = {
    "AbanteAI/archive-old-cli-mentat#429: Azure's first chunk": (
        frame({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}) + said("a") + END + DONE, Came("a")),
    "microsoft/autogen#6465: a late choice without a delta": (
        said("a") + END + frame({"choices": [{"index": 0, "content_filter_offsets": {}}]}) + DONE,
        Came("a")),
    "vercel/ai#2548: null for everything": (
        frame({"choices": None, "usage": None})
        + frame({"choices": [{"delta": None}]})
        + delta(role=None, content=None, tool_calls=None) + said("a") + END + DONE, Came("a")),
    "end-4/dots-hyprland#1329: text in the chunk that has the reason": (
        said("a") + said("b", "stop") + DONE, Came("ab")),
    "su-kaka/gcli2api#403: stop in every chunk": (
        said("a", "stop") + said("b", "stop") + said("c", "stop") + DONE, Came("abc")),
    "su-kaka/gcli2api#403: stop in every chunk, calls too": (
        said("a", "stop") + call("stop", index=0, id="x", name="f", arguments=PATH)
        + call("stop", index=1, id="y", name="g", arguments='{"x": 1}') + DONE, TWO._replace(text="a")),
    "the last reason counts": (said("a", "stop") + said("b", "length") + DONE, Came("ab", "length")),
    "alfredapp/openai-workflow#52: neither a reason nor [DONE]": (said("a"), Came("a", "upstream_incomplete")),
    "Mistral's API reference: model_length": (said("a") + delta("model_length") + DONE, Came("a", "length")),
    "docs.z.ai: sensitive": (said("a") + delta("sensitive") + DONE, Came("a", "content_filter")),
    "NousResearch/hermes-agent#92161: network_error": (
        said("a") + delta("network_error") + DONE, Came("a", "upstream_interrupted")),
    "a reason that nobody knows": (said("a") + delta("brand_new") + DONE, Came("a", "other")),
    "a reason that nobody knows, behind a whole call": (
        call(index=0, id="x", name="f", arguments=PATH) + delta("brand_new") + DONE, ONE),
    "a reason that nobody knows, while a call is written": (
        call(index=0, id="x", name="f", arguments="") + delta("brand_new") + DONE, Came(end="other")),
    "vllm-project/vllm#53255: tool_calls without a call": (said("a") + CALLED + DONE, Came("a")),
    "14790897/MiqroForge-Desktop#1100: length while a call is written": (
        said("a") + call(index=0, id="x", name="f", arguments="") + delta("length") + DONE, Came("a", "length")),
    "the same behind a whole call": (
        call(index=0, id="x", name="f", arguments=PATH) + call(index=1, id="y", name="g", arguments='{"x"')
        + delta("length") + DONE, Came(end="length")),
    "openrouter.ai: error beside choices": (
        said("a") + frame({"error": {"code": 429, "message": "slow"},
                           "choices": [{"delta": {"content": "b"}, "finish_reason": "error"}]}) + DONE,
        Came("ab", "upstream_rate_limited")),
    "BerriAI/litellm#32237: an error with a number in the stream": (
        frame({"error": {"message": "no", "code": 400}}) + DONE, Came(end="upstream_invalid")),
    "litellm's ProxyException: the number as a text": (
        said("a") + frame({"error": {"message": "no", "code": "400"}}) + DONE, Came("a", "upstream_invalid")),
    "foundation-model-stack/fms-guardrails-orchestrator#436: event: error without an error": (
        f'{said("a")}event: error\ndata: {{"code": 400, "details": "no"}}\n\n', Came("a", "upstream_invalid")),
    "event: error with a sentence": (f"{said('a')}event: error\ndata: it broke\n\n", Came("a", "upstream_error")),
    "zendev-sh/goai#110: event: error behind text": (
        f'{said("a")}event: error\ndata: {{"error": {{"message": "no"}}}}\n\n', Came("a", "upstream_error")),
    "huggingface/text-generation-inference#2668: an error that is a text": (
        said("a") + frame({"error": "it broke"}), Came("a", "upstream_error")),
    "an error behind a reason": (
        said("a", "stop") + frame({"error": {"code": 500}}) + DONE, Came("a", "upstream_unavailable")),
    "OpenAI's reference: refusal": (delta(refusal="No") + delta(refusal=".") + END + DONE, Came("No.")),
    "Azure's asynchronous filter: results behind the end, without a delta": (
        said("a") + frame({"choices": [{"index": 0, "finish_reason": None, "content_filter_results": {
            "hate": {"filtered": False}}, "content_filter_offsets": {"check_offset": 1}}]})
        + END + frame({"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {}}]}) + DONE,
        Came("a")),
    "Azure: an answer that was filtered": (
        said("a") + frame({"choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_results": {
            "hate": {"filtered": True, "severity": "high"}}}]}) + DONE, Came("a", "content_filter")),
    "SamSaffron/term-llm#448: no reason, then [DONE]": (said("a") + DONE, Came("a", "upstream_incomplete")),
    "mozilla-ai/any-llm#1204: sensitive, and nothing said": (
        delta("sensitive") + DONE, Came(end="content_filter")),
    "Kilo-Org/kilocode#7773: tool_calls, and nothing at all": (CALLED + DONE, Came()),
    "tags of thoughts inside content are the server's business": (
        said("<think>h</think>a") + END + DONE, Came("<think>h</think>a")),
    "QwenLM/qwen-code#3896: the whole text again in each piece is not guessed": (
        said("a") + said("ab") + END + DONE, Came("aab")),
    "content_filter": (said("a") + delta("content_filter") + DONE, Came("a", "content_filter")),
    "braintrustdata/braintrust-sdk-javascript#1883: reasoning in both fields": (
        delta(reasoning="h", reasoning_content="h") + said("a") + END + DONE, Came("a", thought="h")),
    "Mistral's docs: content as a list with thinking": (
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]},
                       {"type": "text", "text": "a"}]) + END + DONE, Came("a", thought="h")),
    "the whole message again behind its pieces": (
        said("a") + said("b") + frame({"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}]}) + DONE,
        Came("ab")),
    "halves of an emoji in two pieces": (
        said("a\ud83d") + said("\ude00b") + END + DONE, Came("a😀b")),
    "the same in reasoning, and a half that stays one": (
        delta(reasoning="\ud83d") + delta(reasoning="\ude00") + said("a\ud83d") + END + DONE,
        Came("a\ufffd", thought="😀")),
}  # fmt: skip

_PARTS: dict[str, tuple[Any, Came]] = {
    "texts": (["a", "b"], Came("ab")),
    "a part without a type": ([{"text": "a"}], Came("a")),
    "Responses' type": ([{"type": "output_text", "text": "a"}], Came("a")),
    "one part": ({"type": "text", "text": "a"}, Came("a")),
    "Assistants' text": ([{"type": "text", "text": {"value": "a", "annotations": []}}], Came("a")),
    "a refusal": ([{"type": "refusal", "refusal": "a"}], Came("a")),
    "a thought with a text": ([{"type": "reasoning", "text": "h"}, "a"], Came("a", thought="h")),
    "a thought that is a text": ([{"type": "thinking", "thinking": "h"}, {"text": "a"}], Came("a", thought="h")),
    "a picture in between": (["a", {"type": "image_url", "image_url": {"url": "x"}}, 1, None, "b"], Came("ab")),
}
CONTENTS = {f"content: {name}": (delta(content=value) + END + DONE, came) for name, (value, came) in _PARTS.items()}
CONTENTS |= {
    f"{name}, whole": (frame({"choices": [{"message": {"content": value}, "finish_reason": "stop"}]}), came)
    for name, (value, came) in _PARTS.items()
}
CONTENTS |= {
    "a reason with spaces": (said("a") + delta(" stop ") + DONE, Came("a")),
    "a null that is a text, in every chunk": (said("a", "null") + said("b", "None") + END + DONE, Came("ab")),
    "and no other reason": (said("a", "null") + DONE, Came("a", "upstream_incomplete")),
}

CALLS: dict[str, tuple[str, Came]] = {
    "ollama/ollama#7881: a whole call, no index, reason stop": (
        call(id="x", name="f", arguments=PATH) + END + DONE, ONE),
    "openai/openai-python#2806, googleapis/python-genai#2868: index null, the id empty": (
        call(index=None, id="", type="function", name="f", arguments=PATH) + END + DONE, ONE),
    "ollama/ollama#15457: index 0 for every call, ids differ": (
        call(index=0, id="x", name="f", arguments=PATH) + call(index=0, id="y", name="g", arguments='{"x": 1}')
        + CALLED + DONE, TWO),
    "apache/maka#1995: the same in pieces, each with its id": (
        call(index=0, id="x", name="f", arguments="") + call(index=0, id="x", arguments=PATH)
        + call(index=0, id="y", name="g", arguments="") + call(index=0, id="y", arguments='{"x": 1}') + CALLED + DONE,
        TWO),
    "QuantumNous/new-api#2701: ids empty": (
        call(index=0, id="", name="f", arguments=PATH) + call(index=0, id="", name="g", arguments='{"x": 1}')
        + CALLED + DONE, TWO),
    "the same, the same tool twice": (
        call(index=0, name="f", arguments=PATH) + call(index=0, name="f", arguments='{"path": "b"}') + CALLED + DONE,
        Came(end="tool_calls", calls=(F, ("f", '{"path": "b"}')))),
    "no index and no id": (
        call(name="f", arguments=PATH) + call(name="g", arguments='{"x": 1}') + END + DONE, TWO),
    "ggml-org/llama.cpp#13774: the name in every piece": (
        call(index=0, id="x", name="f", arguments='{"pa') + call(index=0, id="x", name="f", arguments='th": "a"}')
        + call(index=0, id="x", name="f", arguments="") + CALLED + DONE, ONE),
    "NousResearch/hermes-agent#8259: the same without ids": (
        call(index=0, name="f", arguments='{"pa') + call(index=0, name="f", arguments='th": "a"}') + CALLED + DONE,
        ONE),
    "continuedev/continue#5849: the name in two pieces": (
        call(index=0, id="x", name="read_") + call(index=0, id="x", name="file") + call(index=0, arguments=PATH)
        + CALLED + DONE, Came(end="tool_calls", calls=(("read_file", PATH),))),
    "danny-avila/LibreChat#13987: the name at index 1, the arguments at 0": (
        call(index=1, id="x", name="f") + call(index=0, arguments='{"path"') + call(index=0, arguments=': "a"}')
        + CALLED + DONE, ONE),
    "mcowger/plexus#766: empty id and name behind the first piece": (
        call(index=0, id="x", name="f", arguments="") + call(index=0, id="", name="", arguments=PATH) + CALLED + DONE,
        ONE),
    "BerriAI/litellm#4537: {} and then the real arguments": (
        call(index=0, id="x", name="f", arguments="{}") + call(index=0, arguments='{"path"')
        + call(index=0, arguments=': "a"}') + CALLED + DONE, ONE),
    "Soju06/codex-lb#284: the whole arguments twice": (
        call(index=0, id="x", name="f", arguments=PATH) + call(index=0, arguments=PATH) + CALLED + DONE, ONE),
    "the same with id and name": (
        call(index=0, id="x", name="f", arguments=PATH) + call(index=0, id="x", name="f", arguments=PATH)
        + CALLED + DONE, ONE),
    "several objects in one call's arguments": (
        call(index=0, id="x", name="f", arguments=PATH + '{"path": "b"}') + CALLED + DONE,
        Came(end="tool_calls", calls=(F, ("f", '{"path": "b"}')))),
    "langchain4j/langchain4j#2210: arguments as an object": (
        call(index=0, id="x", name="f", arguments={"path": "a"}) + CALLED + DONE, ONE),
    "vercel/ai#10859: no arguments": (
        call(index=0, id="x", name="f", arguments="") + CALLED + DONE, Came(end="tool_calls", calls=(("f", ""),))),
    "two calls whose pieces take turns, without ids": (
        call(index=0, name="f", arguments='{"pa') + call(index=1, name="g", arguments='{"x"')
        + call(index=0, arguments='th": "a"}') + call(index=1, arguments=": 1}") + CALLED + DONE, TWO),
    "a piece without name and id opens none": (
        call(index=0, id="x", name="f", arguments='{"path"') + call(index=5, arguments=': "a"}') + CALLED + DONE, ONE),
}  # fmt: skip


def counted(**fields: Any) -> dict[str, Any]:
    return {"prompt_tokens": 10, "completion_tokens": 2, **fields}


def in_end(usage: Any) -> str:
    """Text, and this usage in the chunk that has the reason."""
    return said("a") + frame({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage}) + DONE


_X = {"reasoning_tokens": 40}
USAGES: dict[str, tuple[str, Usage | None]] = {
    "Routstr/routstr-core#543: in the chunk with the reason": (in_end(counted()), Usage(10, 0, 2)),
    "alfredapp/openai-workflow#52: in each chunk, growing": (
        "".join(frame({"choices": [{"delta": {"content": "a"}}], "usage": counted(completion_tokens=n)})
                for n in (1, 2, 3)) + END + DONE, Usage(10, 0, 3)),
    "the same, with nulls behind it": (
        frame({"choices": [{"delta": {"content": "a"}}], "usage": counted()})
        + frame({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": None}) + DONE, Usage(10, 0, 2)),
    "OpenAI's reference: behind the end, without choices": (
        said("a") + END + frame({"choices": [], "usage": counted()}) + DONE, Usage(10, 0, 2)),
    "earendil-works/pi#2017: in the choice": (
        said("a") + frame({"choices": [{"delta": {}, "finish_reason": "stop", "usage": counted(cached_tokens=4)}]})
        + DONE, Usage(10, 4, 2)),
    "both, the outer one is behind": (
        frame({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop", "usage": counted()}]})
        + frame({"choices": [], "usage": counted(completion_tokens=3)}) + DONE, Usage(10, 0, 3)),
    "vercel/ai#12425: xAI, reasoning beside completion": (
        in_end(counted(total_tokens=52, completion_tokens_details=_X)), Usage(10, 0, 42, 40)),
    "Wei-Shaw/sub2api#5771: the same without its details": (in_end(counted(total_tokens=52)), Usage(10, 0, 42)),
    "reasoning within completion": (
        in_end(counted(completion_tokens=42, total_tokens=52, completion_tokens_details=_X)), Usage(10, 0, 42, 40)),
    "a total that is less": (in_end(counted(total_tokens=2)), Usage(10, 0, 2)),
    "a total that cannot be": (in_end(counted(total_tokens=10**15)), Usage(10, 0, 2)),
    "vercel/ai#2548: null for everything": (
        in_end({"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}), None),
    "null for the details": (
        in_end(counted(prompt_tokens_details=None, completion_tokens_details=None)), Usage(10, 0, 2)),
    "floats": (in_end({"prompt_tokens": 10.0, "completion_tokens": 2.0, "total_tokens": 12.0}), Usage(10, 0, 2)),
    "texts": (in_end({"prompt_tokens": "10", "completion_tokens": "2"}), Usage(10, 0, 2)),
    "DeepSeek: the cache": (in_end(counted(prompt_cache_hit_tokens=8, prompt_cache_miss_tokens=2)), Usage(10, 8, 2)),
    "OpenRouter: what was written to the cache": (
        in_end(counted(prompt_tokens_details={"cached_tokens": 3, "cache_write_tokens": 5})),
        Usage(10, 3, 2, cache_write_tokens=5)),
    "OpenRouter: nothing was written to it": (
        in_end(counted(prompt_tokens_details={"cached_tokens": 3, "cache_write_tokens": 0})), Usage(10, 3, 2)),
    "cached beside the input": (in_end(counted(prompt_tokens_details={"cached_tokens": 30})), Usage(40, 30, 2)),
    "none at all": (said("a") + END + DONE, None),
}  # fmt: skip

WHOLE: dict[str, tuple[str, Came]] = {
    "langgenius/dify#8615: JSON though a stream was asked for": (
        json.dumps({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}, indent=1),
        Came("a"),
    ),
    "a JSON error with status 200": (json.dumps({"error": {"type": "server_error"}}), Came(end="upstream_unavailable")),
    "Gemini: a list that holds an error": (json.dumps([{"error": {"code": 400}}]), Came(end="upstream_invalid")),
    "FastAPI: detail": (json.dumps({"detail": "Not Found"}), Came(end="upstream_not_found")),
    "OpenHands/OpenHands#419: LM Studio, a wrong path": (
        json.dumps({"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
        Came(end="upstream_not_found"),
    ),
    "vLLM: an error without a name for it": (
        json.dumps({"message": "no", "type": "BadRequestError", "code": 400}),
        Came(end="upstream_invalid"),
    ),
    "a message and no more": (json.dumps({"message": "no"}), Came(end="upstream_error")),
    "a stream that is called JSON": (said("a") + END + DONE, Came("a")),
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


async def reply_of(provider: OpenAIProvider) -> Came:
    """What the loop makes of the next reply."""
    asked = job(provider, archetype(), retry=RetryPolicy(1, 0.0))  # type: ignore[arg-type]
    reply = Reply(asked, "", 1, Limits())
    reply.request = ProviderRequest(model="m", system="", messages=(UserMessage("Go."),))
    texts: list[str] = []
    thoughts: list[str] = []
    try:
        async for events in replies(asked, reply.request, reply):
            texts += [each.text for each in events if isinstance(each, ev.TextDelta)]
            thoughts += [each.text for each in events if isinstance(each, ev.ReasoningDelta)]
        end = reply.finish_reason
    except ProviderError as error:
        end = error.code
    asked_for = tuple((each.name, each.arguments) for each in reply.calls()) if end == reply.finish_reason else ()
    return Came("".join(texts), end, asked_for, "".join(thoughts))


@pytest.mark.parametrize("name", [*FRAMES, *ENDS, *CONTENTS, *CALLS])
async def test_a_stream_says_what_was_said_and_how_it_ended(
    name: str, upstream: Upstream, provider: OpenAIProvider
) -> None:
    body, expected = {**FRAMES, **ENDS, **CONTENTS, **CALLS}[name]
    upstream.script(Turn(verbatim=body))
    assert await reply_of(provider) == expected


@pytest.mark.parametrize("name", USAGES)
async def test_usage_is_the_last_that_was_said(name: str, upstream: Upstream, provider: OpenAIProvider) -> None:
    body, expected = USAGES[name]
    upstream.script(Turn(verbatim=body))
    asked = ProviderRequest(model="m", system="", messages=(UserMessage("Go."),))
    found = [piece async for pieces in provider.stream(asked) for piece in pieces]
    reports = [each.usage for each in found if isinstance(each, UsageReport)]
    assert (reports[-1] if reports else None) == expected


@pytest.mark.parametrize("name", WHOLE)
async def test_a_reply_that_comes_at_once_does_too(name: str, upstream: Upstream, provider: OpenAIProvider) -> None:
    body, expected = WHOLE[name]
    upstream.script(Turn(verbatim=body, content_type="application/json"))
    assert await reply_of(provider) == expected


@pytest.mark.parametrize("name", [*FRAMES, *ENDS])
def test_it_is_the_same_wherever_the_network_cuts_it(name: str) -> None:
    body = {**FRAMES, **ENDS}[name][0].encode()
    if len(body) < 10_000:
        reads = [[body[at : at + size] for at in range(0, len(body), size)] for size in (1, 2, 3, 7)]
        reads += [[body[:at], body[at:]] for at in range(1, len(body))]
        assert {_pieces(each) for each in reads} == {_pieces([body])}


def _pieces(reads: list[bytes]) -> str:
    reply = stream.Reply(max_event_bytes=10_000_000, max_argument_bytes=1_000_000, scrub=str)
    found: list[Any] = []
    for data in reads:
        if not reply.is_over:
            found += reply.feed(data)
    if not reply.is_over:
        found += reply.end()
    return repr((found, reply.error))
