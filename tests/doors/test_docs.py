"""The commands on the doors' pages, and on the document's, do what the pages say: all are run against a real server."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import ROOT
from tests.live import OWNER, PASSWORD, Server
from tests.upstream import Upstream

PAGES = [*sorted((ROOT / "docs" / "doors").glob("*.md")), ROOT / "docs" / "document.md"]
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
# What one must see of each page's commands.
SHOWN = {
    "ag-ui": ['"type":"RUN_STARTED"', '"type":"TEXT_MESSAGE_CONTENT"', '"type":"RUN_FINISHED"'],
    "agent": ['"session_id": "sess-', '"type":"text"', '"type":"done"', '"message_count": 4'],
    "completions": ['"parley/generalist"', "chat.completion.chunk", '"finish_reason":"stop"', "[DONE]"],
    "document": ['"changed":["/pages/0/name"]', '"version":2', '{"title":"Shop","pages":[{"name":"start"}]}'],
    "editor-chat": ['"type":"content"', "[DONE]", '"tokensUsed": ', '"files": []', '"agentArchetype": "GENERALIST"'],
    "initiate-chat": [
        "event: connected",
        '"type":"complete"',
        '"type":"finalized"',
        "event: return",
        '"status": "success"',
    ],
    "mcp": ['"name": "search_knowledge"', "notifications/progress", '"status":"succeeded"', '"isError":false'],
    "responses": ["event: response.completed", "[DONE]", '"conversation": {"id": "conv_'],
    "sessions": ['"type":"token"', '"type":"done"', '"chatId": "conversation-123"'],
    "trpc": ['{"0":[[0],[null,0,0]],"1":[[0],[null,0,1]]}', '[1,0,[[{"result":{"data":['],
    "threads": ['"response": ', '"type":"ai_response"', '"success":true', '"role": "assistant"'],
    "ui-message-stream": ['"type":"text-delta"', '"finishReason":"stop"', "[DONE]", "resume: 204", '"run": null'],
}


@pytest.fixture(scope="module")
def newcomer(upstream: Upstream) -> Iterator[Server]:
    """A server on which nobody has said anything yet: a page's commands go on in chats that are there."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    yield server.start()
    server.close()


@pytest.mark.live
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("page", [each for each in PAGES if BLOCK.search(each.read_text())], ids=lambda page: page.stem)
def test_the_commands_of_a_page_work(page: Path, newcomer: Server) -> None:
    environ = {"PATH": os.environ["PATH"], "BASE": newcomer.url, "EMAIL": OWNER, "PASSWORD": PASSWORD}
    script = "\n".join(BLOCK.findall(page.read_text()))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"error":' not in re.sub(r'"error": ?null', "", done.stdout)
    shown = done.stdout.replace(": ", ":")  # JSON with spaces, and without
    for expected in SHOWN.get(page.stem, []):
        assert expected.replace(": ", ":") in shown, (expected, done.stdout)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    paths = [path for path in re.findall(r"\]\(([^)#]+)\)", page.read_text()) if "://" not in path]
    assert [path for path in paths if not (page.parent / path).exists()] == []
