"""The ids of tool calls on the wire: nine letters and digits, made from ours. Pure.

Mistral takes no others, in requests too (anomalyco/opencode#1680, langchain-ai/langchain#24668), and every other server
takes these (HKUDS/nanobot#1293). The same call has the same id in every request, so that caches of prompts hold.
"""

from hashlib import blake2b
from itertools import count

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 9


class CallIds:
    """The ids of one request: no two of its calls have the same, even where ours do."""

    def __init__(self) -> None:
        self._by_ours: dict[str, str] = {}
        self._used: set[str] = set()

    def begin(self, ours: str) -> str:
        """The wire's id of a call; results that follow have it too."""
        found = next(each for number in count() if (each := _short(f"{number}/{ours}")) not in self._used)
        self._used.add(found)
        self._by_ours[ours] = found
        return found

    def of(self, ours: str) -> str:
        """The wire's id of the last call of that id."""
        return self._by_ours.get(ours) or self.begin(ours)


def _short(text: str) -> str:
    value = int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
    letters = []
    for _ in range(LENGTH):
        value, rest = divmod(value, len(LETTERS))
        letters.append(LETTERS[rest])
    return "".join(letters)
