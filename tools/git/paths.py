"""Which paths and branch names a project's repository takes. Strict, because models and people send anything.

Nothing here touches a file system, and neither do the tools: a path is looked up in git objects, so a symbolic link is
a small file that says where it would lead, and nobody follows it. What is refused is what would do harm once someone
checks the branch out: ways out of the folder, git's own files, names that two file systems read differently.
"""

import re
import unicodedata
from collections.abc import Iterable

from accounts.normal import normal
from tools.errors import PathRefused

PATH_MAX_BYTES = 1_000
PART_MAX_BYTES = 255  # what file systems take
PARTS_MAX = 50

# A tool must not change what git does with the other files: where submodules come from, which filters run.
GIT_SETTINGS = frozenset({".gitmodules", ".gitattributes"})
# What Windows calls .git, .gitmodules and .gitattributes in its short form.
SHORT_NAME = re.compile(r"(git|gitmod|gitatt|gi[0-9a-f]{4})~\d+")
DRIVE = re.compile(r"[A-Za-z]:")
BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
BRANCH_MAX = 100


def parts_of(path: str) -> tuple[str, ...]:
    """The path's parts, from the root of the repository; none for the root itself. Raises PathRefused."""
    _check_whole(path)
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if len(parts) > PARTS_MAX:
        raise PathRefused(f"path: at most {PARTS_MAX} folders deep.")
    for part in parts:
        _check_part(part, path)
    return parts


def file_parts(path: str) -> tuple[str, ...]:
    """The same for a file: there is at least one part. Raises PathRefused."""
    parts = parts_of(path)
    if not parts or path.endswith("/"):
        raise PathRefused("path: expected the path of a file, such as docs/notes.md.")
    return parts


def check_writable(parts: Iterable[str]) -> None:
    """Raise PathRefused for a file that git itself reads."""
    for part in parts:
        if as_read_carelessly(part) in GIT_SETTINGS or SHORT_NAME.fullmatch(as_read_carelessly(part)):
            raise PathRefused(f"path: {part!r} is read by git itself; a tool may not write it.")


def check_branch(name: str) -> str:
    """The branch name, if it is a plain one. Raises PathRefused."""
    ends_well = not any(part.endswith((".", ".lock")) for part in name.split("/"))
    if len(name) > BRANCH_MAX or not BRANCH.fullmatch(name) or ".." in name or not ends_well:
        raise PathRefused(
            f"branch: expected letters, digits and . _ - / (at most {BRANCH_MAX}), each part beginning with a letter "
            f"or digit and not ending in '.' or '.lock'."
        )
    return name


def twin_of(name: str, others: Iterable[str]) -> str | None:
    """One of the others that some file systems take for the same name, though it is another."""
    same = twin_key(name)
    return next((other for other in others if other != name and twin_key(other) == same), None)


def is_gits_own(part: str) -> bool:
    """Whether some file system takes the part for git's own folder."""
    return as_read_carelessly(part) == ".git" or re.fullmatch(r"git~\d+", as_read_carelessly(part)) is not None


def as_read_carelessly(part: str) -> str:
    """A part as the most careless file system reads it: compatibility forms, case, what it does not see, its ends."""
    visible = "".join(char for char in normal("NFKC", part) if unicodedata.category(char) != "Cf")
    return visible.casefold().partition(":")[0].rstrip(". ")


def twin_key(name: str) -> str:
    """The same text for all names that some file systems take for one."""
    return normal("NFC", normal("NFC", name).casefold())


def _check_whole(path: str) -> None:
    if len(path.encode(errors="surrogatepass")) > PATH_MAX_BYTES:
        raise PathRefused(f"path: at most {PATH_MAX_BYTES:,} bytes.")
    if any(_is_hidden(char) for char in path):
        raise PathRefused("path: control characters are not allowed.")
    if "\\" in path:
        raise PathRefused("path: separate folders with /, not with a backslash.")
    if path.startswith(("/", "~")) or DRIVE.match(path):
        raise PathRefused("path: expected a path from the root of the project, such as docs/notes.md.")


def _is_hidden(char: str) -> bool:
    """Control characters, lone surrogates, line separators, and those that turn the direction of what is shown."""
    category = unicodedata.category(char)
    return category in ("Cc", "Cs", "Zl", "Zp") or "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069"


def _check_part(part: str, path: str) -> None:
    if part == "..":
        raise PathRefused("path: '..' is not allowed; start from the root of the project.")
    if len(part.encode()) > PART_MAX_BYTES:
        raise PathRefused(f"path: each part at most {PART_MAX_BYTES} bytes.")
    if is_gits_own(part):
        raise PathRefused(f"path: {path!r} lies in git's own folder.")
    if not as_read_carelessly(part) and part.strip("."):
        raise PathRefused("path: a part of it cannot be seen.")
