"""Secrets that an installation makes for itself and keeps in its data folder."""

import os
import secrets
from pathlib import Path


def kept_secret(folder: Path, name: str) -> str:
    """The secret of that name: read from the folder, or made there at the first call (64 characters, mode 600)."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{name}.{secrets.token_hex(8)}"  # containers share the folder, and their process ids
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        _publish(draft, path)
    return path.read_text().strip()


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name unless another process was first: hard links never overwrite."""
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
