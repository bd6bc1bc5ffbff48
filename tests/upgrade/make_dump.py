"""Makes a small database with the code of any commit and writes it to tests/upgrade/dumps/, with what was answered.

    python -m tests.upgrade.make_dump COMMIT                        # an SQLite database
    TEST_PROFILE=scaled python -m tests.upgrade.make_dump COMMIT    # a PostgreSQL database

A version is started, people use it through its doors, a run is left waiting with another one behind it, whatever table
is still empty gets a row, and the version is killed.
"""

import argparse
import json
import pathlib
import sqlite3
import subprocess
import time
from contextlib import closing
from typing import Any

from chat.ops.chaos.servers import Postgres
from tests import environment
from tests.deploy.holding import Holder
from tests.live import OWNER, PASSWORD
from tests.streams import Client, client
from tests.upgrade.answers import answers
from tests.upgrade.dumps import path_of
from tests.upgrade.earlier import Earlier
from tests.upstream import Upstream

FOREVER_S = "315360000"  # the waiting run waits for whoever loads the dump
FILL = pathlib.Path(__file__).with_name("fill.py")
PEOPLE = """
from django.core.management import call_command
from accounts.models import Organization
place = str(Organization.objects.get().pk)
call_command("create_user", "bob@example.com", "--organization", place)
call_command("set_budget", place, "1000000")
call_command("create_key", "alice@example.com", "--organization", place, "--scope", "chat", "--name", "Robot")
"""
NOISE = ("--", "SET ", "\\")  # of pg_dump


def main() -> None:
    """Write the dump and the answers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("commit", help="as git knows it; its first seven characters name the files")
    commit = parser.parse_args().commit[:7]
    environment.prepare()
    upstream, holder = Upstream().start(), Holder()
    own = {"OPENAI_BASE_URL": upstream.url, "OPENAI_API_KEY": "none", "CLEANUP_EVERY_S": "1"}
    server = Earlier(TOOLS_ASK_FIRST="list_files", CHAT_APPROVAL_S=FOREVER_S, **own).of(commit)
    server.hold(holder)
    try:
        said = _use(server)
        server.kill()
        path_of(commit).write_text(_text(server))
        path_of(commit).with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n")
        print(f"{path_of(commit)}: {path_of(commit).stat().st_size // 1024} KB")
    finally:
        server.close()
        holder.close()
        upstream.close()
        environment.clean()


def _use(server: Earlier) -> dict[str, Any]:
    server.manage("quickstart")
    made = server.manage("shell", "-c", PEOPLE, PARLEY_PASSWORD=PASSWORD)
    server.start_process()
    alice = client(server)
    said = {"key": next(word for word in made.stdout.split() if word.startswith("pk_")), **_talk(alice)}
    _sign_in_again(server)
    _wait_for_chore(alice)
    filled = server.manage("shell", "-c", FILL.read_text(), check=False)
    assert filled.returncode == 0, filled.stdout
    return {**said, "answers": answers(alice, said["key"])}


def _talk(alice: Client) -> dict[str, Any]:
    """Two runs that are over, one that waits for a person and one that waits for it, and a session."""
    chat = alice.chat(title="Answered")
    alice.wait(alice.start(chat, "Hello [[n=3]]")["run"]["id"])
    alice.wait(alice.start(chat, 'CALL read_file {"path": "README.md"}')["run"]["id"])
    chat = alice.chat(title="Waiting")
    waiting = alice.start(chat, "CALL list_files {}")["run"]["id"]
    while alice.get(f"/api/runs/{waiting}/")["status"] != "waiting":
        time.sleep(0.1)
    queued = alice.start(chat, "And then? [[n=2]]")["run"]["id"]
    alice.post("/api/chat/start", {"modelId": "gpt-4.1-mini", "prompt": "Say it [[n=2]]"}, Idempotency_Key="once")
    time.sleep(2)  # it runs by itself
    return {"chat": chat, "waiting": waiting, "queued": queued}


def _sign_in_again(server: Earlier) -> None:
    """A refresh token that was used."""
    body = {"email": OWNER, "password": PASSWORD}
    pair = server.call("POST", "/api/auth/token", body).body
    assert server.call("POST", "/api/auth/token/refresh", {"refresh": pair["refresh"]}).status == 200


def _wait_for_chore(alice: Client) -> None:
    time.sleep(2)
    assert all(
        each["ended_at"] or each["status"] in ("waiting", "queued") for each in alice.get("/api/runs/")["results"]
    )


def _text(server: Earlier) -> str:
    """The whole database as statements."""
    if environment.profile() == "embedded":
        with closing(sqlite3.connect(server.data / "db.sqlite3")) as database:
            virtual = database.execute(
                "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
            ).fetchall()
            # Their rows are in tables of their own, and they are none yet while the dump is read.
            own = tuple(f'INSERT INTO "{name}" VALUES' for (name,) in virtual)
            return "\n".join(line for line in database.iterdump() if not line.startswith(own)) + "\n"
    programs = next(each.bin for each in environment.MADE.servers if isinstance(each, Postgres))
    own = ["--inserts", "--no-owner", "--no-privileges", "--no-comments"]
    done = subprocess.run(
        [f"{programs}/pg_dump", *own, server.settings["DATABASE_URL"]],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith(NOISE)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
