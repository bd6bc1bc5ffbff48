"""The SDK's MCP server with an authorization server (tests/tools/mcp_authority.py), in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.environment import ROOT


@contextmanager
def shop(lasts_s: int = 3600) -> Iterator[str]:
    """Its host and port; its access tokens last so many seconds."""
    command = [sys.executable, "-m", "tests.tools.mcp_authority", str(lasts_s)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout and process.stdin
    try:
        yield f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(10)
