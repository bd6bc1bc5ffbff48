"""The product as a team has it: a repository of its own, with a server that runs it, and an own app beside it."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from django.core.management import call_command

from tests import environment
from tests.live import Server

TAKEN = (":!docs", ":!tests/*/*")  # of the tests, what runs many commands in one process
AUTHOR = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")


def product() -> Path:
    """A repository with this code in one commit, whatever state this checkout is in."""
    folder = environment.new_folder()
    for name in git(environment.ROOT, "ls-files", "--cached", "--others", "--exclude-standard", ".", *TAKEN).split():
        if (environment.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((environment.ROOT / name).read_bytes())
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "1")
    return folder


def commit(folder: Path, message: str) -> None:
    """Commit all that changed."""
    git(folder, "add", ".")
    git(folder, *AUTHOR, "commit", "-qm", message)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def with_shop(root: Path, more: Mapping[str, str], **settings: str) -> Server:
    """A server of the product in this folder, with what `startparley shop` makes below its data; not started yet.

    `more` is written at the end of the app's files, by name.
    """
    server = Server(PARLEY_APPS="shop", **settings)
    server.root = root
    server.prepare()
    call_command("startparley", "shop", directory=server.data / "apps", verbosity=0)
    for name, text in more.items():
        with open(server.data / "apps" / "shop" / name, "a") as file:
            file.write(text)
    server.quickly("migrate")
    return server
