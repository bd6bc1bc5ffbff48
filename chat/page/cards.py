"""Tool calls of stored answers as the page's cards show them; static/chat/render.js draws the same of live ones."""

import json
from typing import Any

from django.utils.html import format_html_join

from chat.models import Message, ToolCall
from chat.page.decided import Grants, answer_of, decision_of, people_of
from chat.page.words import say

SHORT_CHARS = 60
HEAD_CHARS = 4000  # a longer result shows its beginning, and loads the rest when asked


class Cards:
    """What the cards of these messages, of one chat, say besides their parts. Three queries at most."""

    def __init__(self, messages: list[Message]) -> None:
        calls = ToolCall.objects.filter(run__message__in=messages, elapsed_ms__isnull=False)
        self._took = {
            (message, call): (elapsed_ms or 0) / 1000
            for message, call, elapsed_ms in calls.order_by().values_list("run__message", "call", "elapsed_ms")
        }
        self._names = people_of(_deciders(messages))
        self._grants = Grants(messages[0].chat_id if messages else None)

    def card(self, message: Message, call: dict[str, Any], result: dict[str, Any] | None) -> dict[str, Any]:
        """One call as `_tool.html` shows it."""
        status = _status(result)
        outcome = _pretty(None if result is None else result.get("error" if result["is_error"] else "result"))
        return {
            **{"call": call["call"], "name": call["name"], "is_inner": bool(call.get("agent"))},
            **{"argument": _short(call["arguments"]), "arguments": _pretty(call["arguments"])},
            **{"status": status, "state": _state(status, self._took.get((message.pk, call["call"])))},
            **{"result": outcome[:HEAD_CHARS], "has_more": len(outcome) > HEAD_CHARS},
            **{"is_cut": bool(result and result.get("truncated"))},
            **{"decision": self._decisions(call)},
        }

    def _decisions(self, call: dict[str, Any]) -> str:
        """Who allowed or denied it, and why; who answered what it wanted."""
        allowed = [self._decision(call["name"], call["approval"])] if call.get("approval") else []
        answered = [
            answer_of(each["decision"], self._names.get(each["by"], ""), each["by"], each["reason"])
            for each in call.get("answers", ())
        ]
        return format_html_join(" · ", "{}", ((each,) for each in (*allowed, *answered)))

    def _decision(self, name: str, approval: dict[str, Any]) -> str:
        by, is_wide = approval["by"], approval.get("scope") == "chat"
        until = self._grants.until(name, by, approval["at"]) if is_wide else None
        who = self._names.get(by, "")
        return decision_of(approval["decision"], who, by, approval["reason"], is_wide=is_wide, until=until)


def _deciders(messages: list[Message]) -> list[str]:
    """Who decided on the calls of these messages."""
    parts = [part for each in messages for part in each.parts if part["type"] == "tool_call"]
    allowed = [part["approval"]["by"] for part in parts if part.get("approval")]
    return allowed + [each["by"] for part in parts for each in part.get("answers", ())]


def _state(status: str, took: float | None) -> str:
    if status == "returned":
        return "" if took is None else duration(took)
    return joined(say(status), "" if took is None or status != "failed" else duration(took))


def _status(result: dict[str, Any] | None) -> str:
    if result is None:
        return "unfinished"
    return str(result.get("outcome", "failed")) if result["is_error"] else "returned"


def _short(arguments: Any) -> str:
    """The argument worth showing beside a tool's name: the first short text among them."""
    values = arguments.values() if isinstance(arguments, dict) else [arguments]
    texts = [str(each) for each in values if isinstance(each, str | int | float) and not isinstance(each, bool)]
    line = texts[0].strip().split("\n")[0] if texts else ""
    return line if len(line) <= SHORT_CHARS else f"{line[: SHORT_CHARS - 1]}…"


def _pretty(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def joined(*facts: str) -> str:
    """The facts that there are, on one line."""
    return " · ".join(each for each in facts if each)


def duration(seconds: float) -> str:
    """A duration as people say it; static/chat/words.js says the same."""
    if seconds < 0.1:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
