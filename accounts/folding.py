"""What a search takes for the same: texts without case, in one form of writing, whichever database keeps them.

SQLite knows the case of ASCII alone, PostgreSQL that of its locale, and neither that an accent may be a character of
its own or not. So what is looked for is kept a second time, folded here, and looked up folded
(docs/decisions/0069-folded-texts.md).
"""

from collections.abc import Iterable
from typing import Any, Literal

from django.db import models
from django.db.models import Q

from accounts.normal import normal

FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
# What case folding leaves apart: a Turkish i with and without its dot. And what nobody sees: soft hyphens, joiners.
_SAME = str.maketrans({"ı": "i", **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")})


def folded(text: str) -> str:
    """The text as searches compare it. Folding it again changes nothing."""
    if text.isascii():
        return text.lower()
    once = normal("NFKC", normal("NFKC", text).translate(_SAME).casefold())
    return once.translate(_SAME).replace("i\u0307", "i")


class FoldedField(models.TextField):  # type: ignore[type-arg]
    """The folded text of another column, set whenever a row is saved. Null: written by a version that had none."""

    def __init__(self, of: str = "", **options: Any) -> None:
        self.of = of
        super().__init__(**{"null": True, "editable": False, **options})

    def deconstruct(self) -> Any:
        """For migrations it is a text that may be null, and so it stays whatever becomes of this class."""
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.TextField", args, options

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The text that is stored."""
        value = folded(getattr(model_instance, self.of))
        setattr(model_instance, self.attname, value)
        return value


class SavesFolded(models.Model):
    """A table with such columns: they go with what they are of, also where a save names its fields."""

    class Meta:
        abstract = True

    def save(self, *, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """Django's."""
        if update_fields is not None:
            named = set(update_fields)
            update_fields = named | {each.name for each in folds(type(self)) if each.of in named}
        super().save(update_fields=update_fields, **options)


def folds(model: type[models.Model]) -> list[FoldedField]:
    """The table's folded columns."""
    return [each for each in model._meta.local_concrete_fields if isinstance(each, FoldedField)]


def has(column: str, text: str, *, lookup: str = "contains") -> Q:
    """Rows whose column has the text, or as `lookup` says. What is not folded yet counts as it stands."""
    return Q(**{f"{column}_folded__{lookup}": folded(text) or text}) | Q(**{f"{column}__i{lookup}": text})


def forms(text: str) -> list[str]:
    """The ways in which a name of these letters is likely written, for columns that have no folded one."""
    if text.isascii():
        return [text]
    cases = (text, text.lower(), text.upper(), text.title())
    return list(dict.fromkeys(normal(form, each) for form in FORMS for each in cases))
