"""Sources, and the marks in an answer that name them: `[1]`, `[2]` ... No Django.

What a tool with `cites` gives is `{"passages": [{"title", "text", ...}]}`. Each passage gets a number, the same where
it comes again, also in a subagent; the numbers go on from those that the conversation shows. Worked out from the
conversation and the log, so that a takeover counts on.
"""

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agents import events as ev
from agents.archetypes.base import Archetype
from agents.events import AnyEvent
from agents.messages import Message, ToolMessage

QUOTE_CHARS = 300  # these four bound each event
TITLE_CHARS = 300
PATH_CHARS = 500
URL_CHARS = 2_000
MOST = 9_999  # a mark has at most four digits
MOST_CITED = 500  # by one run, in all its turns, those that were taken back among them: each is an event and a part
_WHOLE = re.compile(r"`+|~{3,}|\n|\[[1-9]\d{0,3}\]")
_BEGUN = re.compile(r"(?:`+|~+|\[(?:[1-9]\d{0,3})?)\Z")  # at the end of a piece: the next one may go on with it
_TELLING = re.compile(r"[`~\n\[]")
_HEADINGS = re.compile(r"\A(?:#{1,6} [^\n]*\n+)+")
_MARKERS = " \t\r>*+-.)0123456789"  # of quotes and lists, which may stand before a fence


@dataclass(frozen=True)
class Source:
    """A passage that an answer may name, in the fields of `citation.added`."""

    n: int
    document: str = ""
    passage: int = 0
    title: str = ""
    path: str = ""
    page: int = 0
    url: str = ""
    quote: str = ""


@dataclass
class Sources:
    """All that a run may name, by number. Shared by its agents."""

    found: dict[int, Source] = field(default_factory=dict)
    numbers: dict[tuple[object, ...], int] = field(default_factory=dict)
    unknown: int = 0  # marks that name none: left as text
    cited: int = 0  # marks that the run's log tells of

    def numbered(self, result: Any) -> Any:
        """A tool's result with the number of each passage as its `n`; any other value as it is."""
        if not _has_passages(result):
            return result
        return {**result, "passages": [self._numbered(each) for each in result["passages"]]}

    def learn(self, result: Any) -> None:
        """Know the passages of a result that was numbered before."""
        if not _has_passages(result):
            return
        for each in result["passages"]:
            if isinstance(n := each.get("n"), int) and 0 < n <= MOST:
                self._keep(_source(n, each))

    def named(self, marks: list[tuple[int, int]]) -> list[tuple[Source, int]]:
        """Those that name a source, as many as the run may still tell of, which are counted; the others stay text."""
        known = [(self.found[n], at) for n, at in marks if n in self.found]
        self.unknown += len(marks) - len(known)
        told = known[: max(MOST_CITED - self.cited, 0)]
        self.cited += len(told)
        return told

    def _numbered(self, passage: dict[str, Any]) -> dict[str, Any]:
        source = _source(max(self.found, default=0) + 1, passage)
        n = self.numbers.get(_key(source))
        if n is None and source.n <= MOST:
            self._keep(source)
            n = source.n
        rest = {name: value for name, value in passage.items() if name != "n"}
        return {"n": n, **rest} if n is not None else rest

    def _keep(self, source: Source) -> None:
        self.found[source.n] = source
        self.numbers.setdefault(_key(source), source.n)


def known(archetype: Archetype, history: Iterable[Message], events: Iterable[AnyEvent]) -> Sources:
    """What a run may name, as far as its log has got: what its conversation shows, and what its tools have given."""
    sources, citing = Sources(), {tool.name for tool in archetype.tools if tool.cites}
    for message in history:
        if isinstance(message, ToolMessage) and message.name in citing and not message.is_error:
            sources.learn(_decoded(message.content))
    for event in events:
        if isinstance(event, ev.ToolReturned) and event.cites:
            sources.learn(event.result)
        sources.cited += isinstance(event, ev.CitationAdded)
    return sources


