"""What a model reads of the files that came with a message: texts, where each begins, ends, and what it is called; and
those that it is given whole. Pure.
"""

import html
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from agents import media
from agents.messages import File, Image
from tools.hidden import HIDDEN

URL_SHOWN_CHARS = 200
# What would end a line or turn the order of reading: names that came another way than by a request may have them.
_BREAKS = {"Cc", "Zl", "Zp"}
_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
# With whatever might stand between the bracket and the name: a model is no strict reader.
_TAG = re.compile(r"[<\u2039\u3008\u27e8\u2329\u276e][\s/\\]*(file(?:-\d+)?)", re.IGNORECASE)


def image(attachment: dict[str, Any], origin: str = "") -> Image | None:
    """An image as a model is given it; None for anything else, and for what no model could read."""
    is_here = str(attachment.get("url", "")).startswith("data:")  # no server is ever sent an address
    if attachment.get("type") != "image" or not is_here or attachment.get("unreadable"):
        return None
    return Image(attachment["url"], attachment.get("name", ""), origin, _instead(attachment))


def whole(attachment: dict[str, Any], origin: str = "", mark: str = "file") -> File | None:
    """A PDF or a sound as a model is given it; None for anything else, and for what no model could read.

    `mark`: `mark_of` its message, for its text in its place.
    """
    url = str(attachment.get("url", ""))
    media_type = url[:URL_SHOWN_CHARS].removeprefix("data:").partition(";")[0]
    if attachment.get("unreadable") or media_type not in media.TAKEN:
        return None
    text = str(attachment.get("text", ""))
    instead = _marked(attachment, text, mark) if text else ""
    return File(url, media_type, str(attachment.get("name", "")), origin, instead)


def given(attachments: Sequence[dict[str, Any]], message: UUID) -> tuple[tuple[Image, ...], tuple[str, ...]]:
    """The images among the files of a tool's result, and a line on each of the others; each is known by its id."""
    images = (image(each, f"{message}/{each.get('id', '')}") for each in attachments)
    return tuple(each for each in images if each is not None), tuple(_files(attachments, "file"))


def unseen_by(attachment: dict[str, Any]) -> list[str]:
    """The models that were not shown it, as far as is known: what came in an imported chat may say anything."""
    named = attachment.get("unseen")
    return [each for each in named if isinstance(each, str)] if isinstance(named, list) else []


def told(text: str, attachments: Sequence[dict[str, Any]]) -> str:
    """The message's text, and behind it each file between marks that neither the text nor any file has in it."""
    return "\n\n".join(filter(None, [text, *_files(attachments, mark_of(text, attachments))]))


def mark_of(text: str, attachments: Sequence[dict[str, Any]]) -> str:
    """What each file of the message stands between."""
    texts = (str(each.get(name, "")) for each in attachments for name in ("content", "text"))
    return _mark([text, *texts])


def _files(attachments: Sequence[dict[str, Any]], mark: str) -> Iterator[str]:
    for each in attachments:
        if each.get("content"):
            yield _marked(each, each["content"], mark)
        elif each.get("told"):
            yield _instead({**each, "instead": each["told"]})
        elif each.get("unreadable"):
            name, why = _escaped(each.get("name") or "without a name"), _escaped(str(each.get("why") or ""))
            yield f"[{each.get('type')}: {name}, which could not be read{why and ': '}{why}]"
        elif each.get("url") and each.get("type") != "image" and whole(each) is None:
            yield f"[attached: {_escaped(each.get('name') or each['url'][:URL_SHOWN_CHARS])}]"


def _marked(attachment: dict[str, Any], text: str, mark: str) -> str:
    return f'<{mark} name="{_escaped(attachment.get("name", ""))}">\n{text}\n</{mark}>'


def _instead(attachment: dict[str, Any]) -> str:
    """A line in the place of it: what it is, what it is called, and what is said of it; empty where that is nothing."""
    said = attachment.get("instead")
    return f"[{attachment.get('type')}: {_escaped(attachment.get('name') or 'without a name')}, {said}]" if said else ""


def _mark(texts: Sequence[str]) -> str:
    """`file`, or the first of `file-2`, `file-3` ... that stands in no tag of these texts.

    So no content can end its file early or begin another, and a message reads the same each time it is told.
    """
    names = itertools.chain(["file"], (f"file-{number}" for number in itertools.count(2)))
    taken = {each.lower() for text in texts for each in _TAG.findall(_plain(text))}
    return next(each for each in names if each not in taken)


def _plain(text: str) -> str:
    """The text as it looks: full-width letters are letters, and nothing is between them that cannot be seen."""
    return HIDDEN.sub("", unicodedata.normalize("NFKC", text))


def _escaped(name: str) -> str:
    """A name that ends neither its quotes, its brackets nor its line."""
    escaped = html.escape(name).replace("[", "&#91;").replace("]", "&#93;")
    return "".join(f"&#{ord(each)};" if _is_unseen(each) else each for each in escaped)


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _BREAKS or unicodedata.bidirectional(letter) in _TURNS
