"""How the rows of a test that commits are removed. Django's flush makes all permissions anew after each such test."""

from functools import cache

from django.db import connections, transaction
from django.test import TransactionTestCase

from accounts.audit import triggers

MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}  # the same for all tests: they stay


def prepare() -> None:
    """From now on, tests that commit leave empty tables behind in this quicker way."""
    TransactionTestCase._fixture_teardown = lambda case: empty()  # type: ignore[attr-defined]


def empty() -> None:
    """Remove every row that a test can have made."""
    with transaction.atomic(), connections["default"].cursor() as cursor:  # so that foreign keys are looked at last
        cursor.execute(_which_have_rows())
        tables = [table for (table,) in cursor.fetchall()]
        if triggers.TABLE in tables:  # the database itself refuses to delete its rows
            triggers.remove(connections["default"])
        for table in tables:
            cursor.execute(f'DELETE FROM "{table}"')
        if triggers.TABLE in tables:
            triggers.install(connections["default"])


@cache
def _which_have_rows() -> str:
    """The statement that names the tables which are not empty."""
    tables = set(connections["default"].introspection.django_table_names(only_existing=True, include_views=False))
    return " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in sorted(tables - MADE_BY_MIGRATE)
    )
