"""Each server by the settings that docs/models.md gives for it: asked where, with which key, and understood."""

import asyncio
import importlib.util
import re
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestServer

from agents import installation
from agents.errors import ProviderError
from agents.loop.target import fitted
from agents.messages import UserMessage
from agents.model_info import ModelInfo
from agents.providers import apis, listing
from agents.providers.apis import APIS
from agents.providers.base import ProviderRequest
from agents.providers.server import OWN_KEYS, Server
from agents.vendors import VENDORS
from chat.management.commands.check_model import WEATHER, Heard
from tests.agents.dialects import DIALECTS, LISTS, TEXT, Vendor
from tests.environment import ROOT
from tests.tools.outside import CONNECTED, Names, listening

ROW = re.compile(r"^\| ([\w ]+) \| `([^`]*)` \| `POST ([^`]*)` \|$", re.MULTILINE)
TABLE = {name: (said, path) for name, said, path in ROW.findall((ROOT / "docs" / "models.md").read_text())}
MADE = {name: f"agents.providers.{module}" for name, module in (("OpenAI", "responses"), ("Anthropic", "anthropic"))}
KEY = "sk-planted-in-the-settings"


def missing(name: str) -> bool:
    return name in MADE and importlib.util.find_spec(MADE[name]) is None


STATUSES = [(401, "upstream_auth"), (404, "upstream_not_found"), (429, "upstream_rate_limited")]
SERVERS = [pytest.param(name, marks=pytest.mark.skipif(missing(name), reason="not built in")) for name in DIALECTS]


@pytest.fixture
async def vendor(request: pytest.FixtureRequest, settings: Any) -> AsyncIterator[tuple[Vendor, ModelInfo]]:
    """The named vendor's server, the settings as the page gives them, and the first model that is then offered."""
    name = request.param
    said = dict(each.split("=", 1) for each in TABLE[name][0].split())
    for each in VENDORS:
        setattr(settings, f"{each.name.upper()}_MODELS", [])
    settings.AGENTS_DEFAULT_MODEL, settings.IS_DEVELOPMENT = "", False
    [prefix] = {setting.split("_")[0] for setting in said}
    at_home = next(each.base_url for each in VENDORS if each.name == prefix.lower())
    server = Vendor(name, [])
    async with TestServer(server.app()) as running:
        path = urlsplit(said.get(f"{prefix}_BASE_URL", at_home)).path
        setattr(settings, f"{prefix}_BASE_URL", f"http://127.0.0.1:{running.port}{path}")
        if f"{prefix}_API_KEY" in said:
            setattr(settings, f"{prefix}_API_KEY", KEY)
        if f"{prefix}_MODELS" in said:
            setattr(settings, f"{prefix}_MODELS", said[f"{prefix}_MODELS"].split(","))
        if f"{prefix}_BASE_URL" not in said and prefix == "OPENAI":
            settings.OPENAI_API = "responses"  # what is spoken at its own address, which this is not
        model = installation.info_of(installation.default_model())
        server.models = installation.model_names()
        yield server, model


def test_the_page_has_a_row_for_each() -> None:
    assert list(TABLE) == list(DIALECTS)


async def ask(model: ModelInfo, *tools: Any) -> Heard:
    provider = installation.provider_for(model)
    target = installation.Target(model, provider)
    heard = Heard()
    request = ProviderRequest("", "Be brief.", (UserMessage("Ping"),), tools, max_output_tokens=99, temperature=0.5)
    async for pieces in provider.stream(fitted(request, target)):
        for piece in pieces:
            heard.take(piece)
    await provider.close()
    return heard


@pytest.mark.parametrize("vendor", SERVERS, indirect=True)
async def test_it_is_asked_as_its_documents_say_and_understood(vendor: tuple[Vendor, ModelInfo]) -> None:
    server, model = vendor
    words = await ask(model)
    assert (words.text, words.finish, words.calls) == (TEXT, "stop", {})
    assert words.usage is not None and words.usage.input_tokens == 11
    assert words.usage.output_tokens == (23 if server.name == "xAI" else 3)
    called = await ask(model, WEATHER)
    assert [name for name, _arguments in called.calls.values()] == ["weather"]
    assert '"Rome"' in called.calls[0][1] and called.finish in ("tool_calls", "stop")
    (method, path, headers, body), second = server.seen
    assert (method, path) == ("POST", TABLE[server.name][1]) and second[3]["tools"]
    has_key = server.name not in ("Ollama", "vLLM", "LM Studio")
    assert headers.get("authorization") == (f"Bearer {KEY}" if has_key else None)
    assert body["model"] == model.id and ("temperature" in body) == model.has("sampling")


