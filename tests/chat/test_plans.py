"""Plans: what an organization may use, who reads and changes that, and where it is asked. The doors: tests/doors."""

import ast
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts import plans
from accounts.errors import Invalid, NotAllowed, TooMany
from accounts.models import Organization, Plan, User
from accounts.plans import SHIPPED, Terms
from agents import installation
from agents.archetypes import registry
from agents.archetypes.base import Archetype
from agents.errors import WorkFailed
from agents.overlay import Overlay
from agents.shipped import SHIPPED as MODELS
from chat import gate
from chat.models import Chat, Message, Run, RunStatus, Schedule
from chat.run_request import RunRequest
from chat.runner import lease
from chat.runner.beginning import WorkOrder, begin_work
from chat.runner.kinds import DRIVERS, memory
from chat.runner.kinds.base import Broken
from chat.runner.loading import load
from chat.services import operating, runs, schedules
from tests.chat.rows import answer

Api = Callable[[User], APIClient]
NAMES = ("BASIC", "PRO", "ENTERPRISE")
FREE, PRO, MAX = "gpt-6-luna", "gpt-6.1-terra", "gpt-6.1-sol"
HAS = {"BASIC": 2, "PRO": 7, "ENTERPRISE": 10}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def all_ten(settings: Any) -> None:
    """An installation as it ships, with the keys of all four vendors."""
    settings.IS_DEVELOPMENT, settings.OPENAI_BASE_URL = False, "https://api.openai.com/v1"
    settings.AGENTS_DEFAULT_MODEL = ""
    for vendor in ("OPENAI", "ANTHROPIC", "XAI", "GEMINI"):
        setattr(settings, f"{vendor}_API_KEY", "k")
        setattr(settings, f"{vendor}_MODELS", [])


def give(organization: Organization, plan: str) -> None:
    Organization.objects.filter(pk=organization.pk).update(plan=plan)


def choose(chat: Chat, model: str) -> Chat:
    Chat.objects.filter(pk=chat.pk).update(model=model)
    return Chat.objects.get(pk=chat.pk)


def begin(chat: Chat, user: User, **ask: Any) -> Run:
    return runs.start_run(user=user, chat=chat, ask=RunRequest(content="Hello", **ask))


# --- What ships -------------------------------------------------------------------------------------------------------


def test_the_plans_have_2_7_and_10_of_the_models_that_ship() -> None:
    assert {each.name: len(gate.models_of(each)) for each in SHIPPED} == HAS
    assert {each.id for each in MODELS} == set(gate.models_of(plans.named("ENTERPRISE")))
    assert set(gate.models_of(plans.named("BASIC"))) < set(gate.models_of(plans.named("PRO")))
    assert [gate.least_plan(each) for each in (FREE, PRO, MAX)] == list(NAMES)


@pytest.mark.parametrize("name", ["free", "", "gold", "basic"])
def test_who_has_no_plan_has_the_default_and_nothing_changes_for_who_upgrades(name: str, settings: Any) -> None:
    assert project_settings.PLANS_DEFAULT == "ENTERPRISE" == plans.named(name).name
    settings.PLANS_DEFAULT = "BASIC"
    assert plans.named(name).name == "BASIC" and plans.named("PRO").name == "PRO"


def test_a_default_that_is_misspelt_opens_nothing(settings: Any) -> None:
    settings.PLANS_DEFAULT = "ENTERPRIZE"
    found = plans.named("free")
    assert gate.models_of(found) == [] and not any(found.has(each) for each in plans.FEATURES)


def test_an_installation_with_models_of_its_own_has_them_in_every_plan(settings: Any) -> None:
    """They are of no tier, and so for everybody, as the catalog says, until somebody gives them one."""
    settings.OPENAI_MODELS = ["house-small", "house-large"]
    settings.ANTHROPIC_API_KEY = settings.XAI_API_KEY = settings.GEMINI_API_KEY = ""
    assert all(gate.models_of(each) == settings.OPENAI_MODELS for each in SHIPPED)
    installation.tell_rows([Overlay("house-large", tier="max")])
    try:
        assert [len(gate.models_of(each)) for each in SHIPPED] == [1, 1, 2]
    finally:
        installation.tell_rows(())


