"""What a provider's row may say: checked where an operator writes it."""

import re
from typing import Any
from urllib.parse import urlsplit

from accounts.errors import Invalid
from accounts.models import Role
from accounts.sso.keys import FAMILIES, fault_of
from accounts.sso.outgoing import Way
from accounts.sso.reading import SECRET_MIN_BYTES, SHARED

DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
SESSION_MIN_S, SESSION_MAX_S = 60, 30 * 24 * 3600
Faults = dict[str, list[str]]


def check(values: dict[str, Any]) -> None:
    """Raise Invalid, naming each field that is not right. `has_secret`: whether HS256 has one that is long enough."""
    faults: Faults = {}
    for name, expected in (*_of_lists(values), *_of_addresses(values), *_of_tokens(values)):
        faults.setdefault(name, []).append(expected)
    if not SESSION_MIN_S <= (values.get("session_s") or 0) <= SESSION_MAX_S:
        faults["session_s"] = [f"Expected seconds from {SESSION_MIN_S} to {SESSION_MAX_S}."]
    if faults:
        raise Invalid("Some fields are not valid.", fields=faults)


def _of_lists(values: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    if not _is_list(values.get("domains"), DOMAIN.fullmatch):
        found.append(("domains", 'Expected a list of domains in lower case, such as ["example.com"].'))
    groups = values.get("groups")
    if not isinstance(groups, dict) or not set(map(str, groups.values())) <= {str(role) for role in Role}:
        named = ", ".join(Role)
        found.append(("groups", f'Expected groups with their roles ({named}), such as {{"staff": "editor"}}.'))
    taken = (*FAMILIES, SHARED)
    if not _is_list(values.get("algorithms"), taken.__contains__) or not values["algorithms"]:
        found.append(("algorithms", f"Expected a list of: {', '.join(taken)}."))
    return found


def _of_addresses(values: dict[str, Any]) -> list[tuple[str, str]]:
    """The issuer of a backend is any text; of others it is an address, which must be one that may be asked."""
    found = []
    has_keys = bool(values.get("public_keys") or values.get("jwks_url")) or values.get("algorithms") == [SHARED]
    if values.get("client_id") or not has_keys:
        found += _address("issuer", values)
    if values.get("jwks_url"):
        found += _address("jwks_url", values)
    return found


def _address(name: str, values: dict[str, Any]) -> list[tuple[str, str]]:
    text = str(values.get(name, ""))
    if urlsplit(text).scheme not in ("http", "https") or "?" in text or "#" in text:
        return [(name, "Expected an address such as https://login.example.com/realm, or public keys in the row.")]
    fault = Way.fault(text) if Way.fault else ""
    return [(name, fault)] if fault else []


def _of_tokens(values: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    if values.get("public_keys") and (fault := fault_of(values["public_keys"])):
        found.append(("public_keys", fault))
    if values.get("accepts_bearer") and values.get("accepts_assertions"):
        told = "Expected one of the two: an assertion would be a bearer token. Make a row with an audience of its own."
        found.append(("accepts_assertions", told))
    if SHARED in (values.get("algorithms") or ()) and not values.get("has_secret"):
        told = f"HS256 needs a shared secret of at least {SECRET_MIN_BYTES} bytes. Public keys are the better way."
        found.append(("new_assertion_secret", told))
    return found


def _is_list(value: Any, fits: Any) -> bool:
    return isinstance(value, list) and len(value) <= 100 and all(isinstance(each, str) and fits(each) for each in value)
