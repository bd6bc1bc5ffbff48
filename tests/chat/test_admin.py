"""The admin shows every chat table to staff, escaped, read-only, and shows nothing to anybody else."""

import re
import time
import uuid
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import BinaryField, CharField, JSONField, Model, TextField
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.html import escape
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.folding import FOLDED, FoldedField
from accounts.models import Project, User
from agents import events as ev
from agents.usage import Usage
from chat.admin.timeline import Timeline
from chat.eventlog import Logged
from chat.eventlog.rows import insert
from chat.feedback.models import Annotation, Reaction
from chat.models import (
    Attachment,
    AttachmentUse,
    Budget,
    BudgetNotice,
    Character,
    Chat,
    ChatAlias,
    ChatShare,
    Chore,
    Compaction,
    Feedback,
    HandedOver,
    Hold,
    Kept,
    KeptFile,
    LanguageModel,
    Message,
    MessageState,
    Price,
    Process,
    PullRequest,
    Rules,
    Run,
    RunEvent,
    RunStatus,
    Schedule,
    Task,
    ToolCall,
    ToolGrant,
    ToolPolicy,
    Total,
    UsageDay,
    UsageDayBefore,
    UsageName,
    UsageRecord,
    Workflow,
    WorkflowRun,
)
from chat.services.sessions import open_session
from chat.webhooks.models import Webhook, WebhookCount, WebhookDelivery, WebhookEvent
from tests import transcripts
from tests.chat.busy import Busy
from tests.chat.rows import answer, say

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>{{ 7|add:7 }}</pre></details>\u202e"
# For a provider alone, and what a hold keeps of what was deleted: nobody is shown any of it.
# A webhook's events are in its deliveries, and a chat's count of them tells nobody anything. An emoji is no text.
UNSEEN = (HandedOver, Kept, KeptFile, MessageState, Reaction, WebhookCount, WebhookEvent)
LABELS = ("chat", "chat_feedback", "chat_webhooks")
OURS = [each for label in LABELS for each in apps.get_app_config(label).get_models()]
TABLES = sorted({*OURS} - {*UNSEEN}, key=lambda model: model.__name__)
EDITED = (Budget, Character, Hold, LanguageModel, Price, Rules, ToolGrant, ToolPolicy, Workflow)
WRITTEN = [model for model in TABLES if model not in EDITED]


