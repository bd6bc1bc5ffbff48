"""The text that databases index and the words that are asked of them: the same on both, so made here.

Words alone, with blanks between: databases differ in what they make of a dot or a slash within. Folded (NFKC, no case:
`straße` is `strasse`). A run of Chinese, Japanese or Korean characters, which are written without blanks, becomes its
overlapping pairs: a question of any two of them that stand together finds it.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from accounts.folding import folded

# What PostgreSQL can stem; all other languages are taken word by word.
CONFIGS = {
    **{"ar": "arabic", "hy": "armenian", "eu": "basque", "ca": "catalan", "da": "danish", "nl": "dutch"},
    **{"en": "english", "fi": "finnish", "fr": "french", "de": "german", "el": "greek", "hi": "hindi"},
    **{"hu": "hungarian", "id": "indonesian", "ga": "irish", "it": "italian", "lt": "lithuanian", "ne": "nepali"},
    **{"no": "norwegian", "nb": "norwegian", "nn": "norwegian", "pt": "portuguese", "ro": "romanian"},
    **{"ru": "russian", "sr": "serbian", "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish"},
    "yi": "yiddish",
}
SIMPLE = "simple"
_CJK = "\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CJK += "\uac00-\ud7af\U00020000-\U0003ffff"
_RUN = re.compile(f"[{_CJK}]+")
_WORD = re.compile(rf"[^\W_{_CJK}]+|[{_CJK}]+")
MOST_WORDS = 40  # of a question: more make it slower, and no better
MOST_WORD_CHARS = 100
MOST_CHARS = 4_000  # of a question that are looked at
# Of questions in English and German: they stand in every passage and say nothing about which one is meant.
STOP_WORDS = frozenset(Path(__file__).with_name("stop_words.txt").read_text(encoding="utf-8").split())


def searchable(text: str) -> str:
    """The text as databases index it."""
    return " ".join(_words(folded(text)))


def words_of(question: str) -> list[str]:
    """The words of a question, each once, folded as the index has them. Of nothing but stop words: those."""
    found = list(dict.fromkeys(_words(folded(question[:MOST_CHARS]))))
    telling = [each for each in found if each not in STOP_WORDS]
    return (telling or found)[:MOST_WORDS]


def fts5_query(words: Iterable[str], project: str) -> str:
    """Any of the words in passages of the project; each quoted: what is in it means nothing to FTS5."""
    any_of = " OR ".join('"' + each.replace('"', '""') + '"' for each in words)
    return f'search : ({any_of}) AND project_id : "{project}"'


def tsquery(words: Iterable[str]) -> str:
    """Any of the words, each quoted, for to_tsquery."""
    return " | ".join("'" + each.replace("\\", "\\\\").replace("'", "''") + "'" for each in words)


def config_of(language: str) -> str:
    """PostgreSQL's configuration for a language such as de or pt-BR."""
    return CONFIGS.get(language.partition("-")[0], SIMPLE)


def _words(text: str) -> Iterator[str]:
    for found in _WORD.findall(text):
        if _RUN.fullmatch(found):
            yield from _pairs(found)
        elif len(found) <= MOST_WORD_CHARS:
            yield found


def _pairs(run: str) -> list[str]:
    """The overlapping pairs; of one character alone, that."""
    return ["".join(each) for each in pairwise(run)] or [run]
