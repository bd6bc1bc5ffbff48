"""The data folder, and secrets that an installation makes for itself and keeps there."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from config.reading import BadSetting

OWNER_ONLY = 0o700


def data_folder(text: str) -> Path:
    """PARLEY_DATA, made where it is missing: its owner's alone. Raises BadSetting where nothing can be kept there."""
    path = Path(text).resolve()
    try:
        path.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_keep(path, error) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise _cannot_keep(path, PermissionError(0, "no right to write"))
    return path


def kept_secret(folder: Path, name: str) -> str:
    """The secret of that name: read from the folder, or made there at the first call (64 characters, mode 600)."""
    path = folder / name
    try:
        if not path.exists():
            _make(folder, name)
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot_keep(path, error) from None
    if not secret:
        told = "Put the secret back from a backup; without one delete the file, and who has signed in signs in again."
        raise BadSetting(f"{path} is empty", "a secret in it", told)
    return secret


def _make(folder: Path, name: str) -> None:
    draft = folder / f".{name}.{secrets.token_hex(8)}"  # containers share the folder, and their process ids
    try:
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        _publish(draft, folder / name)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name unless another process was first: hard links never overwrite."""
    with suppress(FileExistsError):
        os.link(draft, path)


def _cannot_keep(path: Path, error: Exception) -> BadSetting:
    reason = getattr(error, "strerror", None) or "it is no text"
    told = f"{path}: {reason}. Give its owner, who runs Parley, the right to write there, or name another folder."
    return BadSetting("PARLEY_DATA", "a folder to read and write in", told)
