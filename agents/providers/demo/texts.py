"""What the demo model says."""

import json
import re
from typing import Any

from agents.messages import ToolMessage

HOW = (
    "Set `OPENAI_API_KEY` and start again to hear a real model; `OPENAI_BASE_URL` points to any server that speaks "
    "the same protocol (Ollama, vLLM, OpenRouter …)."
)
MAX_QUOTE_CHARS = 300
MAX_LINES = 12


def greeting(prompt: str, model: str, tools: list[str]) -> str:
    """The answer where no tool is called for. `tools`: which of those that are there may be asked for by name."""
    who = "the demo model" if model in ("", "demo") else f"the demo model, in place of `{model}`"
    said = _quote(prompt.removeprefix("[slow]").strip())
    heard = f"\n\nYou wrote:\n\n{said}\n" if said else ""
    return (
        f"This is {who}: no provider's key is set, so rules answer instead of a model. 👋{heard}\n"
        f"{HOW}\n\n"
        f"Until then I can stream, think aloud and call tools: {_what_to_ask(tools)} "
        'Naïve, but honest; even "quotes", a backslash \\ and 日本語 arrive whole.'
    )


def _what_to_ask(tools: list[str]) -> str:
    has_files = "list_files" in tools or not tools
    files = "ask me to list, search, read or write files in a chat that has a project." if has_files else ""
    shown = ", ".join(f"`{name}`" for name in tools[:MAX_LINES])
    named = f"name a tool that is offered here, and it is called: {shown}{' …' if tools[MAX_LINES:] else '.'}"
    return " Or ".join(filter(None, [files, named if tools else ""]))


def report(results: list[ToolMessage]) -> str:
    """The answer after tool calls: what each of them gave."""
    parts = [_one(result) for result in results]
    return "\n\n".join(parts) + "\n\n*The demo model wrote this by rules. " + HOW + "*"


def split(text: str) -> list[str]:
    """The text in pieces of about three words, as a model would stream it; joined, they are the text."""
    words = re.findall(r"\s*\S+\s*", text)
    pieces = ["".join(words[start : start + 3]) for start in range(0, len(words), 3)]
    return pieces if pieces or not text else [text]


def _one(result: ToolMessage) -> str:
    if result.is_error:
        return f"`{result.name}` could not do it: {_cut(_sentence(result.content))}"
    value = _parsed(result.content)
    items = _list_in(value)
    if items is not None:
        return (
            f"`{result.name}` found {len(items)}:\n\n{_bullets(items)}" if items else f"`{result.name}` found nothing."
        )
    text = value if isinstance(value, str) else _text_in(value)
    if text is None and isinstance(value, dict):
        return f"`{result.name}` answered:\n\n{_bullets([f'{key}: {each}' for key, each in value.items()])}"
    return f"`{result.name}` says:\n\n{_fenced(json.dumps(value) if text is None else text)}"


def _parsed(content: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return content


def _list_in(value: Any) -> list[Any] | None:
    """The result, or the first list in it."""
    if isinstance(value, dict):
        return next((each for each in value.values() if isinstance(each, list)), None)
    return value if isinstance(value, list) else None


def _text_in(value: Any) -> str | None:
    """The longest text of a result that is an object, such as a file's content."""
    texts = [each for each in value.values() if isinstance(each, str)] if isinstance(value, dict) else []
    longest = max(texts, key=len, default="")
    return longest if "\n" in longest or len(longest) > 60 else None


def _bullets(items: list[Any]) -> str:
    shown = [f"- {_inline(item)}" for item in items[:MAX_LINES]]
    more = [f"- … and {len(items) - MAX_LINES} more"] if len(items) > MAX_LINES else []
    return "\n".join(shown + more)


def _inline(item: Any) -> str:
    if isinstance(item, dict):
        named = next((item[key] for key in ("path", "name", "title") if isinstance(item.get(key), str)), None)
        line = f", line {item['line']}" if isinstance(item.get("line"), int) else ""
        item = f"{named}{line}" if named else json.dumps(item, ensure_ascii=False)
    return f"`{_cut(str(item), 120).replace('`', chr(39))}`"


def _fenced(text: str) -> str:
    lines = text.splitlines()
    more = [f"… ({len(lines) - MAX_LINES} more lines)"] if len(lines) > MAX_LINES else []
    body = "\n".join([_cut(line, 200) for line in lines[:MAX_LINES]] + more)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", body)), default=0))
    return f"{fence}\n{body}\n{fence}"


def _quote(text: str) -> str:
    return "\n".join(f"> {line}" for line in _cut(text).splitlines())


def _sentence(content: str) -> str:
    value = _parsed(content)
    error = value.get("error") if isinstance(value, dict) else value
    return error if isinstance(error, str) else content


def _cut(text: str, limit: int = MAX_QUOTE_CHARS) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