PATTERNS: dict[str, tuple[list[str], list[str]]] = {
    "an id": ([PRO], [PRO]),
    "a pattern": (["claude-*"], ["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"]),
    "a tier": (["tier:free"], [FREE, "claude-haiku-5-5"]),
    "a tier and an id": (["tier:free", MAX], [FREE, "claude-haiku-5-5", MAX]),
    "in the other case": (["GPT-6-LUNA", "Claude-*"], []),
    "a tier that is none": (["tier:gold"], []),
    "nothing": ([], []),
}


@pytest.mark.parametrize("case", PATTERNS)
def test_a_plans_models_are_ids_patterns_and_tiers(case: str) -> None:
    patterns, models = PATTERNS[case]
    assert sorted(gate.models_of(Terms("X", "X", tuple(patterns)))) == sorted(models)


def test_a_model_under_another_name_is_asked_about_as_what_it_is() -> None:
    """CVE-2026-44555: an alias of a model that a plan does not have was one that it has."""
    installation.tell_rows([Overlay("gpt-6-house", name=MAX, adds=True), Overlay("house", name=MAX, adds=True)])
    try:
        assert [gate.allows(plans.named(each), "house") for each in NAMES] == [False, False, True]
        assert not gate.allows(Terms("X", "X", ("gpt-6-*",)), "gpt-6-house")
        assert gate.allows(Terms("X", "X", ("gpt-6*",)), "gpt-6-house")
        assert gate.allows(Terms("X", "X", ("gpt-6-house",)), "gpt-6-house"), "an operator has named it"
    finally:
        installation.tell_rows(())


# --- Before a run begins ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan", NAMES)
def test_each_plan_begins_runs_of_its_models_and_of_no_other(
    plan: str, chat: Chat, alice: User, organization: Organization
) -> None:
    give(organization, plan)
    begun = set()
    for model in installation.model_names():
        try:
            begun.add(begin(chat, alice, model=model, if_busy="enqueue").model)
        except NotAllowed as refused:
            assert (refused.status, refused.code, list(refused.fields)) == (403, "plan_model", ["model"])
            (told,) = refused.fields["model"]
            assert plan in told and model in told and FREE in told
    assert begun == set(gate.models_of(plans.named(plan))) and len(begun) == HAS[plan]
    assert Run.objects.count() == len(begun), "nothing of what was refused is stored"


def test_a_chat_whose_model_is_lost_with_the_plan_is_as_it_was(
    chat: Chat, alice: User, organization: Organization, api: Api
) -> None:
    chat = choose(chat, MAX)
    before = answer(chat, alice)
    give(organization, "BASIC")
    rows = Chat.objects.filter(pk=chat.pk).values().get(), Message.objects.count(), Run.objects.count()
    for act in (
        lambda: begin(chat, alice),
        lambda: runs.regenerate(user=alice, message=before.answer),
        lambda: operating.redrive_run(run=Run.objects.filter(pk=before.pk).update(model=MAX) and before),
    ):
        with pytest.raises(NotAllowed, match=f"BASIC does not include {MAX}"):
            act()
    assert (Chat.objects.filter(pk=chat.pk).values().get(), Message.objects.count(), Run.objects.count()) == rows
    person = api(alice)
    assert person.get(f"/api/chats/{chat.pk}/messages/").status_code == 200
    fork = person.post(f"/api/chats/{chat.pk}/fork/", {"message": str(before.message_id)}, format="json")
    assert fork.status_code == 201 and fork.json()["model"] == MAX
    assert person.patch(f"/api/chats/{chat.pk}/", {"model": PRO}, format="json").status_code == 403
    assert person.patch(f"/api/chats/{chat.pk}/", {"title": "Mine"}, format="json").status_code == 200
    assert person.patch(f"/api/chats/{chat.pk}/", {"model": FREE}, format="json").status_code == 200
    assert begin(Chat.objects.get(pk=chat.pk), alice).model == FREE


def test_a_new_chat_begins_with_a_model_of_the_plan(
    alice: User, organization: Organization, api: Api, settings: Any
) -> None:
    settings.AGENTS_DEFAULT_MODEL = MAX
    asked = {"organization": str(organization.pk)}
    assert api(alice).post("/api/chats/", asked, format="json").json()["model"] == MAX
    give(organization, "BASIC")
    assert api(alice).post("/api/chats/", asked, format="json").json()["model"] == FREE
    refused = api(alice).post("/api/chats/", {**asked, "model": MAX}, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "plan_model")
    refused = api(alice).post("/api/chats/", {**asked, "fallbacks": [FREE, PRO]}, format="json")
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (403, ["fallbacks"])


