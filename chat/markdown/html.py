"""Markdown of people and models to HTML that is safe on our own pages. The one place that makes HTML from their text.

Two walls: the renderer knows no raw HTML and no images (an image's address would tell a stranger what was read), and
nh3 passes only the tags, attributes, classes and addresses named here, whatever the renderer made.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from chat.markdown import highlight

TAGS = {
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "hr", "br"),
    *("em", "strong", "s", "code", "pre", "a", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
CLASSES = {"span": {"host", *highlight.CLASSES}, "div": {"wide"}}
SCHEMES = {"http", "https", "mailto"}
SHORT_CHARS = 4000  # texts up to here are kept rendered by the hundred, longer ones by the dozen

References = Mapping[str, Mapping[str, Any]]  # a Markdown text's link definitions, as markdown-it keeps them


def render(text: str, references: References | None = None) -> SafeString:
    """The HTML of a Markdown text; `references` are the link definitions of the whole that it is a piece of.

    The same text is rendered once: every reader of an answer asks for the same blocks.
    """
    known = tuple((label, each["href"], each["title"]) for label, each in (references or {}).items())
    render = _render_short if len(text) <= SHORT_CHARS else _render_long
    return render(text, known if "[" in text else ())


def ends_of_blocks(text: str, references: dict[str, Any]) -> list[int]:
    """The number of the line behind each block of a text; link definitions in it are added to `references`."""
    env: dict[str, Any] = {"references": references}
    tokens = _outline().parse(text, env)
    return [each.map[1] for each in tokens if each.map and each.level == 0 and each.nesting >= 0]


Known = tuple[tuple[str, str, str], ...]


@lru_cache(maxsize=1024)
def _render_short(text: str, known: Known) -> SafeString:
    return _rendered(text, known)


@lru_cache(maxsize=32)
def _render_long(text: str, known: Known) -> SafeString:
    return _rendered(text, known)


def _rendered(text: str, known: Known) -> SafeString:
    references = {label: {"href": href, "title": title, "map": [0, 0]} for label, href, title in known}
    html = _markdown().render(text, {"references": references})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        attribute_filter=_only_whole_addresses,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return mark_safe(clean)


def _only_whole_addresses(tag: str, name: str, value: str) -> str | None:
    """An address names its scheme: `//host` would take ours, and a path would lead into our own pages."""
    return None if name == "href" and urlsplit(value).scheme not in SCHEMES else value


@cache
def _markdown() -> MarkdownIt:
    options = {"html": False, "highlight": highlight.highlight}
    markdown = MarkdownIt("commonmark", options).enable(["table", "strikethrough"]).disable("image")
    markdown.core.ruler.push("hosts", _show_hosts)
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", _table_close)
    return markdown


@cache
def _outline() -> MarkdownIt:
    """Finds blocks alone: what is in them is not looked at."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("inline")


def _show_hosts(state: StateCore) -> None:
    """Behind each link whose text does not say it, where it leads."""
    for block in state.tokens:
        if block.children:
            block.children = _with_hosts(block.children)


def _with_hosts(tokens: list[Token]) -> list[Token]:
    shown: list[Token] = []
    start = 0
    for token in tokens:
        shown.append(token)
        if token.type == "link_open":
            start = len(shown)
        if token.type == "link_close":
            said = "".join(each.content for each in shown[start:])
            shown += _host_of(shown[start - 1], said)
    return shown


def _host_of(link: Token, said: str) -> list[Token]:
    host = urlsplit(str(link.attrGet("href") or "")).hostname or ""
    if not host or host in said:
        return []
    text = Token("text", "", 0, content=f" ({host})")
    return [Token("span_open", "span", 1, attrs={"class": "host"}), text, Token("span_close", "span", -1)]


def _table_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Wide tables scroll in a box of their own, so that the page never does."""
    return '<div class="wide"><table>\n'


def _table_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return "</table></div>\n"
