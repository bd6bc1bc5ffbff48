"""The models that may be chosen: those that ship, those that settings name, and what operators wrote over them."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from agents import installation
from agents.catalog import EARLIER, Catalog, Known, catalog, configured
from agents.checks import check_agents
from agents.ended import ENDED, ended
from agents.errors import ProviderError
from agents.messages import UserMessage
from agents.model_info import ABILITIES, TIERS
from agents.options import EFFORTS
from agents.overlay import Overlay
from agents.prices import priced
from agents.providers.apis import key_of
from agents.providers.base import ProviderRequest
from agents.providers.demo import DemoProvider
from agents.providers.openai import OpenAIProvider
from agents.providers.server import DEMO, OWN_KEYS, Server
from agents.shipped import SHIPPED
from agents.vendors import BY_NAME, VENDORS

NAMED = ["gpt-4.1-mini", "gpt-4o", "gpt-4-turbo"]
OPENAI, ANTHROPIC = BY_NAME["openai"].base_url, BY_NAME["anthropic"].base_url
ELSEWHERE = "http://127.0.0.1:11434/v1"


def said(**settings: Any) -> Any:
    """Settings as they ship, but for these."""
    values: dict[str, Any] = {"OPENAI_EXTRA_HEADERS": {}, "OPENAI_PRICES": [], "OPENAI_PRICES_CURRENCY": "USD"}
    values |= {"IS_DEVELOPMENT": False, "OPENAI_API": "auto", "MODEL_KEYS": {}}
    for vendor in VENDORS:
        prefix = vendor.name.upper()
        values |= {f"{prefix}_API_KEY": "", f"{prefix}_BASE_URL": vendor.base_url, f"{prefix}_MODELS": []}
    return SimpleNamespace(**{**values, **settings})


def made(*rows: Overlay, known: tuple[tuple[str, Known], ...] = (), **settings: Any) -> Catalog:
    return catalog(configured(said(**settings)), rows, known)


def offered(*rows: Overlay, **settings: Any) -> dict[str, str]:
    return {model.id: model.provider for model in made(*rows, **settings).offered.values()}


def of_vendor(*names: str) -> dict[str, str]:
    return {model.id: model.provider for model in SHIPPED if model.provider in names}


# --- What ships -------------------------------------------------------------------------------------------------------


def test_ten_models_of_four_vendors_ship_for_three_tiers() -> None:
    assert len(SHIPPED) == len({model.id for model in SHIPPED}) == 10
    assert {model.provider for model in SHIPPED} == {"openai", "anthropic", "xai", "gemini"}
    assert [sum(model.is_seen_by(tier) for model in SHIPPED) for tier in TIERS] == [2, 7, 10]


@pytest.mark.parametrize("model", SHIPPED, ids=lambda model: model.id)
def test_each_has_what_is_needed_to_ask_it(model: Any) -> None:
    assert model.is_context_known and model.context_tokens > 100_000 and ended(model.id) is None
    assert model.abilities <= set(ABILITIES) and set(model.efforts) <= set(EFFORTS)
    assert model.price is not None and 0 < model.price.cached < model.price.input < model.price.output


def test_a_model_that_goes_has_a_successor_that_ships() -> None:
    ships = {model.id for model in SHIPPED}
    assert {each.successor for each in ENDED.values()} <= ships and not set(ENDED) & ships
    assert all(date.fromisoformat(each.at) for each in ENDED.values())
    assert ended("gpt-4o-2024-08-06") == ENDED["gpt-4o"] and ended("claude-sonnet-4-5-20250929")


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"OPENAI_API_KEY": "k"}, of_vendor("openai")),
        ({"ANTHROPIC_API_KEY": "k"}, of_vendor("anthropic")),
        ({"XAI_API_KEY": "k", "GEMINI_API_KEY": "k"}, of_vendor("xai", "gemini")),
        ({"MISTRAL_API_KEY": "k"}, {"gpt-6-luna": "demo", "claude-haiku-5-5": "demo", "demo": "demo"}),
        ({"MISTRAL_API_KEY": "k", "MISTRAL_MODELS": ["mistral-large-latest"]}, {"mistral-large-latest": "mistral"}),
        ({f"{each}_API_KEY": "k" for each in ("OPENAI", "ANTHROPIC", "XAI", "GEMINI")}, of_vendor(*BY_NAME)),
        ({"OPENAI_API_KEY": "k", "OPENAI_MODELS": ["gpt-6-sol"]}, {"gpt-6-sol": "openai"}),
        ({"OPENAI_BASE_URL": ELSEWHERE}, of_vendor("openai") | dict.fromkeys(EARLIER, "openai")),
        ({"OPENAI_BASE_URL": ELSEWHERE, "OPENAI_MODELS": ["qwen3:8b"]}, {"qwen3:8b": "openai"}),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_MODELS": ["a"], "XAI_API_KEY": "k", "XAI_MODELS": ["a", "b"]},
            {"a": "openai", "b": "xai"},
        ),
    ],
)
def test_each_vendor_that_is_configured_offers_its_models(keys: dict[str, Any], found: dict[str, str]) -> None:
    assert offered(**keys) == found


@pytest.mark.parametrize(
    ("settings", "api", "address"),
    [
        ({"OPENAI_API_KEY": "k"}, "responses", OPENAI),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": OPENAI + "/"}, "responses", OPENAI + "/"),
        ({"OPENAI_API_KEY": "k", "OPENAI_API": "chat"}, "chat", OPENAI),
        ({"OPENAI_BASE_URL": ELSEWHERE}, "chat", ELSEWHERE),
        ({"OPENAI_BASE_URL": ELSEWHERE, "OPENAI_API": "responses"}, "responses", ELSEWHERE),
    ],
)
def test_openais_own_address_is_spoken_to_by_responses(settings: dict[str, Any], api: str, address: str) -> None:
    server = made(**settings).info("gpt-6-luna").server
    assert (server.api, server.base_url, server.key) == (api, address, "OPENAI_API_KEY")


def test_anthropic_is_spoken_to_by_messages_and_the_others_by_chat() -> None:
    assert {vendor.name: vendor.api for vendor in VENDORS if vendor.api != "chat"} == {
        "openai": "responses",
        "anthropic": "messages",
    }
    assert made(ANTHROPIC_API_KEY="k").info("claude-haiku-5-5").server.base_url == ANTHROPIC


# --- The demo ---------------------------------------------------------------------------------------------------------


def test_without_a_key_the_demo_answers_for_what_the_settings_name_and_says_so() -> None:
    found = made(OPENAI_MODELS=NAMED).offered
    assert {model.id: model.provider for model in found.values()} == dict.fromkeys([*NAMED, "demo"], "demo")
    notes = [model.note for model in found.values()]
    assert all("No provider key" in note for note in notes[:-1]) and notes[-1] == "Rules, not a model."
    assert all(model.server == DEMO and model.price is None for model in found.values())


def test_in_development_the_demo_is_offered_beside_real_models() -> None:
    found = offered(OPENAI_API_KEY="k", OPENAI_MODELS=NAMED, IS_DEVELOPMENT=True)
    assert found == {**dict.fromkeys(NAMED, "openai"), "demo": "demo"}


@pytest.mark.parametrize("names", [["demo"], ["a", "a", "demo", ""]])
def test_each_name_is_offered_once(names: list[str]) -> None:
    assert set(offered(OPENAI_MODELS=names)) == {*names, "demo"} - {""}


# --- What is known of one ---------------------------------------------------------------------------------------------


def test_a_model_of_another_server_gets_a_guessed_context_and_what_was_always_sent() -> None:
    names = ["gpt-4o", "llama3.3:70b"]
    known, unknown = (made(OPENAI_BASE_URL=ELSEWHERE, OPENAI_MODELS=names).info(each) for each in names)
    assert (known.context_tokens, known.is_context_known) == (128_000, True)
    assert unknown.context_tokens > 0 and not unknown.is_context_known
    assert unknown.abilities == {"tools", "images", "sampling"} and unknown.price is None


def test_the_operators_price_is_before_what_ships_and_the_package_behind_all() -> None:
    package = (("qwen3:8b", Known(40_960, priced(1, 1, 2))), ("gpt-6-luna", Known(1, priced(9, 9, 9))))
    found = made(known=package, OPENAI_BASE_URL=ELSEWHERE, OPENAI_MODELS=["qwen3:8b", "gpt-6-luna", "else"])
    assert (found.info("qwen3:8b").context_tokens, found.info("qwen3:8b").price) == (40_960, priced(1, 1, 2))
    assert found.info("gpt-6-luna").price == next(each.price for each in SHIPPED if each.id == "gpt-6-luna")
    assert found.info("else").price is None
    word = made(known=package, OPENAI_API_KEY="k", OPENAI_PRICES=["gpt-6-luna=7/8"], OPENAI_PRICES_CURRENCY="EUR")
    assert word.info("gpt-6-luna").price == priced(7, 7, 8, currency="EUR")


@pytest.mark.parametrize(
    ("model", "keys", "who"),
    [
        ("gpt-6-luna", {}, "demo"),
        ("gpt-6-luna", {"OPENAI_API_KEY": "k"}, "openai"),
        ("claude-opus-5-5", {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k"}, "anthropic"),
        ("demo", {"OPENAI_API_KEY": "k"}, "demo"),
        ("one that is offered no more", {"OPENAI_API_KEY": "k", "XAI_API_KEY": "k"}, "nobody"),
        ("one that is offered no more", {"XAI_API_KEY": "k"}, "nobody"),
        ("one that is offered no more", {"OPENAI_BASE_URL": ELSEWHERE}, "openai"),
        ("one that is offered no more", {"OPENAI_API_KEY": "k", "MISTRAL_BASE_URL": ELSEWHERE}, "nobody"),
        ("claude-opus-5-5", {"OPENAI_API_KEY": "k"}, "nobody"),
    ],
)
def test_a_model_is_answered_by_the_vendor_that_offers_it(model: str, keys: dict[str, str], who: str) -> None:
    assert made(IS_DEVELOPMENT=True, **keys).info(model).provider == who


@pytest.mark.parametrize(
    ("wanted", "keys", "found"),
    [
        ("", {"OPENAI_API_KEY": "k"}, "gpt-6-luna"),
        ("", {"ANTHROPIC_API_KEY": "k"}, "claude-haiku-5-5"),
        ("", {"XAI_API_KEY": "k"}, "grok-4.3"),
        ("", {"OPENAI_BASE_URL": ELSEWHERE, "OPENAI_MODELS": ["b", "a"]}, "b"),
        ("", {}, "gpt-6-luna"),
        ("gpt-6.1-sol", {"OPENAI_API_KEY": "k"}, "gpt-6.1-sol"),
        ("gpt-6.1-sol", {"ANTHROPIC_API_KEY": "k"}, "claude-haiku-5-5"),
    ],
)
def test_a_new_chats_model_is_the_one_that_is_set_or_the_first_of_the_free_tier(
    wanted: str, keys: dict[str, Any], found: str
) -> None:
    assert made(**keys).default(wanted) == found


@pytest.mark.parametrize(
    ("name", "keys", "successor"),
    [
        ("gpt-4o", {"OPENAI_API_KEY": "k"}, "gpt-6-luna"),
        ("gpt-4.1-mini", {"OPENAI_API_KEY": "k"}, "gpt-6-luna"),
        ("gpt-4o-2024-08-06", {"OPENAI_API_KEY": "k"}, "gpt-6-luna"),
        ("gpt-4o", {"ANTHROPIC_API_KEY": "k"}, ""),  # it is not offered here, and another vendor's is no successor
        ("nobody's", {"OPENAI_API_KEY": "k"}, ""),
        ("a", {"OPENAI_API_KEY": "k", "OPENAI_MODELS": ["b"]}, "b"),
        ("circle", {"OPENAI_API_KEY": "k"}, ""),
    ],
)
def test_the_successor_is_one_that_is_offered(name: str, keys: dict[str, Any], successor: str) -> None:
    rows = (Overlay("a", adds=True, is_enabled=False, successor="b"), Overlay("circle", adds=True, is_enabled=False))
    found = made(rows[0], replace(rows[1], successor="circle"), **keys)
    assert found.successor(name) == successor


# --- What operators wrote ---------------------------------------------------------------------------------------------


def test_a_row_is_before_what_ships_and_what_it_leaves_empty_falls_through() -> None:
    row = Overlay("gpt-6-luna", tier="max", input=3.0, output=4.0, efforts=("low",), note="Ours", name="luna-eu")
    model, plain = made(row, OPENAI_API_KEY="k").info("gpt-6-luna"), made(OPENAI_API_KEY="k").info("gpt-6-luna")
    assert (model.tier, model.price, model.efforts, model.note) == ("max", priced(3, 3, 4), ("low",), "Ours")
    assert model.wire_name == "luna-eu"
    assert (model.context_tokens, model.abilities, model.server) == (
        plain.context_tokens,
        plain.abilities,
        plain.server,
    )


def test_a_row_that_is_off_is_not_offered_and_one_that_adds_is() -> None:
    rows = Overlay("gpt-6-luna", is_enabled=False), Overlay("gpt-6-sol", adds=True), Overlay("gone")
    assert offered(*rows, OPENAI_API_KEY="k") == {
        "gpt-6.1-terra": "openai",
        "gpt-6.1-sol": "openai",
        "gpt-6-sol": "openai",
    }


def test_a_server_of_a_rows_own_gets_its_own_key_and_no_vendors() -> None:
    row = Overlay("lab", vendor="openai", base_url="https://llm.example.com/v1", adds=True)
    model = made(row, OPENAI_API_KEY="vendor's").info("lab")
    assert model.server == Server("openai", "chat", row.base_url, OWN_KEYS)
    keys = said(OPENAI_API_KEY="vendor's", MODEL_KEYS={"llm.example.com": "the lab's"})
    assert key_of(model.server, keys) == "the lab's"
    assert key_of(replace(model.server, base_url="https://other.example.com/v1"), keys) == ""
    assert list(offered(row)) == ["lab"]  # it needs no vendor's key


@pytest.mark.parametrize(
    "keys", [{}, {"OPENAI_API_KEY": "k"}, {"ANTHROPIC_API_KEY": "k"}, {"OPENAI_BASE_URL": ELSEWHERE}]
)
@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_row_keeps_its_own_server_on_or_off(keys: dict[str, str], adds: bool, is_enabled: bool) -> None:
    row = Overlay("lab", vendor="anthropic", base_url="https://llm.example.com", adds=adds, is_enabled=is_enabled)
    model = made(row, **keys).info("lab")
    assert (model.server.base_url, model.server.key) == (row.base_url, OWN_KEYS)
    assert ("lab" in offered(row, **keys)) == (adds and is_enabled)


@pytest.mark.parametrize(
    ("model", "said"),
    [("gpt-4o", "its successor is gpt-6-luna"), ("nobody's", "does not know this model"), ("grok-4.3", "not know")],
)
async def test_a_model_of_no_server_of_ours_is_sent_to_nobody(model: str, said: str, settings: Any) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_MODELS, settings.OPENAI_BASE_URL = "k", [], OPENAI
    [target] = installation.targets(model)
    with pytest.raises(ProviderError, match=said) as failed:
        async for _ in target.provider.stream(ProviderRequest(target.model.wire_name, "", (UserMessage("Ping"),))):
            pass
    assert (failed.value.code, failed.value.retryable) == ("upstream_not_found", False)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://llm.example.com/v1", "usual"),
        ("https://llm.example.com:443/v1", "usual"),
        ("https://LLM.example.com/v1", "usual"),
        ("https://llm.example.com:8443/v1", "8443's"),
        ("https://llm.example.com:9443/v1", ""),
        ("http://llm.example.com/v1", ""),
        ("http://llm.example.com:8443/v1", ""),
        ("http://127.0.0.1:11434/v1", "local"),
        ("http://127.0.0.1:11435/v1", ""),
        ("https://[::1]:8443/v1", "six"),
    ],
)
def test_a_key_is_for_the_port_that_was_written_and_for_tls(address: str, key: str) -> None:
    keys = {"llm.example.com": "usual", "llm.example.com:8443": "8443's", "127.0.0.1:11434": "local"}
    keys |= {"127.0.0.1:11435": "not allowed", "[::1]:8443": "six"}
    settings = said(MODEL_KEYS=keys, OUTWARD_ALLOW=["127.0.0.1:11434"], OUTWARD_PORTS=[443])
    assert key_of(Server("openai", "chat", address, OWN_KEYS), settings) == key


def test_fallbacks_are_those_that_are_offered_in_order_and_once() -> None:
    others = ("claude-haiku-5-5", "gpt-6-luna", "gpt-6.1-sol", "nobody's", "gpt-6.1-sol", "demo")
    row = Overlay("gpt-6-luna", fallbacks=others)
    assert [each.id for each in made(row, OPENAI_API_KEY="k").line("gpt-6-luna")] == ["gpt-6-luna", "gpt-6.1-sol"]
    both = made(row, OPENAI_API_KEY="k", ANTHROPIC_API_KEY="k", IS_DEVELOPMENT=True)
    assert [each.id for each in both.line("gpt-6-luna")] == ["gpt-6-luna", "claude-haiku-5-5", "gpt-6.1-sol"]
    assert [each.id for each in made(row).line("gpt-6-luna")] == ["gpt-6-luna"]  # the demo stands in for nobody else


# --- The installation -------------------------------------------------------------------------------------------------


async def test_a_provider_is_made_once_for_each_server(settings: Any) -> None:
    settings.OPENAI_BASE_URL, settings.OPENAI_MODELS = ELSEWHERE, ["a", "b"]
    settings.MISTRAL_API_KEY, settings.MISTRAL_MODELS = "k", ["c"]
    first, second, other, demo = (
        installation.provider_for(installation.info_of(each)) for each in ("a", "b", "c", "demo")
    )
    assert isinstance(first, OpenAIProvider) and first is second and first is not other
    assert isinstance(demo, DemoProvider)
    assert (first.maker, other.maker) == ("chat@http://127.0.0.1:11434", "chat@https://api.mistral.ai:443")
    assert [target.provider for target in installation.targets("c")] == [other]


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("http://gpu:8000/v1", "http://gpu:8001/v1", False),
        ("http://gpu:8000/v1", "https://gpu:8000/v1", False),
        ("http://gpu:8000/v1", "http://other:8000/v1", False),
        ("http://gpu:8000/a/v1", "http://gpu:8000/b/v1", False),
        ("http://gpu:8000/a/v1", "http://gpu:8000/v1", False),
        ("http://gpu:8000/v1", "http://GPU:8000", True),
        ("http://gpu:8000/v1", "http://gpu:8000/v1/chat/completions", True),
        ("https://gpu/v1", "https://gpu:443/v1/", True),
        ("http://[::1]/v1", "http://[::1]:80/v1", True),
        ("https://me:planted@gpu/v1?key=planted", "https://gpu/v1", True),
    ],
)
def test_a_maker_is_one_address_without_its_secrets(one: str, other: str, is_same: bool) -> None:
    first, second = (OpenAIProvider(api_key="k", base_url=each).maker for each in (one, other))
    assert (first == second) == is_same and "planted" not in first and "@" not in first.partition("@")[2]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_each_vendors_address_is_checked(vendor: Any, settings: Any) -> None:
    setattr(settings, f"{vendor.name.upper()}_BASE_URL", "hidden.example.com/v1")
    [message] = [each for each in check_agents() if each.id == "agents.E007"]
    assert vendor.title in str(message) and "hidden" not in str(message)
