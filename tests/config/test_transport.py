"""A production over plain http is warned of; TLS that ends in front of Parley is believed where that is said."""

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings

from config.checks import check_transport
from tests.live import Server

PRODUCTION = {
    **{"IS_DEVELOPMENT": False, "HOST": "127.0.0.1", "FORWARDED_ALLOW_IPS": ["127.0.0.1"], "TLS_IN_FRONT": False},
    **{"PARLEY_PUBLIC_URL": "https://parley.example", "IS_HTTPS": True},
    **{"ALLOWED_HOSTS": ["127.0.0.1", "localhost", "[::1]"], "LISTEN_FDS": ""},
}
HTTP = {"PARLEY_PUBLIC_URL": "http://parley.example", "IS_HTTPS": False}
HERE = {"PARLEY_PUBLIC_URL": "http://127.0.0.1:8000", "IS_HTTPS": False}
TABLE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "https, behind a proxy here": ({}, []),
    "plain http by its public name": (HTTP, ["config.W001"]),
    "plain http on every address": ({**HERE, "HOST": "0.0.0.0"}, ["config.W001"]),
    "plain http for this machine alone": (HERE, []),
    "plain http for this machine alone, by its names": ({**HERE, "HOST": "[::1]", "ALLOWED_HOSTS": ["Localhost"]}, []),
    "plain http behind a proxy, by another name": ({**HERE, "ALLOWED_HOSTS": ["chat.example.com"]}, ["config.W001"]),
    "plain http behind a proxy, by this name too": (
        {**HERE, "ALLOWED_HOSTS": ["127.0.0.1", "10.0.0.5"]},
        ["config.W001"],
    ),
    "plain http by any name": ({**HERE, "ALLOWED_HOSTS": ["*"]}, ["config.W001"]),
    "plain http in development": ({**HTTP, "IS_DEVELOPMENT": True}, []),
    "TLS in front of http": ({**HTTP, "TLS_IN_FRONT": True}, ["config.E001"]),
    "a proxy elsewhere that nobody named": ({"HOST": "0.0.0.0"}, ["config.W002"]),
    "a proxy elsewhere that is named": ({"HOST": "0.0.0.0", "FORWARDED_ALLOW_IPS": ["10.0.0.0/8"]}, []),
    "a proxy elsewhere that nothing passes by": ({"HOST": "0.0.0.0", "TLS_IN_FRONT": True}, []),
}


@pytest.mark.parametrize(("changes", "expected"), TABLE.values(), ids=TABLE.keys())
def test_how_a_production_is_reached(changes: dict[str, Any], expected: list[str]) -> None:
    with override_settings(**{**PRODUCTION, **changes}):
        assert [each.id for each in check_transport()] == expected


@pytest.mark.parametrize("changes", [HERE, {}], ids=["http", "https"])
@pytest.mark.parametrize(
    ("family", "host", "is_warned"),
    [
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET6, "::1", False),
        (socket.AF_INET, "0.0.0.0", True),
        (socket.AF_INET6, "::", True),
    ],
)
def test_a_held_socket_is_where_a_production_is_reached(
    changes: dict[str, Any],
    family: socket.AddressFamily,
    host: str,
    is_warned: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server((host, 0), family=family) as held:
        monkeypatch.setattr("config.checks.FIRST", held.fileno())
        with override_settings(**{**PRODUCTION, **changes, "LISTEN_FDS": "1"}):
            assert bool(check_transport()) == is_warned
        assert held.getsockname()[0] == host, "still open"


def test_a_held_socket_that_cannot_be_asked_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.checks.FIRST", 1_000_000)
    with override_settings(**{**PRODUCTION, **HERE, "LISTEN_FDS": "1"}):
        assert [each.id for each in check_transport()] == ["config.W001"]


@pytest.mark.live
def test_where_tls_ends_in_front_nobody_is_sent_to_https_again(new_server: Callable[..., Server]) -> None:
    server = new_server(PARLEY_PUBLIC_URL="https://127.0.0.1", TLS_IN_FRONT="true").start()
    page = server.call("GET", "/login/")
    assert page.status == 200 and "max-age" in page.headers["strict-transport-security"]
    assert "Secure" in page.headers["set-cookie"]
