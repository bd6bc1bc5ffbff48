"""Simon Willison's `llm` at chat completions, as its users set it up: a file of models, a key, the command."""

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

from tests.clients.keys import new_key
from tests.live import Server

pytestmark = [pytest.mark.clients, pytest.mark.live]
MODELS = """
- model_id: parley-demo
  model_name: demo
  api_base: {base}
  api_key_name: parley
  supports_tools: true
  supports_schema: true
- model_id: parley-agent
  model_name: parley/generalist
  api_base: {base}
  api_key_name: parley
- model_id: parley-nobody
  model_name: parley/nobody
  api_base: {base}
  api_key_name: parley
"""
FUNCTION = 'def weather(city: str) -> str:\n    "The weather of a city."\n    return "snow in " + city\n'


class Llm:
    """The command, with a folder of its own."""

    def __init__(self, folder: pathlib.Path, server: Server) -> None:
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LLM_USER_PATH": str(folder)}
        (folder / "extra-openai-models.yaml").write_text(MODELS.format(base=server.url + "/v1"))
        (folder / "keys.json").write_text(json.dumps({"parley": new_key(server, "llm")}))

    def run(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "llm", *arguments],
            env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.returncode == 0) is check, done.stdout + done.stderr
        return (done.stdout if check else done.stderr).strip()

    def last(self) -> dict[str, Any]:
        """The newest of its log."""
        return dict(json.loads(self.run("logs", "--json", "-n", "1"))[0])


@pytest.fixture(scope="module")
def llm(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Llm:
    return Llm(tmp_path_factory.mktemp("llm"), server)


@pytest.mark.smoke
def test_it_streams_or_not_and_logs_the_tokens(llm: Llm) -> None:
    streamed = llm.run("-m", "parley-demo", "Hello [x]")
    logged = llm.last()
    assert logged["response"].strip() == streamed != ""
    assert logged["input_tokens"] > 0 and logged["output_tokens"] > 0
    assert llm.run("-m", "parley-demo", "--no-stream", "Hello [x]") == streamed
    whole = llm.last()
    assert (whole["input_tokens"], whole["output_tokens"]) == (logged["input_tokens"], logged["output_tokens"])


def test_a_conversation_goes_on(llm: Llm) -> None:
    llm.run("-m", "parley-demo", "-s", "Be brief.", "Hello")
    before = llm.last()
    llm.run("-c", "And now?")
    after = llm.last()
    assert after["conversation_id"] == before["conversation_id"]
    assert after["input_tokens"] > before["input_tokens"]


def test_a_function_of_its_own_is_called_and_answered(llm: Llm) -> None:
    said = llm.run("-m", "parley-demo", "--functions", FUNCTION, "The weather?", "--td")
    assert "snow in" in said


def test_an_agent_answers(llm: Llm) -> None:
    assert llm.run("-m", "parley-agent", "What files are there?")


def test_what_is_wrong_is_told(llm: Llm) -> None:
    assert "There is no such model" in llm.run("-m", "parley-nobody", "Hello", check=False)
    assert "API key" in llm.run("-m", "parley-demo", "--key", "pk_x", "Hello", check=False)
