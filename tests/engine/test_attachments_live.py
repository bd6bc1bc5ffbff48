"""Attached files at real servers: what comes in is bounded, what is killed leaves nothing, two processes agree."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import photos
from tests.environment import ROOT
from tests.live import Server
from tests.s3 import Bucket
from tests.streams import Client, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live
AT = "/api/attachments/"
MB = 1_000_000
NewServer = Callable[..., Server]


@pytest.fixture
def alice(server: Server) -> Client:
    return client(server)


def send(server: Server, token: str, body: bytes, path: str = AT, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        own = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("POST", path, body, {**own, "Content-Type": "application/octet-stream", **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def fetched(server: Server, token: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def put(alice: Client, data: bytes, name: str = "photo.jpg") -> dict[str, Any]:
    status, told = send(alice.server, alice.token, data, f"{AT}?name={name}")
    assert status == 201, told
    return dict(told)


def folder(server: Server) -> set[str]:
    return set(os.listdir(server.data / "attachments")) if (server.data / "attachments").exists() else set()


# --- What comes in ---------------------------------------------------------------------------------------------------


def test_more_than_any_other_body_may_have_is_taken_and_given_back(alice: Client) -> None:
    data = os.urandom(9 * MB).hex().encode()
    made = put(alice, data, "long.txt")
    assert made["bytes"] == len(data) and fetched(alice.server, alice.token, made["url"]) == (200, data)
    status, told = send(alice.server, alice.token, b"x" * (3 * MB), "/api/chats/")
    assert status == 413, told


class Chunked:
    """A body in chunks, sent by hand."""

    def __init__(self, server: Server, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        signed = f"Authorization: Bearer {token}\r\n" if token else ""
        head = f"POST {AT}?name=a.txt HTTP/1.1\r\nHost: 127.0.0.1\r\n{signed}Transfer-Encoding: chunked\r\n\r\n"
        self.socket.sendall(head.encode())

    def send(self, data: bytes) -> None:
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self) -> tuple[int, Any]:
        with self.socket, self.socket.makefile("rb") as reader:
            status = int(reader.readline().split()[1])
            length = 0
            while line := reader.readline().strip().lower():
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            return status, json.loads(reader.read(length))


def test_chunks_are_taken(alice: Client) -> None:
    body = Chunked(alice.server, alice.token)
    for piece in (b"Hello, ", b"chunks", b""):
        body.send(piece) if piece else body.socket.sendall(b"0\r\n\r\n")
    status, told = body.answer()
    assert (status, told["bytes"], told["media_type"]) == (201, 13, "text/plain"), told


def test_chunks_without_end_are_refused_where_it_is_too_much(alice: Client) -> None:
    before = folder(alice.server)
    body = Chunked(alice.server, alice.token)
    for _ in range(27):
        body.send(b"x" * MB)
    status, told = body.answer()  # though the body has no end
    assert (status, told["error"]["code"]) == (413, "too_large") and folder(alice.server) == before
    assert alice.get("/api/capabilities/")["limits"]["attachment_bytes"] == 25 * MB


@pytest.mark.parametrize("length", [5, 24 * MB])
def test_who_is_nobody_is_told_so_before_the_first_byte(server: Server, length: int) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as raw:
        raw.sendall(f"POST {AT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 401 ")


def test_what_announces_too_much_is_refused_unread(alice: Client) -> None:
    with socket.create_connection(("127.0.0.1", alice.server.port), timeout=20) as raw:
        head = f"POST {AT} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {alice.token}\r\n"
        raw.sendall(f"{head}Content-Length: {26 * MB}\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


# --- To a model ------------------------------------------------------------------------------------------------------


def test_the_model_is_sent_the_bytes_that_are_kept_and_not_those_that_came(alice: Client, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="A red wall."), Turn(text="Still red."), key=mark)
    source = photos.with_place()
    image, chat = put(alice, source), alice.chat()
    run = alice.start(chat, f"[[key={mark}]] What is it?", attachments=[{"type": "image", "id": image["id"]}])
    ended = alice.wait(run["run"]["id"])
    assert ended["status"] == "succeeded" and alice.answer(chat)["content"] == "A red wall."
    _, content = fetched(alice.server, alice.token, image["url"])
    assert _images(upstream, mark, 0) == [content] and b"secret" not in content
    alice.wait(alice.start(chat, f"[[key={mark}]] And now?")["run"]["id"])
    assert _images(upstream, mark, 1) == [content]
    with alice.events(run["run"]["id"]) as stream:
        types = [each.json["type"] for each in stream.frames()]
    assert "turn.reset" not in types and types.count("run.started") == 1


def test_a_photo_of_a_phone_is_there_soon_upright_and_without_where_it_was(alice: Client, upstream: Upstream) -> None:
    mark, source = key(), photos.of_a_phone()
    assert len(source) > 5 * MB
    upstream.script(Turn(text="A red wall."), key=mark)
    began = time.monotonic()
    image = put(alice, source)
    assert time.monotonic() - began < 15  # 3 are wanted, where nothing else runs
    chat = alice.chat()
    alice.wait(
        alice.start(chat, f"[[key={mark}]] See.", attachments=[{"type": "image", "id": image["id"]}])["run"]["id"]
    )
    (seen,) = _images(upstream, mark, 0)
    shown = photos.opened(seen)
    assert shown.height > shown.width and photos.corner(shown, shown.width - 5, 5) == "blue"
    assert not shown.getexif() and b"secret" not in seen and fetched(alice.server, alice.token, image["url"])[1] == seen


def _images(upstream: Upstream, mark: str, number: int) -> list[bytes]:
    request = upstream.requests(mark)[number]
    parts = [part for each in request.body["messages"] if isinstance(each["content"], list) for part in each["content"]]
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    assert all(each.startswith("data:image/jpeg;base64,") for each in urls)
    return [base64.b64decode(each.partition(",")[2]) for each in urls]


# --- What is killed --------------------------------------------------------------------------------------------------

# Stores a file, and dies of SIGKILL at the storage's call of that number.
DIES = """
import os, signal, sys
import django
django.setup()
from accounts.models import Organization, User
from chat.attachments import going, storing, taking
from chat.models import Attachment
calls, until = [0], int(sys.argv[1])
def dying(do):
    def call(*args):
        calls[0] += 1
        if calls[0] == until:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*args)
    return call
