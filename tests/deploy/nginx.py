"""nginx for the tests: Debian's, as anybody, with the configuration that the docs give out or a changed one."""

import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable

import pytest

from tests import environment
from tests.environment import ROOT
from tests.servers import free_port

CONFIG = ROOT / "docs" / "deploy" / "nginx.conf"
needs_nginx = pytest.mark.skipif(
    not shutil.which("nginx"), reason="nginx is not installed: apt-get install nginx-light"
)
# What a distribution's own nginx.conf sets around conf.d, as far as it matters.
AROUND = """
daemon off; master_process off; error_log {folder}/error.log info; pid {folder}/pid;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    types {{ text/html html; text/css css; text/javascript js; }}
    {inside}
}}
"""


class Nginx:
    """One nginx before some servers; `url` is where it listens."""

    def __init__(self, ports: Iterable[int], *changes: tuple[str, str]) -> None:
        """The docs' configuration for servers at these ports, with each `(old, new)` changed in it."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = environment.new_folder()
        self.process: subprocess.Popen[bytes] | None = None
        self.configure(ports, *changes)

    def configure(self, ports: Iterable[int], *changes: tuple[str, str]) -> None:
        """Write the configuration."""
        upstream = "".join(f"server 127.0.0.1:{port} max_fails=0; " for port in ports)
        text = CONFIG.read_text()
        for number in ("8001", "8002"):
            text = _changed(text, f"server 127.0.0.1:{number} max_fails=0;", "")
        for old, new in (
            ("upstream parley {", f"upstream parley {{ {upstream}"),
            ("listen 80;", self._listen()),
            ("/var/log/nginx/", f"{self.folder}/"),
            *changes,
        ):
            text = _changed(text, old, new)
        self._config.write_text(AROUND.format(folder=self.folder, inside=text))

    def check(self) -> str:
        """What `nginx -t` says: empty where the configuration is right."""
        done = subprocess.run([*self._command, "-t", "-q"], capture_output=True, text=True)
        return "" if done.returncode == 0 else done.stderr

    def start(self) -> "Nginx":
        """Start, and return when it listens."""
        self.process = subprocess.Popen(self._command)
        end = time.monotonic() + 10
        while not answers(self.port):
            assert self.process.poll() is None and time.monotonic() < end, self.log()
            time.sleep(0.02)
        return self

    def close(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def log(self, name: str = "error") -> str:
        """Its errors, or another of its logs."""
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    @property
    def _config(self) -> pathlib.Path:
        return self.folder / "nginx.conf"

    @property
    def _command(self) -> list[str]:
        return ["nginx", "-p", str(self.folder), "-c", str(self._config), "-e", str(self.folder / "start.log")]

    def _listen(self) -> str:
        return f"listen 127.0.0.1:{self.port};"


def _changed(text: str, old: str, new: str) -> str:
    assert old in text, f"{old!r} is not in the configuration"
    return text.replace(old, new)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True
