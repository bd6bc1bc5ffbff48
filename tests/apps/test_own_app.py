"""An own app at work on a real server: its agent, its addresses, its pages; and the product is changed under it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps.product import commit, git, product, with_shop
from tests.doors.people import newcomer
from tests.environment import ROOT
from tests.live import OWNER, PASSWORD, Server
from tests.streams import Client, client, key
from tests.upstream import ScriptedCall, Turn, Upstream

PAGE = (ROOT / "docs" / "your-own.md").read_text()
(SNIPPET,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)  # the tool that its reader writes
PARLEY = f"""
from agents.own import extend
from shop.models import Customer

{SNIPPET}
extend("generalist", count_shop_customers)
"""
# A table whose rows keep a person, and REST that writes: of a table without created_at, in the app's own words.
MODELS = """

class Contract(models.Model):
    signer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
"""
MIGRATION = """
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL), ("shop", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Contract",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("signer", models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                )),
            ],
        )
    ]
"""
URLS = """
from rest_framework import exceptions, permissions, serializers, viewsets
from shop.models import Contract, Customer


class IsOpen(permissions.BasePermission):
    message, code = "This customer is closed until Monday.", "closed"

    def has_object_permission(self, request, view, obj):
        return request.method == "GET" or obj.name != "Closed"


class CustomerSerializer(serializers.ModelSerializer):
    class Meta:
        model, fields = Customer, ("id", "name")


class CustomerViewSet(viewsets.ModelViewSet):
    queryset, serializer_class = Customer.objects.none(), CustomerSerializer
    permission_classes = (permissions.IsAuthenticated, IsOpen)

    def get_queryset(self):
        return Customer.objects.filter(owner=self.request.user.pk)

    def perform_create(self, serializer):
        if serializer.validated_data["name"] == "Nowhere":
            raise exceptions.NotFound("There is no such town.")
        if serializer.validated_data["name"] == "Late":
            raise exceptions.NotFound
        serializer.save(owner=self.request.user)


class ContractViewSet(viewsets.ModelViewSet):
    queryset = Contract.objects.none()
    serializer_class = type("ContractSerializer", (serializers.ModelSerializer,), {
        "Meta": type("Meta", (), {"model": Contract, "fields": ("id",)})
    })

    def get_queryset(self):
        return Contract.objects.filter(signer=self.request.user.pk)

    def perform_create(self, serializer):
        serializer.save(signer=self.request.user)