CHILD = Archetype("child_of_max", "Reads.", "You read.", model=MAX)
OWN = Archetype("on_max", "Answers.", "You answer.", model=MAX)
PARENT = Archetype("asks_max", "Answers.", "You answer.", subagents=(Archetype("m", "m", "m", subagents=(CHILD,)),))


@pytest.mark.parametrize("archetype", [OWN, PARENT], ids=["its own", "a subagent's subagent's"])
def test_a_fixed_model_is_asked_about_too(
    archetype: Archetype, chat: Chat, alice: User, organization: Organization
) -> None:
    chat = choose(chat, FREE)
    with registry.also(archetype):
        assert begin(chat, alice, archetype=archetype.name).archetype == archetype.name
        give(organization, "PRO")
        with pytest.raises(NotAllowed, match=MAX):
            begin(chat, alice, archetype=archetype.name, if_busy="enqueue")


def test_a_models_successor_is_asked_about_and_not_the_model_that_is_gone(
    chat: Chat, alice: User, organization: Organization
) -> None:
    installation.tell_rows([Overlay("gone", adds=True, is_enabled=False, successor=MAX)])
    try:
        chat = choose(chat, "gone")
        assert begin(chat, alice, door="editor_chat").model == MAX
        give(organization, "PRO")
        with pytest.raises(NotAllowed, match=MAX):
            begin(chat, alice, door="editor_chat", if_busy="enqueue")
    finally:
        installation.tell_rows(())


def test_a_plan_lowers_how_many_runs_are_open_and_never_raises_it(
    chat: Chat, alice: User, organization: Organization, settings: Any
) -> None:
    chat = choose(chat, FREE)
    answer(chat, alice, RunStatus.RUNNING)
    plans.tell([Terms("BASIC", "Basic", ("*",), limits={"CHAT_RUNS_PER_ORGANIZATION": 1})])
    begin(chat, alice, if_busy="enqueue")
    give(organization, "BASIC")
    with pytest.raises(TooMany):
        begin(chat, alice, if_busy="enqueue")
    plan = Terms("X", "X", limits={"CHAT_RUNS_PER_ORGANIZATION": 50})
    for setting, most in ((10, 10), (100, 50), (0, 50)):
        settings.CHAT_RUNS_PER_ORGANIZATION = setting
        assert gate.limit(plan, "CHAT_RUNS_PER_ORGANIZATION") == most
        assert gate.limit(Terms("Y", "Y"), "CHAT_RUNS_PER_ORGANIZATION") == setting


# --- When a process takes it, and while it works ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["answer", "title", "summary"])
def test_a_run_that_waited_is_refused_before_it_is_read(
    kind: str, chat: Chat, alice: User, organization: Organization
) -> None:
    chat = choose(chat, MAX)
    run = answer(chat, alice, RunStatus.QUEUED)
    Run.objects.filter(pk=run.pk).update(model=MAX)
    if kind != "answer":
        asked: dict[str, Any] = {"title": chat.title, "position": 1}
        order = WorkOrder(user_id=alice.pk, chat=chat, model=MAX, asked=asked)
        run, _ = begin_work(DRIVERS[kind], order, claims=False)
    assert lease.claim_queued(run.pk)
    run.refresh_from_db()
    before = load(run.pk, run.attempt)
    assert before is not None and not isinstance(before.work, Broken)
    give(organization, "BASIC")
    after = load(run.pk, run.attempt)
    assert after is not None and isinstance(after.work, Broken)
    error = after.work.error
    assert isinstance(error, WorkFailed) and error.code == "plan_model" and f"does not include {MAX}" in str(error)


def test_work_that_asks_a_model_is_not_begun_with_one_outside(
    chat: Chat, alice: User, organization: Organization
) -> None:
    give(organization, "BASIC")
    order = WorkOrder(user_id=alice.pk, chat=choose(chat, FREE), model=MAX, asked={"title": "x"})
    with pytest.raises(NotAllowed):
        begin_work(DRIVERS["title"], order, claims=False)
    assert not Run.objects.exists()


