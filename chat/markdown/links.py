"""Where a link leads: a reader sees it, whatever the link's text says; what is no plain address is no link."""

import re
from collections.abc import Callable
from urllib.parse import unquote

from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

SHOWN_CHARS = 80  # of an address that is no link
# A scheme, a host that is just that, perhaps a port: no name in front of an @, no slash too few or too many.
_WEB = re.compile(r"(https?)://([a-z0-9_.-]*[a-z0-9]\.?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?=[/?#]|$)", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}  # that an address need not say
_MAIL = re.compile(r"mailto:([\w.+%-]+@[a-z0-9.-]+)(?=\?|$)", re.IGNORECASE | re.ASCII)
# Subject and text of a mail, with no line end that could begin a header.
_WORDS_OF_MAIL = re.compile(r"subject=(?!.*%0[ad])|body=", re.IGNORECASE)
# What turns the letters around it about, or cannot be seen.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u061c\u2028-\u202e\u2060-\u2069\ufeff]")
# A bare address ends at a space, at what cannot be in one, and where a sentence of a language without spaces goes on.
_ADDRESS = re.compile(
    "(?:https?://|www\\.)[^\\s<>\"'`|\\\\^{}\x00-\x20\x7f\u2018-\u201f\u2026\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3000-\u301f\uff01-\uff0e\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]{1,2000}",
    re.IGNORECASE,
)
_BARE_MAIL = re.compile(r"@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9.+_-]{1,64}$", re.IGNORECASE | re.ASCII)
# What no sentence has before one. Its own quotes and marks may stand before it, but not in the midst of code.
_IN_CODE = re.compile(r"""(?:[a-z0-9=/.@-]|[a-z0-9=/.@:,;{\[\\-]["'_]+|[a-z0-9]\(["'_]*)$""", re.IGNORECASE | re.ASCII)
_IN_CODE_CHARS = 8
_MAILTO = re.compile(r"(?<![a-z0-9])mailto:$", re.IGNORECASE)
_SCHEME = re.compile(r"https?$", re.IGNORECASE)
_LAST = "?!.,:;*_~'\")]"
_OPENING = {")": "(", "]": "["}


def place_of(address: str) -> str:
    """The host that an address leads to and its port if that is an odd one, or whom it writes to; empty: who knows."""
    if _UNSEEN.search(address) or "\\" in address:
        return ""
    if found := _WEB.match(address):
        return found[2].lower() + _port(found) if _is_name(found[2]) else ""
    found = _MAIL.match(address)
    return found[1] if found else ""


def _port(found: re.Match[str]) -> str:
    number = int(found[3] or 0)
    return f":{number}" if found[3] and number != _PORTS[found[1].lower()] else ""


def _is_name(host: str) -> bool:
    """Whether a host's name in another script is one: it may hide what nobody could see."""
    try:
        return "xn--" not in host.lower() or bool(host.encode("ascii").decode("idna"))
    except UnicodeError:
        return False


def honest(state: StateCore) -> None:
    """Each link says where it leads; pictures are links to them; what is no plain address is text."""
    for block in state.tokens:
        if block.children:
            block.children = _honest(block.children, state.md.normalizeLink)


def definitions(state: StateCore) -> None:
    """What is defined and used by nothing is a line of its own: the label, and the link. The others are not seen."""
    unused = state.env.get("unused", ())
    shown: list[Token] = []
    for token in state.tokens:
        if token.type != "definition":
            shown.append(token)
        elif (token.meta["id"], token.meta["url"]) in unused:
            shown += _line_of(token)
    state.tokens = shown


def _line_of(definition: Token) -> list[Token]:
    label, address, title = (str(definition.meta[each]) for each in ("label", "url", "title"))
    opening, line, closing = Token("paragraph_open", "p", 1), Token("inline", "", 0), Token("paragraph_close", "p", -1)
    opening.level, line.level, closing.level = definition.level, definition.level + 1, definition.level
    opening.block = line.block = closing.block = True
    link = Token("link_open", "a", 1, attrs={"href": address})
    words = _text(title or _short(address))
    line.children = [_text(f"[{label}]: "), link, words, Token("link_close", "a", -1)]
    return [opening, line, closing]


def _honest(tokens: list[Token], normal: Callable[[str], str]) -> list[Token]:
    shown: list[Token] = []
    start = -1  # of the open link in `shown`
    for token in tokens:
        if token.type == "image":
            shown += _picture(token, normal) if start < 0 else _said(token)
        elif token.type == "link_close" and start >= 0:
            shown[start:] = _link(shown[start], shown[start + 1 :], token, normal)
            start = -1
        else:
            start = len(shown) if token.type == "link_open" else start
            shown.append(token)
    return shown


def _said(picture: Token) -> list[Token]:
    """A picture's own words."""
    return [_text(picture.content)] if picture.content else []


