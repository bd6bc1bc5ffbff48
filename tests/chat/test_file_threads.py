"""What waits for a storage or for strangers' servers works in threads of its own, and holds up nobody without files."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, cast

import psycopg
import pytest
from django.conf import settings
from django.db import InternalError, OperationalError
from django.test import AsyncClient

from accounts.db import db, db_files
from accounts.db import threads as pools
from accounts.models import User
from accounts.sign_in.keys import create_key
from chat.attachments import storing, taking, texts, using
from chat.models import Attachment, Chat, Message, Run, RunStatus
from chat.runner.execution import Execution
from chat.runner.loading import Loaded
from chat.runner.process import Runner
from tests.chat.rows import answer
from tests.tools.contexts import context
from tools.attachments import read_attachment
from tools.capabilities import ATTACHMENTS
from tools.executor import execute

pytestmark = pytest.mark.django_db(transaction=True)
WAIT_S = 10.0
Job = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
def nothing_stored() -> Iterator[None]:
    yield
    for id in set(storing.ids()):
        storing.remove(id)


@pytest.fixture
def plain(chat: Chat, alice: User) -> Run:
    """A run without files."""
    return answer(chat, alice, RunStatus.RUNNING)


@pytest.fixture
def file(chat: Chat, alice: User) -> Attachment:
    return taking.take(alice, chat.organization_id, "a.txt", b"Hello")


@pytest.fixture
def with_file(chat: Chat, alice: User, file: Attachment) -> Run:
    run = answer(
        Chat.objects.create(organization=chat.organization, user=alice, model="gpt-4o", archetype="generalist"),
        alice,
        RunStatus.RUNNING,
    )
    message = Message.objects.get(pk=run.input_id)
    message.attachments = [using.said_of(file)]
    message.save(update_fields=["attachments"])
    using.use_anew(message)
    return run


def execution(run: Run, begun: Any = None) -> Execution:
    return Execution(Runner(), run.pk, run.attempt, begun)


class Refusing(Exception):
    sqlstate = pools.READ_ONLY


def read_only() -> None:
    raise InternalError from Refusing()


def broken_off() -> None:
    raise psycopg.OperationalError("the connection is lost")


@pytest.mark.parametrize("job", [db, db_files])
@pytest.mark.parametrize("fault", [read_only, broken_off])
async def test_a_database_that_is_away_is_told_alike(job: Job, fault: Callable[[], None]) -> None:
    with pytest.raises(OperationalError):
        await job(fault)


async def test_a_slow_storage_holds_up_runs_with_files_alone(plain: Run, with_file: Run) -> None:
    """Whether their work was handed over by who stored it, or is read again."""
    over = threading.Event()
    busy = [asyncio.ensure_future(db_files(over.wait, WAIT_S)) for _ in range(settings.FILE_THREADS)]
    handed: list[str] = []
    waiting = [
        asyncio.ensure_future(execution(with_file)._ready()),
        asyncio.ensure_future(
            execution(with_file, lambda: cast(Loaded, handed.append(threading.current_thread().name)))._ready()
        ),
    ]
    try:
        loaded = await asyncio.wait_for(execution(plain)._ready(), WAIT_S / 2)
        assert loaded is not None and loaded.run.id == plain.pk
        assert not any(each.done() for each in waiting)
    finally:
        over.set()
        await asyncio.gather(*busy, *waiting)
    read = waiting[0].result()
    assert read is not None and "Hello" in str(read.work.job.history)  # type: ignore[attr-defined]
    assert handed[0].startswith("db-files")


@pytest.fixture
def read_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads in which the storage was asked, and files were read."""
    found: list[str] = []

    def noting(fn: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            found.append(threading.current_thread().name)
            return fn(*args)

        return noted

    for name in ("_read", "remove", "write"):
        monkeypatch.setattr(storing, name, noting(getattr(storing, name)))
    monkeypatch.setattr(texts, "_text", noting(texts._text))
    return found


async def test_the_tool_reads_on_there(with_file: Run, file: Attachment, alice: User, read_in: list[str]) -> None:
    ctx = context(
        user_id=alice.pk, chat_id=with_file.chat_id, run_id=with_file.pk, capabilities=frozenset({ATTACHMENTS})
    )
    told = await execute(read_attachment, ctx, {"id": str(file.pk)})
    assert told.outcome == "returned" and "Hello" in str(told)
    assert read_in and all(each.startswith("db-files") for each in read_in)


@pytest.mark.parametrize("what", ["upload", "content", "delete"])
async def test_no_file_of_openais_clients_is_in_the_threads_of_all(
    what: str, alice: User, chat: Chat, file: Attachment, read_in: list[str]
) -> None:
    _, token = await db(
        create_key, user=alice, organization=chat.organization, scopes=["chat"], name="CI", expires_at=None
    )
    client = AsyncClient()
    signed = {"Authorization": f"Bearer {token}"}
    if what == "upload":
        head = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--x\r\n'
        body = head + b'Content-Disposition: form-data; name="file"; filename="b.txt"\r\n\r\nHello you\r\n--x--\r\n'
        found = await client.post("/v1/files", body, content_type="multipart/form-data; boundary=x", headers=signed)
    elif what == "content":
        found = await client.get(f"/v1/files/{file.pk}/content", headers=signed)
    else:
        found = await client.delete(f"/v1/files/{file.pk}", headers=signed)
    assert found.status_code == 200, found.content
    assert read_in
    if what == "upload":  # in its own, as at /api/attachments/: words of a recording may be minutes away
        assert not any(each.startswith("db") for each in read_in)
    else:
        assert all(each.startswith("db-files") for each in read_in)
