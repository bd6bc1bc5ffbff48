"""Two hosts on this machine: a network namespace with a cable to the rest, which can be cut and joined again.

Needs root and the `ip` program. Cut, packets are dropped without a word: no FIN, no RST, no error.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from tests import environment
from tests.live import Server
from tests.servers import free_port

NEAR, FAR = "10.231.7.1", "10.231.7.2"


class Cable:
    """The other host, and the cable to it."""

    def __init__(self) -> None:
        """Skips the test, and says so, where no such host can be made."""
        self.host = f"parley{os.getpid()}"
        self.near, self.far = f"pn{os.getpid()}", f"pf{os.getpid()}"
        if os.geteuid() != 0 or not shutil.which("ip"):
            pytest.skip("NOT TRIED: a second host needs root and the program ip, for a network namespace")
        try:
            ip("netns", "add", self.host)
            ip("link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.host)
        except subprocess.CalledProcessError as error:
            self.close()
            pytest.skip(f"NOT TRIED: this machine makes no network namespace: {error.stderr.strip()}")
        ip("addr", "add", f"{NEAR}/24", "dev", self.near)
        ip("link", "set", self.near, "up")
        ip("-n", self.host, "addr", "add", f"{FAR}/24", "dev", self.far)
        ip("-n", self.host, "link", "set", "lo", "up")
        self.join()

    def cut(self) -> None:
        """From now on nothing passes."""
        ip("-n", self.host, "link", "set", self.far, "down")

    def join(self) -> None:
        """From now on everything passes again."""
        ip("-n", self.host, "link", "set", self.far, "up")

    def there(self, *command: str) -> list[str]:
        """The command as one that runs on the other host."""
        return ["ip", "netns", "exec", self.host, *command]

    def close(self) -> None:
        """Take it all away."""
        for what in (("link", "del", self.near), ("netns", "del", self.host)):
            with suppress(subprocess.CalledProcessError):
                ip(*what)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class FarServer(Server):
    """A server on the other host."""

    def __init__(self, cable: Cable, **settings: str) -> None:
        super().__init__(**settings)
        self.cable = cable
        self.url = f"http://{FAR}:{self.port}"
        self.settings |= {"PARLEY_PUBLIC_URL": self.url, "HOST": "0.0.0.0"}

    def start_process(self) -> "FarServer":
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.cable.there(sys.executable, "manage.py", "serve"),
                cwd=environment.ROOT, env=self.environ(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.wait_until_ready()
        return self


class Relay:
    """Something of this host's loopback, at the cable's address: for what the other host is to reach."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = free_port()
        self._listening = socket.create_server((NEAR, self.port), backlog=100)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listening.accept()
                there = socket.create_connection(("127.0.0.1", self.target))
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=pass_on, args=(one, other), daemon=True).start()


def pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for each in (one, other):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
