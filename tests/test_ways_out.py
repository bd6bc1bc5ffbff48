"""There is one way out: who else opens a connection is named here, with the operator's own address it goes to."""

import ast
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.environment import ROOT, profile
from tests.live import Server
from tests.streams import client, key
from tests.upstream import ScriptedCall, Turn, Upstream

PACKAGES = ("accounts", "agents", "chat", "config", "tools")
# What can open a connection, or start a program that can.
MEANS = {
    *(
        "aiohttp",
        "aiohappyeyeballs",
        "ftplib",
        "http.client",
        "httpx",
        "imaplib",
        "openai",
        "poplib",
        "psycopg",
        "pycurl",
    ),
    *("httpx2", "httpcore2", "mcp", "opentelemetry.exporter"),
    *("redis", "requests", "smtplib", "socket", "subprocess", "telnetlib", "urllib.request", "urllib3", "websockets"),
    *("xmlrpc", "asyncio.open_connection", "asyncio.create_subprocess_exec", "django.core.mail", "multiprocessing"),
}
HARMLESS = {"redis.exceptions", "redis.backoff", "redis.retry", "redis.asyncio.retry"}
GATE = "tools/outward/"
KNOWN = {
    "accounts/sign_in/mail.py": "the mail server, EMAIL_URL",
    "agents/providers/": "the model's servers, by the ..._BASE_URL of vendors and transcription and by rows of models",
    "chat/bus/bell.py": "Redis, REDIS_URL",
    "chat/metering/buckets.py": "the same Redis",
    "chat/ops/chaos/": "servers that a trial starts itself, on this machine",
    "chat/ops/sse_check.py": "the address that the operator types, of the operator's own server",
    "chat/ops/tracing/running.py": "the collector of traces, OTEL_EXPORTER_OTLP_ENDPOINT",
    "chat/doors/incoming.py": "nobody: it is the listening server's own WebSocket",
    "config/checks.py": "nobody: it asks a socket that was handed over for its own address",
    "config/machine.py": "nobody: it asks the system for this machine's names and addresses",
    "chat/runner/presence.py": "nobody: it asks for this machine's name",
    "tools/parsing/process.py": "nobody: it starts the child that a file is parsed in, which may open nothing",
    "chat/exports/pdf/press.py": "nobody: it starts the child that sets a PDF, in an empty folder",
    "tools/git/remote/process.py": "nobody: it starts the child that takes a repository in, whose way out is the proxy",
    "tools/git/remote/proxy.py": "the host that was asked, at an address that tools.outward takes: a part of the gate",
    "tools/mcp/": "servers of other houses: the SDK is handed a transport that sends by tools.outward",
    "tools/knowledge/embedding.py": "the server of embeddings, EMBEDDINGS_BASE_URL",
    "chat/serving/": "nobody: it listens, and tells systemd by a local socket",
}
CALLS = ("create_connection", "create_datagram_endpoint", "create_subprocess_exec", "create_subprocess_shell")
CALLS += (
    "open_connection",
    "open_unix_connection",
    "sock_connect",
    "subprocess_exec",
    "subprocess_shell",
    "system",
    "popen",
)

NOTE_CONNECTS = """
import json, os, sys
def note(event, arguments):
    if event == "socket.connect":
        with open(os.environ["NOTED_CONNECTS"], "a") as file:
            file.write(json.dumps(arguments[1], default=str) + "\\n")
sys.addaudithook(note)
"""


def means_in(path: Path) -> Iterator[str]:
    """The means that a module imports or calls by name."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield from (f"{module}.{each.name}" for each in names)
            case ast.Call(func=ast.Attribute(attr=called)) if called in CALLS:
                yield f"socket.{called}"
            case _:
                pass


def is_means(name: str) -> bool:
    is_harmless = any(f"{name}.".startswith(f"{each}.") for each in HARMLESS)
    return not is_harmless and any(f"{name}.".startswith(f"{each}.") for each in MEANS)


def test_nobody_else_has_the_means_to_connect() -> None:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    users = {str(path.relative_to(ROOT)) for path in files if any(map(is_means, means_in(path)))}
    assert {each for each in users if not each.startswith((GATE, *KNOWN))} == set(), "use tools.outward.fetch"
    unused = [each for each in (GATE, *KNOWN) if not any(user.startswith(each) for user in users)]
    assert unused == [], "these do not connect any more: take them out of the list"


def test_a_server_at_work_connects_to_the_operator_s_own_addresses_only(
    new_server: Callable[..., Server], upstream: Upstream, tmp_path: Path
) -> None:
    """A message with a link and an image, tools that read and write, health, the page, REST, clean-up."""
    (tmp_path / "sitecustomize.py").write_text(NOTE_CONNECTS)
    noted = tmp_path / "connects"
    noted.touch()
    trap = socket.create_server(("127.0.0.1", 0))
    trap.settimeout(0)
    elsewhere = f"https://127.0.0.1:{trap.getsockname()[1]}/image.png"
    server = new_server(PYTHONPATH=str(tmp_path), NOTED_CONNECTS=str(noted)).start()
    alice, mark = client(server), key()
    upstream.script(
        Turn(tool_calls=[ScriptedCall("write_file", {"path": "link.md", "content": f"![x]({elsewhere})"})]),
        Turn(tool_calls=[ScriptedCall("read_file", {"path": "link.md"})]),
        Turn(text=f"See ![it]({elsewhere}) and {elsewhere}"),
        key=mark,
    )
    chat = alice.chat(archetype="project_navigator")
    image = {"type": "image", "name": "it", "url": elsewhere}
    run = alice.start(chat, f"[[key={mark}]] look at {elsewhere}", attachments=[image])["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded" and len(upstream.requests(mark)) == 3
    for path in ("/readyz", "/", "/api/schema/", "/api/editorChat/test-sse", f"/api/chats/{chat}/export/"):
        server.call("GET", path, token=alice.token)
    server.manage("cleanup_sessions")
    found = {tuple(json.loads(line)[:2]) for line in noted.read_text().splitlines() if not line.startswith('"')}
    model = ("127.0.0.1", upstream.port)
    assert model in found, "the provider connects through Python's sockets: this test would see nothing"
    assert found - {model} <= own(server)
    try:
        trap.accept()
    except BlockingIOError:
        return
    raise AssertionError("somebody fetched the image")


def own(server: Server) -> set[tuple[str, int]]:
    """PostgreSQL and Redis, where the profile has them."""
    if profile() == "embedded":
        return set()
    found = [urlsplit(server.settings[name]) for name in ("DATABASE_URL", "REDIS_URL")]
    return {(each.hostname or "", each.port or 0) for each in found}
