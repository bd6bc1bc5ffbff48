"""Tokens by which a tool asks another API as the person it acts for, and the public keys that API checks them with.

Signed by ES256, so who can check one can make none; each is for one audience and a minute. Why: docs/decisions/0073.
"""

import functools
import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from accounts.errors import NotAllowed
from accounts.models import User

ALGORITHM = "ES256"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256
DERIVED_BYTES = 48  # 128 bits more than the order has, so that no key is likelier than another
KEYS_MAX_AGE_S = 300


def token_for(user_id: UUID, audience: str, about: Mapping[str, str] | None = None) -> str:
    """A new token of this person for that audience, for ACTING_TOKEN_S seconds; `about` adds claims. One query.

    Raises NotAllowed where there is no such person any more, or where they are a guest, whom no other API knows.
    """
    user = User.objects.filter(pk=user_id, is_active=True, is_guest=False).first()
    if user is None:
        raise NotAllowed("Only a person who is signed in has a token for another API.")
    now = int(time.time())
    claims = {
        **(about or {}),
        "iss": settings.PARLEY_PUBLIC_URL,
        "aud": audience,
        "sub": str(user.pk),
        "email": user.email,
        "iat": now,
        "exp": now + settings.ACTING_TOKEN_S,
        "jti": str(uuid4()),
    }
    key = _keys(tuple(settings.ACTING_KEYS))[0]
    return jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.id})


def public_keys() -> list[dict[str, Any]]:
    """The keys that tokens are checked with, as JSON Web Keys: that of the newest first."""
    return [key.public for key in _keys(tuple(settings.ACTING_KEYS))]


@require_safe
def jwks(request: HttpRequest) -> JsonResponse:
    """The JSON Web Key Set, for anybody: it holds public keys alone."""
    answer = JsonResponse({"keys": public_keys()})
    answer["Cache-Control"] = f"public, max-age={KEYS_MAX_AGE_S}"
    return answer


class _Key:
    """One of ACTING_KEYS as a key of the curve."""

    def __init__(self, text: str) -> None:
        self.private = ec.derive_private_key(_scalar(text), ec.SECP256R1())
        self.public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        self.id = _thumbprint(self.public)
        self.public |= {"kid": self.id, "alg": ALGORITHM, "use": "sig"}


@functools.cache
def _keys(texts: Sequence[str]) -> tuple[_Key, ...]:
    return tuple(map(_Key, texts))


def _scalar(text: str) -> int:
    """A private key, of a secret of any form and length: the same on every machine that has the secret."""
    derived = HKDF(SHA256(), length=DERIVED_BYTES, salt=None, info=b"parley acting").derive(text.encode())
    return int.from_bytes(derived, "big") % (ORDER - 1) + 1


def _thumbprint(public: Mapping[str, Any]) -> str:
    """The key's id, made of the key itself (RFC 7638)."""
    text = ",".join(f'"{name}":"{public[name]}"' for name in ("crv", "kty", "x", "y"))
    digest = hashlib.sha256(f"{{{text}}}".encode()).digest()
    return base64url_encode(digest).decode()
