"""A box: one question with its answer, as a template shows it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Box:
    """One question with its answer."""

    name: str  # of its element
    title: str
    href: str  # the list of all of it; "" where there is none
    figure: object = ""  # the answer in a word
    note: str = ""
    is_bad: bool = False
    headers: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    numbers: int = 0  # how many of the last columns are numbers
    empty: str = ""
    chart: SafeString | str = ""  # the same as a picture; the rows are folded away under it
    parts: Sequence["Box"] = field(default_factory=tuple)  # tables of their own, under their titles
