"""`GET /api/usage/`: who sees what was used, in which form, and how quickly."""

import csv
import io
import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, Project, User
from accounts.sign_in.keys import create_key
from chat.models import UsageDay
from tests.chat.admin_speed import busy_s
from tests.environment import profile

Api = Callable[[User], APIClient]
TODAY = timezone.now().date()


def used(organization: Organization, user: User, **fields: Any) -> UsageDay:
    counts = {"runs": 2, "failed": 1, "input_tokens": 100, "cached_tokens": 40, "output_tokens": 10}
    money = {"cost_nanos": 1_234_567_000, "priced_tokens": 110}
    place = {"organization": organization, "user": user, "day": TODAY, "model": "m", "door": "native"}
    return UsageDay.objects.create(**{**place, **counts, **money, "purpose": "answer"} | fields)


@pytest.fixture
def ask(api: Api, organization: Organization) -> Callable[..., Any]:
    """Ask for usage of the organization as somebody, and get the answer."""

    def asked(user: User, **query: Any) -> Any:
        return api(user).get("/api/usage/", {"organization": str(organization.pk)} | query)

    return asked


@pytest.mark.django_db
def test_rows_have_what_was_asked_for_and_add_up(
    ask: Any, organization: Organization, project: Project, alice: User, bob: User
) -> None:
    key, _ = create_key(user=bob, organization=organization, name="=cmd", scopes=["chat"], expires_at=None)
    used(organization, alice)
    used(organization, bob, model="n", project=project, api_key=key, cost_nanos=0, priced_tokens=0, unknown_cost_runs=2)
    used(organization, bob, model="n", day=TODAY - timedelta(days=1), cache_hits=3)
    used(organization, bob, day=TODAY - timedelta(days=30))  # before what is asked for
    answer = ask(alice, **{"from": TODAY - timedelta(days=1)}).json()
    assert answer["results"] == [
        {
            "day": str(TODAY - timedelta(days=1)), "model": "n", "runs": 2, "failed": 1, "input_tokens": 100,
            "cached_tokens": 40, "output_tokens": 10, "reasoning_tokens": 0,
            "cost": {"amount": "1.234567000", "currency": "USD"}, "unknown_cost_runs": 0, "cache_hits": 3,
        },
        {
            "day": str(TODAY), "model": "m", "runs": 2, "failed": 1, "input_tokens": 100, "cached_tokens": 40,
            "output_tokens": 10, "reasoning_tokens": 0, "cost": {"amount": "1.234567000", "currency": "USD"},
            "unknown_cost_runs": 0, "cache_hits": 0,
        },
        {
            "day": str(TODAY), "model": "n", "runs": 2, "failed": 1, "input_tokens": 100, "cached_tokens": 40,
            "output_tokens": 10, "reasoning_tokens": 0, "cost": None, "unknown_cost_runs": 2, "cache_hits": 0,
        },
    ]  # fmt: skip
    assert answer["totals"] == {
        "runs": 6, "failed": 3, "input_tokens": 300, "cached_tokens": 120, "output_tokens": 30, "reasoning_tokens": 0,
        "cost": {"amount": "2.469134000", "currency": "USD"}, "unknown_cost_runs": 2, "cache_hits": 3,
    }  # fmt: skip
    every = ask(alice, by="month,project,user,key,door,purpose").json()["results"]
    assert {(row["project_name"], row["user_name"], row["key_name"]) for row in every} == {
        (None, alice.email, None), (project.name, bob.email, key.prefix), (None, bob.email, None),
    }  # fmt: skip
    project.delete()
    key.delete()
    again = ask(alice, by="month,project,user,key,door,purpose").json()["results"]
    assert again == every, "what is gone is still told by its name"


@pytest.mark.django_db
def test_members_see_their_own_admins_all_and_others_nothing(
    ask: Any, api: Api, organization: Organization, alice: User, bob: User, charlie: User
) -> None:
    used(organization, alice)
    used(organization, bob)
    elsewhere = Organization.objects.create(name="Elsewhere")
    Membership.objects.create(organization=elsewhere, user=charlie, role="owner")
    used(elsewhere, charlie, runs=99)
    assert [row["runs"] for row in ask(alice).json()["results"]] == [4]
    assert [row["runs"] for row in ask(bob).json()["results"]] == [2]
    assert [row["user"] for row in ask(bob, by="user").json()["results"]] == [str(bob.pk)]
    assert ask(charlie).status_code == 404
    assert [row["runs"] for row in ask(charlie, organization=str(elsewhere.pk)).json()["results"]] == [99]