def _picture(token: Token, normal: Callable[[str], str]) -> list[Token]:
    """A picture as a link: loading it would tell a stranger what was read."""
    address = str(token.attrGet("src") or "")
    opening = Token("link_open", "a", 1, attrs={"href": address})
    inner = _said(token) or [_text(_short(address))]
    return _link(opening, inner, Token("link_close", "a", -1), normal)


def _link(opening: Token, inner: list[Token], closing: Token, normal: Callable[[str], str]) -> list[Token]:
    """The tokens of a link, with the place behind it where its words do not say it."""
    address = _without_copies(str(opening.attrGet("href") or ""))
    place = place_of(address)
    for each in inner:
        each.content = _UNSEEN.sub("", each.content) if each.type == "text" else each.content
    said = "".join(each.content for each in inner)
    if not place:
        return [*inner, *([] if said.strip() == _short(address) else _behind(_short(address)))]
    opening.attrs = {"href": address}
    if not said.strip():
        inner = [*inner, _text(_short(address))]
        said = address
    return [opening, *inner, closing, *_behind(_unsaid(said, address, place, normal))]


def _unsaid(said: str, address: str, place: str, normal: Callable[[str], str]) -> str:
    """What its words leave open of an address: nothing, its place, or, where they are another one there, all of it."""
    said = said.strip()
    if said in (address, _short(address)):
        return ""
    if "@" in place:
        return "" if said.removeprefix("mailto:") == place else place
    host, path = _parts(address, normal)
    scheme = address.partition(":")[0]
    said_host, said_path = _parts(said if "://" in said else f"{scheme}://{said}", normal)
    if host != said_host:
        return host
    return "" if said_path in ("", path) else _short(address)


def _parts(address: str, normal: Callable[[str], str]) -> tuple[str, str]:
    """The host, with a port that is not its scheme's own, and what comes behind it; of no address, nothing."""
    found, place = _WEB.match(address), place_of(address)
    if found is None or not place:
        return "", ""
    return place, normal(f"http://x{address[found.end() :]}").removeprefix("http://x").rstrip("/")


def _without_copies(address: str) -> str:
    """A mail address without what would send the mail to others too: of what is set beforehand, the words stay."""
    mail = _MAIL.match(address)
    if mail is None:
        return address
    kept = [each for each in address[mail.end() + 1 :].split("&") if _WORDS_OF_MAIL.match(each)]
    return mail[0] + ("?" + "&".join(kept) if kept else "")


def _behind(place: str) -> list[Token]:
    opening = Token("span_open", "span", 1, attrs={"class": "host", "dir": "ltr"})
    return [opening, _text(f" ({place})"), Token("span_close", "span", -1)] if place else []


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _short(address: str) -> str:
    seen = _UNSEEN.sub("", unquote(address))
    return seen if len(seen) <= SHOWN_CHARS else f"{seen[:SHOWN_CHARS]}…"


# --- Bare addresses ---------------------------------------------------------------------------------------------------


def bare(state: StateInline, silent: bool) -> bool:
    """An address that stands in the text as it is: https://..., www..., somebody@some.place."""
    if silent or state.linkLevel:
        return False
    match state.src[state.pos]:
        case ":":
            before = _SCHEME.search(state.pending[-6:])
            return before is not None and _web(state, len(before[0]))
        case "w":
            return _web(state, 0)
        case "@":
            before = _NAME.search(state.pending[-64:])
            return before is not None and _mail(state, before[0])
    return False


def _web(state: StateInline, behind: int) -> bool:
    start = state.pos - behind
    if _IN_CODE.search(state.src[max(0, start - _IN_CODE_CHARS) : start]):
        return False
    found = _ADDRESS.match(state.src, start, state.posMax)
    said = _trimmed(found[0]) if found else ""
    address = state.md.normalizeLink(said if behind else f"http://{said}")
    if ("." not in said[4:] and "localhost" not in said) or not place_of(address):
        return False
    return _add(state, behind, address, said)


def _mail(state: StateInline, name: str) -> bool:
    found = _BARE_MAIL.match(state.src, state.pos, state.posMax)
    before = state.pending[: -len(name)]
    scheme = _MAILTO.search(before)
    if found is None or not name[0].isalnum() or (not scheme and before[-1:] in ("/", ":", "@")):
        return False
    said = (scheme[0] if scheme else "") + name
    return _add(state, len(said), f"mailto:{name}{found[0]}", said + found[0])


def _trimmed(address: str) -> str:
    """Without the punctuation of the sentence that it stands in."""
    while address and address[-1] in _LAST:
        opening = _OPENING.get(address[-1])
        if opening and address.count(opening) >= address.count(address[-1]):
            return address
        address = address[:-1]
    return address


def _add(state: StateInline, behind: int, address: str, said: str) -> bool:
    if behind:
        state.pending = state.pending[:-behind]
    state.push("link_open", "a", 1).attrs = {"href": address}
    state.push("text", "", 0).content = said
    state.push("link_close", "a", -1)
    state.pos += len(said) - behind
    return True
