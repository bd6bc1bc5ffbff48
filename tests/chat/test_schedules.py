"""Schedules: whose they are, what each of their times begins, and what is said where one begins nothing."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, Project, Role, User
from accounts.sign_in.keys import create_key
from chat.models import SCHEDULED, Budget, Chat, Message, Period, Run, RunStatus, Schedule
from chat.ops.schedules import Schedules
from chat.page import schedules as dialog
from chat.runner import runner
from chat.services import people, scheduled
from tests.chat.rows import answer

PATH = "/api/schedules/"
DAILY = {"prompt": "What is new?", "cron": "0 9 * * *", "time_zone": "Europe/Berlin"}
DUE = datetime(2026, 6, 1, 9, tzinfo=UTC)
SOON = DUE + timedelta(seconds=7)
Api = Callable[[User], APIClient]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def takes_no_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(runner, "owner_here", lambda: None)
    yield


@pytest.fixture
def shared(chat: Chat) -> Chat:
    """Alice's chat, in which Bob may write."""
    chat.sharing, chat.project_access = "project", "write"
    chat.save()
    return chat


def made(owner: User, chat: Chat | None = None, **more: Any) -> Schedule:
    """A schedule that is due at DUE, each day."""
    place = {"organization": chat.organization} if chat else {}
    fields = {"prompt": "What is new?", "cron": "0 9 * * *", "time_zone": "UTC", "next_at": DUE, **place, **more}
    return Schedule.objects.create(owner=owner, chat=chat, **fields)


def turn(schedule: Schedule, now: datetime = SOON) -> Counter[str]:
    done = scheduled.take_turn(schedule.pk, now)
    schedule.refresh_from_db()
    return done


# --- REST -------------------------------------------------------------------------------------------------------------


