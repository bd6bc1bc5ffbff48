"""The sample of docs/sso.md against a server; and what its person reads ends with their sessions, within 15 s."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.accounts.sso import sample
from tests.environment import ROOT
from tests.live import Server
from tests.streams import Client, Stream, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
SAMPLE = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "sso.md").read_text(), re.DOTALL)
OUT = """
from accounts.models import ExternalIdentity
ExternalIdentity.objects.get().user.end_sessions()
"""


def test_the_sample_works_and_an_open_stream_ends_with_the_sessions(
    server: Server, upstream: Upstream, tmp_path: Path
) -> None:
    assert SAMPLE
    issued: dict[str, Any] = sample.run(server, SAMPLE[1], tmp_path)
    assert server.call("GET", "/api/users/me/", token=issued["access_token"]).body["name"] == "Rosa"
    rosa, mark, gate = Client(server, issued["access_token"]), key(), key()
    upstream.script(Turn(n=3, gate=gate, gate_at=1), key=mark)
    chat = rosa.chat()
    run = rosa.start(chat, f"[[key={mark}]] go")["run"]["id"]
    with Stream(server, f"/api/runs/{run}/events", token=rosa.token) as stream:
        stream.take(2)
        server.quickly("shell", "-c", OUT)
        begun = time.monotonic()
        stream.frames()
        assert time.monotonic() - begun < 15
    assert server.call("GET", "/api/users/me/", token=rosa.token).status == 401
    upstream.release(gate)
