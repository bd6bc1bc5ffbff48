"""Schemathesis reads the OpenAPI of the whole surface and tries all of it: values that fit, values that do not, methods
and credentials that are not there. No 5xx, no status, content type or body that the document does not tell."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.live import Server
from tests.upstream import Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "allow_header_conformance", "ignored_auth",
)  # fmt: skip
LOG_CHARS = 200_000
TELL_BY_EVENT = "/chat/stream$|/chat.streamResponse$"  # what is wrong is told by an event of a stream that answers 200
TWINS = "^/(api/trpc|api/llm|chat/(start|stream|history))"  # addresses that have a second base
ZIP = "/repository/upload$"  # its bodies are no JSON and no form: schemathesis makes none


@pytest.fixture(scope="module")
def apart(upstream: Upstream) -> Iterator[Server]:
    """A server of its own: all that its owner may change is changed, and at last deleted."""
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    yield server.start()
    server.close()


def tried(server: Server, *options: str, checks: tuple[str, ...] = CHECKS) -> tuple[int, str]:
    """Its exit code, 0 where nothing was found, and its report."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/schema/",
        "--header", f"Authorization: Bearer {server.token()}", "--checks", ",".join(checks), "--workers=1",
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
    left_out = ("--exclude-method=DELETE", f"--exclude-path-regex={TELL_BY_EVENT}|{ZIP}")
    code, report = tried(apart, "--phases=coverage,fuzzing", "--max-examples=10", *left_out)
    assert code == 0, report


def test_streams_that_tell_by_an_event_what_is_wrong_never_break(apart: Server) -> None:
    checks = tuple(each for each in CHECKS if each != "negative_data_rejection")
    only = f"--include-path-regex={TELL_BY_EVENT}"
    code, report = tried(apart, "--phases=coverage,fuzzing", "--max-examples=10", only, checks=checks)
    assert code == 0, report


def test_what_is_deleted_too(apart: Server) -> None:
    code, report = tried(apart, "--phases=coverage,fuzzing", "--max-examples=10", "--include-method=DELETE")
    assert code == 0, report
