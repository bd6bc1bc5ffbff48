"""The models that may be chosen."""

import pytest

from agents.catalog import catalog

SHIPPED = ["gpt-4.1-mini", "gpt-4o", "gpt-4-turbo"]


def test_with_a_key_the_configured_models_are_offered_and_nothing_else() -> None:
    models = catalog(SHIPPED, has_key=True)
    assert [model.id for model in models] == SHIPPED
    assert {model.provider for model in models} == {"openai"}
    assert not any(model.note for model in models)


def test_without_a_key_the_demo_answers_for_each_and_says_so() -> None:
    models = catalog(SHIPPED, has_key=False)
    assert [model.id for model in models] == [*SHIPPED, "demo"]
    assert {model.provider for model in models} == {"demo"}
    assert all(model.note for model in models)


def test_in_development_the_demo_is_offered_beside_real_models() -> None:
    providers = {model.id: model.provider for model in catalog(SHIPPED, has_key=True, is_development=True)}
    assert providers == {"gpt-4.1-mini": "openai", "gpt-4o": "openai", "gpt-4-turbo": "openai", "demo": "demo"}


@pytest.mark.parametrize("names", [[], [""], ["demo"], ["a", "a", "demo", ""]])
def test_each_name_is_offered_once(names: list[str]) -> None:
    ids = [model.id for model in catalog(names, has_key=False)]
    assert sorted(ids) == sorted({*names, "demo"} - {""})


def test_a_model_of_another_server_gets_a_guessed_context() -> None:
    [known, unknown] = catalog(["gpt-4o", "llama3.3:70b"], has_key=True)
    assert (known.context_tokens, known.is_context_known) == (128_000, True)
    assert unknown.context_tokens > 0
    assert not unknown.is_context_known
