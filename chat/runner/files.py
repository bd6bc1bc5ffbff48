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
_TAG = re.compile(r"[<\u2039\u3008\u27e8\u2329\u276e][\s/\\]*(file(?:-\d+)?)", re.IGNORECASE)
# Seen by a model's tokens at most: soft hyphens, joiners, fillers, marks of direction, variants, controls.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


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
    taken = {each.lower() for text in texts for each in _TAG.findall(_plain(text))}
    return next(each for each in names if each not in taken)


def _plain(text: str) -> str:
    """The text as it looks: full-width letters are letters, and nothing is between them that cannot be seen."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))


def _escaped(name: str) -> str:
    """A name that ends neither its quotes, its brackets nor its line."""
    escaped = html.escape(name).replace("[", "&#91;").replace("]", "&#93;")
    return "".join(f"&#{ord(each)};" if _is_unseen(each) else each for each in escaped)


def _is_unseen(letter: str) -> bool:
    return unicodedata.category(letter) in _BREAKS or unicodedata.bidirectional(letter) in _TURNS
