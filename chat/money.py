"""Money as it is said, a text such as "12.50", and as it is counted, in billionths. Pure."""

import re

PLACES = 9
MOST = 2**62  # billionths: what a column takes, with room to add
TEXT = re.compile(r"(\d{1,10})(?:\.(\d{1,9}))?", re.ASCII)
EXPECTED = 'Expected an amount as a text, such as "12.50", of at most 9 decimal places.'


def text_of(nanos: int) -> str:
    """Such as 12.500000000."""
    whole, rest = divmod(abs(nanos), 10**PLACES)
    return f"{'-' * (nanos < 0)}{whole}.{rest:0{PLACES}}"


def nanos_in(value: object) -> int | None:
    """What a text or a whole number says; None where it is no amount. No float: it would not be what was written."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    found = TEXT.fullmatch(str(value))
    nanos = int(found[1]) * 10**PLACES + int((found[2] or "").ljust(PLACES, "0")) if found else MOST + 1
    return nanos if nanos <= MOST else None
