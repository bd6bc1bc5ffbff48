"""Signing in at MCP servers among strangers: what is found, registered, brought back, stored and renewed."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.models import Project, User
from accounts.secrets import opened, seal
from tests.mcp_house import House, described
from tools.mcp.acting import asked_as
from tools.mcp.client import call, close
from tools.mcp.errors import McpError
from tools.mcp.oauth import clients, flow, keeping, tokens
from tools.mcp.oauth.authority import Authority, Client, Kept
from tools.mcp.oauth.errors import NotSignedIn, SignInError
from tools.mcp.oauth.finding import find
from tools.mcp.oauth.flow import Begun
from tools.models import McpServer, McpSignIn

SERVER, ALICE = uuid.uuid4(), uuid.uuid4()
RESOURCE = "/.well-known/oauth-protected-resource/mcp"
METADATA = "/.well-known/oauth-authorization-server"
REMOVED = "removed"


class Stranger:
    """Answers what `says` has for a path, else 404; keeps what it was sent."""

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, list[str]], str]] = []
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                stranger.asked.append((self.path, parse_qs(body), self.headers.get("Authorization", "")))
                self.do_GET()

            def do_GET(self) -> None:
                status, headers, body = stranger.answer(self.path)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._http.server_port}"
        self.url = f"http://{self.host}"

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        said = self.says.get(path, 404)
        said = said.pop(0) if isinstance(said, list) else said
        if isinstance(said, int):
            return said, {}, b""
        if isinstance(said, tuple):
            return said
        return 200, {"Content-Type": "application/json"}, said if isinstance(said, bytes) else json.dumps(said).encode()

    def __enter__(self) -> "Stranger":
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def shop(settings: Any) -> Iterator[Stranger]:
    with Stranger() as shop:
        settings.OUTWARD_ALLOW = [shop.host]
        settings.MCP_CONNECT_TIMEOUT_S = 5.0
        shop.says[RESOURCE] = {"resource": f"{shop.url}/mcp", "authorization_servers": [shop.url]}
        shop.says[METADATA] = metadata(shop.url)
        yield shop


def metadata(url: str, **more: Any) -> dict[str, Any]:
    said = {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "registration_endpoint": f"{url}/register",
        "code_challenge_methods_supported": ["plain", "S256"],
        **more,
    }
    return {name: value for name, value in said.items() if value != REMOVED}


async def code_of(asking: Any) -> str:
    with pytest.raises(SignInError) as error:
        await asking
    return error.value.code


# --- What is found ----------------------------------------------------------------------------------------------------


async def test_the_authorization_server_is_the_one_that_the_server_names(shop: Stranger) -> None:
    tenant = f"{shop.url}/tenant"
    shop.says["/mcp"] = (401, {"WWW-Authenticate": f'Bearer resource_metadata="{shop.url}/about", scope="a b"'}, b"")
    shop.says["/about"] = {"resource": f"{shop.url}/mcp", "authorization_servers": [tenant], "scopes_supported": ["c"]}
    shop.says[f"{METADATA}/tenant"] = metadata(
        tenant, scopes_supported=["a", "z", "offline_access"], authorization_response_iss_parameter_supported=True
    )
    found = await find(f"{shop.url}/mcp")
    assert (found.issuer, found.token_endpoint, found.resource) == (tenant, f"{tenant}/token", f"{shop.url}/mcp")
    assert (found.scope, found.tells_issuer) == ("a b offline_access", True)
    shop.says = {METADATA: metadata(shop.url, scopes_supported=["everything"])}  # one of 2025-03-26
    found = await find(f"{shop.url}/mcp")
    assert (found.issuer, found.scope) == (shop.url, "")


@pytest.mark.parametrize(
    ("path", "said", "code"),
    [
        (RESOURCE, {"resource": "https://other.example/mcp", "authorization_servers": ["{url}"]}, "wrong_resource"),
        (RESOURCE, {"resource": "{url}/mcp/deeper", "authorization_servers": ["{url}"]}, "wrong_resource"),
        (RESOURCE, {"resource": "{url}/mcp", "authorization_servers": ["http://10.0.0.1"]}, "not_allowed"),
        (RESOURCE, {"resource": "{url}/mcp", "authorization_servers": ["{url}/other"]}, "no_authority"),
        (RESOURCE, 500, "down"),
        (METADATA, 503, "down"),
        (METADATA, 404, "no_authority"),
        (METADATA, b"<html>", "no_authority"),
        (METADATA, b"x" * 100_000, "unreadable"),
        (METADATA, (302, {"Location": "/elsewhere"}, b""), "no_authority"),
        (METADATA, {"issuer": "https://evil.example"}, "wrong_issuer"),
        (METADATA, {"issuer": "{url}/tenant"}, "wrong_issuer"),
        (METADATA, {"issuer": "{url}/" + "x" * 600}, "unreadable"),
        (METADATA, {"code_challenge_methods_supported": REMOVED}, "no_pkce"),
        (METADATA, {"code_challenge_methods_supported": ["plain"]}, "no_pkce"),
        (METADATA, {"authorization_endpoint": "javascript:alert(1)"}, "no_authority"),
        (METADATA, {"authorization_endpoint": "http://8.8.8.8/authorize"}, "not_allowed"),
    ],
)
async def test_what_is_no_place_to_sign_in_is_told(shop: Stranger, path: str, said: Any, code: str) -> None:
    if isinstance(said, dict):
        said = json.loads(json.dumps(said).replace("{url}", shop.url))
        said = metadata(shop.url, **said) if path == METADATA else said
    shop.says[path] = said
    assert await code_of(find(f"{shop.url}/mcp")) == code


# --- As which client --------------------------------------------------------------------------------------------------


def authority(shop: Stranger, **more: Any) -> Authority:
    base = Authority(
        shop.url, f"{shop.url}/authorize", f"{shop.url}/token", f"{shop.url}/register", resource=f"{shop.url}/mcp"
    )
    return msgspec.structs.replace(base, **more)


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ({"client_id": "c"}, ("c", "", "none")),
        ({"client_id": "c", "client_secret": "s"}, ("c", "s", "client_secret_basic")),
        (
            {"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "client_secret_post"},
            ("c", "s", "client_secret_post"),
        ),
        ({"client_id": "c", "token_endpoint_auth_method": "client_secret_post"}, None),
        ({"client_id": "c", "token_endpoint_auth_method": "private_key_jwt"}, None),
        ({"client_id": "c\n"}, None),
        ({}, None),
        (403, None),
    ],
)
async def test_the_client_is_one_that_can_be_used(shop: Stranger, said: Any, client: Any) -> None:
    shop.says["/register"] = said
    if client is None:
        assert await code_of(clients.made(SERVER, authority(shop))) == "no_client"
        return
    made = await clients.made(SERVER, authority(shop))
    assert (made.id, opened(made.secret) if made.secret else "", made.way) == client


async def test_where_it_is_read_we_are_our_own_document(shop: Stranger, settings: Any) -> None:
    settings.IS_HTTPS, settings.PARLEY_PUBLIC_URL = True, "https://parley.example"
    made = await clients.made(SERVER, authority(shop, takes_documents=True))
    told = clients.document(SERVER)
    assert made == Client(f"https://parley.example/servers/mcp/{SERVER}/client.json") and told["client_id"] == made.id
    assert told["redirect_uris"] == [f"https://parley.example/servers/mcp/{SERVER}/callback"]
    assert await code_of(clients.made(SERVER, authority(shop, registration_endpoint=""))) == "no_client"


# --- There and back ---------------------------------------------------------------------------------------------------


def kept(shop: Stranger, client: Client | None = None, **more: Any) -> Kept:
    return Kept(authority(shop, **more), client or Client("we", seal("s3"), "client_secret_post"), time.time())


def test_a_cookie_is_of_one_person_one_server_and_some_minutes(shop: Stranger) -> None:
    long, _ = flow.begin(SERVER, ALICE, kept(shop, scope="a b " + "c" * 900), f"{'d' * 200} b e")
    assert long.scope == f"a b {'c' * 900} e" and len(long.sealed()) < 4_000  # what a browser keeps
    begun, address = flow.begin(SERVER, ALICE, kept(shop), "more")
    assert address.startswith(f"{shop.url}/authorize?response_type=code&client_id=we&") and "&scope=more&" in address
    assert Begun.of(begun.sealed(), SERVER, ALICE, begun.state) == begun
    for cookie, server, user, state in (
        ("", SERVER, ALICE, begun.state),
        (begun.sealed()[:-4], SERVER, ALICE, begun.state),
        (begun.sealed(), ALICE, ALICE, begun.state),
        (begun.sealed(), SERVER, SERVER, begun.state),
        (begun.sealed(), SERVER, ALICE, ""),
        (begun.sealed(), SERVER, ALICE, "ü"),
        (replace(begun, until=0).sealed(), SERVER, ALICE, begun.state),
        (seal("[]", flow.PURPOSE), SERVER, ALICE, begun.state),
    ):
        with pytest.raises(SignInError, match="begun in another browser"):
            Begun.of(cookie, server, user, state)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"code": "c", "iss": "https://evil.example"}, "wrong_issuer"),
        ({"error": "access_denied", "iss": "https://evil.example"}, "wrong_issuer"),
        ({"error": "access_denied"}, "declined"),
        ({"error": "server_error\n<b>"}, "refused"),
        ({}, "refused"),
        ({"code": "c" * 5_000}, "refused"),
    ],
)
def test_an_answer_that_is_no_code_is_told(shop: Stranger, said: dict[str, str], code: str) -> None:
    begun, _ = flow.begin(SERVER, ALICE, kept(shop))
    with pytest.raises(SignInError) as error:
        flow.code_of(begun, kept(shop), said)
    assert error.value.code == code


def test_the_answer_is_of_the_server_that_was_gone_to(shop: Stranger) -> None:
    begun, _ = flow.begin(SERVER, ALICE, kept(shop))
    assert flow.code_of(begun, kept(shop), {"code": "c", "iss": shop.url}) == "c"
    for other, code in (
        (kept(shop, issuer="https://other.example"), "state"),
        (kept(shop, Client("they")), "state"),
        (kept(shop, tells_issuer=True), "wrong_issuer"),  # it says who it is each time, and has not
    ):
        with pytest.raises(SignInError) as error:
            flow.code_of(begun, other, {"code": "c"})
        assert error.value.code == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"access_token": "t", "token_type": "Bearer", "expires_in": "3600"}, ""),
        ({"access_token": "t", "token_type": "mac"}, "unreadable"),
        ({"access_token": "t\nX: y", "token_type": "bearer"}, "unreadable"),
        ({"access_token": "t" * 20_000, "token_type": "bearer"}, "unreadable"),
        ({"access_token": "t", "expires_in": -1}, "unreadable"),
        ({"access_token": "t", "expires_in": 1e30}, "unreadable"),
        ({"access_token": 7}, "unreadable"),
        ({"error": "invalid_grant"}, "unreadable"),
        (b"[" * 60_000, "unreadable"),
        ((400, {}, b'{"error": "invalid_grant"}'), "refused"),
        ((401, {}, b""), "refused"),
        (429, "down"),
        (502, "down"),
    ],
)
async def test_what_is_no_token_is_not_taken(shop: Stranger, said: Any, code: str) -> None:
    shop.says["/token"] = said
    begun, _ = flow.begin(SERVER, ALICE, kept(shop))
    asking = flow.exchanged(SERVER, begun, kept(shop), "c")
    if code:
        assert await code_of(asking) == code
        return
    assert (await asking).expires_in == 3600
    ((_, sent, signed),) = shop.asked
    assert (sent["code_verifier"], sent["resource"]) == ([begun.verifier], [f"{shop.url}/mcp"])
    assert (sent["client_id"], sent["client_secret"], signed) == (["we"], ["s3"], "")


# --- Stored and renewed -----------------------------------------------------------------------------------------------


@pytest.fixture
def row(shop: Stranger, project: Project, alice: User) -> McpSignIn:
    """Alice's, at a server whose authorization server is known; the token has ended."""
    server = McpServer.objects.create(
        project=project, name="shop", url=f"{shop.url}/mcp", auth="oauth", authority=kept(shop).stored()
    )
    return McpSignIn.objects.create(
        server=server, user=alice, issuer=shop.url, client_id="we", access_token=seal("old"),
        refresh_token=seal("again"), expires_at=timezone.now() + timedelta(seconds=tokens.EARLY_S - 5),
    )  # fmt: skip