@pytest.mark.parametrize(("named", "plan", "writes"), [
    ("chat", "BASIC", FREE), (MAX, "ENTERPRISE", MAX), (MAX, "BASIC", FREE), ("", "ENTERPRISE", ""),
])  # fmt: skip
def test_titles_and_summaries_are_written_by_a_model_of_the_plan(
    named: str, plan: str, writes: str, chat: Chat, organization: Organization, settings: Any
) -> None:
    settings.MEMORY_MODEL = named
    give(organization, plan)
    assert memory.model_for(choose(chat, FREE)) == writes
    assert gate.writing_model(plans.named(plan), FREE) == (writes or FREE)


def test_a_fallback_outside_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "provider_for", lambda model: None)
    wanted = [PRO, "claude-haiku-5-5", MAX]

    def asked(plan: str) -> list[str]:
        return [each.model.id for each in gate.targets_in(plans.named(plan), wanted)(FREE)]

    assert asked("ENTERPRISE") == [FREE, *wanted]
    assert asked("BASIC") == [FREE, "claude-haiku-5-5"]
    with pytest.raises(WorkFailed, match=MAX):
        gate.targets_in(plans.named("PRO"), None)(MAX)


def test_nothing_makes_a_run_but_what_has_asked_the_gate() -> None:
    """Runs are inserted by `add_runs` alone, and who calls it asks first."""
    callers = {}
    for path in (project_settings.BASE_DIR / "chat").rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                called = [ast.unparse(each.func) for each in ast.walk(function) if isinstance(each, ast.Call)]
                if "add_runs" in called or {"Run.objects.create", "Run.objects.bulk_create"} & set(called):
                    callers[f"{path.parent.name}.{path.stem}.{function.name}"] = called
    imported = callers.pop("transfer.storing._store_runs", [])  # what is imported is over
    assert set(callers) == {"services.runs._start", "runner.beginning.begin_work"}, (callers, imported)
    started, worked = callers["services.runs._start"], callers["runner.beginning.begin_work"]
    assert started.index("gate.admit") < started.index("reserve")
    assert "gate.admit_work" in worked


# --- Features ---------------------------------------------------------------------------------------------------------