router.register("customers", CustomerViewSet, basename="shop-customer")
router.register("contracts", ContractViewSet, basename="shop-contract")
urlpatterns = router.urls
"""
MORE = {"parley.py": PARLEY, "models.py": MODELS, "migrations/0002_contract.py": MIGRATION, "urls.py": URLS}
# What a model that obeys whoever asks for Bob's orders would call.
HOSTILE: dict[str, tuple[str, Any, str]] = {  # the tool, its arguments, and what Alice is shown
    "all": ("shop_orders_list", {}, "Miller of alice"),
    "bob": ("shop_orders_list", {"search": "bob@example.com"}, '"results": []'),
    "name": ("shop_orders_list", {"search": "Miller"}, "Miller of alice"),
    "pattern": ("shop_orders_list", {"search": "%"}, '"results": []'),
    "many": ("shop_orders_list", {"page_size": 100}, "Miller of alice"),
    "too many": ("shop_orders_list", {"page_size": 201}, "was not run"),
    "another argument": ("shop_orders_list", {"owner": "bob@example.com"}, "was not run"),
    "another type": ("shop_orders_list", {"search": {"customer__owner": "bob"}}, "was not run"),
    "mine": ("shop_orders_retrieve", {"number": "1-KETTLE"}, "Miller of alice"),
    "his": ("shop_orders_retrieve", {"number": "2-KETTLE"}, "Refused with the status 404"),
    "sum": ("sum_shop_orders", {"status": "open"}, '"total": "39.90"'),
    "another status": ("sum_shop_orders", {"status": "all"}, "was not run"),
}


@pytest.fixture(scope="module")
def server(upstream: Upstream) -> Iterator[Server]:
    """A server of a product of its own, with the shop, where Alice and Bob have three orders each."""
    server = with_shop(product(), MORE, OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none")
    server.quickly("create_user", "bob@example.com", "--organization", "First organization", "--role", "editor")
    server.quickly("fill_shop", OWNER, "bob@example.com")
    (server.data / "apps/shop/templates/registration").mkdir(parents=True)
    (server.data / "apps/shop/templates/registration/login.html").write_text("The shop's own door.")
    (server.data / "apps/shop/static/chat").mkdir(parents=True)
    (server.data / "apps/shop/static/chat/chat.css").write_text("/* the shop's */")
    yield server.start_process()
    server.close()


@pytest.fixture(scope="module")
def people(server: Server) -> dict[str, Client]:
    return {"alice": client(server), "bob": Client(server, server.quickly("token", "bob@example.com"))}


@pytest.fixture(scope="module")
def session(server: Server) -> dict[str, str]:
    """Headers of the owner's browser; the page to sign in is the shop's now."""
    made = (
        "from django.test import Client; from accounts.models import User; c = Client();"
        f"c.force_login(User.objects.get(email='{OWNER}')); print('sessionid=' + c.cookies['sessionid'].value)"
    )
    return {"Cookie": server.manage("shell", "-v", "0", "-c", made).stdout.strip().splitlines()[-1]}


def told(person: Client, upstream: Upstream, tool: str, arguments: Any) -> str:
    """All that the person and the model are shown of a chat in which the model calls this tool."""
    mark = key()
    upstream.script(Turn(tool_calls=[ScriptedCall(tool, arguments)]), Turn(text="These are they."), key=mark)
    chat = person.chat(archetype="shop", project=None)
    run = person.start(chat, f"[[key={mark}]] Which orders are there?")["run"]["id"]
    assert person.wait(run)["status"] == "succeeded"
    asked = upstream.requests(mark)
    assert "orders" in asked[0].messages[0]["content"]  # the prompt's file
    return json.dumps([asked[-1].messages[-1], person.answer(chat)])


@pytest.mark.parametrize("name", HOSTILE)
def test_the_agent_answers_from_the_rows_of_its_person_alone(
    people: dict[str, Client], upstream: Upstream, name: str
) -> None:
    tool, arguments, expected = HOSTILE[name]
    shown = told(people["alice"], upstream, tool, arguments)
    assert "Miller of bob" not in shown
    assert expected in shown.replace('\\"', '"'), shown


def test_bob_is_shown_his_own(people: dict[str, Client], upstream: Upstream) -> None:
    shown = told(people["bob"], upstream, "shop_orders_list", {})
    assert "Miller of bob" in shown
    assert "Miller of alice" not in shown


def test_the_tool_of_the_page_counts_in_an_agent_of_ours(people: dict[str, Client], upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(tool_calls=[ScriptedCall("count_shop_customers", {})]), Turn(text="One."), key=mark)
    alice = people["alice"]
    run = alice.start(alice.chat(), f"[[key={mark}]] How many?")["run"]["id"]
    assert alice.wait(run)["status"] == "succeeded"
    assert upstream.requests(mark)[-1].messages[-1]["content"] == "1"


def test_its_addresses_answer_by_its_own_rule(server: Server, people: dict[str, Client]) -> None:
    mine, theirs = (person.get("/apps/shop/orders/")["results"] for person in people.values())
    assert (len(mine), len(theirs)) == (3, 3)
    assert people["alice"].get(f"/apps/shop/orders/{mine[0]['number']}/") == mine[0]
    charlie = newcomer(server)
    assert charlie.get("/apps/shop/orders/")["results"] == []
    for token, status in ((charlie.token, 404), (people["bob"].token, 404), ("", 401)):
        reply = server.call("GET", f"/apps/shop/orders/{mine[0]['number']}/", token=token)
        assert (reply.status, list(reply.body)) == (status, ["error"])
        assert reply.headers["cache-control"] == "private, no-store"
    for scope, status in (("apps", 200), ("chat", 403)):
        asked = ("create_key", OWNER, "--organization", "First organization", "--scope", scope, "--name", scope)
        made = server.quickly(*asked).strip()
        reply = server.call("GET", f"/apps/shop/orders/{mine[0]['number']}/?ticket=12", token=made)
        assert (reply.status, reply.body.get("error", {}).get("code")) == (
            status,
            None if status == 200 else "key_scope",
        )
    assert "/apps/shop/orders/{number}/" in server.call("GET", "/api/schema/").body["paths"]
    assert "shop" in [each["name"] for each in people["alice"].get("/api/archetypes/")["results"]]


def test_its_viewsets_write_and_list_by_key_and_refuse_in_their_own_words(
    server: Server, people: dict[str, Client]
) -> None:
    alice, bob = people["alice"], people["bob"]
    path = "/apps/shop/customers/"
    made = [alice.post(path, {"name": name})["id"] for name in ("Baker", "Closed", "Able")]
    found, address = [], f"{path}?page_size=1"
    while address:
        page = alice.get(address)
        found += [row["id"] for row in page["results"]]
        address = (page["next"] or "").removeprefix(server.url)
    assert found[-3:] == made and found == sorted(found)
    mine, closed = f"{path}{made[0]}/", f"{path}{made[1]}/"
    for method, body, status in (("PUT", {"name": "B"}, 200), ("PATCH", {"name": "Baker"}, 200), ("DELETE", None, 204)):
        assert server.call(method, mine, body, token=bob.token).status == 404
        assert server.call(method, mine, body, token=alice.token).status == status
    refused = server.call("PATCH", closed, {"name": "Open"}, token=alice.token)
    assert (refused.status, refused.body["error"]["code"]) == (403, "closed")
    assert refused.body["error"]["message"] == "This customer is closed until Monday."
    assert server.call("POST", closed, {"name": "x"}, token=alice.token).status == 405
    said = alice.post(path, {"name": "Nowhere"}, expect=(404,))["error"]
    assert (said["code"], said["message"]) == ("not_found", "There is no such town.")
    assert "or you may not see it" in alice.post(path, {"name": "Late"}, expect=(404,))["error"]["message"]


def test_rows_that_are_protected_keep_their_person_and_it_is_said_why(server: Server, session: dict[str, str]) -> None:
    emil = newcomer(server, organization="First organization", role="editor")
    me = emil.get("/api/users/me/")
    contract = emil.post("/apps/shop/contracts/", {})["id"]
    told = emil.post("/api/users/me/deletion/", {"password": PASSWORD}, expect=(409,))["error"]
    assert told["code"] == "protected" and "shop.Contract" in told["message"]
    with pytest.raises(AssertionError, match=r"shop\.Contract"):
        server.quickly("delete_person", me["email"], "--yes")
    page = server.call("GET", f"/admin/accounts/user/{me['id']}/delete/", headers=session)
    assert page.status == 200 and "Rows of shop.Contract keep this person" in page.body
    assert emil.get("/api/users/me/")["id"] == me["id"]
    assert server.call("DELETE", f"/apps/shop/contracts/{contract}/", token=emil.token).status == 204
    assert "is deleted." in server.quickly("delete_person", me["email"], "--yes")


def test_its_templates_and_static_files_are_over_ours_and_the_admin_lists_its_rows(
    server: Server, session: dict[str, str]
) -> None:
    page = server.call("GET", "/", headers=session).body
    assert '"name": "shop-open", "label": "Open orders of the shop"' in page
    assert server.call("GET", "/login/").body == "The shop's own door."
    assert server.call("GET", "/static/chat/chat.css").body == "/* the shop's */"
    page = server.call("GET", "/admin/shop/order/", headers=session)
    assert page.status == 200
    assert "Miller of bob@example.com" in page.body


def test_with_a_person_go_their_rows(server: Server, session: dict[str, str]) -> None:
    server.quickly("create_user", "dora@example.com", "--organization", "First organization", "--role", "viewer")
    assert "dora@example.com has 3 orders." in server.quickly("fill_shop", "dora@example.com")
    assert "Miller of dora" in server.call("GET", "/admin/shop/order/", headers=session).body
    assert "dora@example.com is deleted." in server.quickly("delete_person", "dora@example.com", "--yes")
    assert "Miller of dora" not in server.call("GET", "/admin/shop/order/", headers=session).body


def test_the_product_is_upgraded_under_the_app_and_no_file_of_either_is_touched(
    server: Server, people: dict[str, Client], upstream: Upstream
) -> None:
    assert "No changes detected" in server.quickly("makemigrations", "--check", "--dry-run")
    before, root = files(server.data / "apps"), Path(server.root)
    change(root)
    server.stop()
    server.manage("quickstart")
    server.start_process()
    assert server.call("GET", "/api/schema/").body["info"]["version"] == "0.2.0"
    assert "Miller of alice" in told(people["alice"], upstream, "shop_orders_list", {})
    assert git(root, "status", "--porcelain") == ""
    assert len(git(root, "log", "--format=%h").split()) == 2
    assert files(server.data / "apps") == before


def change(root: Path) -> None:
    """The next version: another number, another prompt, and a migration."""
    settings, prompt = root / "config/settings.py", root / "agents/prompts/generalist.md"
    settings.write_text(settings.read_text().replace('PARLEY_VERSION = "0.1.0"', 'PARLEY_VERSION = "0.2.0"'))
    prompt.write_text(prompt.read_text() + "\nBe kind.\n")
    last = max(path.stem for path in (root / "chat/migrations").glob("0*.py"))
    (root / "chat/migrations/9999_next.py").write_text(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    dependencies = [('chat', '{last}')]\n    operations = [migrations.RunSQL('SELECT 1', 'SELECT 1')]\n"
    )
    commit(root, "2")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}
