"""What the audit log is told of people who come in by a provider: whoever vouches is named, and nobody by name."""

import json

from django.test import Client

from accounts.audit.models import AuditEntry
from accounts.models import IdentityProvider
from tests.accounts.sso.provider import Provider
from tests.accounts.sso.test_exchange import assertion, backend, exchange  # noqa: F401  # a fixture


def test_a_sign_in_by_a_provider_s_word_is_told_with_all_that_it_made(
    provider: Provider,
    backend: IdentityProvider,  # noqa: F811
) -> None:
    status, _ = exchange(assertion(provider, name="Canary Person"))
    assert status == 200
    entries = {entry.action: entry for entry in AuditEntry.objects.all()}
    assert set(entries) == {"person.made", "member.added", "signin.sso"} and AuditEntry.objects.count() == 3
    for action in ("person.made", "member.added"):
        assert (entries[action].actor_kind, entries[action].actor) == ("idp", backend.pk)
    came = entries["signin.sso"]
    assert (came.actor_kind, str(came.actor), came.detail) == ("person", came.object_id, {"provider": str(backend.pk)})
    assert {each.organization for each in entries.values()} == {backend.organization_id}
    assert "Canary" not in json.dumps(list(AuditEntry.objects.values()), default=str)


def test_who_signs_in_at_the_page_leaves_no_entry_of_a_provider(alice) -> None:  # type: ignore[no-untyped-def]
    Client().force_login(alice)
    assert [each.action for each in AuditEntry.objects.all()] == ["signin.ok"]