def test_schedules_are_of_a_feature_where_they_are_made_and_at_each_time(
    chat: Chat, alice: User, organization: Organization, api: Api
) -> None:
    body = {"chat": str(choose(chat, FREE).pk), "prompt": "Hello", "cron": "0 9 * * *", "time_zone": "UTC"}
    made = api(alice).post("/api/schedules/", body, format="json")
    assert made.status_code == 201
    give(organization, "BASIC")
    refused = api(alice).post("/api/schedules/", body, format="json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "plan_feature")
    assert "BASIC does not include schedules" in refused.json()["error"]["fields"]["plan"][0]
    with pytest.raises(NotAllowed):
        schedules.begin(Schedule.objects.get(pk=made.json()["id"]))
    assert api(alice).patch(f"/api/schedules/{made.json()['id']}/", {"is_on": False}, format="json").status_code == 200


def test_has_feature_says_what_the_plan_includes(organization: Organization) -> None:
    for name, has in (("BASIC", ("search", "share_links")), ("ENTERPRISE", plans.FEATURES)):
        give(organization, name)
        assert tuple(each for each in plans.FEATURES if gate.has_feature(organization.pk, each)) == has


# --- Reading and changing them ----------------------------------------------------------------------------------------


def test_members_read_their_plan_and_strangers_do_not(
    alice: User, bob: User, charlie: User, organization: Organization, api: Api
) -> None:
    give(organization, "PRO")
    path = f"/api/organizations/{organization.pk}/plan/"
    told = api(bob).get(path).json()
    assert told == {
        "plan": "PRO",
        "label": "Pro",
        "models": gate.models_of(plans.named("PRO")),
        "features": [each for each in plans.FEATURES if each != "sso"],
        "limits": {},
    }
    assert api(charlie).get(path).status_code == 404
    assert api(alice).put(path, {"plan": "ENTERPRISE"}, format="json").status_code == 405
    assert api(alice).patch(f"/api/organizations/{organization.pk}/", {"plan": "PRO"}, format="json").status_code == 400
    listed = api(charlie).get("/api/plans/").json()["results"]
    assert [(each["name"], len(each["models"])) for each in listed] == list(HAS.items())
    assert api(alice).get(f"{path}?x=1").status_code == 400


@pytest.mark.parametrize("plan", NAMES)
def test_the_list_of_models_shows_all_and_says_which_are_available(
    plan: str, alice: User, charlie: User, organization: Organization, api: Api
) -> None:
    give(organization, plan)
    found = api(alice).get("/api/models/").json()["results"]
    available = [each["id"] for each in found if each["available"]]
    assert (len(found), len(available)) == (10, HAS[plan])
    assert {each["id"]: each["plan"] for each in found}[MAX] == "ENTERPRISE"
    for word, count in (("true", HAS[plan]), ("false", 10 - HAS[plan])):
        assert len(api(alice).get(f"/api/models/?available={word}").json()["results"]) == count
    mine = f"/api/models/?organization={organization.pk}"
    assert api(alice).get(mine).json()["results"] == found and api(charlie).get(mine).status_code == 404
    assert all(each["available"] for each in api(charlie).get("/api/models/").json()["results"])


def test_operators_give_a_plan_by_a_command(
    chat: Chat, organization: Organization, capsys: pytest.CaptureFixture[str]
) -> None:
    choose(chat, MAX)
    call_command("set_plan", "Acme", "BASIC", "--dry-run")
    assert "would change: ENTERPRISE -> BASIC" in capsys.readouterr().out
    organization.refresh_from_db()
    assert organization.plan == "free"
    call_command("set_plan", str(organization.pk), "BASIC", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "organization": str(organization.pk), "before": "ENTERPRISE", "plan": "BASIC", "chats_without": 1, "done": True,
    }  # fmt: skip
    organization.refresh_from_db()
    assert organization.plan == "BASIC" and Chat.objects.get().model == MAX
    for wrong in (("Acme", "GOLD"), ("Nobody", "PRO")):
        with pytest.raises(CommandError) as refused:
            call_command("set_plan", *wrong)
        assert refused.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_what_is_edited_holds_at_once_here_and_in_its_row(admin_client: Any, organization: Organization) -> None:
    Plan.objects.all().delete()  # where tests before this one have left those of `migrate`
    assert plans.seed() == 3 and plans.seed() == 0
    path = "/admin/accounts/plan/BASIC/change/"
    changed = {"label": "Basic", "models": f"tier:free, {MAX}", "features": "search", "limits": "{}"}
    assert admin_client.post(path, changed).status_code == 302
    assert MAX in gate.models_of(plans.named("BASIC")) and plans.named("BASIC").features == ("search",)
    plans.seed()
    assert Plan.objects.get(pk="BASIC").models == ["tier:free", MAX], "a row that is there stays as it is"
    refused = admin_client.post(path, {**changed, "features": "teleport"})
    assert refused.status_code == 200 and b"teleport" in refused.content
    assert admin_client.get("/admin/accounts/plan/BASIC/delete/").status_code == 403
    assert admin_client.get("/admin/accounts/plan/").status_code == 200
    made = admin_client.post("/admin/accounts/plan/add/", {**changed, "name": "GOLD", "label": "Gold"})
    assert made.status_code == 302 and plans.named("GOLD").label == "Gold"
    give(organization, "GOLD")
    assert admin_client.get("/admin/accounts/plan/GOLD/delete/").status_code == 403, "somebody has it"


WRONG: list[tuple[Callable[[Any], Any], Any]] = [
    (plans.check_name, "free"), (plans.check_name, ""), (plans.check_name, "a b"), (plans.check_name, "x" * 31),
    (plans.check_models, "gpt"), (plans.check_models, [1]), (plans.check_models, [""]),
    (plans.check_models, ["a", "a"]), (plans.check_models, ["x" * 101]),
    (plans.check_features, ["teleport"]), (plans.check_features, ["sso", "sso"]),
    (plans.check_limits, []), (plans.check_limits, {"CHAT_MAX_QUEUED": 1}),
    (plans.check_limits, {"CHAT_RUNS_PER_ORGANIZATION": 0}), (plans.check_limits, {"CHAT_RUNS_PER_ORGANIZATION": True}),
    (plans.check_limits, {"LIMITS_USER": 5}), (plans.check_limits, {"LIMITS_USER": "60"}),
]  # fmt: skip


@pytest.mark.parametrize(("check", "value"), WRONG)
def test_a_row_says_nothing_that_no_plan_can(check: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        check(value)
    assert refused.value.fields
