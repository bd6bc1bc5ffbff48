"""The OpenAI SDK for Node, and the AI SDK's OpenAI provider, at the Responses door."""

import pytest

from tests.clients.node import run_node_json
from tests.live import Server
from tests.streams import client

pytestmark = [pytest.mark.clients, pytest.mark.live]
BASES = ("/v1", "/api/llm")


@pytest.mark.parametrize("base", BASES)
def test_the_openai_sdk_for_node_streams_resumes_stops_and_converses(server: Server, base: str) -> None:
    alice = client(server)
    seen = run_node_json("openai_responses.mjs", server.url + base, alice.token)
    assert seen["streamed"] == seen["stored"] != "" and seen["helped"]
    assert seen["numbers"] == list(range(len(seen["numbers"])))
    assert seen["resumed"] == list(range(len(seen["resumed"]))) and seen["end"] == "response.completed"
    assert "blue" in seen["answered"] and seen["cancelled"] == "cancelled"
    assert seen["items"] == ["Hi", seen["inside"]]
    assert seen["errors"] == {
        "deleted": ["NotFoundError", "not_found"],
        "model": ["NotFoundError", "model_not_found"],
        "key": ["AuthenticationError", "invalid_api_key"],
    }


@pytest.mark.parametrize("base", BASES)
def test_the_ai_sdks_provider_goes_on_by_references_and_runs_its_tools(server: Server, base: str) -> None:
    alice = client(server)
    seen = run_node_json("ai_sdk_responses.mjs", server.url + base, alice.token)
    assert seen["first"] and seen["finish"] == "stop" and seen["second"]
    assert "item_reference" in seen["sent"]
    assert seen["steps"] == ["tool-calls", "stop"] and "blue" in seen["helped"]
    assert seen["agent"]
