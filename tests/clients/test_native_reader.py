"""The reader that docs/native.md shows, as it stands there: it comes back where a connection breaks."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clients.node import run_node_json, start_node
from tests.doors.cutting import Tunnel
from tests.environment import ROOT
from tests.live import Server
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "data: [DONE]\n\n", "new line\r\n", "\U0001f600 done"]
USE = """
const [base, run, token] = process.argv.slice(2);
const plain = fetch;
globalThis.fetch = (path, options) => plain(base + path, options);
const events = [];
for await (const event of read(run, token)) {
  events.push(event);
  if (event.type === "text.delta") console.log(event.type);
}
console.log(JSON.stringify(events));
"""


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def script(tmp_path: Path) -> str:
    """The page's code, and a few lines that use it."""
    (code,) = re.findall(r"```js\n(.*?)```", (ROOT / "docs" / "native.md").read_text(), re.DOTALL)
    path = tmp_path / "reader.mjs"
    path.write_text(code + USE)
    return str(path)


def begin(alice: Client, upstream: Upstream, turn: Turn) -> tuple[str, str]:
    mark, chat = key(), alice.chat()
    upstream.script(turn, key=mark)
    return chat, alice.start(chat, f"[[key={mark}]] go")["run"]["id"]


def check(events: list[dict[str, Any]], stored: dict[str, Any]) -> None:
    numbers = [each["seq"] for each in events]
    assert numbers == list(range(1, len(events) + 1))
    assert "".join(each["text"] for each in events if each["type"] == "text.delta") == stored["content"]
    assert stored["content"] == "".join(TEXT) and events[-1]["type"] == "run.completed"


@pytest.mark.smoke
def test_it_puts_the_stored_text_together(alice: Client, upstream: Upstream, script: str) -> None:
    chat, run = begin(alice, upstream, Turn(text=TEXT))
    check(run_node_json(script, alice.server.url, run, alice.token), alice.answer(chat))


def test_it_goes_on_behind_the_last_event_when_the_connection_breaks(
    alice: Client, upstream: Upstream, script: str
) -> None:
    gate = key()
    chat, run = begin(alice, upstream, Turn(text=TEXT, gate=gate, gate_at=3))
    with Tunnel(alice.server.url) as tunnel:
        node = start_node(script, tunnel.url, run, alice.token)
        assert node.stdout is not None and node.stdout.readline().strip() == "text.delta"
        tunnel.cut()
        upstream.release(gate)
        out, err = node.communicate(timeout=60)
        assert node.returncode == 0, err
        assert tunnel.opened == 2
    check(json.loads(out.splitlines()[-1]), alice.answer(chat))
