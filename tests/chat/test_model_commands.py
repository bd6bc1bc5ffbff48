"""`manage.py models` and `check_model`: what the catalog says, what servers say, and whether a model works."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from agents import installation
from chat.models import LanguageModel
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def configured(settings: Any, upstream: Upstream) -> Iterator[None]:
    """The fake upstream; what this process was told is forgotten behind the test."""
    upstream.reset()
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = upstream.url, "sk-planted"
    settings.OPENAI_MODELS = ["a", "gpt-4o"]
    settings.OPENAI_PRICES, settings.AGENTS_DEFAULT_MODEL = ["a=1000/2000"], ""
    yield
    installation.tell_rows(())
    installation.tell_known(())


def told(*arguments: str) -> str:
    """What the command prints, whether or not it fails; the failure's text last."""
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=out)
    except CommandError as error:
        out.write(f"\nFAILED: {error}")
    assert "sk-planted" not in out.getvalue()
    return out.getvalue()


# --- models -----------------------------------------------------------------------------------------------------------


def test_the_catalog_is_shown_with_what_is_unknown_and_what_ends() -> None:
    LanguageModel.objects.create(id="lab", vendor="openai", source="operator", note="Ours")
    text = told("models")
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert "1000/1000/2000 USD" in lines["a"] and "~128,000" in lines["a"]
    assert "unknown" in lines["gpt-4o"] and "ends 2027-01-14, then gpt-6-luna" in lines["gpt-4o"]
    assert lines["lab"].endswith("Ours") and " yes " in lines["lab"]
    assert " no " in lines["claude-opus-5-5"]


def test_each_server_is_asked_what_it_has() -> None:
    text = told("models", "--check")
    assert "openai at http://127.0.0.1:" in text and "by chat:" in text
    assert "  a: the server has no model a; it has 1 others" in text
    assert text.endswith("FAILED: 2 of these cannot be used as they are.")


def test_what_is_there_passes(settings: Any, upstream: Upstream) -> None:
    settings.OPENAI_MODELS = ["fake"]
    assert "  fake: it is there" in told("models", "--check") and "FAILED" not in told("models", "--check")


def test_a_server_that_cannot_be_asked_is_said_by_name(settings: Any) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"
    text = told("models", "--check")
    assert "its list cannot be had: The model provider is not available" in text and "FAILED: 1" in text


def test_without_a_server_it_says_what_to_do(settings: Any) -> None:
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = "https://api.openai.com/v1", ""
    text = told("models", "--check")
    assert "No server is configured" in text and "FAILED" not in text


# --- check_model ------------------------------------------------------------------------------------------------------

WORDS = Turn(text=["po", "ng"], usage={"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110})


def script(upstream: Upstream, *turns: Turn) -> None:
    """What the upstream answers, to whomever it is that asks next."""
    upstream.script(*turns, key="")


def test_a_model_that_works_says_how_long_it_took_and_what_it_cost(upstream: Upstream) -> None:
    script(upstream, WORDS, Turn(tool_calls=[ScriptedCall("weather", {"city": "Rome"})]))
    text = told("check_model", "a")
    assert "by chat, as a" in text and "'pong'; first piece after" in text
    assert "100 tokens in, 10 out, 0.120000 USD" in text  # (100 x 1000 + 10 x 2000) / 1,000,000
    assert 'it called weather({"city":' in text.replace("{ ", "{") and text.endswith("a works.\n")


def test_a_model_that_calls_nothing_does_not_work(upstream: Upstream) -> None:
    script(upstream, WORDS, WORDS)
    text = told("check_model", "gpt-4o")
    assert "it called nothing" in text and "cost unknown" in text
    assert text.endswith("FAILED: gpt-4o does not work as it is.")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "failed (upstream_auth). The model provider refused our credentials"),
        ("404", "failed (upstream_not_found). The model provider does not know this model"),
        ("refuse", "failed (upstream_"),
    ],
)
def test_a_failure_is_said_in_words(fault: str, said: str, upstream: Upstream) -> None:
    script(upstream, Turn(fault=fault), Turn(fault=fault))
    text = told("check_model", "a")
    assert said in text and "FAILED: a does not work" in text


def test_a_name_that_is_none_is_told_with_its_successor(settings: Any) -> None:
    settings.OPENAI_MODELS = ["gpt-6-luna"]
    assert "There is no model gpt-4o-mini. Its successor is gpt-6-luna. There are: gpt-6-luna" in told(
        "check_model", "gpt-4o-mini"
    )
    settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY = "https://api.openai.com/v1", ""
    assert "is not configured" in told("check_model", "gpt-6-luna")


def test_the_demo_can_be_tried(settings: Any) -> None:
    assert "demo at this process, by demo" in told("check_model", "demo")
