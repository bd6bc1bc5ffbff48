"""What a model reads of the files that came with a message: where each begins, ends, and what it is called. Pure."""

import html
import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

URL_SHOWN_CHARS = 200
# What would end a line or turn the order of reading: names that came another way than by a request may have them.
_BREAKS = {"Cc", "Zl", "Zp"}
_TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
# With whatever might stand between the bracket and the name: a model is no strict reader.
_TAG = re.compile(r"<[\s/\\]*(file(?:-\d+)?)", re.IGNORECASE)


def told(text: str, attachments: Sequence[dict[str, Any]]) -> str:
    """The message's text, and behind it each file between marks that neither the text nor any file has in it."""
    mark = _mark([text, *(str(each.get("content", "")) for each in attachments)])
    return "\n\n".join(filter(None, [text, *_files(attachments, mark)]))


def _files(attachments: Sequence[dict[str, Any]], mark: str) -> Iterator[str]:
    for each in attachments:
        if each.get("content"):
            yield f'<{mark} name="{_escaped(each.get("name", ""))}">\n{each["content"]}\n</{mark}>'
        elif each.get("unreadable"):
            yield f"[image: {_escaped(each.get('name') or 'without a name')}, which could not be read]"
        elif each.get("url") and each.get("type") != "image":
            yield f"[attached: {_escaped(each.get('name') or each['url'][:URL_SHOWN_CHARS])}]"


def _mark(texts: Sequence[str]) -> str:
    """`file`, or the first of `file-2`, `file-3` ... that stands in no tag of these texts.

    So no content can end its file early or begin another, and a message reads the same each time it is told.
    """
    names = itertools.chain(["file"], (f"file-{number}" for number in itertools.count(2)))
    taken = {each.lower() for text in texts for each in _TAG.findall(text)}
    return next(each for each in names if each not in taken)


def _escaped(name: str) -> str:
    """A name that ends neither its quotes, its brackets nor its line."""
    escaped = html.escape(name).replace("[", "&#91;").replace("]", "&#93;")
    return "".join(f"&#{ord(each)};" if _is_unseen(each) else each for each in escaped)


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _BREAKS or unicodedata.bidirectional(letter) in _TURNS
