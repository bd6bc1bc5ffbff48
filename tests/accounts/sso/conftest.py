"""A provider of Acme's, with its row; Alice, Bob and Charlie as everywhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import IdentityProvider, Organization
from accounts.secrets import seal
from tests.accounts.sso.provider import CLIENT, SECRET, Provider, running


@pytest.fixture(scope="session")
def shared_provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: Provider, settings: Any) -> Provider:
    """As new: one key, no faults; and this process may ask it."""
    cache.clear()
    settings.OUTWARD_ALLOW = [f"127.0.0.1:{shared_provider.port}"]
    shared_provider.shown.clear()
    shared_provider.faults.clear()
    shared_provider.changes.clear()
    shared_provider.asked.clear()
    shared_provider.codes.clear()
    shared_provider.forms.clear()
    return shared_provider


@pytest.fixture
def row(provider: Provider, organization: Organization) -> IdentityProvider:
    """The provider in Acme: its people are editors, its admins administer."""
    return registered(provider, organization, "acme")


def registered(provider: Provider, organization: Organization, slug: str, **fields: Any) -> IdentityProvider:
    """A row for the provider."""
    usual: dict[str, Any] = {
        "organization": organization,
        "slug": slug,
        "name": slug.title(),
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "secret": seal(SECRET),
        "audience": "parley-api",
        "domains": ["example.com"],
        "groups": {"people": "editor", "admins": "admin", "guests": "viewer"},
        "provision": "members",
        "accepts_bearer": True,
    }
    return IdentityProvider.objects.create(**{**usual, **fields})
