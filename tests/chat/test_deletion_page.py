"""docs/deletion.md names every store: each table that holds a text or names a person stands in it."""

import pytest
from django.apps import apps
from django.db.models import CharField, JSONField, Model, TextField

from accounts.models import User
from tests.environment import ROOT

TEXT = (ROOT / "docs" / "deletion.md").read_text()
STORES = " | ".join(line.split("|")[1].strip() for line in TEXT.splitlines() if line.startswith("|"))
LONG = 100  # characters: shorter columns are names out of lists
# How the page calls a table, where it is not by its own name.
CALLED = {
    "User": "people",
    "Membership": "memberships",
    "ProjectMember": "memberships",
    "ApiKey": "keys",
    "Ticket": "tokens",
    "IdempotencyKey": "Idempotency-Key",
    "ExternalIdentity": "identities at a provider",
    "UsedAssertion": "used assertions",
    "ChatAlias": "aliases",
    "ChatSession": "sessions of `/api/chat/start`",
    "RunEvent": "the log of a run",
    "AuditEntry": "the audit log",
    "UsageRecord": "usage by turn and by day",
    "UsageDay": "usage by turn and by day",
    "UsageDayBefore": "usage by turn and by day",
    "UsageName": "names in the ledger",
    "Document": "documents of projects",
    "DocumentVersion": "versions of a document",
    "KnowledgeDocument": "knowledge: documents",
    "Passage": "knowledge: passages",
    "Hold": "holds",
    "Kept": "kept texts",
    "ProjectRepository": "repositories of projects",
    "SearchEntry": "search terms",
    "SentRequest": "what was sent to models",
}
# Of the installation or of an organization, and with these: no person's, or said with the row that they hang on.
NOBODYS = {"Organization", "Project", "ProjectSecret", "IdentityProvider", "LanguageModel", "Chore", "Process"}
NOBODYS |= {"Budget", "Plan", "Rules", "ChatShare", "MessageState", "EndedSignIn"}


def holds(model: type[Model]) -> bool:
    """Whether it holds texts, or whose it is."""
    return any(
        isinstance(each, TextField | JSONField)
        or (isinstance(each, CharField) and (each.max_length or LONG) >= LONG)
        or each.related_model is User
        for each in model._meta.fields
    )


FEATURES = ("chat_exports", "chat_feedback", "chat_links", "chat_search", "chat_sent", "chat_webhooks")
OURS = [each for name in ("accounts", "chat", *FEATURES, "tools") for each in apps.get_app_config(name).get_models()]


@pytest.mark.parametrize("model", [each for each in OURS if holds(each)], ids=lambda each: each.__name__)
def test_each_table_with_a_text_or_a_person_is_named(model: type[Model]) -> None:
    if model.__name__ not in NOBODYS:
        assert CALLED.get(model.__name__, str(model._meta.verbose_name_plural)) in STORES


def test_the_repository_that_was_replaced_is_named() -> None:
    assert "`<project>.before`" in STORES
