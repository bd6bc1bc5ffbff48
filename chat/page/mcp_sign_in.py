"""A person's way to an MCP server's sign-in and back, in their browser. Async: two strangers are asked on the way.

The page says whom one is sent to, and for whom; nothing is begun for somebody who only follows a link. What the way
back needs is in a cookie of this browser.
"""

from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from accounts.errors import TooMany
from accounts.models import User
from accounts.sign_in import tries
from chat.services import mcp_sign_ins
from tools.mcp.oauth import clients, flow
from tools.mcp.oauth.authority import host_of
from tools.mcp.oauth.errors import SENTENCES, SignInError
from tools.models import McpServer

PAGE = "chat/mcp_sign_in.html"
COOKIE = "mcp_sign_in"
TRIES, WINDOW_S = 20, 600  # that a person may begin or end a sign-in: each asks servers of others
TOO_MANY = _("Too many tries. Wait some minutes, then try again.")


@never_cache
@require_GET
@login_required
async def sign_in(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /servers/mcp/ID/sign-in: whom one is sent to, and the link that goes there."""
    user, server = await _server(request, id)
    try:
        await _take_a_try(user)
        kept, begun, address = await mcp_sign_ins.begin(user, server)
    except (SignInError, TooMany) as error:
        return await _page(request, server, why=_why(error), status=_status(error))
    told: dict[str, Any] = {"address": address, "authority": kept.authority.host, "scopes": begun.scope.split()}
    response = await _page(request, server, **told)
    response.set_cookie(
        COOKIE,
        begun.sealed(),
        max_age=flow.LIFETIME_S,
        path=_path(id),
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",  # the browser comes back from another site
    )
    return response


@never_cache
@require_GET
@login_required
async def callback(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /servers/mcp/ID/callback?code=...&state=...: the way back. The address that has the code is left at once."""
    user, server = await _server(request, id)
    try:
        await _take_a_try(user)
        await mcp_sign_ins.end(user, server, request.COOKIES.get(COOKIE, ""), request.GET.dict())
    except (SignInError, TooMany) as error:
        response = await _page(request, server, why=_why(error), again=True, status=_status(error))
    else:
        response = HttpResponseRedirect(reverse("page-mcp-signed-in", args=[id]))
    response.delete_cookie(COOKIE, path=_path(id), samesite="Lax")
    return response


@never_cache
@require_GET
@login_required
async def signed_in(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /servers/mcp/ID/signed-in: that it is done, and what now."""
    user, server = await _server(request, id)
    await sync_to_async(mcp_sign_ins.tell_sign_ins)(user, [server])
    since = (server.sign_in or {}).get("since")
    if since is None:
        return HttpResponseRedirect(reverse("page-mcp-sign-in", args=[id]))
    return await _page(request, server, since=since)


@require_POST
@login_required
async def sign_out(request: HttpRequest, id: UUID) -> HttpResponse:
    """POST /servers/mcp/ID/sign-out: forget the tokens; leads to the page on which one signs in."""
    user = (await _server(request, id))[0]
    await mcp_sign_ins.sign_out(user, id)
    return HttpResponseRedirect(reverse("page-mcp-sign-in", args=[id]))


@require_GET
def client(request: HttpRequest, id: UUID) -> HttpResponse:
    """GET /servers/mcp/ID/client.json: who we are, for authorization servers that read it here. The same for every id:
    it says nothing of whether there is such a server.
    """
    return JsonResponse(clients.document(id), headers={"Cache-Control": "max-age=3600"})


async def _server(request: HttpRequest, id: UUID) -> tuple[User, McpServer]:
    user = await request.auser()
    assert isinstance(user, User)  # login_required let nobody else through
    return user, await mcp_sign_ins.server_for(user, id)


async def _take_a_try(user: User) -> None:
    await sync_to_async(tries.take)("mcp", str(user.pk), limit=TRIES, window_s=WINDOW_S)


async def _page(request: HttpRequest, server: McpServer, status: int = 200, **told: Any) -> HttpResponse:
    shown = {"server": server, "host": host_of(server.url), **told}
    return await sync_to_async(render)(request, PAGE, shown, status=status)


def _why(error: SignInError | TooMany) -> Any:
    if isinstance(error, TooMany):
        return TOO_MANY
    return SENTENCES[error.code] % {"host": error.host}


def _status(error: SignInError | TooMany) -> int:
    if isinstance(error, TooMany):
        return error.status
    return 503 if error.code == "down" else 403


def _path(id: UUID) -> str:
    return f"/servers/mcp/{id}/"
