"""A credential taken out of what an API says, in whatever form of text it comes back. No Django."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

HIDDEN = "[credential]"
MOST_BACKSLASHES = 16  # at one place
ENTITIES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
QUOTED = rf"\\{{0,{MOST_BACKSLASHES}}}"

Mask = Callable[[Any], Any]


def mask_of(credential: str) -> Mask:
    """Gives a text, or a value of JSON with all its texts and names, without the credential. Raises RecursionError."""
    found = re.compile(_pattern(credential)) if credential else None

    def masked(value: Any) -> Any:
        match value:
            case _ if found is None:
                return value
            case str():
                return found.sub(HIDDEN, value)
            case dict():
                return {masked(name): masked(each) for name, each in value.items()}
            case list():
                return [masked(each) for each in value]
            case bool() | None:
                return value
            case _:
                return HIDDEN if str(value) == credential else value

    return masked


def _pattern(credential: str) -> str:
    found = "".join(map(_sign, re.findall(r"\\+|[^\\]", credential)))
    return found.removeprefix(QUOTED)  # before it a backslash may stay, and costs no search


@lru_cache(512)
def _sign(sign: str) -> str:
    r"""One sign as it is, or as JSON, HTML or addresses may write it: `/` is `\/`, `\u002f`, `&#47;` and `%2F` too.

    Backslashes, which are doubled with each quoting, are taken in runs and bounded: a text of nothing else must not
    take for ever.
    """
    if sign.isascii() and sign.isalnum():
        return sign
    code = ord(sign[0])
    forms = [
        re.escape(sign[0]),
        rf"(?<=\\)u(?i:{code:04x})",
        rf"&#(?:0{{0,6}}{code}|[xX]0{{0,6}}(?i:{code:x}));",
        *(f"%(?i:{code:02x})" for each in sign[0] if each.isascii()),
        *(f"&{ENTITIES[each]};" for each in sign if each in ENTITIES),
    ]
    times = f"{{1,{MOST_BACKSLASHES}}}" if sign[0] == "\\" else ""
    return f"{'' if times else QUOTED}(?:{'|'.join(forms)}){times}"
