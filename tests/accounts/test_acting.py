"""The keys that other APIs check our tokens with: public, the same on every host, and two at a change."""

import json
import uuid

import jwt
import pytest
from django.test import Client

from accounts.errors import NotAllowed
from accounts.models import User
from accounts.sign_in import acting

OLD, NEW = "old-7QdW2xLpZs9RbVt4NcYm6HgJf1EuAo8Ii", "new-Vb6NqT1xYd8MzKc4RsLw9FgHpJ3uEaOiXt"


def read(token: str, keys: list[dict[str, object]]) -> dict[str, object]:
    """The claims, checked as an API would: with the key that the token names."""
    ids = {each.key_id: each for each in jwt.PyJWKSet.from_dict({"keys": keys}).keys}
    key = ids[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key, ["ES256"], audience="https://shop.example"))


def test_the_key_set_is_for_anybody_and_holds_nothing_secret(settings) -> None:
    settings.ACTING_KEYS = [NEW, OLD]
    answered = Client().get("/.well-known/jwks.json")
    assert answered.status_code == 200 and answered["Cache-Control"] == "public, max-age=300"
    keys = json.loads(answered.content)["keys"]
    assert [set(each) for each in keys] == [{"kty", "crv", "x", "y", "kid", "alg", "use"}] * 2
    assert len({each["kid"] for each in keys}) == 2
    assert Client().post("/.well-known/jwks.json").status_code == 405


def test_a_key_is_changed_without_a_token_that_nobody_can_check(alice: User, settings) -> None:
    settings.ACTING_KEYS = [OLD]
    old, before = acting.token_for(alice.pk, "https://shop.example"), acting.public_keys()
    settings.ACTING_KEYS = [OLD, NEW]
    assert acting.public_keys()[0] == before[0], "the same secret gives the same key, on every host"
    both = acting.public_keys()
    settings.ACTING_KEYS = [NEW, OLD]
    new = acting.token_for(alice.pk, "https://shop.example", {"run": "r", "sub": "somebody else"})
    for token in (old, new):
        claims = read(token, both)
        assert (claims["sub"], claims["email"], claims["iss"]) == (
            str(alice.pk),
            alice.email,
            settings.PARLEY_PUBLIC_URL,
        )
    with pytest.raises(KeyError):
        read(new, before)


def test_nobody_s_token(db: None) -> None:
    with pytest.raises(NotAllowed):
        acting.token_for(uuid.uuid4(), "https://shop.example")