def test_one_is_made_changed_switched_off_and_on_and_deleted(api: Api, alice: User, chat: Chat) -> None:
    reply = api(alice).post(PATH, {"chat": str(chat.pk), **DAILY}, format="json")
    assert reply.status_code == 201, reply.json()
    made = reply.json()
    assert (made["owner_name"], made["organization"], made["missed"]) == ("Alice", str(chat.organization_id), None)
    next_at = datetime.fromisoformat(made["next_at"])
    assert timezone.now() < next_at <= timezone.now() + timedelta(days=1, hours=1) and next_at.minute == 0
    one = f"{PATH}{made['id']}/"
    off = api(alice).patch(one, {"is_on": False}, format="json").json()
    assert (off["is_on"], off["next_at"]) == (False, None)
    assert api(alice).patch(one, {"prompt": "Anything new?"}, format="json").json()["next_at"] is None
    on = api(alice).patch(one, {"is_on": True, "cron": "30  9 * * *"}, format="json").json()
    assert on["cron"] == "30 9 * * *" and datetime.fromisoformat(on["next_at"]).minute == 30
    assert [each["id"] for each in api(alice).get(PATH, {"chat": chat.pk}).json()["results"]] == [made["id"]]
    assert api(alice).delete(one).status_code == 204 and not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cron": "0 9 * *"}, "cron"),
        ({"cron": "* * * * *"}, "cron"),
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": "a\x00b"}, "prompt"),
        ({"archetype": "nobody"}, "archetype"),
        ({"chat": None}, "chat"),
        ({"title": "x" * 201}, "title"),
        ({"next_at": "2026-01-01"}, "next_at"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(
    api: Api, alice: User, chat: Chat, wrong: dict[str, Any], field: str
) -> None:
    reply = api(alice).post(PATH, {"chat": str(chat.pk), **DAILY, **wrong}, format="json")
    assert reply.status_code == 400 and field in reply.json()["error"]["fields"]
    assert not Schedule.objects.exists()


def test_one_of_no_chat_needs_a_title_and_one_place(api: Api, alice: User, project: Project) -> None:
    for place in ({"project": str(project.pk)}, {"organization": str(project.organization_id)}):
        assert "title" in api(alice).post(PATH, {**place, **DAILY}, format="json").json()["error"]["fields"]
        assert api(alice).post(PATH, {**place, **DAILY, "title": "News"}, format="json").status_code == 201
    both = {"project": str(project.pk), "organization": str(project.organization_id), "title": "News"}
    assert api(alice).post(PATH, {**both, **DAILY}, format="json").status_code == 400


def test_who_sees_the_chat_sees_its_schedules_and_changes_only_their_own(
    api: Api, alice: User, bob: User, charlie: User, shared: Chat
) -> None:
    hers, his = made(alice, shared), made(bob, shared)
    alone = made(alice, organization=shared.organization, title="News")
    seen = {each["id"] for each in api(bob).get(PATH).json()["results"]}
    assert seen == {str(hers.pk), str(his.pk)}
    assert api(bob).patch(f"{PATH}{his.pk}/", {"is_on": False}, format="json").status_code == 200
    for path in (f"{PATH}{hers.pk}/", f"{PATH}{alone.pk}/"):
        for user, status in ((bob, 403 if str(hers.pk) in path else 404), (charlie, 404)):
            who = api(user)
            replies = [
                who.patch(path, {"is_on": False}, format="json"),
                who.delete(path),
                who.post(f"{path}run-now", {}, format="json"),
            ]
            assert [each.status_code for each in replies] == [status] * 3
    assert api(charlie).get(PATH).json()["results"] == []
    assert api(charlie).get(PATH, {"chat": shared.pk}).status_code == 404
    assert api(charlie).post(PATH, {"chat": str(shared.pk), **DAILY}, format="json").status_code == 404
    assert not Run.objects.exists() and Schedule.objects.filter(is_on=True).count() == 2


def test_who_may_only_read_makes_none_and_may_switch_their_own_off(
    api: Api, alice: User, bob: User, shared: Chat
) -> None:
    his = made(bob, shared)
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    assert api(bob).post(PATH, {"chat": str(shared.pk), **DAILY}, format="json").status_code == 403
    one = f"{PATH}{his.pk}/"
    assert api(bob).patch(one, {"prompt": "Other"}, format="json").status_code == 403
    assert api(bob).patch(one, {"is_on": False}, format="json").status_code == 200
    assert api(bob).patch(one, {"is_on": True}, format="json").status_code == 403
    Membership.objects.filter(user=bob).delete()
    assert api(bob).get(one).status_code == 404


def test_a_person_has_so_many(api: Api, alice: User, chat: Chat, settings: Any) -> None:
    settings.SCHEDULES_PER_PERSON = 1
    made(alice, chat)
    reply = api(alice).post(PATH, {"chat": str(chat.pk), **DAILY}, format="json")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "too_many_schedules")


def test_a_key_reaches_those_of_its_organization(alice: User, chat: Chat, elsewhere: Organization) -> None:
    Membership.objects.create(organization=elsewhere, user=alice, role=Role.OWNER)
    here, there = made(alice, chat), made(alice, organization=elsewhere, title="News")
    text = create_key(user=alice, organization=chat.organization, scopes=["chat"], name="CI", expires_at=None)[1]
    key = Client(headers={"authorization": f"Bearer {text}"})
    assert [each["id"] for each in key.get(PATH).json()["results"]] == [str(here.pk)]
    assert key.get(f"{PATH}{there.pk}/").status_code == 404


def test_by_hand_it_begins_one_at_a_time(api: Api, alice: User, chat: Chat) -> None:
    schedule = made(alice, chat)
    path = f"{PATH}{schedule.pk}/run-now"
    first = api(alice).post(path, {}, format="json", HTTP_IDEMPOTENCY_KEY="once")
    again = api(alice).post(path, {}, format="json", HTTP_IDEMPOTENCY_KEY="once")
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    run = Run.objects.get()
    assert first.json()["last_run"] == str(run.pk) and first.json()["next_at"].startswith("2026-06-01")
    assert (run.door, run.user_id, run.question.content) == (SCHEDULED, alice.pk, "What is new?")
    other = api(alice).post(path, {}, format="json")
    assert (other.status_code, other.json()["error"]["code"]) == (409, "run_open")


# --- Their times ------------------------------------------------------------------------------------------------------


