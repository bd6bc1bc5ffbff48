"""Nobody takes a name from anybody else: what must be there once is so within a person, an organization or less."""

from django.apps import apps
from django.db.models import Model, UniqueConstraint

# Those that are once in the whole installation. Clients choose none of them but the address, which is the person.
# A provider's slug is chosen by operators; what a summary goes up to is a message's id, which is ours.
GLOBAL = {
    "accounts.IdentityProvider slug",
    "accounts.ApiKey key_hash", "accounts.Invitation token_hash", "accounts.Ticket token_hash",
    "accounts.User email", "chat.Budget organization", "chat.MessageState message", "chat.ChatSession token_hash",
    "chat.Compaction upto", "chat.Rules organization", "chat_links.Link token_hash", "chat_webhooks.WebhookCount chat",
}  # fmt: skip
# The person's address again; the subject of a work, which is an id of ours; and what is within a provider, whose row
# is an organization's; the number of a version or an entry, which is ours; what a model costs, and what is counted.
OURS = {
    "user_email_once",
    "run_one_open_a_subject",
    "audit_installation_seq_once",
    "external_identity_once",
    "used_assertion_once",
    "attachment_used_once",
    "workflow_version_once",
    "workflow_one_draft",
    "price_once",
    "total_once",
    "one_delivery",
}
# Of the program's own rows, a column that says whose they are.
OWNERS = {"user", "organization", "project", "chat", "run"}


def alone(model: type[Model]) -> set[str]:
    """The columns that must be there once by themselves, but for ids that we make."""
    label = model._meta.label
    return {
        f"{label} {field.name}"
        for field in model._meta.local_fields
        if field.unique and not (field.primary_key and not field.editable) and not field.auto_created
    } - {f"{label} id", f"{label} name"}


def test_what_clients_name_is_theirs() -> None:
    labels = ("accounts", "chat", "chat_feedback", "chat_links", "chat_webhooks")
    models = [model for label in labels for model in apps.get_app_config(label).get_models()]
    found = {name for model in models for name in alone(model)}
    assert {each for each in found if not each.startswith(("chat.Run ", "chat.Message "))} == GLOBAL
    for model in models:
        for constraint in model._meta.constraints:
            if isinstance(constraint, UniqueConstraint) and constraint.name not in OURS:
                assert OWNERS & set(constraint.fields), constraint.name
