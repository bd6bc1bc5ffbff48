"""What a provider wrote, without what looks like a credential: ours, parts of ours, and other people's. Pure."""

import re
from collections.abc import Iterable, Iterator

REMOVED = "[removed]"
READ_MAX_CHARS = 4_000  # of what a provider wrote: more is not looked at
PART_CHARS = 4  # so many characters in a row that stand in one of our secrets give away a part of it

_WORD = re.compile(r"""[^\s"'`<>(){}\[\],;]+""")
# What a key begins with is no secret, and words such as "project" begin with the same.
_PREFIX = re.compile(r"^(?:(?:Bearer|Basic)\s+)?(?:sk-(?:proj-|ant-|or-|svcacct-)?|gsk_|xai-|AIza|hf_)?")
_KEY = re.compile(r"(?:sk|pk|rk|gsk|xai|hf|secret|gh[opsu]|glpat|xox[abeprs])[-_][\w*.-]{6,}|AIza[\w*-]{6,}", re.ASCII)
_RANDOM = re.compile(r"(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{16,}")  # letters and digits, mixed
_NAMED = re.compile(
    r"(?i)\b((?:bearer|basic)\s+|(?:api[-_ ]?key|key|token|secret|password)[\"']?\s*[=:]\s*[\"']?)(\S*\d\S*)"
)


class Scrubber:
    """Knows the secrets of one provider as parts, from which none of them can be read."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._parts = frozenset(part for secret in secrets for part in _parts(_PREFIX.sub("", secret).casefold()))

    def __call__(self, text: str) -> str:
        """The text on one line, each word that holds something of a secret replaced."""
        line = " ".join(text[:READ_MAX_CHARS].split())
        named = _NAMED.sub(rf"\1{REMOVED}", line)
        return _WORD.sub(lambda word: REMOVED if self._is_secret(word[0]) else word[0], named).replace("\x00", "")

    def _is_secret(self, word: str) -> bool:
        if _KEY.search(word) or _RANDOM.search(word):
            return True
        return not self._parts.isdisjoint(_parts(word.casefold()))


def _parts(text: str) -> Iterator[str]:
    return (text[start : start + PART_CHARS] for start in range(len(text) - PART_CHARS + 1))