def test_a_due_time_begins_one_run_as_its_owner(alice: User, bob: User, shared: Chat) -> None:
    schedule = made(bob, shared, archetype="project_navigator")
    answer(shared, alice, RunStatus.QUEUED)  # it waits behind this one
    assert turn(schedule) == Counter({scheduled.BEGUN: 1})
    run = Run.objects.get(door=SCHEDULED)
    assert (run.user_id, run.chat_id, run.archetype) == (bob.pk, shared.pk, "project_navigator")
    assert run.status == RunStatus.QUEUED and run.question.author_id == bob.pk
    assert (schedule.last_run_id, schedule.last_at) == (run.pk, DUE)
    assert schedule.next_at == DUE + timedelta(days=1) and schedule.missed == 0
    assert turn(schedule) == Counter() and Run.objects.filter(door=SCHEDULED).count() == 1


def test_of_no_chat_each_begins_a_new_one(alice: User, project: Project) -> None:
    schedule = made(alice, organization=project.organization, project=project, title="News",
                    archetype="project_navigator")  # fmt: skip
    for day in range(2):
        assert turn(schedule, SOON + timedelta(days=day))[scheduled.BEGUN] == 1
        Run.objects.update(status=RunStatus.SUCCEEDED)
    chats = Chat.objects.filter(title="News", project=project, archetype="project_navigator", user=alice)
    assert chats.count() == 2 and Message.objects.filter(chat__in=chats, role="user").count() == 2


def test_while_its_last_run_is_open_its_times_are_missed(alice: User, chat: Chat) -> None:
    schedule = made(alice, chat)
    turn(schedule)
    for day in (1, 2):
        assert turn(schedule, SOON + timedelta(days=day)) == Counter({scheduled.MISSED: 1})
    assert Run.objects.count() == 1
    days = [DUE + timedelta(days=day) for day in (1, 2)]
    assert (schedule.missed, schedule.missed_first_at, schedule.missed_last_at) == (2, *days)
    Run.objects.update(status=RunStatus.SUCCEEDED)
    assert turn(schedule, SOON + timedelta(days=3)) == Counter({scheduled.BEGUN: 1})
    assert schedule.missed == 2  # they stay named until others are
    assert turn(schedule, SOON + timedelta(days=4))[scheduled.MISSED] == 1
    assert (schedule.missed, schedule.missed_first_at) == (1, DUE + timedelta(days=4))


def test_after_a_stop_one_run_is_begun_and_the_others_are_named(api: Api, alice: User, chat: Chat) -> None:
    schedule = made(alice, chat, cron="0 * * * *")
    assert turn(schedule, DUE + timedelta(hours=3, minutes=20)) == Counter({scheduled.MISSED: 3, scheduled.BEGUN: 1})
    told = api(alice).get(f"{PATH}{schedule.pk}/").json()
    assert told["missed"] == {"count": 3, "first_at": "2026-06-01T09:00:00Z", "last_at": "2026-06-01T11:00:00Z"}
    assert told["last_at"] == "2026-06-01T12:00:00Z" and Run.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "runs", "missed"),
    [
        ({"cron": "30 9 * * *"}, 1, 2),
        ({"time_zone": "Europe/Berlin"}, 1, 2),
        ({"is_on": True, "prompt": "Other"}, 1, 2),
        ({"is_on": False}, 0, 3),
        ({"prompt": "Other"}, 0, 0),
    ],
)
def test_a_change_forgets_no_time_that_has_come(
    api: Api, alice: User, chat: Chat, changes: dict[str, Any], runs: int, missed: int
) -> None:
    now = timezone.now()
    hourly = {"cron": f"{(now - timedelta(minutes=2)).minute} * * * *"}
    schedule = made(alice, chat, next_at=now - timedelta(hours=2, minutes=2), **hourly)
    assert api(alice).patch(f"{PATH}{schedule.pk}/", changes, format="json").status_code == 200
    schedule.refresh_from_db()
    assert (Run.objects.count(), schedule.missed) == (runs, missed)
    assert (schedule.next_at is None or schedule.next_at > now) == ("prompt" not in changes or runs == 1)


