"""A busy installation: rows for the admin's tests, measurements and pictures, made in bulk and the same each time."""

# ruff: noqa: E501

import random
import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Count, F
from django.utils import timezone

from accounts.models import Membership, Organization, Project, Role, User
from agents import events as ev
from agents.events import Call
from agents.usage import Usage
from chat.eventlog import Logged
from chat.eventlog.rows import insert
from chat.models import (
    Chat,
    Message,
    MessageRole,
    MessageStatus,
    Process,
    Run,
    RunStatus,
    ToolCall,
    UsageDay,
    UsageRecord,
)

MODELS = ("gpt-4.1-mini", "gpt-4o", "gpt-4-turbo", "qwen3:8b")
CODES = ("upstream_rate_limited", "upstream_timeout", "upstream_unavailable", "internal", "poison")
PEOPLE = ("ada", "grace", "alan", "edsger", "barbara", "tony", "donald", "margaret")
PLACES = ("Website", "Billing", "Handbook", "Mobile app", "Data platform")
TITLES = (
    "Which routes need a login?", "Move the invoices to the new table", "Why is the build slow?",
    "A page on opening hours", "Rename the settings module", "Summarise last week's incidents",
    "Check the translations", "Tests for the exporter",
)  # fmt: skip


class Busy:
    """Makes the rows. `seed` decides all that looks like chance."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.now = timezone.now()
        self.organization = Organization.objects.create(name="Acme")
        self.users = [User.objects.create_user(f"{name}@acme.example", name=name.title()) for name in PEOPLE]
        Membership.objects.bulk_create(
            Membership(organization=self.organization, user=user, role=Role.EDITOR) for user in self.users
        )
        self.projects = [Project.objects.create(organization=self.organization, name=name) for name in PLACES]

    def runs(self, count: int, *, chats: int = 0, days: float = 30.0) -> None:
        """So many runs that are over, spread over the past days, with a message, an answer, a call and usage each."""
        made = [self._chat(self.chance.choice(self.users)) for _ in range(chats or max(1, count // 20))]
        Chat.objects.bulk_create(made, batch_size=2000)
        for start in range(0, count, 5000):
            self._ended([self.chance.choice(made) for _ in range(min(5000, count - start))], start, days)
        # auto_now_add has put the time of the insert here.
        Run.objects.filter(ended_at__isnull=False).update(created_at=F("started_at"))

    def usage(self, days: int = 30) -> None:
        """A row of usage a day for each person, model and project that they use."""
        today = timezone.localdate()
        rows = []
        for back in range(days):
            for user in self.users:
                for model in self.chance.sample(MODELS, 2):
                    used = int(self.chance.lognormvariate(11, 0.6)) * (
                        3 if (today - timedelta(days=back)).weekday() < 5 else 1
                    )
                    rows.append(
                        UsageDay(
                            day=today - timedelta(days=back), organization=self.organization, user=user, model=model,
                            project=self.chance.choice(self.projects), runs=self.chance.randint(2, 40),
                            failed=self.chance.choice((0, 0, 0, 1, 2)), input_tokens=used, cached_tokens=used // 3,
                            output_tokens=used // 6, reasoning_tokens=used // 20,
                        )
                    )  # fmt: skip
        kept = {(row.day, row.project_id, row.model, row.user_id): row for row in rows}
        UsageDay.objects.bulk_create(kept.values(), batch_size=1000)

    def live(self) -> None:
        """Runs that are running, queued and waiting, held by processes that are up, and one that has gone silent."""
        up = [self._process("web-1", 3.0), self._process("web-2", 5.0), self._process("agents-1", 75.0)]
        for number, age_s in enumerate((4, 11, 38, 74, 312)):
            self._open(RunStatus.RUNNING, age_s, owner=up[number % 3].pk, attempt=2 if number == 4 else 1)
        for age_s in (1900, 8200):
            self._open(RunStatus.WAITING, age_s, waits_until=self.now + timedelta(seconds=86_400 - age_s))

    def _process(self, host: str, seen_s: float) -> Process:
        return Process.objects.create(
            id=uuid.UUID(int=self.chance.getrandbits(128)), host=host, pid=self.chance.randint(100, 9000), takes_runs=True,
            started_at=self.now - timedelta(hours=20), seen_at=self.now - timedelta(seconds=seen_s),
        )  # fmt: skip

    def _chat(self, user: User, **fields: Any) -> Chat:
        return Chat(
            organization=self.organization, project=self.chance.choice(self.projects), user=user,
            title=self.chance.choice(TITLES), model=self.chance.choice(MODELS), archetype="generalist",
            position=100_000, **fields,
        )  # fmt: skip

    def _open(self, status: RunStatus, age_s: float, **fields: Any) -> Run:
        chat = self._chat(self.chance.choice(self.users))
        chat.save()
        since = self.now - timedelta(seconds=age_s)
        question, answer = self._pair(chat, 1)
        Message.objects.bulk_create([question, answer])
        run = self._run(chat, question, answer, status=status, started_at=since, **fields)
        if status == RunStatus.RUNNING:
            run.lease_expires_at = self.now + timedelta(days=1)
        run.save()
        Run.objects.filter(pk=run.pk).update(created_at=since)
        return run

    def _pair(self, chat: Chat, position: int) -> tuple[Message, Message]:
        question = Message(chat=chat, position=position, role=MessageRole.USER, author=chat.user, content="A question.")
        answer = Message(
            chat=chat, position=position + 1, role=MessageRole.ASSISTANT, parent=question, content="An answer.",
            status=MessageStatus.COMPLETED, parts=[{"type": "text", "text": "An answer."}],
        )  # fmt: skip
        return question, answer

    def _run(self, chat: Chat, question: Message, answer: Message, **fields: Any) -> Run:
        given = {"attempt": 1, "temperature": 0.7, **fields}
        return Run(
            chat=chat, user=chat.user, input=question, message=answer, position=answer.position,
            archetype=chat.archetype, model=chat.model, **given,
        )  # fmt: skip

    def _ended(self, chats: list[Chat], start: int, days: float) -> None:
        messages: list[Message] = []
        runs: list[Run] = []
        for number, chat in enumerate(chats, start):
            question, answer = self._pair(chat, 2 * number + 1)
            messages += [question, answer]
            runs.append(self._over(chat, question, answer, days))
        Message.objects.bulk_create(messages, batch_size=2000)
        Run.objects.bulk_create(runs, batch_size=2000)
        self._leftovers(runs)

    def _over(self, chat: Chat, question: Message, answer: Message, days: float) -> Run:
        ended = self.now - timedelta(days=self.chance.random() ** 2 * days)
        failed = self.chance.random() < 0.04
        wait = {"gpt-4.1-mini": 400, "gpt-4o": 700, "gpt-4-turbo": 2400, "qwen3:8b": 1100}[chat.model]
        return self._run(
            chat, question, answer, ended_at=ended, started_at=ended - timedelta(seconds=self.chance.uniform(1, 40)),
            status=RunStatus.FAILED if failed else RunStatus.SUCCEEDED, end_reason="" if failed else "stop",
            error_code=self.chance.choices(CODES, (9, 6, 4, 2, 1))[0] if failed else "",
            error_message="The model provider did not answer." if failed else "",
            first_token_ms=None if failed else int(self.chance.lognormvariate(0, 0.7) * wait),
            turns=self.chance.randint(1, 5), retries=int(self.chance.random() < 0.03), input_tokens=4000, output_tokens=700,
        )  # fmt: skip

    def _leftovers(self, runs: list[Run]) -> None:
        log = [ev.RunStarted(at=0, attempt=1), ev.TextDelta(at=0, text="An answer.")]
        for run in runs:
            for seq, event in enumerate(log, 1):
                self._rows.append(insert(run.pk, [Logged(1, seq, event)]))
        type(self._rows[0]).objects.bulk_create(self._rows, batch_size=5000)
        self._rows.clear()
        ToolCall.objects.bulk_create(
            (
                ToolCall(run=run, call="call_1", name="read_file", arguments={"path": "a"}, status="returned",
                         result='"x"', elapsed_ms=12, called_at=run.started_at)
                for run in runs
            ), batch_size=2000,
        )  # fmt: skip
        UsageRecord.objects.bulk_create(
            (
                self._used(run, turn=1, attempt=1, model=run.model, input_tokens=4000, cached_tokens=1000,
                           output_tokens=700, reasoning_tokens=0)
                for run in runs
            ), batch_size=2000,
        )  # fmt: skip

    def _used(self, run: Run, **counts: Any) -> UsageRecord:
        place = {"organization": self.organization, "project_id": run.chat.project_id, "user_id": run.user_id}
        return UsageRecord(run=run, status="reported", **place, **counts)

    _rows: list[Any] = []

    def long(self, turns: int = 500) -> Run:
        """A run of a person who asked for a great deal: more than 10,000 events, in many turns with a call each."""
        chat = Chat.objects.annotate(count=Count("runs")).order_by("-count").first()
        assert chat is not None
        question, answer = self._pair(chat, 2_000_000 + 2 * chat.runs.count())
        Message.objects.bulk_create([question, answer])
        log = Lengthy((self.now - timedelta(hours=2)).timestamp(), "").turns(turns)
        start, end = moment(log[0].event.at), moment(log[-1].event.at)
        run = self._run(chat, question, answer, status=RunStatus.SUCCEEDED, end_reason="stop", turns=turns,
                        started_at=start, ended_at=end, first_token_ms=900)  # fmt: skip
        run.save()
        self._rows.extend(insert(run.pk, log[first : first + 4]) for first in range(0, len(log), 4))
        type(self._rows[0]).objects.bulk_create(self._rows, batch_size=5000)
        self._rows.clear()
        return run

    def eventful(self) -> Run:
        """A run in which everything happened: a retry, tools, an approval, a process that died, and the answer."""
        chat = self._chat(self.users[0])
        chat.title, chat.archetype, chat.model = "Move the invoices to the new table", "project_navigator", "gpt-4o"
        chat.save()
        question, answer = self._pair(chat, 1)
        Message.objects.bulk_create([question, answer])
        log = Eventful((self.now - timedelta(minutes=50)).timestamp(), str(self.users[1].pk)).write()
        start, end = log[0].event.at, log[-1].event.at
        run = self._run(
            chat, question, answer, status=RunStatus.SUCCEEDED, end_reason="stop", attempt=3, crashes=1, turns=3,
            retries=2, first_token_ms=6210, started_at=moment(start), ended_at=moment(end), usage_status="estimated",
            input_tokens=18_240, cached_tokens=9_216, output_tokens=1_204, reasoning_tokens=180,
        )  # fmt: skip
        run.save()
        Run.objects.filter(pk=run.pk).update(created_at=moment(start))
        for entry in log:
            insert(run.pk, [entry]).save()
        for turn in (1, 2, 3):
            self._used(run, turn=turn, attempt=turn, model=run.model, input_tokens=6080, cached_tokens=3072,
                       output_tokens=402, reasoning_tokens=60).save()  # fmt: skip
        return run


def moment(at: float) -> Any:
    return timezone.datetime.fromtimestamp(at, timezone.get_current_timezone())


class Eventful:
    """The log of such a run."""

    def __init__(self, at: float, decider: str) -> None:
        self.at, self.attempt, self.decider = at, 1, decider
        self.log: list[Logged] = []

    def add(self, after_s: float, kind: type, **fields: Any) -> None:
        self.at += after_s
        self.log.append(Logged(self.attempt, len(self.log) + 1, kind(at=self.at, **fields)))

    def says(self, text: str, each_s: float = 0.03, kind: type = ev.TextDelta) -> None:
        for word in text.split(" "):
            self.add(each_s, kind, text=f"{word} ")

    def call(self, call: str, name: str, arguments: Any, result: Any, took_s: float) -> None:
        self.add(0.01, ev.ToolCalled, call=call, name=name, arguments=arguments)
        self.add(took_s, ev.ToolReturned, call=call, name=name, result=result, elapsed_ms=int(took_s * 1000))

    def write(self) -> list[Logged]:
        used = Usage(6080, 3072, 402, 60)
        read = Call("call_1", "read_file", '{"path":"billing/models.py"}')
        find = Call("call_2", "search_project_files", '{"query":"invoice"}')
        wrote = {"path": "billing/migrations/0007_invoices.py", "content": "class Migration: ..."}
        self.add(0, ev.RunQueued, chat="c", input="i", message="m", archetype="project_navigator", model="gpt-4o")
        self.add(0, ev.RunStarted, attempt=1)
        self.add(0.02, ev.TurnStarted, turn=1, model="gpt-4o")
        self.add(1.1, ev.RetryScheduled, failed_attempt=1, max_attempts=3, delay_s=4.0, code="upstream_rate_limited",
                 message="The model provider is receiving too many requests.")  # fmt: skip
        self.add(5.1, ev.ReasoningDelta, text="The invoices live in ")
        self.says(
            "the billing app, so I look at its tables before I plan the move and see who reads them",
            0.05,
            ev.ReasoningDelta,
        )
        self.says("I look at the billing tables first.", 0.05)
        self.add(0.1, ev.ReplyCompleted, turn=1, finish_reason="tool_calls", usage=used, calls=(read, find))
        self.call(
            "call_1", "read_file", {"path": "billing/models.py"}, {"text": "class Invoice(models.Model): ..."}, 0.18
        )
        self.call(
            "call_2", "search_project_files", {"query": "invoice"}, [{"path": "billing/views.py", "line": 12}], 1.4
        )
        self.add(0, ev.TurnCompleted, turn=1)
        self.add(0.02, ev.TurnStarted, turn=2, model="gpt-4o")
        self.says("The table is read in four places. I will add a migra", 0.09)
        self.attempt = 2
        self.add(8.4, ev.TurnReset, turn=2, reason="taken_over")
        self.add(0, ev.RunStarted, attempt=2)
        self.add(0.05, ev.TurnStarted, turn=2, model="gpt-4o")
        self.says(
            "The table is read in four places. I add a migration that copies the rows and keeps the old table.", 0.09
        )
        self.add(0.1, ev.ReplyCompleted, turn=2, finish_reason="tool_calls", usage=used,
                 calls=(Call("call_3", "write_file", "{}"),))  # fmt: skip
        self.add(
            0.01, ev.ApprovalRequested, call="call_3", name="write_file", arguments=wrote, expires_at=self.at + 86_400
        )
        self.add(
            1930,
            ev.ApprovalResolved,
            call="call_3",
            name="write_file",
            decision="allowed",
            by=self.decider,
            reason="Reviewed.",
        )
        self.attempt = 3
        self.add(0.1, ev.RunStarted, attempt=3)
        self.call("call_3", "write_file", wrote, {"commit": "4f1c2aa"}, 0.6)
        self.add(0, ev.TurnCompleted, turn=2)
        self.add(0.02, ev.TurnStarted, turn=3, model="gpt-4o")
        self.says("Done: the migration copies the rows, and the four readers use the new table from now on.", 0.06)
        self.add(0.1, ev.ReplyCompleted, turn=3, finish_reason="stop", usage=used)
        self.add(0, ev.TurnCompleted, turn=3)
        self.add(0, ev.MessageSaved, message="m")
        self.add(0.01, ev.RunCompleted, reason="stop", usage=Usage(18_240, 9_216, 1_204, 180, "estimated"))
        return self.log


class Lengthy(Eventful):
    """The log of a run of very many turns."""

    def turns(self, count: int) -> list[Logged]:
        self.add(0, ev.RunQueued, chat="c", input="i", message="m", archetype="project_navigator", model="gpt-4o")
        self.add(0, ev.RunStarted, attempt=1)
        used = Usage(6080, 3072, 402, 60)
        for turn in range(1, count + 1):
            self.add(0.02, ev.TurnStarted, turn=turn, model="gpt-4o")
            self.says("Now I read the next file and see whether it holds what was asked for, line by line")
            call = Call(f"call_{turn}", "read_file", f'{{"path":"src/part{turn}.py"}}')
            self.add(0.1, ev.ReplyCompleted, turn=turn, finish_reason="tool_calls", usage=used, calls=(call,))
            self.call(call.id, call.name, {"path": f"src/part{turn}.py"}, {"text": "x = 1\n" * 200}, 0.1)
            self.add(0, ev.TurnCompleted, turn=turn)
        self.add(0.01, ev.RunCompleted, reason="stop", usage=used)
        return self.log
