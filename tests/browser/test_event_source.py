"""The browser's own EventSource and fetch at the sessions and threads doors, as systems 2 and 3 use them."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Watch
from tests.doors.cutting import Tunnel
from tests.live import OWNER, PASSWORD, Server
from tests.streams import client
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.smoke, pytest.mark.live]
Open = Callable[..., tuple[Page, Watch]]
TEXT = ["naïve “quotes” ", 'back\\slash "and"\n', "new line\r\n", "\U0001f600 done"]

# The snippet of system 2: the prompt goes with the token, the EventSource can carry none.
SYSTEM_2 = """({ token, prompt }) => {
  window.shown = "";
  window.opened = 0;
  window.ended = (async () => {
    const started = await fetch("/api/chat/start", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
      body: JSON.stringify({ modelId: "gpt-4o", prompt }),
    });
    const { sessionId, chatId } = await started.json();
    await new Promise((resolve, reject) => {
      const source = new EventSource(`/api/chat/stream?sessionId=${sessionId}`, { withCredentials: true });
      source.onopen = () => (window.opened += 1);
      source.onmessage = (event) => {
        const data = JSON.parse(event.data);
        if (data.type === "token") window.shown += data.content;
        if (data.type === "error") reject(new Error(data.message));
        if (data.type === "done") resolve();
        if (data.type !== "token") source.close();
      };
    });
    return { chatId, shown: window.shown, opened: window.opened };
  })();
}"""
SIGN_IN = """(body) => fetch("/api/auth/token", {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
})"""
# The React hook of system 3: no token, lines are buffered, `content` is added up.
HOOK = """async ({ thread, content }) => {
  const response = await fetch(`/chat/threads/${thread}/messages/stream`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ content }),
  });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let buffer = "";
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text;
    buffer += decoder.decode(value, { stream: true });
    const lines = buffer.split("\\n");
    buffer = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const event = JSON.parse(line.slice(6));
      if (event.type === "ai_response") text += event.data.content;
    }
  }
}"""
# The client of system 3: a token, each chunk by itself, `accumulated` at the end.
CLIENT = """async ({ thread, content, token }) => {
  const response = await fetch(`/chat/threads/${thread}/messages/stream`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify({ content }),
  });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let shown = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return shown;
    for (const line of decoder.decode(value).split("\\n")) {
      if (!line.startsWith("data: ")) continue;
      const { type, data } = JSON.parse(line.slice(6));
      if (type === "ai_response") shown = data.isComplete ? data.accumulated : shown + data.content;
    }
  }
}"""


def scripted(upstream: Upstream, turn: Turn) -> str:
    mark = uuid.uuid4().hex
    upstream.script(turn, key=mark)
    return f"[[key={mark}]] go"


def test_an_event_source_reads_a_session_and_comes_back_by_itself(
    open_page: Open, server: Server, upstream: Upstream
) -> None:
    gate, token = uuid.uuid4().hex, server.token()
    prompt = scripted(upstream, Turn(text=TEXT, gate=gate, gate_at=3))
    with Tunnel(server.url) as tunnel:
        page, watch = open_page(server)
        watch.url, watch.allowed = tunnel.url, ("net::ERR_",)
        page.goto(f"{tunnel.url}/login/")
        page.evaluate(SYSTEM_2, {"token": token, "prompt": prompt})
        while "and" not in page.evaluate("shown"):  # the page's policy lets no text be run, so it is asked
            page.wait_for_timeout(20)
        tunnel.cut()
        upstream.release(gate)
        ended = page.evaluate("ended")
        page.goto("about:blank")
    stored = client(server).get(f"/api/chat/history?chatId={ended['chatId']}")["messages"]
    assert [each["role"] for each in stored] == ["user", "assistant"]
    assert ended["shown"] == stored[1]["content"] == "".join(TEXT)
    assert ended["opened"] == 2


def test_an_event_source_is_told_why_a_session_cannot_be_read(open_page: Open, server: Server) -> None:
    page, _ = open_page(server)
    page.goto("/login/")
    told = page.evaluate("""() => new Promise((resolve) => {
      const source = new EventSource("/api/chat/stream?sessionId=none");
      source.onmessage = (event) => (source.close(), resolve(JSON.parse(event.data)));
    })""")
    assert told["type"] == "error" and "no such session" in told["message"]


@pytest.mark.parametrize("script", [HOOK, CLIENT], ids=["hook, by cookie", "client, by token"])
def test_the_clients_of_system_3_show_the_stored_text(
    open_page: Open, server: Server, upstream: Upstream, script: str
) -> None:
    alice = client(server)
    thread = alice.post("/chat/threads", {"title": "Test"})["thread"]["id"]
    page, _ = open_page(server)
    page.goto("/login/")
    if script == HOOK:
        page.evaluate(SIGN_IN, {"email": OWNER, "password": PASSWORD})
    prompt = scripted(upstream, Turn(text=TEXT, delay_ms=20))
    shown = page.evaluate(script, {"thread": thread, "content": prompt, "token": alice.token})
    stored = alice.get(f"/chat/threads/{thread}/messages")["messages"]
    assert shown == stored[1]["content"] == "".join(TEXT)
