"""What a tool call will do, worked out from its arguments, for the person who is to allow it. Pure.

It shows; it decides nothing. What is cut or not understood here stands whole among the arguments, below.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from chat.page.asked_words import say
from tools.git.lines import Line, compared
from tools.hidden import on_one_line, visible

LINES_MAX = 400  # of one effect
LINE_MAX_CHARS = 500  # of a longer one the middle is left out
END_CHARS = 150  # of that, its end
EFFECTS_MAX = 20  # of one call
FOLDED_LINES = 24  # a longer one is folded

# The text of a file as it is now; None: there is none yet. Raises Unreadable.
Read = Callable[[str], str | None]


class Unreadable(Exception):
    """The file cannot be compared: it is no text, too large, or not the reader's to see."""


@dataclass(frozen=True)
class Effect:
    """One thing that the call does."""

    what: str  # a sentence
    lines: list[Line] = field(default_factory=list)
    left_out: int = 0  # lines that are not shown
    is_cut: bool = False  # whether the middle of a line or of a value is not shown
    rows: list[tuple[str, str]] = field(default_factory=list)  # arguments, by their names
    note: str = ""

    @property
    def is_long(self) -> bool:
        """Whether it is folded at first."""
        return len(self.lines) > FOLDED_LINES

    @property
    def is_whole(self) -> bool:
        """Whether all of it is shown."""
        return not (self.left_out or self.is_cut)


def effects_of(arguments: Any, read: Read) -> list[Effect]:
    """What these arguments ask for: each file that changes, each step, where it goes; then what else they say."""
    if not isinstance(arguments, dict):
        return [Effect(say("withText"), *_shown(Line(" ", each) for each in _text(arguments).split("\n")))]
    found, used = _known(arguments, read)
    rest = {name: value for name, value in arguments.items() if name not in used}
    return [*found, _rows(say("withThese") if found else say("with"), rest)] if rest else found


def _rows(what: str, values: dict[str, Any]) -> Effect:
    """Arguments by their names."""
    texts = {name: _text(value) for name, value in values.items()}
    rows = [(_name(name), visible(_short(text))) for name, text in texts.items()]
    return Effect(what, rows=rows, is_cut=any(map(_is_long, [*texts, *texts.values()])))


def _known(arguments: dict[str, Any], read: Read) -> tuple[list[Effect], set[str]]:
    """The effects of arguments of a shape that is known, and which arguments they show whole."""
    match arguments:
        case {"path": str() as path, "content": str() as content}:
            return [_written(path, content, read)], {"path", "content"}
        case {"path": str() as path, "old": str() as old, "new": str() as new}:
            return [_changed(say("changesPart", path=_name(path)), path, compared(old, new))], {"path", "old", "new"}
        case {"files": [*files]} if files and all(map(_is_file, files)):
            return list(_files(files, read)), {"files"}
    for name in ("patch", "operations"):
        steps = arguments.get(name)
        if isinstance(steps, list) and steps and all(isinstance(each, dict) and "op" in each for each in steps):
            lines = (Line(" ", _step(each)) for each in steps)
            return [Effect(say("changesDocument"), *_shown(lines))], {name}
    return [], set()


def _is_file(value: Any) -> bool:
    """With nothing else, which would not be shown."""
    return isinstance(value, dict) and value.keys() == {"path", "content"} and all(map(_is_text, value.values()))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _files(files: list[dict[str, Any]], read: Read) -> Iterator[Effect]:
    for each in files[:EFFECTS_MAX]:
        yield _written(each["path"], each["content"], read)
    if rest := files[EFFECTS_MAX:]:
        yield Effect(say("moreFiles", count=len(rest)), rows=[("", _name(each["path"])) for each in rest], is_cut=True)


def _written(path: str, content: str, read: Read) -> Effect:
    """The text that is written: against the one there is, or whole."""
    shown = _name(path)
    whole = (Line("+", each) for each in content.removesuffix("\n").split("\n"))
    try:
        old = read(path)
    except Unreadable as why:
        return _changed(say("writes", path=shown), path, whole, note=str(why))
    if old is None:
        return _changed(say("writesNew", path=shown), path, whole)
    if old == content:
        return _changed(say("writesSame", path=shown), path, ())
    return _changed(say("changes", path=shown), path, compared(old, content))


def _changed(what: str, path: str, lines: Iterable[Line], note: str = "") -> Effect:
    found, left_out, is_cut = _shown(lines)
    return Effect(what, found, left_out, is_cut or _is_long(path), note=note)


def _shown(lines: Iterable[Line]) -> tuple[list[Line], int, bool]:
    """As many of them as are shown, what is hidden in them written out; how many are not, and whether one was cut."""
    each = iter(lines)
    head = list(islice(each, LINES_MAX))
    shown = [Line(line.sign, visible(_short(line.text))) for line in head]
    return shown, sum(1 for _ in each), any(_is_long(line.text) for line in head)


def _step(operation: dict[str, Any]) -> str:
    """One operation of a JSON patch on one line."""
    rest = {name: value for name, value in operation.items() if name not in ("op", "path")}
    said = [on_one_line(str(operation["op"])), on_one_line(str(operation.get("path", "")))]
    if "from" in rest:
        said = [said[0], on_one_line(str(rest.pop("from"))), "→", said[1]]
    if "value" in rest:
        said += ["=", json.dumps(rest.pop("value"), ensure_ascii=False)]
    return " ".join([*said, *(f"{on_one_line(name)}={on_one_line(_text(value))}" for name, value in rest.items())])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _name(text: str) -> str:
    return on_one_line(_short(text))


def _is_long(text: str) -> bool:
    return len(text) > LINE_MAX_CHARS


def _short(text: str) -> str:
    """A long text's beginning and end, and how much is between them."""
    if not _is_long(text):
        return text
    begin, end = text[: LINE_MAX_CHARS - END_CHARS], text[-END_CHARS:]
    return f"{begin} … {say('between', count=len(text) - LINE_MAX_CHARS)} … {end}"
