"""Markdown of people and models to HTML that is safe on our own pages. The one place that makes HTML from their text.

Two walls: the renderer knows no raw HTML and no images (an image's address would tell a stranger what was read), and
nh3 passes only the tags, attributes, classes and addresses named here, whatever the renderer made. Whatever is written
is shown: what cannot be rendered, or would take too long, as it was written.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from typing import Any, NamedTuple

import nh3
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.markdown import budget, grammar, highlight, tex
from chat.markdown.kept import Kept
from chat.markdown.links import place_of

log = logging.getLogger(__name__)

MATH_TAGS = frozenset(
    (
        *("math", "semantics", "annotation", "mi", "mo", "mn", "ms", "mtext", "mspace", "mrow", "mfrac", "msqrt"),
        *("mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts"),
        *("mtable", "mtr", "mtd", "mstyle", "mpadded", "mphantom", "menclose"),
    )
)
MATH_ATTRIBUTES = {
    *("display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "form", "lspace", "rspace", "accent"),
    *("accentunder", "linethickness", "width", "height", "depth", "minsize", "maxsize", "symmetric", "largeop"),
    *("movablelimits", "separator", "fence", "notation", "columnspan", "rowspan"),
}
TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "hr", "br"),
    *("em", "strong", "s", "code", "pre", "a", "span", "div", "sup"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *MATH_TAGS,
}
ATTRIBUTES = {
    **{each: {"dir"} for each in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "blockquote", "table", "div")},
    **{"code": {"dir"}, "span": {"dir"}, "a": {"href"}, "ol": {"start", "dir"}, "pre": {"dir", "data-language"}},
    **dict.fromkeys(MATH_TAGS, MATH_ATTRIBUTES),
    "annotation": {"encoding"},
}
ALIGNED = {"left", "center", "right"}
CLASSES = {
    **{"span": {"host", "math", *highlight.CLASSES}, "div": {"wide", "footnote", "formula"}, "li": {"task"}},
    **{"pre": {"unformatted", "failed"}, "th": ALIGNED, "td": ALIGNED, "mtd": {"left", "right"}},
}
SCHEMES = {"http", "https", "mailto"}
LANGUAGE_CHARS = 40
# Each bracket that may begin a link is looked for an end of: so many, times the text's length, take half a second.
BRACKETS = 10_000_000
FAILURES = 100  # kinds of failure that are told of

Address = tuple[str, str]  # a label, and where it leads
# What a piece of a text knows of the whole: addresses, footnotes, and those of its definitions that nothing uses.
Known = tuple[tuple[Address, ...], tuple[str, ...], tuple[Address, ...]]
NOTHING: Known = ((), (), ())
_LABEL = re.compile(r"\[((?:[^\[\]\\]|\\.){1,999})\]", re.DOTALL)
_told: set[str] = set()


class Piece(NamedTuple):
    """A rendered piece of a text, the labels that its links use, and what it defines."""

    html: str
    uses: frozenset[str] = frozenset()
    defines: tuple[Address, ...] = ()

    @property
    def chars(self) -> int:
        """What it takes in memory, about."""
        names = [*self.uses, *(part for each in self.defines for part in each)]
        return len(self.html) + sum(len(each) for each in names)

    def left(self, unused: set[Address]) -> tuple[Address, ...]:
        """Those of its definitions that are in these."""
        return tuple(dict.fromkeys(each for each in self.defines if each in unused))


def render(text: str, known: Known = NOTHING) -> SafeString:
    """The HTML of a Markdown text; `known` are the definitions, of the whole that it is a piece of, that it uses."""
    whole = piece(text, known)
    left = unused([whole], dict(reversed(whole.defines)))
    return mark_safe(piece(text, (*known[:2], whole.left(left))).html)


def piece(text: str, known: Known = NOTHING) -> Piece:
    """The text rendered. The same text is rendered once: every reader of an answer asks for the same blocks."""
    return _kept().get((text, known), lambda: _shown(text, known), budget.is_left)


@cache
def _kept() -> Kept[Piece]:
    """What this process keeps of single blocks: as much as of whole texts."""
    return Kept(settings.RENDER_KEPT_CHARS // 2, lambda piece: 2 * piece.chars)  # it holds what was rendered, too


def unformatted(text: str, *, has_failed: bool = False) -> SafeString:
    """The text as it was written; the page says why: it is too long, or that has failed."""
    names = "unformatted failed" if has_failed else "unformatted"
    return mark_safe(f'<pre class="{names}" dir="auto">{escape(text, quote=False)}</pre>\n' if text.strip() else "")


def used(text: str, addresses: Mapping[str, str], notes: Mapping[str, None]) -> Known:
    """Those of a whole text's definitions that this piece of it may use."""
    if "[" not in text or not (addresses or notes):
        return NOTHING
    found = dict.fromkeys(match[1] for match in _LABEL.finditer(text))
    labels = dict.fromkeys(normalizeReference(each) for each in found)
    return (
        tuple((each, addresses[each]) for each in labels if each in addresses),
        tuple(each[1:] for each in found if each[0] == "^" and each[1:] in notes),
        (),
    )


