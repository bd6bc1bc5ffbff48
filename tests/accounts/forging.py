"""Tokens as an attacker, another installation or a broken client would make them."""

import base64
import json
import time
from typing import Any

import jwt
from django.conf import settings

from accounts.models import User

KEY: str = settings.SIMPLE_JWT["SIGNING_KEY"]


def claims(user: User, **changes: Any) -> dict[str, Any]:
    """Those of a good access token, with changes; a change to None takes the claim away."""
    now = int(time.time())
    good = {
        "token_type": "access",
        "exp": now + 600,
        "iat": now,
        "jti": "0123456789abcdef",
        "user_id": str(user.pk),
        "ver": user.token_version,
        "aud": "parley",
        "iss": "parley",
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(user: User, *, key: str = KEY, algorithm: str = "HS256", header: Any = None, **changes: Any) -> str:
    """An access token that was signed with the key, whatever it says."""
    return jwt.encode(claims(user, **changes), key, algorithm=algorithm, headers=header)


def unsigned(user: User, algorithm: str) -> str:
    """A token that says that it needs no signature."""
    parts = [{"alg": algorithm, "typ": "JWT"}, claims(user)]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def with_header(text: str) -> str:
    """A token whose header is this text."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") + ".e30.c2lnbmF0dXJl"