def there(row: McpSignIn) -> McpSignIn | None:
    return McpSignIn.objects.filter(pk=row.pk).first()


@pytest.mark.django_db(transaction=True)
async def test_a_token_that_ends_is_renewed_and_kept(shop: Stranger, row: McpSignIn) -> None:
    shop.says["/token"] = {"access_token": "new", "expires_in": 3600}
    found = await tokens.access_of(row.server_id, row.user_id)
    again = await tokens.access_of(row.server_id, row.user_id)
    assert (found.token, found.version) == (again.token, again.version) == ("new", 1) and len(shop.asked) == 1
    assert shop.asked[0][1]["refresh_token"] == ["again"]
    now = await sync_to_async(there)(row)
    assert now is not None and opened(now.refresh_token) == "again" and now.renewing_until is None
    shop.says["/token"] = {"access_token": "newer", "refresh_token": "once more"}
    newer = await tokens.renewed(row.server_id, row.user_id, again)
    assert newer.token == "newer" == (await tokens.renewed(row.server_id, row.user_id, again)).token
    assert len(shop.asked) == 2, "one that was renewed by another meanwhile is not renewed again"


@pytest.mark.django_db(transaction=True)
async def test_one_that_holds_no_more_is_forgotten_and_one_that_cannot_be_renewed_now_stays(
    shop: Stranger, row: McpSignIn
) -> None:
    shop.says["/token"] = [503, (400, {}, b'{"error": "invalid_grant"}')]
    assert await code_of(tokens.access_of(row.server_id, row.user_id)) == "down"
    now = await sync_to_async(there)(row)
    assert now is not None and now.renewing_until is None
    with pytest.raises(NotSignedIn):
        await tokens.access_of(row.server_id, row.user_id)
    assert await sync_to_async(there)(row) is None


