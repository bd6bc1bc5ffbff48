"""What a server with a strict chat template refuses of a request, such as those of Mistral, Gemma and Llama 2."""

import itertools
from typing import Any


def check_strict(messages: list[dict[str, Any]]) -> None:
    """Assert that the messages of a request alternate, with each call's result right behind it."""
    roles = [each["role"] for each in messages]
    assert roles.count("system") <= 1 and "system" not in roles[1:], roles
    open_calls: list[str] = []
    turns: list[str] = []  # without answers that only ask for tools: templates skip them, and the results
    for each in messages:
        if each["role"] == "tool":
            assert open_calls and open_calls.pop(0) == each["tool_call_id"], f"a result of no call, or late: {roles}"
            continue
        assert not open_calls, f"a call without its result: {roles}"
        open_calls = [call["id"] for call in each.get("tool_calls", ())]
        if each["role"] != "system" and not open_calls:
            turns.append(each["role"])
        assert each["content"] or open_calls, "an empty message"
    assert not open_calls and turns[:1] == ["user"], roles
    assert all(one != next for one, next in itertools.pairwise(turns)), roles
    # A result is followed by an answer, or it is the last.
    assert all(next != "user" for one, next in itertools.pairwise(roles) if one == "tool"), roles
