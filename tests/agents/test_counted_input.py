"""Whatever a server counts: what was cached is part of the input, nothing is paid twice, and no cost is below 0."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.prices import priced
from agents.providers.anthropic import events as anthropic
from agents.providers.anthropic.stream import _usage as of_messages
from agents.providers.openai import chunks
from agents.providers.openai.stream import _usage as of_chunks
from agents.providers.responses import events as responses
from agents.providers.responses.stream import usage_of as of_responses
from agents.usage import Usage

Counted = Callable[[int, int, int, int], Usage | None]


def completions(input: int, cached: int, written: int, output: int) -> Usage | None:
    details = chunks.InputDetails(cached_tokens=cached, cache_write_tokens=written)
    return of_chunks(chunks.Tokens(prompt_tokens=input, completion_tokens=output, prompt_tokens_details=details))


def response(input: int, cached: int, written: int, output: int) -> Usage | None:
    details = responses.InputDetails(cached_tokens=cached, cache_write_tokens=written)
    return of_responses(responses.Tokens(input_tokens=input, output_tokens=output, input_tokens_details=details))


def message(input: int, cached: int, written: int, output: int) -> Usage | None:
    return of_messages(
        anthropic.Tokens(
            input_tokens=input,
            cache_read_input_tokens=cached,
            cache_creation_input_tokens=written,
            output_tokens=output,
        )
    )


ADAPTERS: dict[str, Counted] = {"completions": completions, "responses": response, "messages": message}
PRICE = priced(2, "0.2", 10, write="2.5")
ANY = st.integers(-10, 10**13) | st.integers(0, 1000)


@pytest.mark.parametrize("adapter", ADAPTERS)
@given(counts=st.tuples(ANY, ANY, ANY, ANY))
def test_parts_are_within_the_whole_and_a_cost_is_not_below_nothing(adapter: str, counts: Any) -> None:
    usage = ADAPTERS[adapter](*counts)
    if usage is None:
        return  # it is estimated then
    assert usage.cached_tokens >= 0 and usage.written_tokens >= 0
    assert usage.cached_tokens + usage.written_tokens <= usage.input_tokens
    assert 0 <= usage.reasoning_tokens <= usage.output_tokens
    assert PRICE.of(usage) >= 0


CACHED = {  # input, cached, written, output as the server says it; and what is paid, in nanos
    "within": (("completions", "responses"), (1000, 900, 50, 0), 50 * 2000 + 900 * 200 + 50 * 2500),
    "beside, by its protocol": (("messages",), (50, 900, 50, 0), 50 * 2000 + 900 * 200 + 50 * 2500),
    "beside, by a server of another mind": (("completions", "responses"), (50, 900, 0, 0), 50 * 2000 + 900 * 200),
    "written and read overlap": (("completions", "responses"), (100, 80, 100, 0), 80 * 200 + 20 * 2500),
}


@pytest.mark.parametrize(
    ("adapter", "counts", "nanos"),
    [(adapter, counts, nanos) for adapters, counts, nanos in CACHED.values() for adapter in adapters],
)
def test_what_is_cached_is_paid_once(adapter: str, counts: Any, nanos: int) -> None:
    usage = ADAPTERS[adapter](*counts)
    assert usage is not None and PRICE.of(usage) == nanos
