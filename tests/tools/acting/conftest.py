"""The shop's tables, and orders of Alice and Bob in them."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection

from accounts.models import Organization, User
from tests.tools.acting.shop.models import MODELS, Order
from tests.tools.acting.shop.rows import fill, make_tables
from tests.tools.contexts import context
from tools.base import ToolContext


@pytest.fixture(scope="module")
def tables(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The tables, as long as a file's tests need them: the app is not installed here."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        make_tables()
        yield
        with connection.schema_editor() as editor:
            for model in reversed(MODELS):
                editor.delete_model(model)


@pytest.fixture
def orders(tables: None, transactional_db: None, alice: User, bob: User) -> Iterator[dict[str, Order]]:
    """Three of Alice's, one of them a gift, and three of Bob's, which nobody else may see. By number."""
    cache.clear()
    yield fill(alice, bob)
    for model in reversed(MODELS):
        model._default_manager.all().delete()


@pytest.fixture
def as_alice(orders: dict[str, Order], alice: User, organization: Organization) -> ToolContext:
    return of(alice, organization)


@pytest.fixture
def as_bob(orders: dict[str, Order], bob: User, organization: Organization) -> ToolContext:
    return of(bob, organization)


def of(user: User, organization: Organization) -> ToolContext:
    """The context of a run of theirs."""
    return context(user_id=user.pk, organization_id=organization.pk, call_id="call_1")
