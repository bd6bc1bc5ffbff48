"""The list of stores is whole: each field that takes a text is named, each that is named is there, and the page that
says how they go has the same stores."""

from collections.abc import Iterator

from django.apps import apps
from django.contrib.postgres.search import SearchVectorField
from django.db.models import BinaryField, CharField, JSONField, TextField

from chat.services.stores import STORES, named
from tests.environment import ROOT

PAGE = ROOT / "docs" / "deletion.md"
TEXTS = (TextField, JSONField, BinaryField, CharField, SearchVectorField)
FEATURES = {"chat_exports", "chat_feedback", "chat_links", "chat_search", "chat_sent", "chat_webhooks"}
OURS = {"accounts", "chat", "tools", *FEATURES}
THEIRS = OURS | {"admin", "auth", "sessions", "contenttypes", "token_blacklist"}


def texts() -> Iterator[tuple[str, str]]:
    """Each column that takes a text of any kind, but those that take one out of a list of choices."""
    for model in apps.get_models(include_auto_created=True):
        for each in model._meta.local_fields:
            if isinstance(each, TEXTS) and not each.choices:
                yield model._meta.label, each.name


def test_each_field_that_takes_a_text_is_named_once() -> None:
    assert {label.partition(".")[0] for label, _ in texts()} <= THEIRS, "a new app: its texts are somebody's too"
    names = list(named())
    assert len(names) == len(set(names))
    assert set(texts()) - set(names) == set(), "in which store is this? chat/services/stores.py, docs/deletion.md"


def test_each_field_that_is_named_is_there() -> None:
    assert set(named()) - set(texts()) == set()


def test_the_page_has_the_same_stores() -> None:
    lines = [
        line.split("|")[1].partition(" ([")[0].strip()
        for line in PAGE.read_text().partition("\n## ")[0].splitlines()
        if line.startswith("| ")
    ]
    assert [store.name for store in STORES] == [line for line in lines if line not in ("store",)]
