"""How commands write what somebody else has written, in Markdown."""

import re

from django.utils.formats import number_format

MARKS = re.compile(r"([\\`*_{}\[\]()<>#+!|~$&-])")


def plain(text: str) -> str:
    """A text as one line in which nothing is Markdown."""
    return MARKS.sub(r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """A name as code; what it holds ends nothing."""
    return f"`{text.replace('`', '')}`"


def number(value: int) -> str:
    """With its thousands apart, as the language has it."""
    return str(number_format(value, use_l10n=True, force_grouping=True))
