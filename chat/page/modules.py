"""Which of the page's scripts a browser needs at once: named in the page, they are fetched together, not in turns."""

import re
from functools import cache
from pathlib import PurePosixPath

from django.conf import settings

STATIC = settings.BASE_DIR / "static"
FIRST = ("chat/shell.js", "chat/app.js")
IMPORT = re.compile(r'^(?:import|export) [^;]*? from "(\.[^"]+)";$', re.MULTILINE)


@cache
def modules(*first: str) -> tuple[str, ...]:
    """The first scripts (the chat page's) and all they import, by their path under STATIC_URL; not what is loaded when
    it is used."""
    found = list(first or FIRST)
    for path in found:  # the list grows
        found += [each for each in _imported(path) if each not in found]
    return tuple(found)


def _imported(path: str) -> list[str]:
    folder = PurePosixPath(path).parent
    names = IMPORT.findall((STATIC / path).read_text())
    return [_path(folder, name) for name in names]


def _path(folder: PurePosixPath, name: str) -> str:
    """Where `../parley.js` leads from a folder."""
    return str(folder.parent / name[3:] if name.startswith("../") else folder / name[2:])
