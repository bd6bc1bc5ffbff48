"""What tables, columns and their choices are called, in the reader's language.

The tables themselves are in English and know no language: so no migration says what a column is called.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.utils.translation import gettext_lazy

from accounts.sign_in.scopes import SCOPES

# Those inside the room chat are apps of its features.
FEATURES = ("chat_exports", "chat_feedback", "chat_links", "chat_sent", "chat_webhooks")
APPS = ("accounts", "chat", *FEATURES, "tools", "token_blacklist")


def tables() -> Iterator[type[Model]]:
    """Those whose names the admin translates."""
    for label in APPS:
        yield from apps.get_app_config(label).get_models()


def translate() -> None:
    """Name them anew. Once, when all tables are loaded."""
    for label in APPS:
        config: Any = apps.get_app_config(label)
        config.verbose_name = gettext_lazy(str(config.verbose_name))
    for table in tables():
        meta = table._meta
        meta.verbose_name = gettext_lazy(str(meta.verbose_name))
        meta.verbose_name_plural = gettext_lazy(str(meta.verbose_name_plural))
        for field in _columns(table):
            field.verbose_name = gettext_lazy(field.verbose_name)
            if field.help_text:
                field.help_text = gettext_lazy(field.help_text)
            if field.choices:
                field.choices = [(value, gettext_lazy(str(shown))) for value, shown in field.choices]


def said() -> Iterator[str]:
    """Every text that is translated here, in English."""
    yield from (str(apps.get_app_config(label).verbose_name) for label in APPS)
    yield from SCOPES.values()
    for table in tables():
        yield from (str(table._meta.verbose_name), str(table._meta.verbose_name_plural))
        for field in _columns(table):
            yield from (
                str(field.verbose_name),
                str(field.help_text),
                *(str(shown) for _, shown in field.choices or ()),
            )


def _columns(table: type[Model]) -> list[Any]:
    return [*table._meta.local_fields, *table._meta.local_many_to_many]
