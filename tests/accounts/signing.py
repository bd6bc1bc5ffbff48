"""Signing in as a client does it."""

from typing import Any

from rest_framework.test import APIClient

from tests.conftest import PASSWORD


def sign_in(email: str = "alice@example.com", password: str = PASSWORD, **extra: Any) -> Any:
    """What POST /api/auth/token answers."""
    return post("/api/auth/token", {"email": email, "password": password}, **extra)


def post(path: str, body: Any, **extra: Any) -> Any:
    """What a client without any credentials gets for a JSON body."""
    return APIClient().post(path, body, format="json", **extra)
