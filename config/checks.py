"""System checks: that what people say is read by nobody on its way, nor where it lies. docs/security.md promises it."""

import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from chat.serving.listening import FIRST
from config.extra_databases import sqlite_file
from config.machine import is_loopback
from config.own_files import exposed, is_reachable


@register(Tags.security)
def check_own_files(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Of files that others can read, and that this process may not mend."""
    found = ", ".join(str(path) for path in exposed() if is_reachable(path))
    hint = "As their owner: chmod go-rwx FILE. Or give them to the user who runs Parley."
    told = f"Others on this machine may read what only Parley should: {found}."
    return [Warning(told, hint, id="config.W003")] if found else []


@register()
def check_extra_databases(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Of databases of others that are files: whether they are there. Parley starts without them."""
    files = {name: sqlite_file(found) for name, found in settings.DATABASES_EXTRA.items()}
    hint = "Write sqlite:////FOLDER/FILE, with four slashes, for a whole path; it is never made from here."
    return [
        Warning(f"DATABASES_EXTRA, {name}: there is no file {file} that can be read.", hint, id="config.W004")
        for name, file in files.items()
        if file and not os.access(file, os.R_OK)
    ]


@register(Tags.security)
def check_transport(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Of a production: without https, or with https that nobody's word is believed about."""
    if settings.IS_DEVELOPMENT:
        return []
    return list(_https() if settings.IS_HTTPS else _http())


def _http() -> Iterator[CheckMessage]:
    if settings.TLS_IN_FRONT:
        told = "TLS_IN_FRONT is on, and PARLEY_PUBLIC_URL is http: cookies would go without protection."
        yield Error(told, "Begin PARLEY_PUBLIC_URL with https://, or take TLS_IN_FRONT away.", id="config.E001")
    elif not all(is_loopback(each) for each in _called()):
        told = "This production serves plain http to other machines: passwords and tokens can be read on their way."
        hint = "Let TLS end in nginx (docs/deploy.md) and set PARLEY_PUBLIC_URL=https://..., or keep to this machine: "
        hint += "HOST, the held socket and ALLOWED_HOSTS."
        yield Warning(told, hint, id="config.W001")


def _called() -> list[str]:
    """The names and addresses that it answers to: a proxy hands on the name that was asked for."""
    return [urlsplit(settings.PARLEY_PUBLIC_URL).hostname or "", _listens_at(), *settings.ALLOWED_HOSTS]


def _listens_at() -> str:
    """The address that it listens on: the held socket's where there is one; empty where that cannot be told."""
    if not settings.LISTEN_FDS:
        return str(settings.HOST)
    try:
        with socket.socket(fileno=os.dup(FIRST)) as held:
            return str(held.getsockname()[0]) if held.family in (socket.AF_INET, socket.AF_INET6) else ""
    except OSError:
        return ""


def _https() -> Iterator[CheckMessage]:
    is_believed = any(each != "127.0.0.1" for each in settings.FORWARDED_ALLOW_IPS)
    if not settings.TLS_IN_FRONT and not is_loopback(_listens_at()) and not is_believed:
        told = "PARLEY_PUBLIC_URL is https, and no proxy on another machine is believed that a request came so."
        hint = "Name its address in FORWARDED_ALLOW_IPS, or set TLS_IN_FRONT=true where nothing comes past it."
        yield Warning(told, hint, id="config.W002")
