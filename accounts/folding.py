"""What a search takes for the same: texts without case, in one form of writing, whichever database keeps them.

SQLite knows the case of ASCII alone, PostgreSQL that of its locale, and neither that an accent may be a character of
its own or not. So what is looked for is kept a second time, folded here, and looked up folded
(docs/decisions/0069-folded-texts.md).
"""

import re
from collections.abc import Iterable
from typing import Any, Literal

from django.db import models
from django.db.models import Q

from accounts.normal import normal

FORMS: tuple[Literal["NFC", "NFD"], ...] = ("NFC", "NFD")
# What nobody sees, first and last: Unicode's format characters (Cf) and those that it lets be ignored by default, such
# as soft hyphens, joiners, marks of direction, variation selectors and fillers.
_UNSEEN = (
    *((0xAD, 0xAD), (0x34F, 0x34F), (0x600, 0x605), (0x61C, 0x61C), (0x6DD, 0x6DD), (0x70F, 0x70F), (0x890, 0x891)),
    *((0x8E2, 0x8E2), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E)),
    *((0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB)),
    *((0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
    (0xE0000, 0xE0FFF),
)
# And what case folding leaves apart: a Turkish i with and without its dot.
_SAME = dict.fromkeys(each for first, last in _UNSEEN for each in range(first, last + 1)) | {ord("ı"): "i"}
_DOTTED = re.compile("i\u0307+")

FOLDED = "_folded"  # ends the name of a folded column, behind that of the column it is of


def folded(text: str) -> str:
    """The text as searches compare it. Folding it again changes nothing."""
    if text.isascii():
        return text.lower()
    once = normal("NFKC", normal("NFKC", text).translate(_SAME).casefold())
    return normal("NFKC", _DOTTED.sub("i", once.translate(_SAME)))


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


def is_folded(model: type[models.Model], path: str) -> bool:
    """Whether the column that a lookup such as `organization__name` leads to is kept folded."""
    *way, column = path.split("__")
    for each in way:
        model = model._meta.get_field(each).related_model  # type: ignore[assignment]  # a relation's
    return column in {each.of for each in folds(model)}


def has(column: str, text: str, *, lookup: str = "contains") -> Q:
    """Rows whose column has the text, or as `lookup` says. What is not folded yet counts as it stands."""
    return Q(**{f"{column}{FOLDED}__{lookup}": folded(text) or text}) | Q(**{f"{column}__i{lookup}": text})


def forms(text: str) -> list[str]:
    """The ways in which a name of these letters is likely written, for columns that have no folded one."""
    if text.isascii():
        return [text]
    cases = (text, text.lower(), text.upper(), text.title())
    return list(dict.fromkeys(normal(form, each) for form in FORMS for each in cases))
