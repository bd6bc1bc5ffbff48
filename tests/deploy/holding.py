"""Holds a listening socket open and hands it to servers, as systemd does with a socket unit."""

import pathlib
import socket
import subprocess
import sys

from tests.live import Server

# Makes the inherited descriptor number 3 and becomes the server: LISTEN_PID is the pid of the process that serves.
BECOME = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "manage.py", "serve"])
"""


class Holder:
    """A socket that stays open while servers come and go."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.socket.close()


class Held(Server):
    """A server on a holder's socket. `start_process` returns when it has said that it is ready."""

    def hold(self, holder: Holder) -> "Held":
        """Say which socket."""
        self.holder, self.port, self.url = holder, holder.port, holder.url
        self.settings["PARLEY_PUBLIC_URL"] = holder.url
        return self

    def start_process(self) -> "Held":
        """Start on the socket, beside whoever else serves on it."""
        with _Ear(str(self.data / f"notify-{id(self)}")) as ear, open(self.log_path, "ab") as log:
            number = self.holder.socket.fileno()
            self.process = subprocess.Popen(
                [sys.executable, "-c", BECOME, str(number)],
                cwd=self.root, env={**self.environ(), "NOTIFY_SOCKET": ear.path}, pass_fds=[number],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            while (said := ear.hears()) != "READY=1":
                assert not said and self.process.poll() is None, f"the server ended:\n{self.log()}"
        return self

    def another(self) -> "Held":
        """A second process on the same socket, database and folder, not started yet."""
        own = {name: value for name, value in self.settings.items() if name != "PARLEY_PUBLIC_URL"}
        return Held(self.data, **own).hold(self.holder)


class _Ear:
    """Hears what a process tells its service manager."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __enter__(self) -> "_Ear":
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(0.5)
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()
        pathlib.Path(self.path).unlink()

    def hears(self) -> str:
        """The next word; none where it takes too long."""
        try:
            return self.socket.recv(200).decode()
        except TimeoutError:
            return ""
