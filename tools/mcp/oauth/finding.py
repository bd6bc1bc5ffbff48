"""Which authorization server an MCP server names, by the rules of the protocol. Importing this imports the SDK.

RFC 9728 (the server says who signs people in), RFC 8414 (that one says how). All of it is said by strangers: each
address is judged when it is asked, and where a browser is sent must be a page of the web.
"""

import json
from typing import Any

import httpx2
from django.conf import settings
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    extract_resource_metadata_from_www_auth,
    extract_scope_from_www_auth,
    get_client_metadata_scopes,
    handle_auth_metadata_response,
    handle_protected_resource_response,
    issuers_match,
)
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata
from mcp.shared.auth_utils import check_resource_allowed, resource_url_from_server_url
from mcp_types import LATEST_PROTOCOL_VERSION

from tools.errors import OutwardError
from tools.mcp.oauth.asking import asked
from tools.mcp.oauth.authority import Authority, host_of
from tools.mcp.oauth.errors import SignInError
from tools.outward.allowed import allowed
from tools.outward.target import target

S256 = "S256"
GRANTS = ["authorization_code", "refresh_token"]
SCOPE_MAX_CHARS = 1_000
ISSUER_MAX_CHARS = 500  # it goes into a row and a cookie
VERSION = {"MCP-Protocol-Version": LATEST_PROTOCOL_VERSION}
PROBE = {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {}}
PROBE_HEADERS = {**VERSION, "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
PROBE_HEADERS["Mcp-Method"] = "server/discover"


async def find(url: str) -> Authority:
    """The one of the MCP server at this address. Raises SignInError."""
    challenge = await asked(url, method="POST", headers=PROBE_HEADERS, body=json.dumps(PROBE).encode())
    resource = await _resource(url, challenge)
    server = str(resource.authorization_servers[0]) if resource else None
    metadata = await _metadata(url, server)
    _check(metadata, server or str(httpx2.URL(url).join("/")))
    return Authority(
        issuer=str(metadata.issuer),
        authorization_endpoint=_page(str(metadata.authorization_endpoint)),
        token_endpoint=str(metadata.token_endpoint),
        registration_endpoint=str(metadata.registration_endpoint or ""),
        revocation_endpoint=str(metadata.revocation_endpoint or ""),
        ways=tuple(metadata.token_endpoint_auth_methods_supported or ()),
        takes_documents=bool(metadata.client_id_metadata_document_supported),
        tells_issuer=bool(metadata.authorization_response_iss_parameter_supported),
        resource=str(resource.resource) if resource else resource_url_from_server_url(url),
        scope=_scope(challenge, resource, metadata),
    )


async def _resource(url: str, challenge: httpx2.Response) -> ProtectedResourceMetadata | None:
    """What the server says of itself; None where it says nothing, as those of 2025-03-26 do. Raises SignInError."""
    named = extract_resource_metadata_from_www_auth(challenge)
    for each in build_protected_resource_metadata_discovery_urls(named, url):
        answer = await asked(each, headers=VERSION)
        if answer.status_code >= 500 or answer.status_code == 429:
            raise SignInError("down", host_of(each))
        found = await handle_protected_resource_response(answer)
        if found is None:
            continue
        own = resource_url_from_server_url(url)
        if not check_resource_allowed(requested_resource=own, configured_resource=str(found.resource)):
            raise SignInError("wrong_resource", host_of(url))
        return found
    return None


async def _metadata(url: str, server: str | None) -> OAuthMetadata:
    for each in build_oauth_authorization_server_metadata_discovery_urls(server, url):
        goes_on, found = await handle_auth_metadata_response(await asked(each, headers=VERSION))
        if found is not None:
            return found
        if not goes_on:
            raise SignInError("down", host_of(each))
    raise SignInError("no_authority", host_of(server or url))


def _check(metadata: OAuthMetadata, named: str) -> None:
    """Raise SignInError where it is of another server than was named, or sends people without protection."""
    if len(str(metadata.issuer)) > ISSUER_MAX_CHARS:
        raise SignInError("unreadable", host_of(named))
    if not issuers_match(str(metadata.issuer), named):
        raise SignInError("wrong_issuer", host_of(named))
    if S256 not in (metadata.code_challenge_methods_supported or ()):
        raise SignInError("no_pkce", host_of(named))


def _page(url: str) -> str:
    """The same, if a browser may be sent there. Raises SignInError."""
    try:
        target(url, allowed(tuple(settings.OUTWARD_ALLOW)), settings.OUTWARD_PORTS)
    except OutwardError:
        raise SignInError("not_allowed", host_of(url)) from None
    return url


def _scope(challenge: httpx2.Response, resource: ProtectedResourceMetadata | None, metadata: Any) -> str:
    """What the server asks for; of its authorization server no more than that it may be renewed."""
    wanted = extract_scope_from_www_auth(challenge) if challenge.status_code in (401, 403) else None
    is_said = wanted is not None or (resource is not None and resource.scopes_supported is not None)
    scope = get_client_metadata_scopes(wanted, resource, metadata, GRANTS) if is_said else None
    return scope or "" if len(scope or "") <= SCOPE_MAX_CHARS else ""
