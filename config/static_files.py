"""Static files have addresses that change with them: /static/v-VERSION/chat/app.js beside /static/chat/app.js.

The version stands before the path, so modules and style sheets that name each other by relative paths stay in theirs.
"""

import re
from functools import cache
from hashlib import blake2b

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import StaticFilesStorage

VERSIONED = re.compile(r"v-([0-9a-f]{12})/(.+)", re.DOTALL)


class VersionedStorage(StaticFilesStorage):
    """What `{% static %}` writes names the version; with DEBUG it does not, as files change while the process runs."""

    def url(self, name: str | None) -> str:
        """The file's address in this version."""
        return super().url(name if settings.DEBUG else f"v-{version()}/{name}")


@cache
def version() -> str:
    """A hash of every static file there is, the packages' own too. Reading 13 MB takes 40 ms, once in a process."""
    digest = blake2b(digest_size=6)
    for name, path in sorted(_files().items()):
        with open(path, "rb") as file:
            content = file.read()
        digest.update(f"{len(name)} {name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _files() -> dict[str, str]:
    """Each file's path by its name; of several with one name the first counts, as it is the one that is served."""
    found: dict[str, str] = {}
    for finder in get_finders():
        for name, storage in finder.list([]):
            found.setdefault(name, storage.path(name))
    return found


def split(path: str) -> tuple[str, str]:
    """The version that an address names ("" for none), and the file's address without it."""
    found = VERSIONED.fullmatch(path.removeprefix(settings.STATIC_URL))
    return (found[1], settings.STATIC_URL + found[2]) if found else ("", path)