@pytest.mark.django_db(transaction=True)
async def test_whoever_died_while_renewing_holds_nobody_up_for_long(shop: Stranger, row: McpSignIn) -> None:
    rows = McpSignIn.objects.filter(pk=row.pk)
    await rows.aupdate(renewing_until=timezone.now() + timedelta(seconds=1))
    shop.says["/token"] = {"access_token": "new", "expires_in": 3600}
    began = time.monotonic()
    assert (await tokens.access_of(row.server_id, row.user_id)).token == "new"
    assert 0.5 < time.monotonic() - began < 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://other.example"},
        {"client_id": "they"},
        {"refresh_token": ""},
        {"refresh_token": "not sealed by us"},
        {"access_token": "not sealed by us", "expires_at": None},
    ],
)
async def test_what_is_of_another_server_or_unreadable_opens_nothing(
    shop: Stranger, row: McpSignIn, changed: dict[str, Any]
) -> None:
    await McpSignIn.objects.filter(pk=row.pk).aupdate(**changed)
    with pytest.raises(NotSignedIn):
        await tokens.access_of(row.server_id, row.user_id)
    assert shop.asked == []


@pytest.mark.django_db(transaction=True)
async def test_a_client_that_somebody_gave_goes_to_no_other_authorization_server(
    shop: Stranger, row: McpSignIn
) -> None:
    old = msgspec.structs.replace(kept(shop, issuer="https://before.example"), at=0.0)
    shop.says["/register"] = {"client_id": "ours"}
    rows = McpServer.objects.filter(pk=row.server_id)
    await rows.aupdate(authority=old.stored(), client_id="given", client_secret=seal("s3"))
    assert await code_of(keeping.ready(row.server_id)) == "issuer_changed" and shop.asked[1:] == []
    await rows.aupdate(authority=old.stored(), client_id="", client_secret="")
    found = await keeping.ready(row.server_id)
    assert (found.client.id, found.authority.issuer) == ("ours", shop.url)
    assert await keeping.ready(row.server_id) == found and [path for path, *_ in shop.asked].count("/register") == 1


