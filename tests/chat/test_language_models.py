"""Models in the database: over those that ship and that the settings name, in memory, edited by who is on call."""

import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import User
from agents import installation
from agents.providers.server import NOBODY
from agents.shipped import SHIPPED
from chat.metering import catalog, origins
from chat.models import LanguageModel
from tests.chat.test_admin import list_page, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
OWN = "https://203-0-113-9.example.com/v1"


@pytest.fixture(autouse=True)
def configured(settings: Any) -> Any:
    """A key of OpenAI's, and what ships; what this process was told is forgotten behind the test."""
    settings.OPENAI_API_KEY, settings.OPENAI_MODELS, settings.AGENTS_DEFAULT_MODEL = "sk-planted", [], ""
    settings.IS_DEVELOPMENT = False
    settings.OUTWARD_ALLOW = ["127.0.0.1:9", "203-0-113-9.example.com"]
    yield
    installation.tell_rows(())
    installation.tell_known(())


@pytest.fixture
def staff() -> Client:
    return signed_in(User.objects.create_superuser("root@example.com", name="Root"))


def row(id: str, **fields: Any) -> LanguageModel:
    LanguageModel.objects.filter(pk=id).delete()
    return LanguageModel.objects.create(**{"id": id, "vendor": "openai", "source": "operator", **fields})


# --- Seeding ----------------------------------------------------------------------------------------------------------


def test_a_database_gets_a_row_for_each_model_and_no_more(settings: Any) -> None:
    LanguageModel.objects.all().delete()
    settings.OPENAI_MODELS, settings.MISTRAL_MODELS = ["qwen3:8b", "gpt-6-luna", "demo"], ["mistral-large-latest"]
    assert catalog.seed() == len(SHIPPED) + 2
    found = {each.id: (each.vendor, each.source) for each in LanguageModel.objects.all()}
    assert found["qwen3:8b"] == ("openai", "settings") and found["mistral-large-latest"] == ("mistral", "settings")
    assert found["gpt-6-luna"] == ("openai", "shipped") and "demo" not in found
    assert catalog.seed() == 0


def test_what_somebody_edited_stays_and_what_was_seeded_says_nothing(settings: Any) -> None:
    catalog.seed()
    LanguageModel.objects.filter(pk="gpt-6-luna").update(note="Ours", is_enabled=False)
    call_command("migrate", verbosity=0)
    catalog.refresh()
    assert LanguageModel.objects.get(pk="gpt-6-luna").note == "Ours"
    assert installation.model_names() == ["gpt-6.1-terra", "gpt-6.1-sol"]
    settings.OPENAI_MODELS = ["qwen3:8b"]  # rows of models that are named no more add none
    assert installation.model_names() == ["qwen3:8b"]


# --- In memory --------------------------------------------------------------------------------------------------------


def test_rows_are_over_what_ships_and_the_rest_falls_through() -> None:
    row("gpt-6-luna", input_price=3, output_price=4, currency="EUR", tier="max", efforts=[], fallbacks=["gpt-6.1-sol"])
    catalog.refresh()
    model = installation.info_of("gpt-6-luna")
    assert model.price is not None and (model.price.input, model.price.currency) == (3, "EUR")
    assert (model.tier, model.efforts, model.context_tokens) == ("max", (), 1_050_000)
    assert [each.id for each in installation.the_catalog().line("gpt-6-luna")] == ["gpt-6-luna", "gpt-6.1-sol"]


def test_the_package_says_what_nobody_else_does_where_it_knows_the_address(settings: Any) -> None:
    settings.MISTRAL_API_KEY, settings.MISTRAL_MODELS = "k", ["mistral-small-latest", "of our own"]
    settings.OPENAI_BASE_URL, settings.OPENAI_MODELS = "http://127.0.0.1:11434/v1", ["gpt-oss-20b"]
    catalog.refresh()
    known = installation.info_of("mistral-small-latest")
    assert known.price is not None and 0 < known.price.input < known.price.output
    assert installation.info_of("of our own").price is None
    local = installation.info_of("gpt-oss-20b")  # at home it costs nothing, or electricity: nobody knows
    assert local.price is None and not local.is_context_known


def test_a_process_asks_the_database_for_none_of_it(django_assert_num_queries: Any) -> None:
    catalog.refresh()
    with django_assert_num_queries(0):
        installation.models(), installation.default_model(), installation.price_of("gpt-6-luna")
        installation.the_catalog().line("gpt-6-luna")


# --- The admin --------------------------------------------------------------------------------------------------------


def test_the_list_says_what_each_can_and_costs_and_who_says_so(staff: Client, settings: Any) -> None:
    settings.OPENAI_PRICES = ["gpt-6.1-sol=7/8"]
    row("gpt-6-luna", input_price=3, output_price=4, abilities=["tools"])
    row("lab", base_url=OWN)
    catalog.seed()
    catalog.refresh()
    text = text_of(staff, list_page(LanguageModel))
    for said in (
        "3 / 3 / 4 USD (this row)",
        "7 / 7 / 8 USD (the settings)",
        "1 / 0.05 / 5 USD (the catalog)",
        "tools (this row)",
    ):
        assert said in text, said
    assert "- (nobody: assumed)" in text and "128,000 (nobody: assumed)" in text
    page = text_of(staff, page_of(LanguageModel.objects.get(pk="gpt-6.1-sol")))
    assert "responses https://api.openai.com/v1" in page and "sk-planted" not in page + text