storing.write, storing.remove = dying(storing.write), dying(storing.remove)
user = User.objects.get(email="alice@example.com")
row = taking.take(user, Organization.objects.get().pk, "a.png", sys.stdin.buffer.read())
Attachment.objects.filter(pk=row.pk).update(state="going")
going.remove(row.pk)
"""


def _die(server: Server, at: int) -> int:
    environ = {**server.environ(), "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", DIES, str(at)], cwd=ROOT, env=environ, input=photos.photo(), capture_output=True
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
    return done.returncode


def test_whoever_is_killed_anywhere_leaves_nothing_for_ever(new_server: NewServer) -> None:
    server = new_server(ATTACHMENTS_EVERY_S="0").prepare()
    codes = [_die(server, at) for at in (1, 2, 3)]  # before the bytes, between them and the thumbnail, before they go
    assert codes == [-signal.SIGKILL] * 3
    assert len(folder(server)) == 3  # the second has left one file, the third two
    assert _die(server, 9) == 0 and len(folder(server)) == 3
    states = _tell(server, "sorted(Attachment.objects.values_list('state', flat=True))")
    assert states == "['going', 'storing', 'storing']"
    server.manage("chores", "--run", "attachments")
    assert _tell(server, "Attachment.objects.count()") == "2"  # STORING, and not yet for an hour
    ago = "timezone.now() - timedelta(hours=2)"
    _tell(server, f"Attachment.objects.update(created_at={ago})")
    server.manage("chores", "--run", "attachments")
    assert _tell(server, "Attachment.objects.count()") == "0" and folder(server) == set()
    (server.data / "attachments" / "0b9c1a52-6f0e-4f9e-a5d3-0d1f6c9a7e11").write_bytes(b"no row knows it")
    server.manage("chores", "--run", "attachments")
    assert folder(server) == set()


def _tell(server: Server, what: str) -> str:
    script = (
        "from datetime import timedelta\nfrom django.utils import timezone\nfrom chat.models import Attachment\n"
        f"print('told', {what})"
    )
    return server.manage("shell", "--command", script).stdout.partition("told ")[2].strip()


# --- Several processes -----------------------------------------------------------------------------------------------


def test_two_processes_see_the_same(new_server: NewServer, upstream: Upstream) -> None:
    first = new_server().start()
    if "DATABASE_URL" not in first.settings:
        pytest.skip("SQLite is for one process")
    second = first.sibling().start_process()
    here = client(first)
    there = Client(second, here.token)
    image, chat = put(here, photos.photo()), here.chat()
    assert fetched(second, there.token, image["url"])[0] == 200
    mark = key()
    upstream.script(Turn(text="Red."), key=mark)
    body = f"[[key={mark}]] See"
    there.wait(there.start(chat, body, attachments=[{"type": "image", "id": image["id"]}])["run"]["id"])
    assert len(_images(upstream, mark, 0)) == 1
    assert second.call("DELETE", f"/api/chats/{chat}/", token=there.token).status == 204
    assert fetched(first, here.token, image["url"])[0] == 404 and folder(first) == set()


# --- A bucket --------------------------------------------------------------------------------------------------------


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    bucket = Bucket()
    yield bucket
    bucket.close()


def test_a_bucket_keeps_them_and_its_absence_is_said(new_server: NewServer, bucket: Bucket, upstream: Upstream) -> None:
    server = new_server(
        ATTACHMENTS_S3_BUCKET="files", ATTACHMENTS_S3_ENDPOINT=bucket.url, ATTACHMENTS_S3_REGION="eu-central-1",
        ATTACHMENTS_S3_ACCESS_KEY="key", ATTACHMENTS_S3_SECRET_KEY="very secret", ATTACHMENTS_EVERY_S="0",
    ).start()  # fmt: skip
    alice = client(server)
    image = put(alice, photos.photo())
    assert set(bucket.kept) == {image["id"], f"{image['id']}.thumbnail"} and not folder(server)
    assert bucket.kept[image["id"]] == fetched(server, alice.token, image["url"])[1]
    assert all(each.startswith("AWS4-HMAC-SHA256 Credential=key/") for each in bucket.signed)
    bucket.is_down = True
    began = time.monotonic()
    status, told = send(server, alice.token, b"Hello")
    assert (status, told["error"]["code"]) == (503, "storage_unavailable") and time.monotonic() - began < 30
    assert fetched(server, alice.token, image["url"])[0] == 503
    mark, chat = key(), alice.chat()
    upstream.script(Turn(text="Red."), key=mark)
    body = f"[[key={mark}]] See"
    run = alice.start(chat, body, attachments=[{"type": "image", "id": image["id"]}])
    ended = alice.wait(run["run"]["id"])
    assert (ended["status"], ended["error"]["code"]) == ("failed", "storage"), ended
    assert "cannot be read at the moment" in ended["error"]["message"] and upstream.requests(mark) == []
    bucket.is_down = False
    again = alice.post(f"/api/messages/{run['message']['id']}/regenerate/", {})
    assert alice.wait(again["run"]["id"] if "run" in again else again["id"])["status"] == "succeeded"
    bucket.kept["11111111-1111-4111-8111-111111111111"] = b"no row knows it"
    bucket.is_down = True
    assert server.call("DELETE", f"/api/chats/{chat}/", token=alice.token).status == 204
    bucket.is_down = False
    server.manage("chores", "--run", "attachments")
    assert bucket.kept == {} and "very secret" not in server.log()
