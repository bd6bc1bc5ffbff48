"""What systems 1 and 5 do in a browser, by Chromium's own EventSource and fetch: signed in by the cookie alone.

An EventSource sends no headers, whatever it is given, and the snippets of system 5 bring no credentials.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watch
from tests.browser.steps import script
from tests.browser.test_event_source import SIGN_IN, TEXT
from tests.live import OWNER, PASSWORD, Server
from tests.streams import Client, client
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = [pytest.mark.browser, pytest.mark.live]
Open = Callable[..., tuple[Page, Watch]]

# System 1: a procedure starts the answer, an EventSource attaches; one of its two clients listens to names.
SYSTEM_1 = """async ({ chatId, content }) => {
  if (content) {
    const sent = await fetch("/trpc/editorChat.sendMessage", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ chatId, content, stream: true }),
    });
    if (!sent.ok) throw new Error(await sent.text());
  }
  return new Promise((resolve) => {
    const source = new EventSource(`/api/editorChat/stream/${chatId}`, { headers: { Authorization: "Bearer none" } });
    const told = { text: "", unnamed: [], named: [], opened: 0 };
    source.onopen = () => (told.opened += 1);
    source.onmessage = ({ data }) => {
      if (data === "[DONE]") return source.close(), resolve(told);
      const event = JSON.parse(data);
      if (event.type === "content") told.text += event.content;
      else told.unnamed.push(event.type);
    };
    for (const name of ["tool_call_start", "tool_result"])
      source.addEventListener(name, ({ data }) => told.named.push(JSON.parse(data).type));
    source.onerror = () => source.readyState === EventSource.CLOSED && resolve({ ...told, isClosed: true });
  });
}"""
# System 5: its three calls, each chunk read by itself.
SYSTEM_5 = """async ({ message }) => {
  const options = (body) => ({
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const first = { message: "Hello", session_id: null, character_id: 7 };
  const begun = await (await fetch("/agent/chat", options(first))).json();
  const session = { session_id: begun.session_id, character_id: 7 };
  const reader = (await fetch("/agent/chat/stream", options({ message, ...session }))).body.getReader();
  const decoder = new TextDecoder();
  const told = { status: begun.status, text: "" };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    for (const line of decoder.decode(value).split("\\n")) {
      if (!line.startsWith("data: ")) continue;
      const event = JSON.parse(line.slice(6));
      if (event.type === "text") told.text += event.text;
      if (event.type === "done") told.id = event.message_id;
    }
  }
  told.history = await (await fetch(`/agent/chat/history/${begun.session_id}?limit=100`)).json();
  return told;
}"""


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


@pytest.fixture
def ask(open_page: Open, server: Server) -> Callable[..., Any]:
    """`ask(SNIPPET, **values)`: what it gives on a page whose cookie is Alice's."""
    page, watch = open_page(server)
    watch.allowed = ("the server responded with a status of 404",)  # of a chat that is not there
    page.goto("/login/")
    page.evaluate(SIGN_IN, {"email": OWNER, "password": PASSWORD})
    return lambda snippet, **values: page.evaluate(snippet, values)


def test_an_event_source_attaches_to_a_chat_of_system_1(
    ask: Callable[..., Any], alice: Client, upstream: Upstream
) -> None:
    chat = alice.chat()
    content = script(upstream, Turn(tool_calls=[ScriptedCall(name="list_files")]), Turn(text=TEXT, delay_ms=20))
    told = ask(SYSTEM_1, chatId=chat, content=content)
    assert told["text"] == alice.answer(chat)["content"] == "".join(TEXT)
    assert told["unnamed"] == ["tool_call_start", "tool_result", "done"] and told["opened"] == 1
    assert told["named"] == ["tool_call_start", "tool_result"]


def test_an_event_source_of_system_1_stays_away_where_there_is_nothing(ask: Callable[..., Any], alice: Client) -> None:
    for chat in (alice.chat(), str(uuid.uuid4())):
        told = ask(SYSTEM_1, chatId=chat, content="")
        assert told["isClosed"] and told["opened"] == 0


def test_the_frontend_of_system_5_sends_streams_and_loads(
    ask: Callable[..., Any], upstream: Upstream, server: Server
) -> None:
    told = ask(SYSTEM_5, message=script(upstream, Turn(text=TEXT, delay_ms=20)))
    newest = told["history"]["messages"][-1]
    assert told["status"] == "idle" and told["history"]["message_count"] == 4
    assert told["text"] == newest["content"] == "".join(TEXT) and told["id"] == newest["id"]