@pytest.mark.parametrize("taken", ["last_at", "missed_last_at"])
def test_a_time_that_a_faster_clock_has_taken_does_not_come_again(
    api: Api, alice: User, chat: Chat, taken: str
) -> None:
    ahead = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=2)
    cron = f"{ahead.minute} {ahead.hour} * * *"
    schedule = made(alice, chat, next_at=ahead + timedelta(days=1), cron=cron, **{taken: ahead})
    told = api(alice).patch(f"{PATH}{schedule.pk}/", {"cron": cron}, format="json").json()
    assert datetime.fromisoformat(told["next_at"]) == ahead + timedelta(days=1)


def test_a_refusal_is_told_though_its_times_are_changed(api: Api, alice: User, chat: Chat) -> None:
    Chat.objects.update(status="archived")
    schedule = made(alice, chat, next_at=timezone.now() - timedelta(seconds=5))
    told = api(alice).patch(f"{PATH}{schedule.pk}/", {"cron": "30 9 * * *"}, format="json").json()
    assert "archived" in told["error"] and told["failed_at"] and told["is_on"]
    off = api(alice).patch(f"{PATH}{schedule.pk}/", {"is_on": False}, format="json").json()
    assert (off["error"], off["failed_at"]) == ("", None)


def lose_role(alice: User, bob: User, chat: Chat) -> None:
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)


def leave(alice: User, bob: User, chat: Chat) -> None:
    Membership.objects.filter(user=bob).delete()


def unshare(alice: User, bob: User, chat: Chat) -> None:
    Chat.objects.update(sharing="private")


def deactivate(alice: User, bob: User, chat: Chat) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


@pytest.mark.parametrize("lose", [lose_role, leave, unshare, deactivate])
def test_who_may_not_write_there_any_more_has_it_switched_off(
    alice: User, bob: User, shared: Chat, lose: Callable[[User, User, Chat], None]
) -> None:
    schedule = made(bob, shared)
    lose(alice, bob, shared)
    assert turn(schedule) == Counter({scheduled.OFF: 1})
    assert (schedule.is_on, schedule.next_at, schedule.error) == (False, None, scheduled.NO_RIGHTS)
    assert not Run.objects.exists()


def archive(chat: Chat, settings: Any) -> str:
    Chat.objects.update(status="archived")
    return "archived"


def spend(chat: Chat, settings: Any) -> str:
    Budget.objects.create(organization=chat.organization, amount=1, period=Period.EVER)
    return "budget does not cover"


def fill_queue(chat: Chat, settings: Any) -> str:
    settings.CHAT_RUNS_PER_ORGANIZATION = 1
    answer(chat, chat.user, RunStatus.QUEUED)
    return "runs open"


@pytest.mark.parametrize("happens", [archive, spend, fill_queue])
def test_what_is_refused_is_told_and_the_next_time_is_tried(
    alice: User, chat: Chat, settings: Any, happens: Callable[[Chat, Any], str]
) -> None:
    schedule = made(alice, chat)
    told = happens(chat, settings)
    before = Message.objects.count()
    assert turn(schedule) == Counter({scheduled.REFUSED: 1})
    assert told in schedule.error and schedule.failed_at == DUE and schedule.is_on
    assert schedule.next_at == DUE + timedelta(days=1) and Message.objects.count() == before
    Chat.objects.update(status="active")
    Budget.objects.all().delete()
    Run.objects.update(status=RunStatus.SUCCEEDED)
    assert turn(schedule, SOON + timedelta(days=1))[scheduled.BEGUN] == 1
    assert (schedule.error, schedule.failed_at) == ("", None)