@pytest.mark.django_db(transaction=True)
async def test_a_right_that_is_lacking_is_asked_for_at_the_next_sign_in(
    row: McpSignIn, alice: User, settings: Any
) -> None:
    with House(tools=[described("pay")]) as house:
        settings.OUTWARD_ALLOW = [house.host]
        house.refuses, house.challenge = 403, 'Bearer error="insufficient_scope", scope="pay"'
        await McpServer.objects.filter(pk=row.server_id).aupdate(url=house.url)
        await McpSignIn.objects.filter(pk=row.pk).aupdate(expires_at=None)
        server = await McpServer.objects.aget(pk=row.server_id)
        with pytest.raises(NotSignedIn):
            await asked_as(alice.pk, server, lambda spec: call(spec, "pay", {}))
        assert (await McpSignIn.objects.aget(pk=row.pk)).wanted == "pay"
        house.challenge = ""
        with pytest.raises(NotSignedIn):  # 403 without a word: a token that does not hold
            await McpSignIn.objects.filter(pk=row.pk).aupdate(refresh_token="")
            await asked_as(alice.pk, server, lambda spec: call(spec, "pay", {}))
        await McpServer.objects.filter(pk=row.server_id).aupdate(auth="none")
        server = await McpServer.objects.aget(pk=row.server_id)
        with pytest.raises(McpError) as error:
            await asked_as(alice.pk, server, lambda spec: call(spec, "pay", {}))
        assert error.value.code == "auth"
    await close()
