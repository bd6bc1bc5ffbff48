"""The harness itself: Node is the one from PyPI, and a pinned package reads a stream of the real server."""

import pytest

from tests.clients.node import installed, run_node, run_node_json
from tests.live import Server

pytestmark = [pytest.mark.clients, pytest.mark.smoke]


def test_the_packages_are_as_pinned() -> None:
    """package.json says exact versions; npm ci has checked their hashes."""
    assert (installed() / "node_modules" / "@trpc" / "client").is_dir()


def test_eventsource_reads_the_self_test_stream(server: Server) -> None:
    told = run_node_json("event_source_self_test.mjs", f"{server.url}/api/editorChat/test-sse")
    assert [each["number"] for each in told["events"]] == [1, 2, 3]
    assert int(told["node"].split(".")[0]) >= 22  # openai and ai need it


def test_a_script_that_fails_fails_its_test(server: Server) -> None:
    with pytest.raises(AssertionError, match="needs an address"):
        run_node("event_source_self_test.mjs")
