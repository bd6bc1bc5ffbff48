"""Every plan by every model that ships at every door: what it has is answered, the rest refused in the door's form."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents.shipped import SHIPPED
from chat.doors.registry import DOORS
from tests.clients.keys import new_key
from tests.doors.mcp_agent import called
from tests.doors.people import newcomer
from tests.doors.test_names import USER
from tests.live import Reply, Server
from tests.streams import Client, Stream, client, key
from tests.upstream import Turn, Upstream

pytestmark = pytest.mark.live

Body = dict[str, Any]
MODELS = [each.id for each in SHIPPED]
TIERS = {"BASIC": ("free",), "PRO": ("free", "pro"), "ENTERPRISE": ("free", "pro", "max")}
HAS = {plan: {each.id for each in SHIPPED if each.tier in tiers} for plan, tiers in TIERS.items()}
FREE, MAX = "gpt-6-luna", "gpt-6.1-sol"
OWN = ",".join(each.id for each in SHIPPED if each.provider == "openai")  # else also what older defaults named


@pytest.fixture(scope="module")
def house(upstream: Upstream) -> Iterator[Server]:
    """The ten models, all of them at one upstream."""
    keys = {f"{name}_API_KEY": "k" for name in ("OPENAI", "ANTHROPIC", "XAI", "GEMINI")}
    addresses = {f"{name}_BASE_URL": upstream.url for name in ("OPENAI", "ANTHROPIC", "XAI", "GEMINI")}
    more = {"OPENAI_MODELS": OWN, "AGENTS_DEFAULT_MODEL": "", "CHAT_STREAMS_PER_USER": "0"}
    server = Server(**keys, **addresses, **more).start()
    yield server
    server.close()


class Place:
    """Alice's project, and ways to ask there."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.alice: Client = client(server)
        self.project = self.alice.get("/api/projects/")["results"][0]
        self.key = new_key(server, "mcp")

    def has(self, plan: str) -> None:
        self.server.quickly("set_plan", self.project["organization"], plan)

    def send(self, path: str, body: Body) -> Reply:
        return self.alice.server.call("POST", path, body, token=self.alice.token)

    def chat(self, model: str) -> str:
        """A chat of that model, from when the plan had it."""
        self.has("ENTERPRISE")
        return self.alice.chat(model=model)


@pytest.fixture
def place(house: Server) -> Iterator[Place]:
    place = Place(house)
    yield place
    place.has("ENTERPRISE")


WORDS = {"sessions": ["modelId"], "agui": ["forwardedProps.model"]}  # what a door calls the field
Ask = Callable[[Place, str], Reply]


def named(path: str, body: Callable[[Place, str], Body]) -> Ask:
    """A door whose request names the model."""
    return lambda place, model: place.send(path, body(place, model))


def ui(place: Place, model: str) -> Body:
    return {"id": f"u {model}", "messages": [USER], "project": place.project["id"], "model": model}


def agui(place: Place, model: str) -> Body:
    props = {"project": place.project["id"], "model": model}
    return {"threadId": f"t {model}", "runId": "r", "messages": [USER], "forwardedProps": props}


BEGIN: dict[str, Ask] = {
    "native": named("/api/chats/runs", lambda place, model: {
        "chat": {"project": place.project["id"], "model": model}, "content": "Hello"}),
    "initiateChat": named("/trpc/chat.initiateChat", lambda place, model: {
        "projectId": place.project["id"], "message": "Hello", "model": model}),
    "sessions": named("/api/chat/start", lambda place, model: {
        "modelId": model, "prompt": "Hello", "projectId": place.project["id"]}),
    "ui": named("/api/chat", ui),
    "agui": named("/api/agui", agui),
    "llm": named("/v1/chat/completions", lambda place, model: {
        "model": model, "messages": [{"role": "user", "content": "Hello"}]}),
    "llm, responses": named("/v1/responses", lambda place, model: {"model": model, "input": "Hello"}),
}  # fmt: skip

# Doors of a chat that is there: it has its model from another plan's days.
Within = Callable[[Place, str], Reply]
GO_ON: dict[str, Within] = {
    "native, in a chat": lambda place, chat: place.send(f"/api/chats/{chat}/runs", {"content": "Hello"}),
    "editorChat": lambda place, chat: place.send(f"/api/editorChat/stream/{chat}", {"content": "Hello"}),
    "threads": lambda place, chat: place.send(f"/chat/threads/{chat}/messages", {"content": "Hello"}),
    "agent": lambda place, chat: place.send("/agent/chat", {
        "message": "Hello", "session_id": f"sess-{chat}", "character_id": 1}),
    "mcp": lambda place, chat: place.server.call(
        "POST", "/mcp", called("ask", content="Hello", chat=chat)[0], token=place.key,
        headers=called("ask", content="Hello", chat=chat)[1]),
    "llm, conversations": lambda place, chat: place.send(f"/api/llm/conversations/conv_{chat}/messages", {
        "content": "Hello", "stream": False}),
}  # fmt: skip


def test_every_door_is_tried() -> None:
    tried = {each.partition(",")[0] for each in (*BEGIN, *GO_ON)}
    assert tried == {door.name for door in DOORS}


