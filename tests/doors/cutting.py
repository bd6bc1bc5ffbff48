"""A way to a server that can be cut, as a train going into a tunnel cuts it."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Tunnel:
    """Passes bytes on to a server, from an address of its own; `cut` ends all connections there are."""

    def __init__(self, url: str) -> None:
        self._to = urlsplit(url).hostname, urlsplit(url).port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.opened = 0  # connections so far
        self._open: list[socket.socket] = []
        self._flows = threading.Event()
        self._flows.set()
        self._is_refusing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection; new ones are taken."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def refuse(self) -> None:
        """End every connection and each new one, until `mend`."""
        self._is_refusing = True
        self.cut()

    def swallow(self) -> None:
        """Keep the connections and pass nothing on, until `mend`: as a network that loses every packet."""
        self._flows.clear()

    def mend(self) -> None:
        """All is well again; what was swallowed comes late."""
        self._is_refusing = False
        self._flows.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()
        self.mend()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                if self._is_refusing:
                    near.close()
                    continue
                far = socket.create_connection(self._to)  # type: ignore[arg-type]
                self.opened += 1
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