@pytest.fixture
def run(chat: Chat, alice: User, bob: User) -> Run:
    """A finished run whose every text is hostile, with a row in every table."""
    Chat.objects.filter(pk=chat.pk).update(title=HOSTILE[:200], summary=HOSTILE, metadata={"x": HOSTILE})
    made = answer(chat, alice, RunStatus.FAILED, HOSTILE)
    Run.objects.filter(pk=made.pk).update(error_message=HOSTILE, input_tokens=1_200_000, output_tokens=34)
    Chat.objects.filter(pk=chat.pk).update(input_tokens=1_200_000, cached_tokens=7, output_tokens=34)
    ChatShare.objects.create(chat=chat, user=bob, access="read")
    ChatAlias.objects.create(chat=chat, user=bob, door="sessions", external_id="conversation-1")
    UsageRecord.objects.create(
        run=made, turn=1, attempt=1, model=HOSTILE[:100], status="reported", **_who(chat), **_used()
    )
    task = Task.objects.create(project=chat.project, title=HOSTILE[:200], external_id=HOSTILE[:200])
    Character.objects.create(id=7, organization=chat.organization, name=HOSTILE[:150], archetype="generalist")
    budget = Budget.objects.create(organization=chat.organization, amount=1_000_000)
    BudgetNotice.objects.create(budget=budget, percent=80)
    Hold.objects.create(scope="user", subject=bob.pk, name=HOSTILE[:200], reason=HOSTILE, by=alice)
    Rules.objects.create(organization=chat.organization)
    ToolPolicy.objects.create(organization=chat.organization, pattern=HOSTILE[:100], decision="ask", created_by=alice)
    ToolGrant.objects.create(
        chat=chat, tool="<script>alert('x')</script>{{ 7|add:7 }}", by=alice, expires_at=timezone.now()
    )
    LanguageModel.objects.create(id=HOSTILE[:90], name=HOSTILE, note=HOSTILE, vendor="openai", source="operator")
    open_session(user=alice, run=made, task=task)
    Feedback.objects.create(message=made.message, user=alice, comment=HOSTILE)
    Annotation.objects.create(message=made.message, user=alice, start=0, end=9, quote=HOSTILE, body=HOSTILE)
    Compaction.objects.create(
        chat=chat, upto=made.input, branch_leaf=made.pk, run=made.pk, summary=HOSTILE, messages=2, tokens_before=9,
        tokens_after=3, model=HOSTILE[:100],
    )  # fmt: skip
    file = Attachment.objects.create(
        organization=chat.organization, user=alice, type="file", name=HOSTILE[:255], media_type="text/plain",
        text_error=HOSTILE,
    )  # fmt: skip
    AttachmentUse.objects.create(attachment=file, message=made.input)
    PullRequest.objects.create(
        project=chat.project, chat=chat, forge="none", number=1, title=HOSTILE[:200], body=HOSTILE, branch=HOSTILE,
        base=HOSTILE, head="1" * 40, author=alice,
    )  # fmt: skip
    workflow = Workflow.objects.create(organization=chat.organization, name=HOSTILE[:100], created_by=alice)
    version = workflow.versions.create(number=1, definition={"steps": [{"id": HOSTILE, "name": HOSTILE}]})
    WorkflowRun.objects.create(
        chat=chat, version=version, step="<script>alert{{ 7|add:7 }}", answers={HOSTILE: {"message": HOSTILE}}
    )
    Schedule.objects.create(
        organization=chat.organization, chat=chat, owner=alice, title=HOSTILE[:200], prompt=HOSTILE, error=HOSTILE,
        cron=HOSTILE[:100], time_zone=HOSTILE[:60], missed=3, missed_first_at=timezone.now(),
    )  # fmt: skip
    now = timezone.now()
    hook = Webhook.objects.create(organization=chat.organization, url=f"https://8.8.8.8/{HOSTILE}", secret="sealed")
    event = WebhookEvent.objects.create(organization=chat.organization, type="run.failed", body="{}", created_at=now)
    WebhookDelivery.objects.create(webhook=hook, event=event, answer=HOSTILE, error=HOSTILE)
    Process.objects.create(id=uuid.uuid4(), host=HOSTILE, pid=7, takes_runs=True, started_at=now, seen_at=now)
    Total.objects.create(name="parley_runs_total", labels=f'code="{HOSTILE}"', value=1)
    Chore.objects.create(name="clean-up", due_at=now, told={"x": HOSTILE}, error=HOSTILE)
    Price.objects.create(model=HOSTILE[:100], input=1, output=1, currency="USD", source=HOSTILE[:100])
    UsageDay.objects.create(day=timezone.localdate(), model=HOSTILE[:100], runs=1, **_place(chat), **_used())
    UsageDayBefore.objects.create(day=timezone.localdate(), model=HOSTILE[:100], runs=1, **_place(chat), **_used())
    UsageName.objects.create(id=chat.pk, name=HOSTILE[:200])
    return made


def _who(chat: Chat) -> dict[str, Any]:
    return {"organization": chat.organization, "project": chat.project, "user": chat.user, "agent": HOSTILE}


def _place(chat: Chat) -> dict[str, Any]:
    return {"organization": chat.organization, "project": chat.project, "user": chat.user}


def _used() -> dict[str, int]:
    return {"input_tokens": 1_200_000, "cached_tokens": 7, "output_tokens": 34, "reasoning_tokens": 3}


