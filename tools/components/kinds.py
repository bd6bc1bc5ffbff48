"""The kinds of components there are, and the files they lie in."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from tools.errors import RetryTool
from tools.git.paths import check_writable, file_parts

ComponentKind = Literal["react", "html", "svelte", "python"]
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,79}")


@dataclass(frozen=True)
class Form:
    """How a kind is written."""

    title: str  # as a person calls it
    endings: tuple[str, ...]  # of its files; the first where nobody says
    language: str  # by which its code is coloured
    asked: str  # what the builder is told that is expected of the file


FORMS: dict[str, Form] = {
    "react": Form(
        "React component",
        (".tsx", ".jsx"),
        "tsx",
        "One module in TSX that parses without errors and has an `export default`: the component.",
    ),
    "html": Form(
        "HTML page or fragment",
        (".html", ".htm"),
        "html",
        "HTML from its first `<` to its last `>`, with at least one element. Scripts in it are JavaScript, styles CSS.",
    ),
    "svelte": Form(
        "Svelte component",
        (".svelte",),
        "svelte",
        "One Svelte file, from its first `<` or `{` to its last `>` or `}`. Scripts are TypeScript, styles plain CSS.",
    ),
    "python": Form("Python module", (".py",), "python", "One Python module that parses without errors."),
}
assert set(FORMS) == set(get_args(ComponentKind))


def path_for(name: str, kind: str, path: str) -> str:
    """Where the component goes: the path that was given, or one made of its name. Raises RetryTool, PathRefused."""
    if not NAME.fullmatch(name):
        raise RetryTool("name: expected 1 to 80 letters, digits, _ and -, a letter first, such as PriceCard.")
    endings = FORMS[kind].endings
    wanted = path.strip() or f"components/{name}{endings[0]}"
    parts = file_parts(wanted)
    check_writable(parts)
    if not parts[-1].lower().endswith(endings):
        raise RetryTool(f"path: a component of the kind {kind} is a file that ends with {' or '.join(endings)}.")
    return "/".join(parts)
