"""Copies of OpenAPI files that are named by an address: fetched when an operator says so, never at a start.

A start must not depend on another server. An address without a copy gives no tools; a system check, and config.asgi by
`missing`, keep the server from starting without them.
"""

import hashlib
import os
import secrets
from pathlib import Path

from django.conf import settings

from tools.openapi.reading import Document, DocumentRefused, read

MISSING: dict[str, str] = {}  # addresses that tools were wanted of, with why there are none


def copy_of(url: str) -> bytes | None:
    """The copy that is kept of this address; None, and the check tells, where there is none."""
    try:
        data = _path(url).read_bytes()
    except FileNotFoundError:
        MISSING[url] = "no copy of it is kept"
        return None
    except OSError as error:
        MISSING[url] = f"its copy cannot be read: {error.strerror}"
        return None
    MISSING.pop(url, None)
    return data


def missing() -> list[tuple[str, str]]:
    """What is wrong and what to do, for each address that tools were wanted of and has no copy."""
    return [
        (f"No tools are made of {url}: {told}.", f"Run: python manage.py fetch_openapi {url}")
        for url, told in MISSING.items()
    ]


def keep(url: str, data: bytes) -> Document:
    """Keep this as the copy of the address, if tools can be made of it. Raises DocumentRefused."""
    document = read(data, url, settings.OPENAPI_MAX_BYTES)
    path = _path(url)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        draft.touch(mode=0o600)
        draft.write_bytes(data)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return document


def bytes_of(file: Path, name: str) -> bytes:
    """What is in a file, which is looked at no further than it may be long. Raises DocumentRefused."""
    try:
        with file.open("rb") as opened:
            return opened.read(settings.OPENAPI_MAX_BYTES + 1)
    except OSError as error:
        raise DocumentRefused(f"{name}: it cannot be read: {error.strerror}") from None


def _path(url: str) -> Path:
    return Path(settings.OPENAPI_FILES) / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.openapi"
