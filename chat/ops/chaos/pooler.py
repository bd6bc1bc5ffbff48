"""A PgBouncer between Parley and PostgreSQL, in transaction mode, and what Parley is told behind it: docs/scale.md.

It is taken from PGBOUNCER_BIN, else from the system's packages. No passwords, no TLS. No Django here.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
from urllib.parse import urlsplit

import psycopg

from chat.ops.chaos.servers import free_port, said_by, unprivileged, wait_until_it_answers

SESSIONS = 5  # of PostgreSQL, for each database: fewer than one process wants, so that they are shared
BEHIND = {"DB_SESSION": "", "DB_PREPARE_THRESHOLD": "0", "DB_SERVER_CURSORS": "off"}
OF_DATABASE = {"idle_in_transaction_session_timeout": "10s", "timezone": "UTC"}  # what DB_SESSION cannot say there

# Nothing is ignored of what clients say at their start: Parley needs no leniency. All times are seconds.
CONFIG = """\
[databases]
* = host=127.0.0.1 port={postgres_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {sessions}
max_client_conn = 1000
; A database that is away is asked for again each second (15 as it comes), and who waits for it is told after five
; (120), as somebody waits for each answer of Parley's.
server_login_retry = 1
server_connect_timeout = 3
query_wait_timeout = 5
; A database can be dropped soon after it was last used.
server_idle_timeout = 10
log_connections = 0
log_disconnections = 0
"""


class PgBouncer:
    """A PgBouncer before all databases of the PostgreSQL at that port; made and started by the constructor."""

    def __init__(self, postgres_port: int, log: pathlib.Path | None = None) -> None:
        """`log` is where it writes what it does, instead of in its folder, which goes with it."""
        self.bin = _pgbouncer_bin()
        self.port = free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pgbouncer_"))
        self.log_path = log or self.folder / "log"
        config = CONFIG.format(postgres_port=postgres_port, port=self.port, folder=self.folder, sessions=SESSIONS)
        for name, text in (("pgbouncer.ini", config), ("users", '"postgres" ""\n')):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o644)  # another user reads it, where this one is root
        self.start()

    def url(self, database: str = "postgres") -> str:
        """What DATABASE_URL is behind it."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def through(self, url: str) -> str:
        """The same database of a PostgreSQL's address, behind it."""
        return self.url(urlsplit(url).path[1:])

    def start(self) -> None:
        """Start, and return when it takes connections."""
        command = [*unprivileged(self.folder), self.bin, str(self.folder / "pgbouncer.ini")]
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until_it_answers("pgbouncer", self.process, self.port, self.log_path)

    def kill(self) -> None:
        """As kill -9: everybody's connection is cut."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Kill and delete everything."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """All that it wrote."""
        return self.log_path.read_text(errors="replace")

    def version(self) -> str:
        """What the program says of itself: `PgBouncer 1.18.0`."""
        return said_by(self.bin, "--version").splitlines()[0]


def make_ready(url: str) -> None:
    """Tell the database, by its address at PostgreSQL itself, what no session can be told behind a pooler."""
    name = urlsplit(url).path[1:]
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        for setting, value in OF_DATABASE.items():
            connection.execute(f"ALTER DATABASE \"{name}\" SET {setting} = '{value}'".encode())


def _pgbouncer_bin() -> str:
    named = os.environ.get("PGBOUNCER_BIN", "")
    # Debian's lies where programs for root are, which the PATH of others does not name.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    program = shutil.which(named or "pgbouncer", path=path)
    if program:
        return program
    if named:
        raise RuntimeError(f"PGBOUNCER_BIN: {named} is no program.")
    raise RuntimeError("No PgBouncer: install the package pgbouncer, or name the program in PGBOUNCER_BIN.")
