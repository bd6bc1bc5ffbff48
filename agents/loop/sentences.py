"""Where sentences end, in a text that comes in pieces. Pure; no Django.

An end is `.!?…`, and quotes, brackets or a source's mark behind it, followed by a blank and then by anything but a
lower-case letter; or `。！？`. No end is the full stop of an abbreviation, of a single letter, of the number of a list,
a heading or a step, or of a number before another one. In doubt the text goes on: one sentence more is better than half
a sentence.
"""

import re

CONTEXT = 40  # characters before a full stop that are looked at
HELD_MAX = 200  # blanks that are held back; before more of them nothing is looked at as an end
_ENDS = re.compile(
    r"""
    (?P<said>(?<![.!?…])(?P<dots>[.!?…]+)(?:["'”’“‘»›)\]}*_~`]|[ ]?\[\d{1,4}\])*)
    \s+(?=[^\s[]|\[(?!\d{0,4}\Z|\d{1,4}\]))
    | (?P<wide>(?<![。！？])[。！？]+["'”’」』）】》〉)]*)(?=[^。！？"'”’」』）】》〉)])
    """,
    re.VERBOSE,
)
_MARK_BEGUN = re.compile(r"\[\d{0,4}\Z")
_WORD = re.compile(r"[^\W_]*\Z")
_OF_LIST = re.compile(  # at the beginning of a line, behind what Markdown may have there: "**1", "## 1", "Step 1"
    r"\n[ \t>#*_+-]{0,20}(?:(?:step|schritt|part|teil|phase|no|nr|fig|figure|abb)\.?[ ])?\d{1,4}\Z", re.IGNORECASE
)
_GERMAN_DAY = re.compile(r"(?:(?<!I )\bam|\b(?:vom|zum|den|dem|bis|ab|seit))\s\d{1,2}\Z", re.IGNORECASE)
_SHORT = (
    "mr mrs ms mx dr prof rev hon gen col maj capt lt sgt sen rep gov pres st mt jr sr vs approx ca al"
    " hr fr frl dipl ing univ bzw evtl ggf inkl exkl vgl geb gest sog mio mrd tel str"
    " mme mlle sra dra"
)
_OF_NUMBERS = (
    "no nos nr fig figs vol vols ch sec eq pp art abs abb kap bd"
    " jan feb mar apr jun jul aug sep sept oct okt nov dec dez"
)
SHORT = frozenset(_SHORT.split())  # whatever follows
BEFORE_NUMBERS = frozenset(_OF_NUMBERS.split())  # where a digit follows; else it is a word as any other: "No."


class Sentences:
    """Lets so many sentences of a text through, and the blanks behind each only when the text goes on."""

    def __init__(self, most: int) -> None:
        """`most`: at least 1."""
        self.left = most
        self._tail = "\n"  # the newest of what was shown, with what is held back behind it
        self._shown = 1  # how much of that was shown
        self._read = 1  # and how much needs no second look

    def feed(self, piece: str) -> str:
        """What may be shown now. Once `left` is 0 this was the last of it."""
        text = self._tail + piece
        for found in _ENDS.finditer(text, self._read):
            self._read = found.end()
            self.left -= _is_end(text, found)
            if not self.left:
                return text[self._shown : max(found.end("said"), found.end("wide"))]
        return self._go_on(text)

    def rest(self) -> str:
        """What was held back, once no more comes."""
        return self._tail[self._shown :]

    def _go_on(self, text: str) -> str:
        visible = max(_visible(text), self._shown)
        told, kept = text[self._shown : visible], max(visible - CONTEXT, 0)
        self._tail, self._shown, self._read = text[kept:], visible - kept, max(self._read - kept, 0)
        return told


def _visible(text: str) -> int:
    """Up to where it can be shown: not the blanks at its end, nor a mark that begins behind them."""
    begun = _MARK_BEGUN.search(text, max(len(text) - 5, 0))
    end = begun.start() if begun else len(text)
    bare = len(text[:end].rstrip())
    return bare if bare < end <= bare + HELD_MAX else len(text)


def _is_end(text: str, found: re.Match[str]) -> bool:
    if found["dots"] is None:
        return True
    following = text[found.end()]
    if following.islower():
        return False
    return found["dots"] != "." or not _is_short(text[max(found.start() - CONTEXT, 0) : found.start()], following)


def _is_short(before: str, following: str) -> bool:
    """Whether the full stop behind this says that a word is short, or a number one of several."""
    match = _WORD.search(before)
    word = match[0].lower() if match else ""
    if following.isdigit() and (word.isdigit() or word in BEFORE_NUMBERS):
        return True
    is_letter = len(word) == 1 and word.isalpha()
    return is_letter or word in SHORT or any(each.search(before) for each in (_OF_LIST, _GERMAN_DAY))
