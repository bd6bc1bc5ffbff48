"""CSS: what no browser reads, in strings, comments, brackets and declarations.

Selectors, queries and values are left to browsers: they get new forms each year, which older grammars take for errors.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

# What is read as one: no bracket in it counts. `cut` is what begins and has no end.
TOKEN = re.compile(
    rb"""(?P<comment>/\*.*?\*/|<!--|-->)|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    rb"""|(?P<url>url\(\s*(?:\\.|[^\s)\\"'(])(?:\\.|[^)\\"'(])*\))|(?P<escape>\\.)"""
    rb"""|(?P<open>[{(\[])|(?P<close>[})\]])|(?P<end>;)|(?P<cut>/\*|["'])|(?P<other>[^\\/"'{}()\[\];uU<-]+|.)""",
    re.DOTALL | re.IGNORECASE,
)
PAIRS = {b"}": b"{", b")": b"(", b"]": b"["}
DECLARATION = re.compile(rb"--[^:\s]*\s*:|[^:\s]+\s*:\s*[^:\s]")
CUT = {b"/*": "the comment has no end", b'"': "the string has no end", b"'": "the string has no end"}
SHOWN_CHARS = 60


@dataclass(frozen=True)
class Fault:
    """What is wrong, and where: a byte of the source."""

    at: int
    what: str


def faults_of(source: bytes) -> Iterator[Fault]:
    """What is wrong with the style sheet, from its start to where nobody can tell any more what belongs to what."""
    return _Reader().read(source)


class _Bracket(NamedTuple):
    text: bytes
    at: int
    is_rule: bool  # the braces of a rule, and not a piece of a value or of a query


class _Reader:
    """Goes through the tokens once, and keeps the statement that it is in."""

    def __init__(self) -> None:
        self.brackets: list[_Bracket] = []
        self.said = bytearray()  # of the statement, without comments
        self.begun = 0  # where it begins

    def read(self, source: bytes) -> Iterator[Fault]:
        for found in TOKEN.finditer(source):
            kind, text, at = found.lastgroup, found[0], found.start()
            if kind == "cut" or (kind == "close" and not self._fits(text)):
                yield Fault(at, CUT.get(text) or f"this was not expected: `{text.decode()}`")
                return
            if kind == "open":
                yield from self._opened(text, at)
            elif kind == "close":
                yield from self._closed(text, at)
            elif kind == "end" and self._is_among_statements():
                yield from self._over()
            elif kind != "comment":
                self._say(text, at)
        if self.brackets:
            last = self.brackets[-1]
            yield Fault(last.at, f"this `{last.text.decode()}` is not closed")
        else:
            yield from self._over()

    def _fits(self, closing: bytes) -> bool:
        return bool(self.brackets) and self.brackets[-1].text == PAIRS[closing]

    def _is_among_statements(self) -> bool:
        return not self.brackets or self.brackets[-1].is_rule

    def _say(self, text: bytes, at: int) -> None:
        if not self.said:
            text, blank = text.lstrip(), len(text) - len(text.lstrip())
            self.begun = at + blank
        self.said += text

    def _opened(self, text: bytes, at: int) -> Iterator[Fault]:
        is_rule = text == b"{" and self._is_among_statements() and not self._is_custom_property()
        self.brackets.append(_Bracket(text, at, is_rule))
        if not is_rule:
            self._say(text, at)
            return
        if not self.said:
            yield Fault(at, "this was not expected: `{`")
        self.said.clear()

    def _is_custom_property(self) -> bool:
        """Whether the statement is one, whose value may have braces."""
        return self.said.startswith(b"--") and b":" in self.said

    def _closed(self, text: bytes, at: int) -> Iterator[Fault]:
        if self.brackets[-1].is_rule:
            yield from self._over()
            self.brackets.pop()
        else:
            self.brackets.pop()
            self._say(text, at)

    def _over(self) -> Iterator[Fault]:
        """The statement has ended: one that begins with @, or a declaration in a rule."""
        said = bytes(self.said)
        self.said.clear()
        is_right = said.startswith(b"@") or (self.brackets and DECLARATION.match(said))
        if said and not is_right:
            what = "a declaration" if self.brackets else "a rule"
            yield Fault(self.begun, f"this is not {what}: `{_shown(said)}`")


def _shown(said: bytes) -> str:
    line = said.decode(errors="replace").strip().split("\n")[0]
    return line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}…"