def test_one_that_breaks_holds_up_no_other(
    alice: User, chat: Chat, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    broken, whole = made(alice, chat, title="broken"), made(alice, chat, next_at=DUE + timedelta(minutes=1))
    real = scheduled.begin

    def begin(schedule: Schedule) -> Run:
        return real(schedule) if schedule.pk == whole.pk else {}["what somebody said"]  # type: ignore[return-value]

    monkeypatch.setattr(scheduled, "begin", begin)
    settings.SCHEDULES_LATE_S = 10**9.0
    Schedule.objects.update(cron="0 9 1 1 *")
    round = Schedules()
    while round.step():
        pass
    assert round.counts[scheduled.BEGUN] == round.counts[scheduled.REFUSED] == 1
    broken.refresh_from_db()
    assert broken.error == scheduled.OUR_FAULT and broken.next_at is not None and broken.next_at > timezone.now()
    assert Schedules().step() is False


def test_what_is_never_due_again_is_switched_off(alice: User, chat: Chat) -> None:
    schedule = made(alice, chat, cron="0 0 */31 * MON#2")  # as an older version might have taken it
    assert turn(schedule)[scheduled.OFF] == 1
    assert (schedule.is_on, schedule.error) == (False, scheduled.NEVER_AGAIN) and Run.objects.count() == 1
    for wrong in ({"time_zone": "Nowhere/Atlantis"}, {"time_zone": "UTC", "cron": "every day"}):
        Schedule.objects.update(is_on=True, next_at=DUE, **wrong)
        assert turn(schedule) == Counter({scheduled.OFF: 1}) and schedule.error == scheduled.UNREADABLE


@pytest.mark.django_db(transaction=True)
def test_of_many_who_look_at_once_one_begins_it(alice: User, chat: Chat) -> None:
    schedules = [made(alice, chat), made(alice, organization=chat.organization, title="News")]
    gate, done = threading.Barrier(6), []

    def look() -> None:
        gate.wait()
        done.extend(scheduled.take_turn(each.pk, SOON) for each in schedules)
        connection.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(done, Counter()) == Counter({scheduled.BEGUN: 2})
    assert Run.objects.filter(door=SCHEDULED).count() == 2


# --- What goes with what, and who else sees it ------------------------------------------------------------------------


def test_it_goes_with_its_chat_and_with_its_person(alice: User, bob: User, shared: Chat) -> None:
    made(bob, shared)
    hers = made(alice, shared)
    assert people.what_goes(bob)["schedules"] == 1
    people.delete_person(bob, by=None)
    assert list(Schedule.objects.all()) == [hers]
    turn(hers)
    Run.objects.update(status=RunStatus.SUCCEEDED)
    shared.delete()
    assert not Schedule.objects.exists()


def test_operators_see_them_without_their_words_and_switch_them_off(alice: User, chat: Chat) -> None:
    schedule = made(alice, chat, prompt="planted words")
    staff = Client()
    staff.force_login(User.objects.create_superuser("root@example.com", name="Root"))
    listed = reverse("admin:chat_schedule_changelist")
    for address in (listed, reverse("admin:chat_schedule_change", args=[schedule.pk])):
        assert b"planted" not in staff.get(address).content
    chosen = {"action": "switch_off", "_selected_action": [str(schedule.pk)]}
    assert staff.post(listed, chosen, follow=True).status_code == 200
    schedule.refresh_from_db()
    assert (schedule.is_on, schedule.next_at, schedule.error) == (False, None, scheduled.BY_OPERATOR)
    assert LogEntry.objects.get(object_id=str(schedule.pk)).change_message == "Switched off"


def test_the_dialog_says_when_and_whose_in_the_readers_language(alice: User, bob: User, shared: Chat) -> None:
    made(alice, shared, missed=3, missed_first_at=DUE, missed_last_at=SOON, error=scheduled.NO_RIGHTS, failed_at=DUE)
    browser = Client(headers={"accept-language": "de"})
    browser.force_login(bob)
    page = browser.get(f"/chats/{shared.pk}/schedules/").content.decode()
    assert all(each in page for each in ("Jeden Tag um 09:00", "Alice", "3-mal", "Abgeschaltet: ", "schedule-form"))
    assert 'data-do="' not in page and "2026-06-01T09:00:00+00:00" in page
    assert browser.get(f"/chats/{uuid4()}/schedules/").status_code == 404
    for cron, said in (
        ("5 * * * *", "Every hour, at minute 5"), ("30 9 * * 1-5", "Monday to Friday at 09:30"),
        ("0 7 * * 0", "Every week: Sunday at 07:00"), ("0 7 * * 1", "Every week: Monday at 07:00"),
        ("5 * * * 1", "By cron: 5 * * * 1"), ("0 7 1 * *", "By cron: 0 7 1 * *"),
    ):  # fmt: skip
        with translation.override("en"):
            assert dialog.in_words(cron) == said
