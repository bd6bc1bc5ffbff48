"""The files: named by their export and the attempt that wrote them, so that no two processes write one."""

import contextlib
from pathlib import Path
from uuid import UUID

from django.conf import settings


def folder() -> Path:
    """Where they are; nobody else on the machine looks in."""
    found = Path(settings.PARLEY_DATA) / "exports"
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def path_of(id: UUID, attempt: int) -> Path:
    """The file, whole or on its way: the export's row says which."""
    return folder() / f"{id}.{attempt}"


def names_of(id: UUID, attempt: int) -> set[str]:
    """What an attempt may have here: the file, and what it is made of."""
    path = path_of(id, attempt)
    return {path.name, parts_of(path).name}


def parts_of(path: Path) -> Path:
    """The folder with the parts of a file, while they are not joined."""
    return path.with_name(f"{path.name}.parts")


def there() -> set[str]:
    """The names of all, whatever writes in there."""
    return {each.name for each in folder().iterdir()}


def remove(name: str) -> None:
    """Remove a file, or a folder that a writer has left."""
    path = folder() / name
    with contextlib.suppress(OSError):
        if not path.is_dir():
            return path.unlink()
        for each in path.iterdir():
            each.unlink()
        path.rmdir()