def unused(pieces: Sequence[Piece], addresses: Mapping[str, str]) -> set[Address]:
    """The definitions of a whole text's pieces that no link leads by; of a label's second one, none does."""
    uses = frozenset[str]().union(*(each.uses for each in pieces))
    return {
        (label, to) for each in pieces for label, to in each.defines if label not in uses or addresses.get(label) != to
    }


def tell(error: Exception, what: str) -> None:
    """Log a failure, each kind of it once."""
    at = error.__traceback__
    while at and at.tb_next:
        at = at.tb_next
    kind = f"{what} {type(error).__name__} {at and at.tb_frame.f_code.co_qualname} {at and at.tb_lineno}"
    if kind not in _told and len(_told) < FAILURES:
        _told.add(kind)
        log.error("Markdown is shown as it was written: %s failed", what, exc_info=error)


def _shown(text: str, known: Known) -> Piece:
    try:
        return Piece(unformatted(text)) if text.count("[") * len(text) > BRACKETS else _rendered(text, known)
    except Exception as error:  # whatever a model wrote
        tell(error, "rendering")
        return Piece(unformatted(text, has_failed=True))


def _rendered(text: str, known: Known) -> Piece:
    references = {label: {"href": href, "title": "", "map": [0, 0]} for label, href in known[0]}
    notes = {"refs": {f":{each}": -1 for each in known[1]}, "list": {}}
    env: dict[str, Any] = {"references": references, "footnotes": notes, "unused": frozenset(known[2])}
    markdown = _markdown()
    tokens = markdown.parse(text, env)
    if grammar.depth_of(tokens) >= grammar.DEPTH - 1:
        return Piece(unformatted(text, has_failed=True))
    html = _cleaner().clean(str(markdown.renderer.render(tokens, markdown.options, env)))
    return Piece(html, env["uses"], env["defines"])


@cache
def _cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        attribute_filter=_only_whole_addresses,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _only_whole_addresses(tag: str, name: str, value: str) -> str | None:
    """An address names its scheme and its host: `//host` would take ours, and a path would lead into our own pages."""
    return None if name == "href" and not place_of(value) else value


# --- Elements of our own ----------------------------------------------------------------------------------------------


@cache
def _markdown() -> MarkdownIt:
    markdown = grammar.markdown()
    rules: dict[str, Any] = {
        **{"fence": _fence, "code_block": _code, "math": _math, "math_block": _math_block},
        **{"table_open": _table_open, "table_close": _table_close},
        **{"footnote_ref": _note, "footnote_reference_open": _note_open, "footnote_reference_close": _note_close},
    }
    for name, rule in rules.items():
        markdown.add_render_rule(name, rule)
    return markdown


def _fence(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Code with its language, as the fence says it; a formula where that says so."""
    token = tokens[index]
    language = language_of(token.info)
    if language.lower() == "math" and (made := tex.mathml(token.content, is_block=True)):
        return _formula(made)
    name = f' data-language="{escape(language)}"' if language else ""
    return f'<pre dir="ltr"{name}><code>{highlight.highlight(token.content, language)}</code></pre>\n'


def language_of(info: str) -> str:
    """A fence's first word, without the braces and dots that some put around it."""
    words = info.strip().strip("{}").split(maxsplit=1)
    return words[0].lstrip(".").split("{")[0][:LANGUAGE_CHARS] if words else ""


def _code(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f'<pre dir="ltr"><code>{escape(tokens[index].content, quote=False)}</code></pre>\n'


def _math(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    return tex.shown(token.content, token.markup, is_block=token.markup in ("$$", "\\["))


def _math_block(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return _formula(tex.shown(tokens[index].content, tokens[index].markup, is_block=True))


def _formula(html: str) -> str:
    return f'<div class="formula">{html}</div>\n'


def _note(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return f"<sup>{escape(tokens[index].meta['label'])}</sup>"


def _note_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """A footnote stands where it was written."""
    token = tokens[index]
    return f'<div class="footnote"{renderer.renderAttrs(token)}><sup>{escape(token.meta["label"])}</sup>\n'


def _note_close(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    return "</div>\n"


def _table_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Wide tables scroll in a box of their own, so that the page never does."""
    return f'<div class="wide"><table{renderer.renderAttrs(tokens[index])}>\n'


def _table_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"