class Marks:
    """Finds the marks in a text that comes in pieces. What stands in code is none.

    Whether a lone backtick begins code is known only when another one, or the end of its paragraph, has come: until
    then the marks behind it are held back.
    """

    def __init__(self, sources: Sources, begins_at: int = 0) -> None:
        """`begins_at`: how many characters of the answer stand before this text."""
        self.sources = sources
        self._at = begins_at  # of the first character of the tail, or of the next piece
        self._tail = ""
        self._fence = ""  # that is open
        self._opening = ""  # a fence whose line is not over
        self._closing = False  # this line may close the fence
        self._code = 0  # backticks that have opened inline code
        self._held: list[tuple[int, int]] = []
        self._is_start = True  # of the line there are markers only
        self._is_blank = True

    def feed(self, piece: str) -> list[tuple[Source, int]]:
        """The marks that are whole with this piece: the source and where the mark begins."""
        if not self._tail and _TELLING.search(piece) is None:  # nearly always
            self._between(piece)
            self._at += len(piece)
            return []
        text = self._tail + piece
        begun = _BEGUN.search(text)
        return self._read(text, begun.start() if begun else len(text))

    def rest(self) -> list[tuple[Source, int]]:
        """Those that were held back, once no more comes."""
        return [*self._read(self._tail, len(self._tail)), *self._release()]

    def _read(self, text: str, end: int) -> list[tuple[Source, int]]:
        found: list[tuple[Source, int]] = []
        done = 0
        for token in _WHOLE.finditer(text, 0, end):
            self._between(text[done : token.start()])
            done = token.end()
            self._token(token[0], self._at + token.start(), found)
        self._between(text[done:end])
        self._at += end
        self._tail = text[end:]
        return found

    def _between(self, text: str) -> None:
        if self._is_blank and text.strip():
            self._is_blank = False
        if self._is_start and text.strip(_MARKERS):
            self._is_start = False
        if self._closing and text.strip():
            self._closing = False

    def _token(self, token: str, at: int, found: list[tuple[Source, int]]) -> None:
        if token == "\n":
            found += self._end_line()
            return
        if token[0] == "[":
            self._mark(int(token[1:-1]), at, found)
        elif self._fence:
            closes = self._is_start and token[0] == self._fence[0] and len(token) >= len(self._fence)
            self._closing = closes
        elif self._is_start and len(token) >= 3:
            found += self._release()  # a fence ends the paragraph before it
            self._opening = token
        elif token[0] == "`":
            self._backticks(len(token))
        self._is_start = self._is_blank = False

    def _backticks(self, count: int) -> None:
        if self._opening.startswith("`"):  # no fence: its line has another backtick
            self._code, self._opening = len(self._opening), ""
        if not self._code:
            self._code = count
        elif self._code == count:
            self._code = 0
            self._held.clear()

    def _mark(self, n: int, at: int, found: list[tuple[Source, int]]) -> None:
        if self._fence or self._opening:
            return
        if self._code:
            self._held.append((n, at))
        else:
            found += self.sources.named([(n, at)])

    def _end_line(self) -> list[tuple[Source, int]]:
        ended: list[tuple[Source, int]] = []
        if self._fence:
            self._fence = "" if self._closing else self._fence
        elif self._opening:
            self._fence, self._opening = self._opening, ""
        elif self._is_blank:
            ended = self._release()
        self._is_start = self._is_blank = True
        self._closing = False
        return ended

    def _release(self) -> list[tuple[Source, int]]:
        held, self._held, self._code = self._held, [], 0
        return self.sources.named(held)


def cited(source: Source, offset: int, *, at: float, run_id: str, turn: int) -> ev.CitationAdded:
    """The event that says that the answer names this source here."""
    id = uuid.uuid5(uuid.UUID(run_id), f"citation/{turn}/{offset}").hex[:24]
    return ev.CitationAdded(at=at, id=f"cite_{id}", offset=offset, **vars(source))


def _has_passages(result: Any) -> bool:
    passages = result.get("passages") if isinstance(result, dict) else None
    return isinstance(passages, list) and all(isinstance(each, dict) for each in passages)


def _source(n: int, passage: dict[str, Any]) -> Source:
    """What there is to say of a passage; a field that is not of its kind says nothing."""
    return Source(
        n=n,
        document=_text(passage, "document", TITLE_CHARS),
        passage=_number(passage, "id"),
        title=_text(passage, "title", TITLE_CHARS),
        path=_text(passage, "path", PATH_CHARS),
        page=_number(passage, "page"),
        url=_address(passage),
        quote=_quote(_text(passage, "text", QUOTE_CHARS * 4)),
    )


def _quote(text: str) -> str:
    """Its first words, behind the headings that it begins with: those are its path."""
    return " ".join((_HEADINGS.sub("", text) or text).split())[:QUOTE_CHARS]


def _text(passage: dict[str, Any], name: str, most: int) -> str:
    value = passage.get(name)
    return value[:most] if isinstance(value, str) else ""


def _address(passage: dict[str, Any]) -> str:
    """Of a web server: others, such as javascript:, would do something where they are shown as a link."""
    url = _text(passage, "url", URL_CHARS + 1)
    return url if url.lower().startswith(("https://", "http://")) and len(url) <= URL_CHARS else ""


def _number(passage: dict[str, Any], name: str) -> int:
    value = passage.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _key(source: Source) -> tuple[object, ...]:
    """What makes two passages one."""
    if source.document and source.passage:
        return source.document, source.passage
    return source.url, source.title, source.quote


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