def posted(**fields: Any) -> dict[str, Any]:
    return {"id": "new", "vendor": "openai", "is_enabled": "on", **fields}


def test_a_model_is_added_edited_and_offered_at_once(staff: Client, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        made = staff.post(list_page(LanguageModel) + "add/", posted(base_url=OWN, efforts="low, high", abilities="-"))
    assert made.status_code == 302, made.context["adminform"].form.errors
    model = installation.info_of("new")
    assert installation.has_model("new") and (model.efforts, model.abilities) == (("low", "high"), frozenset())
    assert (model.server.base_url, model.server.key) == (OWN, "MODEL_KEYS")
    with django_capture_on_commit_callbacks(execute=True):
        chosen = {"action": "disable", "_selected_action": ["new"]}
        assert staff.post(list_page(LanguageModel), chosen).status_code == 302
    assert not installation.has_model("new") and LogEntry.objects.filter(object_id="new").count() == 2
    kept = LanguageModel.objects.get(pk="new")
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(page_of(kept), posted(id="other", note="Back", base_url=OWN))
    assert installation.info_of("new").note == "Back" and not LanguageModel.objects.filter(pk="other").exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert staff.post(page_of(kept).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert installation.info_of("new").server.base_url == OWN
    with django_capture_on_commit_callbacks(execute=True):
        assert staff.post(page_of(kept), posted(base_url="")).status_code == 302
        assert staff.post(page_of(kept).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 302
    assert not installation.has_model("new") and installation.info_of("new").server == NOBODY


def test_what_ships_is_switched_off_and_not_deleted(staff: Client) -> None:
    catalog.seed()
    shipped = LanguageModel.objects.get(pk="gpt-6-luna")
    assert staff.post(page_of(shipped).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"input_price": "-1", "output_price": "1"}, "input_price", "0 or more"),
        ({"input_price": "1"}, "output_price", "Input and output"),
        ({"cached_price": "1"}, "input_price", "only beside"),
        ({"input_price": "free", "output_price": "1"}, "input_price", "number"),
        ({"context_tokens": "0"}, "context_tokens", "1 or more"),
        ({"fallbacks": "nobody's"}, "fallbacks", "no model nobody&#x27;s"),
        ({"fallbacks": "new"}, "fallbacks", "circle: new → new"),
        ({"fallbacks": "gpt-6.1-sol, lab"}, "fallbacks", "circle: new → lab → new"),
        ({"successor": "nobody's"}, "successor", "no model"),
        ({"successor": "new"}, "successor", "follow itself"),
        ({"abilities": "tools, flying"}, "abilities", "Expected"),
        ({"efforts": "huge"}, "efforts", "Expected"),
        ({"tier": "gold"}, "tier", "valid choice"),
        ({"base_url": "http://203-0-113-10.example.com/v1"}, "base_url", "https"),
        ({"base_url": "https://169.254.169.254/v1"}, "base_url", "public address"),
        ({"base_url": "https://[::1]/v1"}, "base_url", "public address"),
        ({"base_url": "https://localhost/v1"}, "base_url", "public address"),
        ({"base_url": "https://user@203-0-113-9.example.com/v1"}, "base_url", "user name"),
        ({"base_url": "file:///etc/passwd"}, "base_url", "no URL"),
    ],
)
def test_what_may_not_stand_in_a_row_is_refused_by_its_field(
    fields: dict[str, str], field: str, said: str, staff: Client
) -> None:
    row("lab", fallbacks=["new"])
    answer = staff.post(list_page(LanguageModel) + "add/", posted(**fields))
    assert answer.status_code == 200 and list(answer.context["adminform"].form.errors) == [field]
    assert said in answer.content.decode()
    assert not LanguageModel.objects.filter(pk="new").exists()


def test_nobody_but_staff_with_the_right_sees_or_changes_them(alice: User, charlie: User) -> None:
    here = row("lab")
    half = User.objects.create_user("dora@example.com", password=str(uuid.uuid4()))
    half.is_staff = True
    half.save(update_fields=["is_staff"])
    for user, status in ((alice, 302), (charlie, 302), (half, 403)):
        for page in (list_page(LanguageModel), page_of(here), reverse("admin:chat_languagemodel_add")):
            for answer in (signed_in(user).get(page), signed_in(user).post(page, posted(id="lab", note="Mine"))):
                assert answer.status_code == status and b"lab" not in answer.content
    here.refresh_from_db()
    assert here.note == "" and LanguageModel.objects.filter(pk="new").count() == 0


def test_who_says_what_is_told_for_every_field() -> None:
    here = row("gpt-6-luna", note="Ours")
    catalog.refresh()
    said = origins.origins_of(here)
    assert (said["note"], said["price"], said["context_tokens"]) == (origins.ROW, origins.CODE, origins.CODE)
    assert set(origins.origins_of(row("lab")).values()) == {origins.ELSE}
