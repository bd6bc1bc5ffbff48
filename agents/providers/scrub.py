"""What a provider wrote, without what looks like a credential: ours, parts of ours, and other people's. Pure."""

import re
from collections.abc import Iterable, Iterator

from tools.credentials import BY_FORM, BY_NAME, HEADERS, without

REMOVED = "[removed]"
_GONE = "\x00"  # stands for it until all is looked at, as no pattern takes it for more than one character
READ_MAX_CHARS = 4_000  # of what a provider wrote: more is not looked at
PART_CHARS = 4  # so many characters in a row that stand in one of our secrets give away a part of it

_WORD = re.compile(r"""[^\s"'`<>(){}\[\],;]+""")
# What a key begins with is no secret, and words such as "project" begin with the same.
_PREFIX = re.compile(r"^(?:(?:Bearer|Basic)\s+)?(?:sk-(?:proj-|ant-|or-|svcacct-)?|gsk_|xai-|AIza|hf_)?")
_KEY = re.compile(
    r"(?:sk|pk|rk|gsk|xai|hf|secret|gh[opsu]|glpat|xox[abeprs])(?:[-_]|%2[Dd]|%5[Ff])[\w*.%-]{6,}|AIza[\w*-]{6,}",
    re.ASCII,
)
_RANDOM = re.compile(r"(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{16,}")  # letters and digits, mixed
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NAMED = re.compile(r"(?i)\b((?:api[-_ ]?)?key[\"']?\s*[=:]\s*[\"']?)(\S*\d\S*)")
_HEADER = re.compile(rf"(?i)\b((?:{'|'.join(HEADERS)})\s*[=:]\s*(?:(?:bearer|basic|token)\s+)?)([^\s\"']+)")
# A word behind one that says what it is: "Invalid token abcdefgh", "API key provided: abcdefgh".
_BEHIND = re.compile(
    r"(?i)\b((?:key|token|secret|password|credential)s?\W{1,3}(?:(?:provided|used|sent|is|was|of)\W{1,3})?)([\w+/=-]{8,})"
)
_PLAIN = re.compile(r"[A-Z]?[a-z]+(?:[A-Z][a-z]{2,})*|[A-Z]+")  # a word, or several as JSON has them: maxTokens
WORD_MAX_CHARS = 15  # a longer one behind "key" is no word of a sentence


class Scrubber:
    """Knows the secrets of one provider as parts, from which none of them can be read."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._parts = frozenset(part for secret in secrets for part in _parts(_PREFIX.sub("", secret).casefold()))

    def __call__(self, text: str) -> str:
        """The text on one line, each word that holds something of a secret replaced."""
        line = " ".join(text[:READ_MAX_CHARS].replace(_GONE, "").split())
        for pattern in (_HEADER, _NAMED):
            line = pattern.sub(rf"\1{_GONE}", line)
        line = _WORD.sub(lambda word: _GONE if self._is_secret(word[0]) else word[0], line)
        line = without(line, (BY_NAME, *BY_FORM), _GONE)
        line = _BEHIND.sub(lambda found: found[1] + (_GONE if _is_made(found[2]) else found[2]), line)
        return line.replace(_GONE, REMOVED)

    def _is_secret(self, word: str) -> bool:
        if any(form.search(word) for form in (_KEY, _RANDOM, _UUID)):
            return True
        return not self._parts.isdisjoint(_parts(word.casefold()))


def _is_made(word: str) -> bool:
    """Whether a word that stands behind "key" is one: long letters, no word of a language, or letters and digits."""
    if not word.isalpha():
        return any(each.isdigit() for each in word) and any(each.isalpha() for each in word)
    longest = max(len(each) for each in re.findall("[A-Z]?[a-z]+|[A-Z]+", word)) if word.isascii() else 0
    return longest > WORD_MAX_CHARS or (word.isascii() and not _PLAIN.fullmatch(word))


def _parts(text: str) -> Iterator[str]:
    return (text[start : start + PART_CHARS] for start in range(len(text) - PART_CHARS + 1))
