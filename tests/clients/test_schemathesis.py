"""Schemathesis reads the OpenAPI of the whole surface and tries all of it: values that fit, values that do not, methods
and credentials that are not there. No 5xx, no status, content type or body that the document does not tell."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Server
from tests.upstream import Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
CONFIG = Path(__file__).parent / "schemathesis.toml"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "allow_header_conformance", "ignored_auth",
)  # fmt: skip
LOG_CHARS = 200_000
TWINS = "^/(api/trpc|api/llm|chat/(start|stream|history))"  # addresses that have a second base


@pytest.fixture(scope="module")
def apart(upstream: Upstream) -> Iterator[Server]:
    """A server of its own: all that its owner may change is changed, and at last deleted."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    yield server.start()
    server.close()


def tried(server: Server, *options: str) -> tuple[int, str]:
    """Its exit code, 0 where nothing was found, and its report."""
    command = [
        sys.executable, "-m", "schemathesis.cli", f"--config-file={CONFIG}", "run", f"{server.url}/api/schema/",
        "--header", f"Authorization: Bearer {server.token()}", "--checks", ",".join(CHECKS), "--workers=1",
        "--continue-on-failure", "--warnings=off", "--request-timeout=30", *options,
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=server.data, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, f"{done.stdout}\n{server.log()[-LOG_CHARS:] if done.returncode else ''}"


@pytest.mark.smoke
def test_what_fits_the_document_is_answered_as_it_tells(apart: Server) -> None:
    code, report = tried(
        apart, "--phases=coverage", "--mode=positive", "--exclude-method=DELETE", f"--exclude-path-regex={TWINS}"
    )
    assert code == 0, report


def test_whatever_comes_is_answered_as_the_document_tells(apart: Server) -> None:
    code, report = tried(apart, "--phases=coverage,fuzzing", "--max-examples=10", "--exclude-method=DELETE")
    assert code == 0, report


def test_what_is_deleted_too(apart: Server) -> None:
    code, report = tried(apart, "--phases=coverage,fuzzing", "--max-examples=10", "--include-method=DELETE")
    assert code == 0, report
