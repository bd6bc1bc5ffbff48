"""The shop's tables and what is in them."""

from datetime import UTC, datetime

from django.db import connection

from accounts.models import User
from tests.tools.acting.shop.models import MODELS, Customer, Order

PLACED = datetime(2026, 5, 4, 12, tzinfo=UTC)


def make_tables() -> None:
    """Without migrations."""
    with connection.schema_editor() as editor:
        for model in MODELS:
            editor.create_model(model)


def fill(alice: User, bob: User) -> dict[str, Order]:
    made = {}
    for owner, name in ((alice, "ALICE"), (bob, "BOB")):
        customer = Customer.objects.create(name=f"{name} Ltd", email=f"{name}@example.com")
        for place in (1, 2, 3):
            made[f"{name}-{place}"] = Order.objects.create(
                number=f"{name}-{place}", owner=owner, customer=customer, total=place * 10, pieces=place,
                is_gift=place == 3, status="sent" if place == 2 else "open", placed_at=PLACED.replace(day=place),
                note=f"{name} likes tea", margin=place if name == "ALICE" else 90 + place,
            )  # fmt: skip
    return made
