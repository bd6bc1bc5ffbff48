"""`manage.py serve`: the server, in production as in development."""

import math
import socket
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Serves Parley over HTTP and WebSocket at HOST and PORT until it is told to stop, then drains."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help=f"the address to listen on ({settings.HOST})")
        parser.add_argument("--port", default=settings.PORT, type=int, help=f"the port ({settings.PORT})")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        listener = _listen(host, port)
        server = uvicorn.Server(_config())
        self.stdout.write(f"Listening on {host}:{port}. Ctrl-C stops it.")
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            return  # uvicorn has drained, and then raises the Ctrl-C again
        if not server.started:
            raise CommandError("The server could not start; the lines above say why.")


def _listen(host: str, port: int) -> socket.socket:
    """A socket bound here rather than by uvicorn, so that a port in use is said in words."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise CommandError(
            f"Cannot listen on {host}:{port}: {error}. Choose another: PORT={port + 1} make run"
        ) from error
    return listener


def _config() -> uvicorn.Config:
    return uvicorn.Config(
        settings.ASGI_APPLICATION.replace(".application", ":application"),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        lifespan="on",  # the drain needs it: without it the server must not start
        timeout_graceful_shutdown=math.ceil(settings.CHAT_DRAIN_S) + 5,  # the drain, and time to close
        ws_max_size=settings.BODY_MAX_BYTES,
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,
        access_log=False,  # a query string may hold a ticket
        log_config=None,  # settings.LOGGING
        server_header=False,
    )