WRONG = {
    "organization": [{"organization": "x"}, {"organization": ""}],
    "from": [
        {"from": "yesterday"}, {"from": str(TODAY + timedelta(days=1))}, {"from": str(TODAY - timedelta(days=400))},
    ],
    "to": [{"to": "2026-02-30"}],
    "by": [{"by": "day,day"}, {"by": "person"}, {"by": ","}],
    "format": [{"format": "xml"}],
    "until": [{"until": "2026-01-01"}],
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("field", "query"), [(field, query) for field, each in WRONG.items() for query in each])
def test_what_is_not_right_is_refused_by_its_field(ask: Any, alice: User, field: str, query: dict[str, str]) -> None:
    answer = ask(alice, **query)
    assert answer.status_code == 400 and field in answer.json()["error"]["fields"], answer.json()


@pytest.mark.django_db
def test_400_days_are_told_and_10_000_rows(
    ask: Any, organization: Organization, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    used(organization, alice, day=TODAY - timedelta(days=399))
    used(organization, alice)
    since = {"from": str(TODAY - timedelta(days=399))}
    assert len(ask(alice, **since).json()["results"]) == 2
    monkeypatch.setattr("chat.metering.usage_report.MOST_ROWS", 1)
    refused = ask(alice, **since)
    assert refused.status_code == 400 and "fewer days" in refused.json()["error"]["fields"]["by"][0]
    assert len(ask(alice, by="model", **since).json()["results"]) == 1


RISKY = ["=1+1", "+1", "-1", "@x", "\tx", "\rx"]


@pytest.mark.django_db
def test_csv_is_a_table_that_runs_nothing(ask: Any, organization: Organization, alice: User) -> None:
    """SECURITY X07: a client chooses what a model is called, people what a project is."""
    for name in RISKY:
        project = Project.objects.create(organization=organization, name=f"{name},\"'")
        used(organization, alice, model=name, project=project)
    used(organization, alice, model="plain", cost_nanos=0, priced_tokens=0)
    answer = ask(alice, by="model,project", format="csv")
    assert answer["content-type"] == "text/csv; charset=utf-8" and "attachment" in answer["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
    assert {row["model"] for row in rows} == {f"'{name}" for name in RISKY} | {"plain"}
    assert all(row["project_name"].startswith("'") for row in rows if row["model"] != "plain")
    assert {(row["runs"], row["cost"], row["currency"]) for row in rows} == {("2", "1.234567000", "USD"), ("2", "", "")}


@pytest.mark.django_db
def test_json_lines_are_the_rows_and_no_rows_are_still_a_table(
    ask: Any, organization: Organization, alice: User
) -> None:
    assert ask(alice, format="csv").content.decode().startswith("day,model,runs,failed,")
    assert ask(alice, format="jsonl").content == b""
    used(organization, alice)
    lines = ask(alice, format="jsonl")
    assert lines["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.content.splitlines()] == ask(alice).json()["results"]


@pytest.mark.django_db
def test_an_api_key_that_may_read_sees_what_its_person_does(
    organization: Organization, alice: User, settings: Any
) -> None:
    used(organization, alice)
    found = {}
    for scope in ("read", "chat", "llm"):
        _, secret = create_key(user=alice, organization=organization, name=scope, scopes=[scope], expires_at=None)
        client = APIClient(headers={"authorization": f"Bearer {secret}"})
        found[scope] = client.get("/api/usage/", {"organization": str(organization.pk)}).status_code
    assert found == {"read": 200, "chat": 200, "llm": 403}


@pytest.mark.django_db(transaction=True)
def test_a_year_of_a_hundred_people_is_told_at_once(ask: Any, organization: Organization, alice: User) -> None:
    people = [User(id=uuid4(), email=f"p{number}@example.com") for number in range(100)]
    User.objects.bulk_create(people)
    chance = random.Random(1)
    UsageDay.objects.bulk_create(
        (
            UsageDay(
                day=TODAY - timedelta(days=back), organization=organization, user_id=each.pk, model=model,
                door=chance.choice(("native", "agent")), purpose="answer", runs=1, input_tokens=1000, output_tokens=10,
                cost_nanos=5, priced_tokens=1010,
            )
            for back in range(365)
            for each in people
            for model in chance.sample(("a", "b", "c"), 2)
        ),
        batch_size=2000,
    )  # fmt: skip
    query = {"by": "user,model", "from": str(TODAY - timedelta(days=364))}
    ask(alice, **query)
    took = []
    for _ in range(3):
        began = busy_s()
        answer = ask(alice, **query)
        took.append(busy_s() - began)
    assert answer.json()["totals"]["runs"] == 365 * 200
    assert len(answer.json()["results"]) == 300
    assert min(took) < 0.3, (profile(), took)
