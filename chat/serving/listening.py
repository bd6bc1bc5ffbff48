"""The socket a server listens on: its own, or one that somebody holds open for it across restarts.

The second is systemd's socket activation (sd_listen_fds(3)): LISTEN_PID and LISTEN_FDS in the environment, the socket
as descriptor 3. While one process leaves and another starts, connections wait in that socket; none is refused.
"""

import errno
import socket

from django.conf import settings

FIRST = 3  # SD_LISTEN_FDS_START


class CannotListen(Exception):
    """There is no socket to listen on; the text says why."""


def listener(host: str, port: int) -> tuple[socket.socket, bool]:
    """The socket, and whether it was inherited. Raises CannotListen."""
    inherited = _inherited()
    found = inherited if inherited is not None else _bound(host, port)
    _notice_who_vanishes(found)
    return found, inherited is not None


def _notice_who_vanishes(listening: socket.socket) -> None:
    """Let the kernel end connections that nobody is behind any more: no FIN comes from a network that was cut.

    What was sent must be acknowledged within WRITE_TIMEOUT_S; a heartbeat fits into buffers for ever otherwise.
    """
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted connections take it over
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(settings.WRITE_TIMEOUT_S * 1000))
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)


def name_of(listening: socket.socket) -> str:
    """Its address, as people write it."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _inherited() -> socket.socket | None:
    """The socket that this process was started with; None where there is none. Its children do not get it."""
    if not settings.LISTEN_FDS:
        return None
    if settings.LISTEN_FDS != "1":
        told = f"LISTEN_FDS is {settings.LISTEN_FDS!r}; expected 1: name one ListenStream in the socket unit."
        raise CannotListen(told)
    try:
        found = socket.socket(fileno=FIRST)
        is_right = found.family in (socket.AF_INET, socket.AF_INET6) and found.type == socket.SOCK_STREAM
        is_right = is_right and bool(found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    except OSError as error:
        raise CannotListen(f"Descriptor {FIRST} is no socket: {error.strerror}.") from error
    if not is_right:
        raise CannotListen(f"Descriptor {FIRST} is no TCP socket that listens: give ListenStream an address and port.")
    found.set_inheritable(False)
    return found


def _bound(host: str, port: int) -> socket.socket:
    """A socket bound here rather than by uvicorn, so that a port in use is said in words."""
    host = host.strip("[]")
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        raise CannotListen(f"Cannot listen on {host}:{port}: {error}. {_instead(error, port)}") from error
    return made


def _instead(error: Exception, port: int) -> str:
    """What to do about it."""
    number = getattr(error, "errno", None)
    if isinstance(error, OverflowError):
        return "PORT is a number from 1 to 65535."
    if isinstance(error, socket.gaierror) or number == errno.EADDRNOTAVAIL:
        return "HOST is an address of this machine: 127.0.0.1 for itself alone, 0.0.0.0 for everybody."
    if number in (errno.EACCES, errno.EPERM):
        return "Ports below 1024 are the system's: choose another, such as PORT=8000, behind a proxy."
    return f"Choose another: PORT={port + 1 if port < 65_535 else 8000} make run"
