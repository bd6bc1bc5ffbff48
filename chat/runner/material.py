"""The messages that a compaction stands for, as the material that a model sums up. Pure."""

from collections.abc import Sequence
from typing import Any

from agents import tokens
from agents.loop.calls import as_told
from chat.models import MessageRole

SPEAKERS = {MessageRole.USER: "Person", MessageRole.ASSISTANT: "Answer", MessageRole.SYSTEM: "Client"}
ARGUMENTS_CHARS = 200  # of a tool call: which file it was
LEAST_CHARS = 100  # a message is not cut to less: rather the oldest ones are left out
LEFT_OUT = "[{count} older messages are not told.]"


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What each message said, which files came with it, and which tools were called with what."""
    return [line for row in rows if (line := _line(row))]


def fitting(said: Sequence[str], most_tokens: int) -> str:
    """All of it in so many tokens: the longest ones are cut first."""
    chars = most_tokens * 3
    while True:
        text = _cut_to(said, chars)
        if chars <= LEAST_CHARS or (found := tokens.of_text(text)) <= most_tokens:
            return text
        chars = min(chars * most_tokens // found, chars * 9 // 10)


def _line(row: dict[str, Any]) -> str:
    speaker = SPEAKERS.get(row["role"])
    if speaker is None:
        return ""
    names = [str(each.get("name") or each.get("type")) for each in row["attachments"]]
    files = [f"[files: {', '.join(names)}]"] if names else []
    calls = [_call(part) for part in row["parts"] if part["type"] == "tool_call" and not part.get("agent")]
    said = " ".join(filter(None, [row["content"], *files, *calls]))
    return f"{speaker}: {said}" if said else ""


def _call(part: dict[str, Any]) -> str:
    arguments = part["arguments"] if isinstance(part["arguments"], str) else as_told(part["arguments"])
    return f"[called {part['name']} {_cut(arguments, ARGUMENTS_CHARS)}]"


def _cut_to(said: Sequence[str], chars: int) -> str:
    """In about so many characters."""
    newest = said[-max(chars // LEAST_CHARS, 1) :]
    left = len(said) - len(newest)
    most = max(_level([len(each) for each in newest], chars), 1)
    return "\n\n".join([*([LEFT_OUT.format(count=left)] if left else []), *(_cut(each, most) for each in newest)])


def _level(lengths: Sequence[int], room: int) -> int:
    """The length at which the longer ones are cut so that all together have room."""
    for number, length in enumerate(sorted(lengths)):
        share = room // (len(lengths) - number)
        if length > share:
            return share
        room -= length
    return max(lengths, default=0)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(most - 6, 1)]} [...]"
