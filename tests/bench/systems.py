"""What is measured: the bare copy, the plain Django view, and Parley on SQLite and on PostgreSQL with Redis."""

import asyncio
import json
import pathlib
import time
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.bench import load
from tests.bench.doors import DOORS, Place
from tests.bench.load import Heard, Wish
from tests.bench.processes import Program, cores, on, uvicorn
from tests.live import Server

PACKED = "Parley, packed"
APIS = {"chat completions": "bench", "Messages": "bench-messages", "Responses": "bench-responses"}  # api: model
# Rows as they are, since posting ten thousand messages takes longer than the whole bench. The database counts them as
# it does by itself within a minute: until then it plans for the few that were there.
FILL = """
from django.db import connection
from chat.models import Chat, Message
chat, parent = Chat.objects.get(pk="{chat}"), None
made = []
for number in range(1, {messages} + 1):
    role = "user" if number % 2 else "assistant"
    made.append(Message(chat=chat, position=number, parent=parent, role=role, content="Words of a message. " * 5))
    parent = made[-1]
Message.objects.bulk_create(made, batch_size=500)
Chat.objects.filter(pk=chat.pk).update(position={messages}, leaf=parent)
connection.cursor().execute("ANALYZE chat_message")
"""


class System(Protocol):
    """Something that streams what the provider says."""

    name: str

    @property
    def pids(self) -> list[int]:
        """The processes whose CPU, memory and threads count."""

    async def prepare(self, streams: int) -> None:
        """Make what that many streams at once need, before the clock runs."""

    async def ask(self, stream: int, wish: Wish) -> Heard:
        """One question by this stream, and its answer read to the end."""

    async def kept(self, wish: Wish) -> tuple[int, int]:
        """Of the answers since `prepare`: how many are stored whole, and how many there are. (0, 0): it keeps none."""


@dataclass
class Copier:
    """One of the two that keep nothing."""

    name: str
    program: Program
    path: str

    @property
    def pids(self) -> list[int]:
        return self.program.pids

    async def prepare(self, streams: int) -> None:
        pass

    async def ask(self, stream: int, wish: Wish) -> Heard:
        body = json.dumps({"content": str(wish)}).encode()
        return await load.hear(self.program.port, load.request("POST", self.path, body, {}))

    async def kept(self, wish: Wish) -> tuple[int, int]:
        return 0, 0


def bare_copy(upstream: int, folder: pathlib.Path) -> Copier:
    """The ASGI application that copies bytes."""
    return Copier("bare copy", _serve("tests.bench.bare:app", upstream, folder), "/")


def plain_view(upstream: int, folder: pathlib.Path) -> Copier:
    """The Django view around the SDK."""
    return Copier("plain view", _serve("tests.bench.plain:app", upstream, folder), "/chat")


def _serve(app: str, upstream: int, folder: pathlib.Path) -> Program:
    with on(cores()[0]):
        return Program(uvicorn(app), folder, BENCH_UPSTREAM=f"http://127.0.0.1:{upstream}/v1")


@dataclass
class Parley:
    """A Parley server, by one of its doors."""

    name: str
    server: Server
    door: str = "native"
    model: str = "bench"
    is_packed: bool = False  # its streams are asked for with ?compress=gzip
    token: str = ""
    where: dict[str, str] = field(default_factory=dict)  # organization and project of its chats
    chats: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        assert self.server.process is not None
        return [self.server.process.pid]

    async def prepare(self, streams: int) -> None:
        if not self.token:
            await asyncio.to_thread(self.sign_in)
        self.asked = []
        self.chats = [await asyncio.to_thread(self._new_chat) for _ in range(streams)]

    def sign_in(self) -> None:
        """As the first owner, who works in the first project."""
        self.token = self.server.token()
        for name in ("organization", "project"):
            rows = self.call("GET", f"/api/{name}s/")["results"]
            self.where[name] = rows[0]["id"]

    def _new_chat(self) -> str:
        made: str = self.call("POST", "/api/chats/", {**self.where, "title": "bench", "model": self.model})["id"]
        return made

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request that must succeed; its JSON."""
        head = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.server.url + path, data, head, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    async def ask(self, stream: int, wish: Wish) -> Heard:
        chat, door = self.chats[stream], DOORS[self.door]
        if door.keeps:
            self.asked.append(chat)
        at, asked_at, begun = Place(chat, self.where["project"]), time.monotonic_ns(), None
        if door.begin:
            begun = await self.send(*door.begin(at, str(wish)))
        path, body = door.stream(at, str(wish), begun)
        heard = await self.hear("GET" if body is None else "POST", path + "?compress=gzip" * self.is_packed, body)
        heard.asked_at = asked_at
        heard.once(wish.chunks)
        return heard

    async def hear(self, method: str, path: str, body: Any = None) -> Heard:
        """A stream of this server, read to its end."""
        data = b"" if body is None else json.dumps(body).encode()
        head = {"authorization": f"Bearer {self.token}"}
        return await load.hear(self.server.port, load.request(method, path, data, head))

    async def start(self, chat: str, wish: Wish) -> str:
        """Start a run that nobody reads yet; its id."""
        run: str = (await self.send(f"/api/chats/{chat}/runs", {"content": str(wish)}))["run"]["id"]
        return run

    async def send(self, path: str, body: Any) -> Any:
        """A request whose answer is read at once; its JSON."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        head = {"authorization": f"Bearer {self.token}"}
        writer.write(load.request("POST", path, json.dumps(body).encode(), head))
        answer = await reader.read()
        writer.close()
        return json.loads(answer.partition(b"\r\n\r\n")[2])

    def fill(self, chat: str, messages: int) -> None:
        """Put so many short messages into the chat, in turn by a person and by the model."""
        self.server.manage("shell", "-c", FILL.format(chat=chat, messages=messages))

    async def kept(self, wish: Wish) -> tuple[int, int]:
        whole = 0
        for chat in set(self.asked):
            found = await asyncio.to_thread(self.call, "GET", f"/api/chats/{chat}/messages/")
            whole += sum(_is_whole(each["content"], wish) for each in found["results"] if each["role"] == "assistant")
        return whole, len(self.asked)