@pytest.mark.parametrize("door", BEGIN)
def test_a_door_that_names_the_model(door: str, place: Place) -> None:
    for plan, models in HAS.items():
        place.has(plan)
        for model in MODELS:
            check(door, plan, model, BEGIN[door](place, model), is_in=model in models)


@pytest.mark.parametrize("door", GO_ON)
def test_a_door_to_a_chat(door: str, place: Place) -> None:
    for plan, models in HAS.items():
        chats = {model: place.chat(model) for model in MODELS}
        place.has(plan)
        for model, chat in chats.items():
            before = place.alice.get(f"/api/chats/{chat}/")
            check(door, plan, model, GO_ON[door](place, chat), is_in=model in models)
            if model not in models:
                assert place.alice.get(f"/api/chats/{chat}/") == before, "the chat is as it was"


def check(door: str, plan: str, model: str, reply: Reply, *, is_in: bool) -> None:
    """The answer is one, or a refusal in the door's own form that names plan and model."""
    said = str(reply.body)
    if is_in:
        assert reply.status in (200, 201) and "does not include" not in said, (door, plan, model, reply)
        return
    assert f"The plan {plan} does not include {model}" in said and FREE in said, (door, plan, model, reply)
    match door.partition(",")[0]:
        case "llm":
            error = reply.body["error"]
            told = (reply.status, error["code"], error["param"], error["type"])
            assert told == (403, "model_not_found", "model", "permission_error")
        case "initiateChat":
            assert (reply.status, reply.body["error"]["data"]["code"]) == (403, "FORBIDDEN")
        case "mcp":
            assert reply.status == 200 and reply.body["result"]["isError"], reply
        case "agent":
            assert reply.status == 403, reply
        case name:
            error = reply.body["error"]
            fields = WORDS.get(name, ["model"])
            assert (reply.status, error["code"], list(error["fields"])) == (403, "plan_model", fields)


def test_system_2_reads_it_as_its_error_event(place: Place) -> None:
    """Its frontend looks at no status: it opens the stream with whatever `sessionId` came."""
    place.has("BASIC")
    refused = place.send("/api/chat/start", {"modelId": MAX, "prompt": "Hello"})
    with Stream(place.server, f"/api/chat/stream?sessionId={refused.body['sessionId']}") as stream:
        (frame,) = [each.json for each in stream.frames()]
    assert (frame["type"], frame["code"]) == ("error", "plan_model") and "BASIC does not include" in frame["message"]
    forged = refused.body["sessionId"][:-1] + ("a" if refused.body["sessionId"][-1] != "a" else "b")
    with Stream(place.server, f"/api/chat/stream?sessionId={forged}") as stream:
        assert [each.json["code"] for each in stream.frames()] == ["session_unknown"]


@pytest.mark.parametrize("plan", HAS)
def test_each_list_of_models_shows_what_the_plan_has(plan: str, place: Place) -> None:
    place.has(plan)
    found = [each for each in place.alice.get("/api/models/")["results"] if each["id"] != "demo"]
    assert len(found) == 10 and {each["id"] for each in found if each["available"]} == HAS[plan]
    for base in ("/v1", "/api/llm"):
        listed = {each["id"] for each in place.alice.get(f"{base}/models")["data"]} - {"demo"}
        assert {each for each in listed if not each.startswith("parley/")} == HAS[plan]
        one = place.server.call("GET", f"{base}/models/{MAX}", token=place.alice.token)
        assert (one.status, one.body.get("error", {}).get("code")) == (
            (200, None) if plan == "ENTERPRISE" else (403, "model_not_found")
        )


def test_a_run_that_waited_while_its_plan_changed(place: Place, upstream: Upstream) -> None:
    mark, other, gate = key(), key(), key()
    upstream.script(Turn(n=5, gate=gate, gate_at=2), key=other)
    chat = place.chat(FREE)
    first = place.alice.start(chat, f"[[key={other}]] go")["run"]["id"]
    second = place.alice.start(chat, f"[[key={mark}]] go", model=MAX)["run"]["id"]
    place.has("BASIC")
    upstream.release(gate)
    assert place.alice.wait(first)["status"] == "succeeded", "what had begun goes on"
    ended = place.alice.wait(second)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "plan_model")
    assert f"BASIC does not include {MAX}" in ended["error"]["message"]
    assert upstream.requests(mark) == [] and ended["usage"]["total_tokens"] == 0
    with place.alice.events(second) as stream:
        assert stream.frames()[-1].json["code"] == "plan_model"
    assert place.alice.wait(place.alice.start(chat, "Hello")["run"]["id"])["status"] == "succeeded"


def test_a_plan_is_its_organizations_alone(place: Place) -> None:
    place.has("BASIC")
    charlie = newcomer(place.server)
    organization = charlie.get("/api/organizations/")["results"][0]["id"]
    begun = charlie.post("/api/chats/runs", {"chat": {"organization": organization, "model": MAX}, "content": "Hello"})
    assert begun["run"]["model"] == MAX
    path = f"/api/organizations/{place.project['organization']}/plan/"
    assert place.server.call("GET", path, token=charlie.token).status == 404
