"""`manage.py test shop`: the tools and the viewset show a person their own rows, and nobody else's."""

from django.contrib.auth import get_user_model
from django.test import TransactionTestCase
from rest_framework.test import APIClient

from shop.models import Customer, Order
from shop.parley import orders, sum_shop_orders
from tools.testing import NotReturned, call


class OrdersTest(TransactionTestCase):
    def setUp(self) -> None:
        """Alice and Bob have a customer each, with one order."""
        self.people = {name: self._person(name) for name in ("alice", "bob")}

    def _person(self, name: str) -> object:
        person = get_user_model().objects.create_user(f"{name}@example.com")
        customer = Customer.objects.create(owner=person, name=f"Customer of {name}")
        Order.objects.create(customer=customer, number=f"{name}-1", item="Kettle", total="39.90")
        return person

    def test_the_tools_find_the_person_s_own_orders_alone(self) -> None:
        listing, reading = orders
        for text in ("kettle", "Customer", "open"):
            told = call(listing, self.people["alice"], search=text)
            self.assertEqual([each["number"] for each in told["results"]], ["alice-1"])
        self.assertEqual(call(listing, self.people["alice"], search="bob")["results"], [])
        self.assertEqual(call(reading, self.people["alice"], number="alice-1")["item"], "Kettle")
        with self.assertRaisesRegex(NotReturned, "404"):
            call(reading, self.people["alice"], number="bob-1")

    def test_the_sum_is_of_the_person_s_own_orders(self) -> None:
        self.assertEqual(call(sum_shop_orders, self.people["alice"], status="open"), {"count": 1, "total": "39.90"})
        self.assertEqual(call(sum_shop_orders, self.people["alice"], status="sent"), {"count": 0, "total": "0.00"})

    def test_the_viewset_does_too(self) -> None:
        api = APIClient()
        self.assertEqual(api.get("/apps/shop/orders/").status_code, 401)
        api.force_authenticate(self.people["alice"])
        found = api.get("/apps/shop/orders/").json()["results"]
        self.assertEqual([each["number"] for each in found], ["alice-1"])
        self.assertEqual(api.get("/apps/shop/orders/bob-1/").status_code, 404)
