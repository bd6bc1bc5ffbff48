"""Characters that a reader does not see, or that turn the order of what is read: one set for all who show texts of
others. Pure. static/chat/hidden.js has the same set.
"""

import re
from collections.abc import Callable

# Controls but tab and line feed, soft hyphen, joiners, fillers, marks of direction, variants, tags, lone surrogates.
CHARACTERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_PICTURE = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297\u3299"
    "\U0001f000-\U0001f3fa\U0001f400-\U0001faff][\U0001f3fb-\U0001f3ff]?\ufe0f?"
)
# An emoji is drawn as one picture only with the joiners within it: those stay.
_SEEN_OR_NOT = re.compile(f"({_PICTURE}(?:\u200d{_PICTURE})*|[#*0-9]\ufe0f\u20e3)|[{CHARACTERS}]")
HIDDEN = re.compile(f"[{CHARACTERS}]")


def replaced(text: str, name: Callable[[str], str]) -> str:
    """The text with what `name` says of each hidden character in its place."""
    if text.isascii() and text.isprintable():
        return text
    return _SEEN_OR_NOT.sub(lambda found: found[0] if found[1] else name(found[0]), text)


def visible(text: str) -> str:
    """The text with what cannot be seen, or turns what is seen, written out: its lines stay lines."""
    return replaced(text, lambda char: "␍" if char == "\r" else f"⟨U+{ord(char):04X}⟩")


def on_one_line(text: str) -> str:
    """The same of a path or a name: one that holds line breaks looks like no other lines."""
    return visible(text).replace("\n", "␊").replace("\t", "␉")
