"""`manage.py fill_shop EMAIL ...`: a few orders for each of these people, to try the agent with."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from shop.models import Customer, Order

ITEMS = (("Kettle", "39.90", "open"), ("Teapot", "24.50", "sent"), ("Cups, six", "31.00", "returned"))


class Command(BaseCommand):
    help = "Makes a customer with three orders for each person."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("emails", nargs="+", metavar="EMAIL")

    def handle(self, *args: Any, emails: list[str], **options: Any) -> None:
        people = [self._person(email) for email in emails]
        for person in people:
            self._fill(person)

    def _person(self, email: str) -> Any:
        found = get_user_model().objects.filter(email=email.lower()).first()
        if found is None:
            raise CommandError(f"There is nobody with the address {email}.")
        return found

    def _fill(self, person: Any) -> None:
        name = f"Miller of {person.email}"
        customer = Customer.objects.filter(owner=person, name=name).first() or Customer(owner=person, name=name)
        customer.save()
        for item, total, status in ITEMS:
            number = f"{customer.pk}-{item.split()[0].strip(',').upper()}"
            row = {"customer": customer, "item": item, "total": total, "status": status}
            Order.objects.update_or_create(number=number, defaults=row)
        self.stdout.write(f"{person.email} has {Order.objects.visible_to(person.pk).count()} orders.")