@pytest.fixture
def staff(db: None) -> Client:
    """A browser in which somebody who may see everything is signed in."""
    return signed_in(User.objects.create_superuser("root@example.com", name="Root"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def list_page(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def text_of(client: Client, address: str, **query: Any) -> str:
    response = client.get(address, query)
    assert response.status_code == 200, (address, response.status_code)
    return str(response.content.decode())


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_every_table_is_listed_and_each_row_has_a_page(model: type[Model], run: Run, staff: Client) -> None:
    assert model in admin.site._registry
    text_of(staff, list_page(model))
    row = model._default_manager.first()
    assert row is not None, "needs a row to mean something"
    text_of(staff, page_of(row))


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_hostile_texts_are_escaped(model: type[Model], run: Run, staff: Client) -> None:
    for address in (list_page(model), *(page_of(row) for row in model._default_manager.all())):
        text = text_of(staff, address)
        assert "<script>alert" not in text and "<img src=x" not in text and "</pre></details>\u202e" not in text
        assert "{{ 7|add:7 }}" in text or "alert" not in text
        assert 'style="' not in text and "<script>" not in text, "the page's policy allows none inline"
    assert "&lt;script&gt;alert" in text_of(staff, page_of(run))


@pytest.mark.parametrize("model", WRITTEN, ids=lambda model: model.__name__)
def test_nobody_changes_adds_or_deletes_a_row(model: type[Model], run: Run, staff: Client) -> None:
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.values())
    assert staff.post(page_of(row), {"title": "x", "status": "running"}).status_code == 403
    assert staff.get(list_page(model) + "add/").status_code == 403
    assert staff.post(page_of(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    staff.post(list_page(model), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert list(model._default_manager.values()) == before


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_who_is_not_staff_is_sent_to_sign_in(model: type[Model], run: Run, alice: User, charlie: User) -> None:
    row = model._default_manager.first()
    assert row is not None
    for client in (Client(), signed_in(alice), signed_in(charlie)):
        for address in (list_page(model), page_of(row)):
            response = client.get(address)
            assert response.status_code == 302
            assert response["Location"].startswith(reverse("admin:login"))


def test_staff_sets_a_budget_and_not_what_was_used(staff: Client, alice: User) -> None:
    place = alice.memberships.get().organization
    more = {"warn_percent": 80, "at_end": "block", "used": 7}
    new = {"inside": place.pk, "unit": "tokens", "amount": "500", "period": "month", **more}
    assert staff.post(list_page(Budget) + "add/", new).status_code == 302
    made = Budget.objects.get()
    assert staff.post(page_of(made), {"amount": "600", "period": "day", **more}).status_code == 302
    assert list(Budget.objects.values_list("amount", "period", "used")) == [(600, "day", 0)]
    assert staff.post(list_page(Budget) + "add/", {**new, "unit": "money", "amount": "12.5"}).status_code == 302
    assert Budget.objects.get(unit="money").amount == 12_500_000_000
    wrong = [
        {"amount": "1.5"},
        {"amount": "-1"},
        {"user": alice.pk, "project": Project.objects.create(organization=place, name="P").pk},
        {"inside": ""},
    ]
    for each in wrong:
        assert staff.post(list_page(Budget) + "add/", {**new, **each}).status_code == 200, each
    assert Budget.objects.count() == 2
    BudgetNotice.objects.create(budget=made, percent=80)
    assert staff.post(page_of(made).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 302
    assert Budget.objects.count() == 1 and not BudgetNotice.objects.exists()


def test_staff_registers_a_character_with_people_of_its_organization_only(
    staff: Client, alice: User, charlie: User
) -> None:
    place = alice.memberships.get().organization
    new = {"number": 12, "organization": place.pk, "name": "Guide", "archetype": "generalist", "users": [charlie.pk]}
    assert (
        "Not in this organization: charlie@example.com"
        in staff.post(list_page(Character) + "add/", new).content.decode()
    )
    assert staff.post(list_page(Character) + "add/", {**new, "users": [alice.pk]}).status_code == 302
    made = Character.objects.get()
    assert (made.number, list(made.users.all())) == (12, [alice])
    changed = {"name": "Guide", "archetype": "project_navigator", "users": [alice.pk], "number": 13}
    assert staff.post(page_of(made), changed).status_code == 302
    assert list(Character.objects.values_list("number", "archetype")) == [(12, "project_navigator")]


def test_staff_sees_what_they_were_given_and_no_more(run: Run, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    client = signed_in(charlie)
    assert client.get(list_page(Run)).status_code == 403
    charlie.user_permissions.add(Permission.objects.get(codename="view_run"))
    assert client.get(list_page(Run)).status_code == 200
    assert client.get(list_page(Message)).status_code == 403


def test_a_chat_shows_its_messages_runs_and_token_totals(run: Run, chat: Chat, staff: Client) -> None:
    say(chat, chat.user, "A second question")
    text = text_of(staff, page_of(chat))
    for expected in (
        "1,200,000",
        "1,200,034",
        page_of(run),
        "bob@example.com",
    ):
        assert expected in text
    assert all(page_of(message) in text for message in chat.messages.all())


def test_a_run_shows_its_timeline_calls_and_usage(run: Run, staff: Client) -> None:
    text = text_of(staff, page_of(run))
    for expected in ("Attempt 1", "Queued", "Turn 1", "1 delta,", "Failed: internal", "1,200,000", "Re-drive"):
        assert expected in text, expected
    assert "Stop</a>" not in text, "it is over"


SAID = {
    "reasoning": ("Thinks", "Writes"),
    "tool_call": ("read_file", "a.txt", "returned"),
    "tool_failed": ("refused: it was not run", "Not valid JSON."),
    "subagent": ("Asks the agent content", "content:call_sub"),
    "deferred": ("left to the client",),
    "approved": ("Waits for a person: read_file", "allowed by", "denied by", "Attempt 2: went on after the decision"),
    "retried": ("Tries again: 1 of 3 failed", "upstream_unavailable"),
    "taken_over": ("Taken back: turn 2 starts again", "taken back</em>", "Attempt 2: took over after"),
    "cancelled": ("Stopped",),
    "failed": ("Failed: upstream_interrupted", "may be tried again"),
    "cut_short": ("Answered", "length"),
    "compacted": ("Older messages are summed up", "42 messages; about 9000 tokens, then 2000"),
}


@pytest.mark.parametrize("name", transcripts.ALL)
def test_any_run_can_be_read(name: str, run: Run, staff: Client) -> None:
    RunEvent.objects.filter(run=run).delete()
    log = transcripts.ALL[name]()
    for entry in log:
        insert(run.pk, [entry]).save()
    text = text_of(staff, page_of(run))
    assert all(each in text for each in SAID.get(name, ("Turn 1", "Answered")))
    assert ("taken back</em>" in text) == (name == "taken_over")


CANARY = "Dismissing Bob"


def test_a_title_is_hidden_until_its_chat_is_shown(run: Run, chat: Chat, alice: User, staff: Client) -> None:
    Chat.objects.filter(pk=chat.pk).update(title=CANARY)
    Task.objects.update(title=CANARY)
    PullRequest.objects.update(title=CANARY, body=CANARY)
    Attachment.objects.update(name=CANARY, text_error=CANARY)
    Compaction.objects.update(summary=CANARY)
    Feedback.objects.update(comment=CANARY)
    Annotation.objects.update(quote=CANARY, body=CANARY)
    work = Run.objects.create(
        chat=chat, user=alice, kind="title", model="m", temperature=0, archetype="title", status="succeeded",
        request={"asked": {"title": CANARY}}, attempt=1, position=9,
        organization=chat.organization, project=chat.project,
    )  # fmt: skip
    LogEntry.objects.log_actions(alice.pk, [chat], 2, "Stopped: it hung", single_object=True)
    LogEntry.objects.update(object_repr=CANARY)  # as a version before kept it
    chats, own = list_page(Chat), page_of(chat)
    addresses = [list_page(model) for model in TABLES] + [
        page_of(row) for row in (chat, run, work, Task.objects.get(), PullRequest.objects.get())
    ]
    addresses += [page_of(Attachment.objects.get()), page_of(Compaction.objects.get())]
    addresses += [page_of(Feedback.objects.get()), page_of(Annotation.objects.get())]
    addresses += [f"{own[: -len('change/')]}{each}/" for each in ("history", "content")]
    log = "/admin/admin/logentry/"
    addresses += [log, f"{log}{LogEntry.objects.get().pk}/change/", "/admin/"]
    addresses += [
        f"/admin/accounts/{kind}/{getattr(chat, kind).pk}/delete/" for kind in ("user", "project", "organization")
    ]
    shown = {each for each in addresses if CANARY in staff.get(each, follow=True).content.decode()}
    assert shown <= {"/admin/"}  # Django's own list of what one did oneself, from such an old entry
    for model in (Chat, Message, Run, Task):
        assert page_of(chat) not in text_of(staff, list_page(model), q=CANARY)
    staff.post(f"{own[: -len('change/')]}content/", {"reason": "ticket 7"})
    assert CANARY in text_of(staff, chats) and CANARY in text_of(staff, own)
    assert CANARY not in text_of(staff, list_page(Task))


@pytest.mark.parametrize(
    "field", ["title", "summary", "metadata", "leaf__content", "messages__content", "project__description"]
)
def test_no_address_filters_by_what_is_hidden(run: Run, staff: Client, field: str) -> None:
    for lookup in (field, f"{field}__startswith", f"{field}__regex"):
        assert staff.get(list_page(Chat), {lookup: "D"}).status_code in (302, 400)
    assert staff.get("/admin/accounts/apikey/", {"key_hash__startswith": "a"}).status_code in (302, 400)


# Columns of text that a list may be filtered by: names and words of the program's, and what a list shows anyway.
OPEN_TO_ALL = {
    *("access", "agent", "archetype", "branch", "call", "command", "door", "email", "end_reason"),
    *("error_code", "external_id"),
    *("host", "jti", "key", "kind", "kinds", "log_state", "model", "name", "object_id", "origin", "period", "plan"),
    *("prefix", "project_access", "role", "route", "scopes", "sharing", "status", "subject", "titled_by", "told"),
    *("change_message", "usage", "usage_status"),
    *("abilities", "api", "base_url", "currency", "effort", "efforts", "fallbacks", "id", "note", "source"),
    *("successor", "tier", "vendor", "language", "user_agent", "decision", "pattern", "tool"),
    *("labels", "opens_to", "rating", "reasons", "gauges", "server", "traceparent", "off_reason"),
    *("algorithms", "audience", "client_id", "default_role", "domains", "groups", "groups_claim", "issuer", "jwks"),
    *("jwks_url", "provision", "public_keys", "slug"),
    *("embedded_by", "media_type"),
    *("cron", "time_zone", "timezone", "links", "scope", "purpose", "accepted_by"),
    *("features", "label", "limits", "models"),
    *("what", "format", "asked"),  # of an export: its kind, and ids
    *(
        "action",
        "actor_kind",
        "object_type",
        "outcome",
        "ip",
        "request_id",
        "at_end",
        "unit",
        "pruned_chain",
        "chain",
        "hash",
        "detail",
    ),  # of the audit log: its own words, and ids
    *("base", "default_branch", "forge", "forge_path", "head", "merged_as", "remote_url", "state", "token_user", "url"),
    *("media_type", "text_state", "type", "step", "whole"),
    *("wanted",),
    *("approved_digest", "auth", "digest", "left_out", "offered_as", "policy", "protocol"),
}
TEXTS = (CharField, TextField, JSONField, BinaryField)


def test_every_column_of_text_is_open_or_no_address_filters_by_it(rf: RequestFactory) -> None:
    hidden: set[str] = set()
    for model, page in admin.site._registry.items():
        for field in model._meta.concrete_fields:
            if isinstance(field, TEXTS) and field.name.removesuffix(FOLDED) not in OPEN_TO_ALL:
                hidden.add(field.name)
                for lookup in (field.name, f"{field.name}__startswith", f"x__{field.name}__regex"):
                    assert not page.lookup_allowed(lookup, "a", rf.get("/")), f"{model.__name__}.{lookup}"
            if isinstance(field, FoldedField):
                assert field.name == field.of + FOLDED
    assert {"title", "title_folded", "provider_error", "object_repr"} <= hidden


def test_a_hanging_runs_timeline_reaches_to_now(run: Run, staff: Client) -> None:
    began = time.time() - 600
    hanging = [ev.RunQueued(at=began, chat="", input="", message="", archetype="a", model="m"),
               ev.RunStarted(at=began, attempt=1), ev.TurnStarted(at=began + 1, turn=1, model="m"),
               ev.TextDelta(at=began + 2, text="So")]  # fmt: skip
    log = [Logged(1, seq, event) for seq, event in enumerate(hanging, 1)]
    timeline = Timeline(log, at_work_until=began + 600)
    (section,) = timeline.sections(timeline.rows, now=began + 600, crashes=0)
    rows = {row.what: row for row in section.rows}
    silence, turn = rows["Since then"], rows["Turn 1"]
    assert (silence.took, silence.left + silence.width) == ("9 min 58 s", pytest.approx(1000, abs=2))
    assert turn.left + turn.width == pytest.approx(1000, abs=2) and silence.left < 10 and rows["Writes"].width < 10
    over = Timeline([*log, Logged(1, 5, ev.RunCompleted(at=began + 3, reason="stop", usage=Usage()))])
    assert "Since then" not in {row.what for row in over.rows}
    RunEvent.objects.filter(run=run).delete()
    insert(run.pk, log).save()
    for status in RunStatus:
        Run.objects.filter(pk=run.pk).update(status=status)
        assert ("Since then" in text_of(staff, page_of(run))) == (status == RunStatus.RUNNING)


def test_a_chat_is_found_by_id_and_person(run: Run, chat: Chat, staff: Client) -> None:
    Chat.objects.filter(pk=chat.pk).update(title="Opening hours")
    other = Chat.objects.create(organization=chat.organization, user=chat.user, model="m", archetype="a", title="Other")
    for query in (str(chat.pk), chat.pk.hex):
        text = text_of(staff, list_page(Chat), q=query)
        assert page_of(chat) in text and page_of(other) not in text
    assert page_of(other) in text_of(staff, list_page(Chat), q="alice@")
    for query in ("Opening h", "hours", str(uuid.uuid4()), "' OR 1=1 --", "\u202e%_"):
        assert page_of(chat) not in text_of(staff, list_page(Chat), q=query)


@pytest.mark.parametrize("model", [Message, Run, RunEvent, ToolCall, UsageRecord])
def test_rows_are_found_by_the_id_of_their_run_or_chat(model: type[Model], run: Run, staff: Client) -> None:
    id = run.chat_id if model in (Message, Run) else run.pk
    row = model._default_manager.first()
    assert row is not None
    assert page_of(row) in text_of(staff, list_page(model), q=str(id))
    assert page_of(row) not in text_of(staff, list_page(model), q=str(uuid.uuid4()))
    for junk in ("x", "1-2", "0" * 33, "\x00"):
        assert staff.get(list_page(model), {"q": junk}).status_code == 200


def test_a_rows_page_is_called_in_the_readers_language(run: Run, chat: Chat, alice: User, staff: Client) -> None:
    with translation.override("de"):
        status = run.get_status_display()
    membership = alice.memberships.get()
    called = {
        page_of(run): f"{run.pk} · {status}",
        page_of(chat.messages.get(role="assistant", position=2)): "Assistent · 2 · ",
        reverse("admin:accounts_membership_change", args=[membership.pk]): f"{alice} · {membership.organization} · ",
    }
    assert status not in RunStatus.values
    for address, name in called.items():
        page = staff.get(address, headers={"accept-language": "de"}).content.decode()
        crumbs = re.search(r'<div class="breadcrumbs">(.*?)</div>', page, re.DOTALL)
        assert crumbs and f"&rsaquo; {escape(name)}" in crumbs[1], (address, crumbs)


@pytest.mark.parametrize("model", [Chat, Message, Run, ToolCall, UsageRecord])
def test_a_longer_list_costs_no_more_queries(
    model: type[Model],
    run: Run,
    chat: Chat,
    alice: User,
    staff: Client,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(12):
        each = Chat.objects.create(
            organization=chat.organization, user=alice, model="m", archetype="a", title=f"{number}"
        )
        made = answer(each, alice)
        UsageRecord.objects.create(run=made, turn=1, attempt=1, model="m", status="reported", **_who(chat), **_used())
    with django_assert_max_num_queries(12):
        text_of(staff, list_page(model))


def test_the_usage_list_adds_up_what_it_shows(run: Run, chat: Chat, staff: Client) -> None:
    for model in ("gpt-4o", "gpt-4o"):
        UsageRecord.objects.create(run=run, turn=2, attempt=1, model=model, status="reported", **_who(chat), **_used())
    text = text_of(staff, list_page(UsageRecord))
    assert "<td>All</td><td>3,600,000</td>" in text and "<td>gpt-4o</td><td>2,400,000</td>" in text
    assert "3,600,000" not in text_of(staff, list_page(UsageRecord), model="gpt-4o")


def test_what_was_said_is_shown_for_a_reason_that_is_kept(run: Run, chat: Chat, staff: Client) -> None:
    Message.objects.filter(chat=chat).update(content="swordfish")
    pages = [page_of(chat), *(page_of(message) for message in chat.messages.all())]
    assert not any("swordfish" in text_of(staff, page) for page in pages)
    ask = reverse("admin:chat_chat_content", args=[chat.pk])
    assert "swordfish" not in str(staff.post(ask, {"reason": " "}).content)
    assert not LogEntry.objects.exists()
    assert staff.post(ask, {"reason": "Ticket 42", "back": "//elsewhere.example/"}).headers["Location"] == page_of(chat)
    assert all("swordfish" in text_of(staff, page) for page in pages)
    assert LogEntry.objects.get().change_message == "Content shown: Ticket 42"
    staff.post(ask, {"hide": "1"})
    assert not any("swordfish" in text_of(staff, page) for page in pages)


@pytest.mark.parametrize(("verb", "status"), [("stop", RunStatus.QUEUED), ("redrive", RunStatus.FAILED)])
def test_an_intervention_is_confirmed_done_and_kept(
    verb: str, status: RunStatus, chat: Chat, alice: User, charlie: User, staff: Client
) -> None:
    run = answer(chat, alice, status)
    address = f"{reverse('admin:chat_run_act', args=[verb])}?id={run.pk}"
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    charlie.user_permissions.add(Permission.objects.get(codename="view_run"))
    assert signed_in(charlie).post(address).status_code == 403
    before = Run.objects.count()
    assert str(run.pk) in str(staff.get(address).content)
    assert Run.objects.count() == before and Run.objects.get(pk=run.pk).status == status, "asking does nothing"
    assert staff.post(address, {"reason": "Ticket 42"}).status_code == 302
    run.refresh_from_db()
    assert (run.status == "cancelled") == (verb == "stop") and Run.objects.count() == before + (verb == "redrive")
    assert "Ticket 42" in LogEntry.objects.get().change_message


def test_a_poisonous_run_is_re_driven_for_a_reason_only(chat: Chat, alice: User, staff: Client) -> None:
    run = answer(chat, alice, RunStatus.FAILED)
    Run.objects.filter(pk=run.pk).update(error_code="poison", crashes=3)
    address = f"{reverse('admin:chat_run_act', args=['redrive'])}?id={run.pk}"
    assert staff.post(address, {"reason": ""}).status_code == 200
    assert Run.objects.count() == 1
    assert staff.post(address, {"reason": "The tool is mended."}).status_code == 302
    assert Run.objects.count() == 2


def test_the_first_screen_and_usage_cost_the_same_at_many_rows(
    staff: Client, charlie: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    busy = Busy()
    busy.runs(300, days=2)
    busy.usage()
    busy.live()
    with django_assert_max_num_queries(50):
        text = text_of(staff, reverse("admin:index"))
    for expected in (
        *("Running now", "Waiting for approval", "upstream_", "gpt-4-turbo", "Who spends", "silent"),
        *("The last hour", "Runs by hour", "Consistency", "Audit log, not sealed", "This month", "Dearest chats"),
    ):
        assert expected in text, expected
    with django_assert_max_num_queries(15):
        assert '<svg class="chart" role="img"' in text_of(staff, list_page(UsageDay))
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    assert "Running now" not in text_of(signed_in(charlie), reverse("admin:index"))
