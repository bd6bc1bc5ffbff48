"""People sign in at an MCP server as themselves: in a browser, over the SDK's own authorization server, with real
processes. Who has not is asked; a token that ends is renewed once, whoever wants it; signing out ends it there.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.doors.people import newcomer
from tests.engine.test_mcp_live import Asked, until
from tests.live import OWNER, PASSWORD, Server
from tests.mcp_shop import shop
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = pytest.mark.live
WHO = "mcp_shop_who"
READS = {"policy": "allow", "read_only_is_believed": True}


class Browser:
    """A person's, signed in here by their cookie."""

    def __init__(self, server: Server, email: str = OWNER) -> None:
        self.http = httpx2.Client(base_url=server.url, timeout=60, headers={"Referer": server.url})
        self.post("/login/", username=email, password=PASSWORD)

    def page(self, address: str) -> str:
        answer = self.http.get(address, follow_redirects=True)
        assert answer.status_code == 200, answer
        return answer.text

    def post(self, address: str, at: str = "", **sent: str) -> httpx2.Response:
        (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', self.page(at or address)))
        return self.http.post(address, data={**sent, "csrfmiddlewaretoken": token}, follow_redirects=True)

    def agree(self, sign_in_url: str) -> httpx2.Response:
        """There, over the authorization server, and back."""
        link = self.link(sign_in_url)
        sent = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
        assert sent["code_challenge_method"] == "S256" and sent["resource"].endswith("/mcp") and sent["state"]
        back = httpx2.get(link)
        assert back.status_code == 302, back
        return self.http.get(back.headers["Location"], follow_redirects=True)

    def link(self, sign_in_url: str) -> str:
        (link,) = re.findall(r'<a class="primary" href="([^"]+)"', self.page(sign_in_url))
        return str(link).replace("&amp;", "&")


class Place:
    """A project with the shop as one of its servers. Alice administers it; a member is Bob."""

    def __init__(self, server: Server, host: str) -> None:
        self.server, self.host, self.alice, self.browser = server, host, client(server), Browser(server)
        self.organization = self.alice.get("/api/organizations/")["results"][0]
        self.project = self.alice.post("/api/projects/", {"organization": self.organization["id"], "name": key()})["id"]
        at = f"/api/projects/{self.project}/mcp-servers/"
        made = self.alice.post(at, {"name": "shop", "url": f"http://{host}/mcp", "auth": "oauth"})
        self.at, self.sign_in = f"{at}{made['id']}/", made["sign_in"]["url"]
        assert made["auth"] == "oauth" and made["sign_in"]["since"] is None

    def refresh(self) -> dict[str, Any]:
        return self.alice.wait(self.alice.post(f"{self.at}refresh", {})["run"])

    def begin(self) -> "Place":
        """Alice is signed in there, and has approved the tools."""
        there = self.browser.agree(self.sign_in)
        assert "You are signed in" in there.text, self.server.log()
        ended = self.refresh()
        assert ended["status"] == "succeeded", ended
        for tool in self.alice.get(f"{self.at}tools/")["results"]:
            self.alice.post(f"{self.at}tools/{tool['id']}/approve", {"digest": tool["digest"], **READS})
        return self

    def asked(self, upstream: Upstream, who: Client | None = None) -> Asked:
        """A run of Alice's, or of somebody else's, that asks the shop who they are."""
        room: Any = SimpleNamespace(alice=who or self.alice, project=self.project)
        return Asked(room, upstream, Turn(tool_calls=[ScriptedCall(WHO, {})]))

    def counts(self) -> dict[str, int]:
        return dict(httpx2.get(f"http://{self.host}/counts").json())


def said(asked: Asked) -> str:
    """What the shop has said to the call."""
    ended = asked.ended()[WHO]
    return str(ended.get("result") or ended.get("error"))


def sign_in_wanted(asked: Asked) -> dict[str, Any]:
    """The question, which wants nothing but that."""
    question = asked.question()
    until(lambda: asked.alice.get(f"/api/runs/{asked.run}/")["status"] == "waiting")
    (form,) = question["forms"]
    assert form["key"] == "sign_in" and "schema" not in form and question["as_person"]
    return question


def go_on(asked: Asked, question: dict[str, Any]) -> None:
    at = f"/api/runs/{asked.run}/approvals/{question['call']}"
    asked.alice.post(at, {"decision": "allow", "input": {"sign_in": {}}})


@pytest.fixture
def begun(new_server: Callable[..., Server], upstream: Upstream) -> Iterator[Place]:
    with shop() as host:
        server = new_server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", OUTWARD_ALLOW=host).start()
        yield Place(server, host)


def test_each_signs_in_once_and_acts_as_themselves(begun: Place, upstream: Upstream) -> None:
    failed = begun.refresh()
    assert (failed["status"], failed["error"]["code"]) == ("failed", "mcp_sign_in"), failed
    assert begun.alice.get(begun.at)["error"]["code"] == "mcp_sign_in"
    begun.begin()
    assert begun.alice.get(begun.at)["sign_in"]["since"] is not None
    assert "You are person 1, with [credential]." in said(begun.asked(upstream))

    email = f"{key()}@example.com"
    begun.server.quickly("create_user", email, "--organization", begun.organization["name"], "--role", "editor")
    bob = Client(begun.server, begun.server.quickly("token", email).strip())
    assert bob.get(begun.at)["sign_in"] == {"url": begun.sign_in, "since": None}
    asked = begun.asked(upstream, bob)
    question = sign_in_wanted(asked)
    assert question["forms"][0]["url"] == begun.sign_in
    theirs = Browser(begun.server, email)
    go_on(asked, question)  # without having been there: asked once more
    until(lambda: asked.question() and asked.alice.get(f"/api/runs/{asked.run}/")["status"] == "waiting")
    assert "You are signed in" in theirs.agree(begun.sign_in).text
    go_on(asked, question)
    assert "You are person 2" in said(asked)
    assert "You are person 1" in said(begun.asked(upstream))
    assert begun.counts() == {"clients": 1, "people": 2, "renewed": 0, "reused": 0, "revoked": 0}

    charlie, email = newcomer(begun.server), ""
    email = charlie.get("/api/users/me/")["email"]
    outside = Browser(begun.server, email)
    for address in (begun.sign_in, begun.sign_in.replace("sign-in", "callback"), begun.sign_in.replace("-in", "ed-in")):
        assert outside.http.get(address, follow_redirects=True).status_code == 404
    assert begun.server.call("DELETE", f"{begun.at}sign-in", token=charlie.token).status == 404
    told = [begun.alice.get(begun.at), begun.alice.get("/api/runs/"), asked.events()]
    kept = begun.server.manage("dumpdata", "tools", "chat").stdout
    assert "canary-" not in f"{told}{kept}{begun.server.log()}"


def test_what_one_has_begun_signs_nobody_else_in(begun: Place) -> None:
    email = f"{key()}@example.com"
    begun.server.quickly("create_user", email, "--organization", begun.organization["name"], "--role", "editor")
    theirs = Browser(begun.server, email)
    back = httpx2.get(theirs.link(begun.sign_in)).headers["Location"]
    begun.browser.link(begun.sign_in)  # Alice has begun one herself, and is made to end Bob's
    for browser in (begun.browser, Browser(begun.server)):
        assert "Begin again" in browser.http.get(back, follow_redirects=True).text
    state = back.partition("state=")[2].partition("&")[0]
    for wrong in (back.replace(state, "x"), f"{back}&iss=https%3A%2F%2Fevil.example", back.replace("code=", "error=")):
        assert theirs.http.get(wrong).status_code == 403
    assert theirs.http.get(back).status_code == 403  # its cookie is gone: it was tried
    assert begun.alice.get(begun.at)["sign_in"]["since"] is None


def test_a_token_that_ends_is_renewed_once_over_two_processes(begun: Place, upstream: Upstream) -> None:
    begun.begin()
    other = begun.server.sibling().start_process()
    clients = [begun.alice, Client(other, begun.alice.token)]
    for each in clients:  # both have a connection with the token of before
        assert "You are person 1" in said(begun.asked(upstream, each))
    ends = "from tools.models import McpSignIn; from django.utils import timezone; "
    begun.server.manage("shell", "-v", "0", "-c", f"{ends}McpSignIn.objects.update(expires_at=timezone.now())")
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda n: begun.asked(upstream, clients[n % 2]), range(8)))
        assert all("You are person 1" in each for each in pool.map(said, asked))
    assert begun.counts() == {"clients": 1, "people": 1, "renewed": 1, "reused": 0, "revoked": 0}


def test_a_sign_in_that_is_over_is_asked_for_again(begun: Place, upstream: Upstream) -> None:
    begun.begin()
    httpx2.post(f"http://{begun.host}/forget")  # the shop knows none of its tokens any more
    asked = begun.asked(upstream)
    question = sign_in_wanted(asked)
    begun.browser.agree(begun.sign_in)
    go_on(asked, question)
    assert "You are person 2" in said(asked)
    assert begun.server.call("DELETE", f"{begun.at}sign-in", token=begun.alice.token).status == 204
    assert begun.server.call("DELETE", f"{begun.at}sign-in", token=begun.alice.token).status == 404
    assert begun.counts()["revoked"] == 1
    sign_in_wanted(begun.asked(upstream))
    out = begun.browser.agree(begun.sign_in)
    assert "You are signed in" in out.text
    begun.browser.post(begun.sign_in.replace("sign-in", "sign-out"), at=begun.sign_in.replace("sign-in", "signed-in"))
    assert begun.alice.get(begun.at)["sign_in"]["since"] is None and begun.counts()["revoked"] == 2
