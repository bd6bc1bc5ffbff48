"""No statement that is asked often goes through a big table from end to end, on either database."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.audit import sealing
from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from chat.doors.native import views as native
from chat.eventlog import rows, statements
from chat.eventlog.cursor import Cursor
from chat.models import Chat, Rules, Run
from chat.ops.cleanup import CleanUp
from chat.ops.retention import retention
from chat.runner import capacity, lease
from chat.runner.ending import store_ending
from chat.search import indexing
from tests.chat.plans import Statement, read_whole, recorded
from tests.chat.test_queries import claims, ending_of, start  # noqa: F401

# Which of these may, and why. (what is done, table): the reason.
ALLOWED: dict[tuple[str, str], str] = {
    ("console: runs", "chat_run"): "its pages are counted up to 10,001 rows, in whatever order",
    ("console: runs", "chat_chat"): "the chats of these rows",
    ("console: chats", "chat_chat"): "the same",
    ("a chat's page", "chat_toolcall"): "PostgreSQL joins from the side of the calls where they are as few as here",
    ("an organization's figures", "chat_chat"): "the chats of all runs of a month, which are all that are filled here",
    ("retention", "chat_chat"): "the chats of all runs that are old enough, a batch of them at a time",
}


class Hot:
    """What is done often, each as the product does it, among filled rows that one person sees."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.rest, self.page = APIClient(), Client()
        self.rest.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.of(user)}")
        self.page.force_login(user)
        self.chat = Chat.objects.filter(user=user).order_by("-position")[0]
        self.run = Run.objects.filter(chat=self.chat).order_by("created_at")[0]

    def all(self) -> dict[str, Callable[[], object]]:
        """Each by its name."""
        place = self.chat.organization_id
        return {
            "start": lambda: start(self.user, self.chat, **{"idempotency-key": "once"}),
            "end": lambda: store_ending(ending_of(self.chat)),
            "claim": lambda: lease.find_lying([], ["answer"]),
            "claim work": lambda: (capacity.find_waiting(["index"]), capacity.claim_waiting(place, ["index"])),
            "hold": lambda: (lease.renew([self.run.pk]), lease.stop_requests(), lease.oldest_unclaimed_s()),
            "attach": self.attach,
            "read a log": lambda: rows.page(self.run.pk, None),
            "resume": lambda: rows.page(self.run.pk, Cursor(self.run.pk, 1, 3)),
            "tail": lambda: statements.grown({self.run.pk: 3}),
            "page of messages": lambda: self.get(f"/api/chats/{self.chat.pk}/messages/", page_size=20),
            "messages that follow": lambda: self.get_next(f"/api/chats/{self.chat.pk}/messages/"),
            "list of chats": lambda: self.get("/api/chats/"),
            "chats that follow": lambda: self.get_next("/api/chats/"),
            "chats of a project": lambda: self.get("/api/chats/", project=str(self.chat.project_id)),
            "chats by title": lambda: self.get("/api/chats/", search="import"),
            "list of runs": lambda: self.get("/api/runs/"),
            "search": lambda: self.get("/api/search/", q="import"),
            "search for what is rare": lambda: self.get("/api/search/", q="OPS-77123"),
            "usage": lambda: self.get("/api/usage/", organization=str(place)),
            "the page": lambda: self.look(reverse("page-chats")),
            "a chat's page": lambda: self.look(reverse("page-chat", args=[self.chat.pk])),
            "an organization's figures": lambda: self.look(reverse("page-figures", args=[place])),
            "audit log": lambda: self.get(f"/api/organizations/{place}/audit/"),
            "console": lambda: self.look(reverse("admin:index")),
            "console: runs": lambda: self.look(reverse("admin:chat_run_changelist")),
            "console: chats": lambda: self.look(reverse("admin:chat_chat_changelist")),
            "console: a run": lambda: self.look(reverse("admin:chat_run_change", args=[self.run.pk])),
            "clean-up": lambda: drained(CleanUp()),
            "retention": self.keep_less,
            "search index": lambda: (indexing.has_due(), indexing.lag_s(), drained(indexing.Indexing())),
            "sealing": lambda: (sealing.has_unsealed(), sealing.seal()),
        }

    def get_next(self, path: str) -> None:
        """The second page of a list."""
        following = self.rest.get(path, {"page_size": 2}).json()["next"]
        assert following, path
        self.get(following)

    def get(self, path: str, **asked: Any) -> None:
        response = self.rest.get(path, asked)
        assert response.status_code == 200, (path, response.content[:300])

    def look(self, path: str) -> None:
        response = self.page.get(path, follow=True)
        assert response.status_code == 200, (path, response.status_code)

    def attach(self) -> None:
        head = {"authorization": f"Bearer {AccessToken.of(self.user)}"}
        assert native._attach(RequestFactory().get("/", headers=head), self.run.pk)

    def keep_less(self) -> None:
        Rules.objects.update_or_create(
            organization_id=self.chat.organization_id, defaults={"chats_days": 300, "logs_days": 1, "files_days": 300}
        )
        drained(retention())


def drained(steps: Any) -> None:
    """Do all that there is to do."""
    while steps.step():
        pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("claims")
def test_nothing_that_is_done_often_reads_a_big_table_whole(settings: Any) -> None:
    settings.CHAT_DELTA_RETENTION_S, settings.CHAT_LOG_RETENTION_S = 3600.0, 2 * 86_400.0
    settings.WEBHOOKS_KEEP_DAYS = 2
    user = User.objects.create_superuser("root@example.com")
    call_command("fill", messages=1_200, chats=200, people=6, organizations=2, days=4, member=user.email, verbosity=0)
    settings.CHAT_LOG_RETENTION_S = 86_400.0
    found: dict[tuple[str, str], str] = {}
    for name, do in Hot(user).all().items():
        with recorded() as asked:
            do()
        assert asked, f"{name}: it asks the database nothing"
        found |= {(name, table): each.sql for each in asked for table in read_whole(each)}
    unwanted = {key: sql for key, sql in found.items() if key not in ALLOWED}
    assert not unwanted, "\n\n".join(f"{name}: all of {table}: {sql}" for (name, table), sql in unwanted.items())


@pytest.mark.django_db(transaction=True)
def test_a_scan_is_found() -> None:
    for sql in (
        "SELECT id FROM chat_message WHERE content = 'x'",
        'SELECT count(*) FROM "chat_run" U0 WHERE U0."error_message" = \'x\'',
        "UPDATE chat_runevent SET attempt = 2 WHERE attempt = 1",
        "SELECT id FROM chat_chat WHERE title = 'x' ORDER BY summary LIMIT 3",
    ):
        assert read_whole(Statement(sql, None)), sql
    for sql in (
        "SELECT id FROM chat_message ORDER BY created_at DESC, id DESC LIMIT 3",
        "SELECT id FROM chat_run WHERE status = 'queued'",
    ):
        assert not read_whole(Statement(sql, None)), sql
