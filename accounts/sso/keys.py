"""A provider's public keys: written in its row, or fetched and kept there.

Fetched ones are good for SSO_KEYS_FRESH_S, and while the provider cannot be asked for SSO_KEYS_STALE_S. A token of an
unknown key has them fetched anew, once in EVERY over all processes, whatever number of them come: a compare-and-set in
the row decides who asks. Nobody waits for who asks; they use what is there, and where that does not do, come again.
"""

import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from accounts.models import IdentityProvider
from accounts.sso.errors import ProviderDown
from accounts.sso.outgoing import asked

# What may be pinned, by the kind of key it takes. No HMAC: a public key, or an `oct` of a set, is nobody's secret.
FAMILIES = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    "EdDSA": "OKP",
}
MEMBERS = ("kty", "kid", "use", "alg", "n", "e", "crv", "x", "y")  # of a public key (RFC 7517, 7518)
SENT = ("client_secret_basic", "client_secret_post")  # how a client shows who it is
WAYS = "token_endpoint_auth_methods_supported"
EVERY = timedelta(seconds=10)
KEYS_MAX = 50  # of a set; what is beyond is not looked at
PEM = re.compile(r"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
KINDS = {rsa.RSAPublicKey: "RSA", ec.EllipticCurvePublicKey: "EC"}
KINDS |= {ed25519.Ed25519PublicKey: "OKP", ed448.Ed448PublicKey: "OKP"}
log = logging.getLogger(__name__)
_fetching: defaultdict[UUID, Lock] = defaultdict(Lock)  # by provider: one that hangs stops no other


def matching(provider: IdentityProvider, algorithm: str, kid: str | None) -> list[Any]:
    """The public keys that may have signed it. Raises ProviderDown where there are none to be had."""
    if provider.public_keys:
        return list(_written(provider.public_keys, algorithm, kid))
    refresh_if_old(provider)
    found = list(_of_set(provider.jwks, algorithm, kid))
    if found:
        return found
    if not refresh(provider):
        raise ProviderDown("The provider cannot be asked now whether it has this key.")
    return list(_of_set(provider.jwks, algorithm, kid))


def endpoint(provider: IdentityProvider, name: str) -> str:
    """An address of its discovery. Raises ProviderDown."""
    refresh_if_old(provider)
    found = provider.metadata.get(name)
    if not isinstance(found, str) or urlsplit(found).scheme not in ("http", "https"):
        raise ProviderDown(f"The provider's discovery names no {name}.")
    return found


def refresh_if_old(provider: IdentityProvider) -> None:
    """Have its keys and addresses fetched where they are old. Raises ProviderDown where they are too old to use."""
    if _age_s(provider) > settings.SSO_KEYS_FRESH_S:
        refresh(provider)
    if _age_s(provider) > settings.SSO_KEYS_STALE_S:
        raise ProviderDown("The provider's keys are not to be had.")


def refresh(provider: IdentityProvider) -> bool:
    """Fetch them, unless somebody has tried within EVERY; whether they are what the provider has said within EVERY.

    One at a time of a provider in a process: callers wait in threads that all requests share, and one that hangs holds
    one. The row is as stored afterwards.
    """
    fetching = _fetching[provider.pk]
    if not fetching.acquire(blocking=False):
        return False
    try:
        return _refresh(provider)
    finally:
        fetching.release()


def _refresh(provider: IdentityProvider) -> bool:
    now = timezone.now()
    is_free = Q(keys_tried_at=None) | Q(keys_tried_at__lt=now - EVERY)
    is_tried = provider.keys_tried_at is not None and provider.keys_tried_at >= now - EVERY
    if is_tried or not IdentityProvider.objects.filter(is_free, pk=provider.pk).update(keys_tried_at=now):
        provider.refresh_from_db(fields=["jwks", "metadata", "keys_fetched_at", "keys_tried_at"])
        return provider.keys_fetched_at == provider.keys_tried_at  # the last try has brought them
    try:
        metadata, jwks = _fetched(provider)
    except ProviderDown as error:
        log.warning("Identity provider %s: %s", provider.slug, error.detail)
        return False
    provider.metadata, provider.jwks, provider.keys_fetched_at = metadata, jwks, now
    provider.save(update_fields=["metadata", "jwks", "keys_fetched_at"])
    return True


def fault_of(text: str) -> str:
    """What is wrong with keys that somebody writes down; "" where they can be used."""
    if "PRIVATE KEY" in text or '"d"' in text:
        return "Expected public keys: these are private. Make new ones, as these have been seen."
    return "" if list(_all_written(text)) else "Expected public keys as PEM, or a JSON Web Key Set of RSA, EC or OKP."


def _fetched(provider: IdentityProvider) -> tuple[dict[str, Any], dict[str, Any]]:
    if provider.jwks_url and not provider.client_id:
        return {}, _key_set(asked(provider.jwks_url))
    metadata = asked(f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration")
    if metadata.get("issuer") != provider.issuer:
        raise ProviderDown("The discovery is of another issuer.")
    jwks = _key_set(asked(provider.jwks_url or str(metadata.get("jwks_uri", ""))))
    ways = metadata.get(WAYS)
    ways = [each for each in SENT if each in ways] if isinstance(ways, list) else []
    return {**_texts(metadata, ("authorization_endpoint", "token_endpoint")), WAYS: ways}, jwks


def _key_set(found: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(found.get("keys"), list):
        raise ProviderDown("The provider's key set has no keys.")
    return {"keys": [_texts(each, MEMBERS) for each in found["keys"][:KEYS_MAX] if isinstance(each, dict)]}


def _texts(found: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What is used of it. Nothing else is stored, and nothing that a database would not take."""
    return {name: found[name] for name in names if isinstance(found.get(name), str) and found[name].isprintable()}


def _age_s(provider: IdentityProvider) -> float:
    at = provider.keys_fetched_at
    return (timezone.now() - at).total_seconds() if at else float("inf")


def _of_set(jwks: dict[str, Any], algorithm: str, kid: str | None) -> Iterator[Any]:
    for each in jwks.get("keys", ())[:KEYS_MAX]:
        is_meant = each.get("kty") == FAMILIES[algorithm] and each.get("use", "sig") == "sig"
        if is_meant and (kid is None or each.get("kid", kid) == kid) and each.get("alg", algorithm) == algorithm:
            yield from _read(each, algorithm)


def _read(jwk: dict[str, Any], algorithm: str) -> Iterator[Any]:
    try:
        yield PyJWK(jwk, algorithm).key
    except (PyJWTError, ValueError, TypeError, KeyError) as error:
        log.info("A key that cannot be read: %s", type(error).__name__)


def _written(text: str, algorithm: str, kid: str | None) -> Iterator[Any]:
    if not text.lstrip().startswith("{"):
        yield from (key for kind, key in _pems(text) if kind == FAMILIES[algorithm])
        return
    yield from _of_set(json.loads(text), algorithm, kid)


def _all_written(text: str) -> Iterator[Any]:
    if not text.lstrip().startswith("{"):
        yield from _pems(text)
        return
    try:
        found = _key_set(json.loads(text))
    except (ValueError, RecursionError, AttributeError, ProviderDown):
        return
    for algorithm in ("RS256", "ES256", "ES384", "ES512", "EdDSA"):
        yield from _of_set(found, algorithm, None)


def _pems(text: str) -> Iterator[tuple[str, Any]]:
    for each in PEM.findall(text)[:KEYS_MAX]:
        try:
            key = serialization.load_pem_public_key(each.encode())
        except (ValueError, TypeError):
            continue
        yield from ((kind, key) for type_, kind in KINDS.items() if isinstance(key, type_))
