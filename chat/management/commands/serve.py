"""`manage.py serve`: the server, in production as in development."""

import math
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from chat.doors.incoming import Socket
from chat.serving.listening import CannotListen, listener, name_of
from chat.serving.server import Connection, Server


class Command(BaseCommand):
    help = (
        "Serves Parley over HTTP and WebSocket at HOST and PORT, or on the socket that systemd hands over, until it "
        "is told to stop, then drains."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.HOST, help=f"the address to listen on ({settings.HOST})")
        parser.add_argument("--port", default=settings.PORT, type=int, help=f"the port ({settings.PORT})")

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        try:
            listening, is_inherited = listener(host, port)
        except CannotListen as error:
            raise CommandError(str(error)) from error
        server = Server(_config(), owns_socket=not is_inherited)
        end = "It is held open for this process." if is_inherited else "Ctrl-C stops it."
        self.stdout.write(f"Listening on {name_of(listening)}. {end}")
        try:
            server.run(sockets=[listening])
        except KeyboardInterrupt:
            return  # uvicorn has drained, and then raises the Ctrl-C again
        if not server.started:
            raise CommandError("The server could not start; the lines above say why.")


def _config() -> uvicorn.Config:
    return uvicorn.Config(
        settings.ASGI_APPLICATION.replace(".application", ":application"),
        loop="uvloop",
        http=Connection,
        ws=Socket,
        lifespan="on",  # the drain needs it: without it the server must not start
        timeout_graceful_shutdown=math.ceil(settings.CHAT_DRAIN_S) + 5,  # the drain, and time to close
        ws_max_size=settings.BODY_MAX_BYTES,
        ws_ping_interval=settings.SOCKET_PING_S,
        ws_ping_timeout=settings.SOCKET_PING_S,
        timeout_keep_alive=settings.KEEP_ALIVE_S,
        forwarded_allow_ips=settings.FORWARDED_ALLOW_IPS,
        access_log=False,  # a query string may hold a ticket
        log_config=None,  # settings.LOGGING
        server_header=False,
    )
