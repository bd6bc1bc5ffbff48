"""A production over plain http is warned of; TLS that ends in front of Parley is believed where that is said."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings

from config.checks import check_transport
from tests.live import Server

PRODUCTION = {
    **{"IS_DEVELOPMENT": False, "HOST": "127.0.0.1", "FORWARDED_ALLOW_IPS": ["127.0.0.1"], "TLS_IN_FRONT": False},
    **{"PARLEY_PUBLIC_URL": "https://parley.example", "IS_HTTPS": True},
}
HTTP = {"PARLEY_PUBLIC_URL": "http://parley.example", "IS_HTTPS": False}
HERE = {"PARLEY_PUBLIC_URL": "http://127.0.0.1:8000", "IS_HTTPS": False}
TABLE: dict[str, tuple[dict[str, Any], list[str]]] = {
    "https, behind a proxy here": ({}, []),
    "plain http by its public name": (HTTP, ["config.W001"]),
    "plain http on every address": ({**HERE, "HOST": "0.0.0.0"}, ["config.W001"]),
    "plain http for this machine alone": (HERE, []),
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


@pytest.mark.live
def test_where_tls_ends_in_front_nobody_is_sent_to_https_again(new_server: Callable[..., Server]) -> None:
    server = new_server(PARLEY_PUBLIC_URL="https://127.0.0.1", TLS_IN_FRONT="true").start()
    page = server.call("GET", "/login/")
    assert page.status == 200 and "max-age" in page.headers["strict-transport-security"]
    assert "Secure" in page.headers["set-cookie"]
