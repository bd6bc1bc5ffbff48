"""The models that may be chosen, and who answers for each: openai, another provider, or the demo."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from agents import installation
from agents.catalog import catalog, entry_for
from agents.checks import check_agents
from agents.providers import demo, openai
from agents.providers.entry import Entry, Fault, ModelInfo
from agents.providers.openai.entry import DEFAULT_BASE_URL

SHIPPED = ["gpt-4.1-mini", "gpt-4o", "gpt-4-turbo"]
OTHER = replace(
    demo.ENTRY,
    name="other",
    is_configured=lambda settings: bool(settings.OTHER_API_KEY),
    address=lambda settings: "https://other.example.com",
    models=lambda settings: (ModelInfo("other-1", "other"), ModelInfo("gpt-4o", "other")),
    faults=lambda settings: iter([Fault("agents.E999", "OTHER_API_KEY is too short.")]),
)
REAL = (openai.ENTRY, OTHER)


def configured(names: list[str] = SHIPPED, *, key: str = "", other: str = "", is_development: bool = False) -> Any:
    return SimpleNamespace(
        OPENAI_MODELS=names,
        OPENAI_API_KEY=key,
        OPENAI_BASE_URL=DEFAULT_BASE_URL,
        OTHER_API_KEY=other,
        IS_DEVELOPMENT=is_development,
    )


def offered(settings: Any, real: tuple[Entry, ...] = (openai.ENTRY,)) -> dict[str, str]:
    return {model.id: model.provider for model in catalog(real, demo.ENTRY, settings)}


def test_with_a_key_the_configured_models_are_offered_and_nothing_else() -> None:
    assert offered(configured(key="k")) == dict.fromkeys(SHIPPED, "openai")
    assert not any(model.note for model in catalog((openai.ENTRY,), demo.ENTRY, configured(key="k")))


def test_without_a_key_the_demo_answers_for_each_and_says_so() -> None:
    assert offered(configured()) == dict.fromkeys([*SHIPPED, "demo"], "demo")
    notes = [model.note for model in catalog((openai.ENTRY,), demo.ENTRY, configured())]
    assert all("No provider key" in note for note in notes[:-1]) and notes[-1] == "Rules, not a model."


def test_in_development_the_demo_is_offered_beside_real_models() -> None:
    found = offered(configured(key="k", is_development=True))
    assert found == {"gpt-4.1-mini": "openai", "gpt-4o": "openai", "gpt-4-turbo": "openai", "demo": "demo"}


@pytest.mark.parametrize("names", [[], [""], ["demo"], ["a", "a", "demo", ""]])
def test_each_name_is_offered_once(names: list[str]) -> None:
    ids = [model.id for model in catalog((openai.ENTRY,), demo.ENTRY, configured(names))]
    assert sorted(ids) == sorted({*names, "demo"} - {""})


def test_a_model_of_another_server_gets_a_guessed_context() -> None:
    [known, unknown] = catalog((openai.ENTRY,), demo.ENTRY, configured(["gpt-4o", "llama3.3:70b"], key="k"))
    assert (known.context_tokens, known.is_context_known) == (128_000, True)
    assert unknown.context_tokens > 0
    assert not unknown.is_context_known


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, dict.fromkeys([*SHIPPED, "other-1", "demo"], "demo")),
        ({"key": "k"}, dict.fromkeys(SHIPPED, "openai")),
        ({"other": "k"}, {"other-1": "other", "gpt-4o": "other"}),
        ({"key": "k", "other": "k"}, {**dict.fromkeys(SHIPPED, "openai"), "other-1": "other"}),
    ],
)
def test_of_two_providers_those_that_are_configured_offer_their_models(
    keys: dict[str, str], found: dict[str, str]
) -> None:
    assert offered(configured(**keys), REAL) == found


@pytest.mark.parametrize(
    ("model", "keys", "who"),
    [
        ("gpt-4o", {}, "demo"),
        ("gpt-4o", {"key": "k"}, "openai"),
        ("gpt-4o", {"key": "k", "other": "k"}, "openai"),
        ("other-1", {"key": "k", "other": "k"}, "other"),
        ("demo", {"key": "k", "other": "k"}, "demo"),
        ("one that is offered no more", {"key": "k", "other": "k"}, "openai"),
        ("one that is offered no more", {"other": "k"}, "other"),
    ],
)
def test_a_model_is_answered_by_the_provider_that_offers_it(model: str, keys: dict[str, str], who: str) -> None:
    assert entry_for(model, REAL, demo.ENTRY, configured(**keys)).name == who


async def test_a_line_in_providers_is_all_that_a_new_one_needs(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "PROVIDERS", REAL)
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, settings.OTHER_API_KEY = "", DEFAULT_BASE_URL, "k"
    assert installation.has_upstream() and installation.model_names()[:2] == ["other-1", "gpt-4o"]
    assert installation.answers_for("other-1").address(settings) == "https://other.example.com"
    made = installation.provider_for("other-1")
    assert made is installation.provider_for("gpt-4o") and made is not installation.provider_for("demo")
    assert {message.id for message in check_agents()} == {"agents.E005", "agents.E999"}