def _is_whole(content: str, wish: Wish) -> bool:
    numbers = [int(number) for number, _ in load.STAMP.findall(content.encode())]
    return numbers == list(range(wish.chunks))


def packed(parley: Parley) -> Parley:
    """The same server, its streams in gzip."""
    return Parley(PACKED, parley.server, parley.door, is_packed=True)


def by_doors(parley: Parley) -> list[Parley]:
    """The same server, asked at each door in turn; at the native one first."""
    return [Parley(f"{parley.name}, {door}", parley.server, door) for door in DOORS]


def by_apis(parley: Parley) -> list[Parley]:
    """One server, asked for a model of each wire API in turn; chat completions first."""
    return [Parley(f"Parley, {api}", parley.server, parley.door, model) for api, model in APIS.items()]


@dataclass
class Elsewhere:
    """Parley's readers in another process than the one that runs: the run is started at one, its stream read there."""

    runs: Parley
    reads: Parley
    name: str = "Parley, read elsewhere"

    @property
    def pids(self) -> list[int]:
        return self.runs.pids + self.reads.pids

    async def prepare(self, streams: int) -> None:
        await self.runs.prepare(streams)
        if not self.reads.token:
            await asyncio.to_thread(self.reads.sign_in)

    async def ask(self, stream: int, wish: Wish) -> Heard:
        chat = self.runs.chats[stream]
        self.runs.asked.append(chat)
        asked_at = time.monotonic_ns()
        heard = await self.reads.hear("GET", f"/api/runs/{await self.runs.start(chat, wish)}/events")
        heard.asked_at = asked_at
        return heard

    async def kept(self, wish: Wish) -> tuple[int, int]:
        return await self.runs.kept(wish)


def parley(name: str, upstream: int, data: pathlib.Path, door: str = "native", **settings: str) -> Parley:
    """A Parley of its own in the folder, started on the servers' core."""
    data.mkdir(parents=True, exist_ok=True)
    with on(cores()[0]):
        return Parley(name, Server(data, **{**given(upstream), **settings}).start(), door)


def given(upstream: int) -> dict[str, str]:
    """Settings of a server whose only model is the bench's provider, and that many streams of one person may ask."""
    return {
        "OPENAI_API_KEY": "bench",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{upstream}/v1",
        "OPENAI_MODELS": "bench",
        "AGENTS_DEFAULT_MODEL": "bench",
        **dict.fromkeys(("CHAT_STREAMS_PER_USER", "CHAT_RUNS_PER_ORGANIZATION"), "0"),  # all streams are one person's
    }


def all_apis(upstream: int) -> dict[str, str]:
    """Settings of a server that offers the three models of APIS."""
    return {
        "OPENAI_API": "responses",
        "OPENAI_MODELS": APIS["Responses"],
        "ANTHROPIC_API_KEY": "bench",
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{upstream}",
        "ANTHROPIC_MODELS": APIS["Messages"],
        "MISTRAL_API_KEY": "bench",
        "MISTRAL_BASE_URL": f"http://127.0.0.1:{upstream}/v1",
        "MISTRAL_MODELS": APIS["chat completions"],
    }


def sibling(first: Parley, name: str) -> Parley:
    """Another process on the same database."""
    with on(cores()[0]):
        return Parley(name, first.server.sibling().start_process(), first.door)