@pytest.mark.parametrize("vendor", list(DIALECTS), indirect=True)
async def test_its_list_is_read_with_windows_and_ends_where_it_tells_them(
    vendor: tuple[Vendor, ModelInfo], settings: Any
) -> None:
    server, model = vendor
    found = await listing.listed(model.server, settings)
    assert list(found) == server.models
    said = LISTS.get(server.name, {})
    windows = [value for name, value in said.items() if name in listing.WINDOWS]
    assert found[model.id].context_tokens == (windows[0] if windows else None)
    assert found[model.id].ends_at == said.get("shutdown_date", "")
    [(method, path, headers, _body)] = server.seen
    asked = TABLE[server.name][1]
    wanted = re.sub(r"/(chat/completions|responses|messages)$", "/models", asked)
    assert (method, path.partition("?")[0]) == ("GET", wanted)
    assert ("anthropic-version" in headers) == (server.name == "Anthropic")


@pytest.mark.parametrize(("status", "code"), STATUSES)
@pytest.mark.parametrize("vendor", ["Mistral"], indirect=True)
async def test_a_list_that_cannot_be_had_says_why(
    vendor: tuple[Vendor, ModelInfo], status: int, code: str, settings: Any
) -> None:
    server, model = vendor
    server.status = status
    with pytest.raises(ProviderError) as failed:
        await listing.listed(model.server, settings)
    assert failed.value.code == code and KEY not in str(failed.value)


GO = [  # address of a row, what is allowed, where its name leads, whether it is connected to
    ("https://rebinding.example:PORT/v1", [], "127.0.0.1", False),
    ("https://rebinding.example:PORT/v1", ["127.0.0.1/32"], "127.0.0.2", False),
    ("https://rebinding.example:PORT/v1", ["127.0.0.1/32"], "127.0.0.1", True),
    ("https://127.0.0.1:PORT/v1", [], "", False),
    ("http://plain.example:PORT/v1", ["127.0.0.1/32"], "127.0.0.1", False),
    ("http://plain.example:PORT/v1", ["plain.example:PORT"], "127.0.0.1", True),
    ("http://plain.example:PORT/v1", ["plain.example:PORT"], "8.8.8.8", False),  # the key would go without TLS
]


@pytest.mark.parametrize("api", [*APIS, "list"])
@pytest.mark.parametrize(("address", "allow", "leads", "goes"), GO)
async def test_the_server_of_a_row_is_judged_where_it_is_connected(
    api: str, address: str, allow: list[str], leads: str, goes: bool, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    async with listening(say, "127.0.0.1", "127.0.0.2") as outside:
        url, *allow = (each.replace("PORT", str(outside.port)) for each in (address, *allow))
        settings.OUTWARD_ALLOW, settings.OUTWARD_PORTS = allow, [outside.port]
        settings.MODEL_KEYS = {urlsplit(url).netloc: KEY}
        settings.AGENTS_CONNECT_TIMEOUT_S = 0.2  # nobody speaks TLS there
        monkeypatch.setattr(socket, "getaddrinfo", Names({str(urlsplit(url).hostname): [[leads]]} if leads else {}))
        CONNECTED.clear()
        with pytest.raises(ProviderError) as failed:
            await reach(Server("openai", api, url, OWN_KEYS), settings)
        assert (bool(CONNECTED), bool(outside.connects)) == (goes, goes)
        assert ("OUTWARD_ALLOW" in failed.value.message and not failed.value.retryable) == (not goes)


async def reach(server: Server, settings: Any) -> None:
    if server.api == "list":
        await listing.listed(server, settings, timeout_s=0.5)
        return
    provider = apis.make(server, settings)
    try:
        async for _ in provider.stream(ProviderRequest("m", "", (UserMessage("Ping"),))):
            pass
    finally:
        await provider.close()


def test_a_query_stays_behind_the_path(settings: Any) -> None:
    server = listing.Server("openai", "chat", "https://x.openai.azure.com/openai/deployments/d?api-version=1", "")
    assert listing.address_of(server) == "https://x.openai.azure.com/openai/deployments/d/models?api-version=1"
