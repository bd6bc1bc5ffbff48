"""Health: up is not ready."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client


@contextmanager
def database_down() -> Iterator[None]:
    def fail(execute: Any, *args: Any) -> None:
        raise OperationalError("connection to 10.0.0.7 refused")

    with connection.execute_wrapper(fail):
        yield


def test_the_process_is_up_whatever_the_database_does(db: None) -> None:
    with database_down():
        assert Client().get("/healthz").status_code == 200


def test_it_is_ready_when_the_database_answers(db: None) -> None:
    assert Client().get("/readyz").json() == {"status": "ok"}


def test_it_is_not_ready_when_it_does_not(db: None) -> None:
    with database_down():
        response = Client().get("/readyz")
    assert response.status_code == 503
    assert b"10.0.0.7" not in response.content


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_it_is_asked_by_get_and_head(db: None, path: str) -> None:
    assert Client().head(path).status_code == 200
    assert Client().post(path).status_code == 405
