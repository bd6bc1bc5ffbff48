"""The MCP door: every check of a message, who gets what by which tool, and that no key comes out of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import ApiKey, Membership, Organization, Project, ProjectMember, Role, User
from accounts.sign_in.keys import create_key
from accounts.sign_in.tokens import AccessToken
from agents import events as ev
from chat.doors.mcp.dialect.encoder import TEXT_STEP, Encoder
from chat.doors.mcp.dialect.messages import Message
from chat.doors.mcp.dialect.results import wrapping
from chat.doors.mcp.tools import TOOLS
from chat.models import Chat, Run, RunStatus
from chat.models import Message as Row
from tests import transcripts
from tests.chat.rows import answer, ask_for
from tests.doors.mcp_agent import ACCEPT, LEGACY, MODERN, PREFIX, Sent, called, legacy, modern
from tests.tools.knowing import known
from tools.knowledge import indexing
from tools.knowledge.cutting import markdown

ROWS = pytest.mark.django_db(transaction=True)
ADDRESS = "/mcp"
READING = ["list_chats", "read_chat", "read_run", "list_files", "read_file", "search_project_files", "search_knowledge"]
READING += ["get_diff"]
SERVER = {f"{PREFIX}serverInfo"}


class Caller:
    """Somebody's client, with a key of theirs."""

    def __init__(self, user: User, *scopes: str) -> None:
        place = Membership.objects.get(user=user).organization
        self.key, self.token = create_key(
            user=user, organization=place, scopes=scopes or ["mcp"], name="Editor", expires_at=None
        )

    def send(self, sent: Sent, **headers: str) -> Any:
        body, own = sent
        signed = {"Authorization": f"Bearer {self.token}", **own, **headers}
        return post(json.dumps(body), {name: value for name, value in signed.items() if value})

    def result(self, sent: Sent) -> dict[str, Any]:
        answered = self.send(sent)
        assert answered.status_code == 200, answered.content
        assert answered.json()["id"] == sent[0]["id"] and "error" not in answered.json(), answered.content
        return dict(answered.json()["result"])

    def call(self, tool: str, **arguments: Any) -> tuple[bool, Any]:
        """Whether it was done, and what was told."""
        found = self.result(called(tool, **arguments))
        return not found["isError"], found.get("structuredContent", found["content"][0]["text"])


def post(body: str, headers: dict[str, str]) -> Any:
    client = Client(raise_request_exception=False)
    return client.post(ADDRESS, body, content_type="application/json", headers=headers)


# --- Checks of a message ----------------------------------------------------------------------------------------------


def changed(sent: Sent, body: dict[str, Any] | None = None, **headers: str) -> Sent:
    return {**sent[0], **(body or {})}, {**sent[1], **{name.replace("_", "-"): text for name, text in headers.items()}}


def without(sent: Sent, header: str) -> Sent:
    return sent[0], {name: text for name, text in sent[1].items() if name != header}


def meta_without(sent: Sent, key: str) -> Sent:
    meta = {name: value for name, value in sent[0]["params"]["_meta"].items() if name != key}
    return {**sent[0], "params": {**sent[0]["params"], "_meta": meta}}, sent[1]


VERSION = f"{PREFIX}protocolVersion"
BASE64 = "=?base64?bGlzdF9jaGF0cw==?="  # list_chats
CHECKS: dict[str, tuple[Callable[[], Sent], int, int | None]] = {
    # what is sent, the status, the code of the error (None: a result)
    "right": (lambda: modern("tools/list"), 200, None),
    "right, before 2026": (lambda: legacy("tools/list"), 200, None),
    "right, without a version": (lambda: without(legacy("tools/list"), "MCP-Protocol-Version"), 200, None),
    "our own Origin": (lambda: changed(modern("tools/list"), Origin="http://testserver"), 200, None),
    "a foreign Origin": (lambda: changed(modern("tools/list"), Origin="https://evil.example"), 403, 403),
    "Origin null": (lambda: changed(modern("tools/list"), Origin="null"), 403, 403),
    "only JSON accepted": (lambda: changed(modern("tools/list"), Accept="application/json"), 406, 406),
    "only streams accepted": (lambda: changed(modern("tools/list"), Accept="text/event-stream"), 406, 406),
    "nothing accepted": (lambda: without(modern("tools/list"), "Accept"), 406, 406),
    "anything accepted": (lambda: changed(modern("tools/list"), Accept="*/*"), 200, None),
    "another jsonrpc": (lambda: changed(modern("tools/list"), {"jsonrpc": "1.0"}), 400, -32600),
    "no method": (lambda: changed(modern("tools/list"), {"method": None}), 400, -32600),
    "an id that is null": (lambda: changed(modern("tools/list"), {"id": None}), 400, -32600),
    "an id that is true": (lambda: changed(modern("tools/list"), {"id": True}), 400, -32600),
    "params in a list": (lambda: changed(modern("tools/list"), {"params": []}), 400, -32600),
    "no capabilities": (lambda: meta_without(modern("tools/list"), f"{PREFIX}clientCapabilities"), 400, -32602),
    "a version in the header alone": (lambda: meta_without(modern("tools/list"), VERSION), 400, -32602),
    "a version in the body alone": (lambda: without(modern("tools/list"), "MCP-Protocol-Version"), 400, -32020),
    "another version": (lambda: changed(modern("tools/list"), MCP_Protocol_Version=LEGACY), 400, -32020),
    "another method": (lambda: changed(modern("tools/list"), Mcp_Method="resources/list"), 400, -32020),
    "no method in the header": (lambda: without(modern("tools/list"), "Mcp-Method"), 400, -32020),
    "another name": (lambda: changed(called("list_chats"), Mcp_Name="ask"), 400, -32020),
    "no name in the header": (lambda: without(called("list_chats"), "Mcp-Name"), 400, -32020),
    "a wrapped name": (lambda: changed(called("list_chats"), Mcp_Name=BASE64), 200, None),
    "a name wrapped badly": (lambda: changed(called("list_chats"), Mcp_Name=BASE64.replace("==", "")), 400, -32020),
    "a version to come": (lambda: modern("tools/list", "2031-01-01"), 400, -32022),
    "a version of before": (lambda: legacy("tools/list", "2024-11-05"), 400, -32022),
    "no such method": (lambda: modern("prompts/list"), 404, -32601),
    "no such method, before 2026": (lambda: legacy("prompts/list"), 200, -32601),
    "a handshake of today": (lambda: modern("initialize"), 404, -32601),
    "a ping of today": (lambda: modern("ping"), 404, -32601),
    "a subscription": (lambda: modern("subscriptions/listen"), 404, -32601),
    "no such tool": (lambda: called("delete_chat"), 400, -32602),
    "no such tool, before 2026": (lambda: legacy("tools/call", name="delete_chat"), 200, -32602),
    "arguments in a list": (lambda: modern("tools/call", name="list_chats", arguments=[]), 400, -32602),
    "no such resource": (lambda: modern("resources/read", uri="file:///etc/passwd"), 400, -32602),
    "a resource without an id": (lambda: modern("resources/read", uri="parley://chats/x"), 400, -32602),
    "a cursor that is none": (lambda: modern("resources/list", cursor=7), 400, -32602),
}  # fmt: skip


@ROWS
def test_each_check_of_a_message(alice: User) -> None:
    caller = Caller(alice)
    for name, (make, status, code) in CHECKS.items():
        sent = make()
        answered = caller.send(sent)
        told = answered.json()
        assert (answered.status_code, told.get("error", {}).get("code")) == (status, code), (name, told)
        assert told["jsonrpc"] == "2.0" and ("result" in told) == (code is None), name
        if code is not None and -32700 < code < 0 and "id" not in name:
            assert told["id"] == sent[0]["id"], name
        if code == -32022:
            assert told["error"]["data"]["supported"] == [MODERN, LEGACY, "2025-06-18", "2025-03-26"], name
        assert "Mcp-Session-Id" not in answered.headers, name


@ROWS
def test_bodies_that_are_no_message(alice: User) -> None:
    caller = Caller(alice)
    headers = {**modern("tools/list")[1], "Authorization": f"Bearer {caller.token}"}
    bodies = {"{": -32700, "": -32700, '{"a": NaN}': -32700, '{"id": 1, "id": 2}': -32700, "5": -32600, '"x"': -32600}
    batch = json.dumps([modern("tools/list")[0], modern("tools/list")[0]])
    response = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {}})
    for body, code in {**bodies, batch: -32600, response: -32600}.items():
        answered = post(body, headers)
        assert (answered.status_code, answered.json()["error"]["code"]) == (400, code), body


@ROWS
def test_a_notification_is_taken_and_not_answered(alice: User) -> None:
    caller = Caller(alice)
    for name in ("notifications/initialized", "notifications/cancelled"):
        body, headers = legacy(name)
        del body["id"]
        answered = caller.send((body, headers))
        assert (answered.status_code, answered.content) == (202, b"")


@ROWS
def test_only_a_post_is_taken(alice: User) -> None:
    token = Caller(alice).token
    for method in ("GET", "DELETE", "PUT", "PATCH"):
        headers = {"Authorization": f"Bearer {token}", **ACCEPT}
        answered = Client().generic(method, ADDRESS, headers=headers)
        assert (answered.status_code, answered["Allow"]) == (405, "POST"), method
        assert answered.json()["error"]["data"]["code"] == "method_not_allowed"


@ROWS
def test_who_brings_no_key_for_it_is_sent_away(alice: User) -> None:
    sent = modern("tools/list")
    caller, other = Caller(alice), Caller(alice, "chat", "llm", "read")
    refused = {
        "nothing": ("", 401, "not_authenticated"),
        "a token": (f"Bearer {AccessToken.of(alice)}", 401, "not_authenticated"),
        "no key of ours": ("Bearer pk_" + "x" * 43, 401, "not_authenticated"),
        "by another scheme": (f"Basic {caller.token}", 401, "not_authenticated"),
        "a key of other scopes": (f"Bearer {other.token}", 403, "key_scope"),
    }
    for name, (authorization, status, code) in refused.items():
        answered = caller.send(sent, Authorization=authorization)
        assert (answered.status_code, answered.json()["error"]["data"]["code"]) == (status, code), name
        assert ("WWW-Authenticate" in answered.headers) == (status == 401), name
    client = Client()
    client.force_login(alice)  # what a browser sends by itself opens nothing
    assert client.post(ADDRESS, json.dumps(sent[0]), "application/json", headers=sent[1]).status_code == 401
    ApiKey.objects.filter(pk=caller.key.pk).delete()
    assert caller.send(sent).status_code == 401


# --- The protocol -----------------------------------------------------------------------------------------------------


@ROWS
def test_a_client_of_each_revision_learns_what_is_here(alice: User) -> None:
    caller = Caller(alice)
    told = caller.result(modern("server/discover"))
    assert told["supportedVersions"][0] == MODERN and told["capabilities"] == {"tools": {}, "resources": {}}
    assert (told["resultType"], told["cacheScope"], set(told["_meta"])) == ("complete", "private", SERVER)
    for wanted, given in {LEGACY: LEGACY, "2025-03-26": "2025-03-26", MODERN: LEGACY, "1999-01-01": LEGACY}.items():
        body, headers = legacy("initialize", protocolVersion=wanted, capabilities={}, clientInfo={"name": "x"})
        begun = caller.result(without((body, headers), "MCP-Protocol-Version"))
        assert (begun["protocolVersion"], begun["serverInfo"]["name"]) == (given, "parley")
    assert caller.result(legacy("ping")) == {}
    assert not {"resultType", "ttlMs", "cacheScope", "_meta"} & set(caller.result(legacy("tools/list")))


@ROWS
def test_the_list_of_tools_goes_by_the_role_and_has_one_order(alice: User, bob: User, project: Project) -> None:
    everything = [each.name for each in TOOLS]
    assert sorted(everything) == sorted([*READING, "ask"])
    caller = Caller(bob)
    expected = {Role.OWNER: everything, Role.EDITOR: everything}
    expected[Role.VIEWER] = [each for each in everything if each != "ask"]
    for role, names in expected.items():
        Membership.objects.filter(user=bob).update(role=role)
        told = caller.result(modern("tools/list"))
        assert [each["name"] for each in told["tools"]] == names, role
        assert told["ttlMs"] > 0
    ProjectMember.objects.create(project=project, user=bob, role=Role.EDITOR)
    assert "ask" in [each["name"] for each in caller.result(modern("tools/list"))["tools"]]
    for tool in caller.result(modern("tools/list"))["tools"]:
        assert tool["annotations"]["readOnlyHint"] == (tool["name"] != "ask")
        assert tool["inputSchema"]["additionalProperties"] is False


# --- Tools: Alice owns, Bob is a member, Charlie is outside -----------------------------------------------------------


class Shop:
    """A chat of Alice's with an answer, in a project with files and a document."""

    def __init__(self, alice: User, chat: Chat) -> None:
        self.chat, self.run = str(chat.pk), answer(chat, alice, text="The green door.")
        self.project = str(chat.project_id)

    def calls(self) -> dict[str, tuple[dict[str, Any], str]]:
        """Arguments of each tool that reads, and what they find."""
        chat, project = {"chat": self.chat}, {"project": self.project}
        return {
            "list_chats": (project, self.chat),
            "read_chat": (chat, "The green door."),
            "read_run": ({"run": str(self.run.pk)}, "The green door."),
            "list_files": (project, "docs/guide.md"),
            "read_file": ({**chat, "path": "docs/guide.md"}, "Ask for the green door."),
            "search_project_files": ({**project, "query": "GREEN"}, "docs/guide.md"),
            "search_knowledge": ({**project, "query": "green"}, '"passages"'),
            "get_diff": (chat, '"diff"'),
        }


@pytest.fixture
def shop(alice: User, chat: Chat) -> Shop:
    return Shop(alice, chat)


@ROWS
def test_each_tool_reads_what_its_person_may_read(alice: User, bob: User, charlie: User, shop: Shop) -> None:
    owner, member, stranger = Caller(alice), Caller(bob), Caller(charlie)
    private = {"read_chat", "read_run", "read_file", "get_diff"}  # of Alice's own chat
    assert sorted(shop.calls()) == sorted(READING)
    for tool, (arguments, found) in shop.calls().items():
        is_done, told = owner.call(tool, **arguments)
        assert is_done and found in json.dumps(told, ensure_ascii=False), tool
        is_done, told = member.call(tool, **arguments)
        assert is_done == (tool not in private), tool
        assert "green door" not in json.dumps(told) or is_done, tool
        is_done, nothing = stranger.call(tool, **arguments)
        assert not is_done and "no such" in nothing.lower(), (tool, nothing)
        nowhere = {
            name: str(charlie.pk) if name in ("chat", "project", "run") else value for name, value in arguments.items()
        }
        assert stranger.call(tool, **nowhere) == (False, nothing), tool
    assert shop.chat not in json.dumps(member.call("list_chats")[1])
    assert stranger.call("list_chats")[1] == {"projects": [], "chats": [], "next": None}


@ROWS
def test_a_key_reads_in_its_organization_alone(alice: User, shop: Shop, elsewhere: Organization) -> None:
    Membership.objects.create(user=alice, organization=elsewhere, role=Role.OWNER)
    _, token = create_key(user=alice, organization=elsewhere, scopes=["mcp"], name="Other", expires_at=None)
    caller = Caller.__new__(Caller)
    caller.token = token
    for tool, (arguments, _) in shop.calls().items():
        assert caller.call(tool, **arguments)[0] is False, tool


@ROWS
def test_what_a_tool_does_not_take_is_said_to_the_model(alice: User, shop: Shop, project: Project) -> None:
    caller = Caller(alice)
    chat, both = {"chat": shop.chat}, {"chat": shop.chat, "project": shop.project}
    table: list[tuple[str, dict[str, Any], str]] = [
        ("read_chat", {}, "chat: is required"),
        ("read_chat", {"chat": "x"}, "chat: Expected an id"),
        ("read_chat", {**chat, "limit": 1000}, "at most 100"),
        ("read_chat", {**chat, "secret": True}, "secret: no such argument"),
        ("read_chat", {**chat, "before": shop.chat}, "cursor"),
        ("list_chats", {"after": shop.project}, "after: Expected"),
        ("read_file", {**both, "path": "README.md"}, "either `chat` or `project`"),
        ("read_file", {"path": "README.md"}, "either `chat` or `project`"),
        ("read_file", {**chat, "path": "../x"}, "path"),
        ("read_file", {**chat, "path": "nowhere.md"}, "nowhere.md"),
        ("ask", {"content": " "}, "content"),
        ("ask", {"content": "Hello", "archetype": "nobody"}, "archetype"),
        ("ask", {}, "content: is required"),
        ("ask", {"content": "Hello", "chat": shop.project}, "no such"),
    ]
    count = Run.objects.count(), Row.objects.count(), Chat.objects.count()
    for tool, arguments, expected in table:
        is_done, told = caller.call(tool, **arguments)
        assert not is_done and expected.lower() in told.lower(), (tool, arguments, told)
    assert (Run.objects.count(), Row.objects.count(), Chat.objects.count()) == count


@ROWS
def test_long_texts_come_in_pieces(alice: User, chat: Chat, settings: Any) -> None:
    settings.MCP_RESULT_MAX_CHARS = 1_000
    runs = [answer(chat, alice, text=f"{number}" * 900) for number in range(3)]
    caller = Caller(alice)
    _, newest = caller.call("read_chat", chat=str(chat.pk))
    assert [each["text"][:1] for each in newest["messages"]] == ["W", "2"] and newest["before"]
    _, older = caller.call("read_chat", chat=str(chat.pk), before=newest["before"])
    assert [each["text"][:1] for each in older["messages"]] == ["W", "1"]
    Row.objects.filter(pk=runs[0].message_id).update(content="a" * 1_000 + "b" * 10)
    _, first = caller.call("read_run", run=str(runs[0].pk))
    assert (len(first["answer"]), first["next_start"], first["status"]) == (1_000, 1_000, "succeeded")
    _, rest = caller.call("read_run", run=str(runs[0].pk), start=1_000)
    assert rest["answer"] == "b" * 10 and "next_start" not in rest


@ROWS
def test_chats_are_listed_page_by_page_and_read_as_resources(alice: User, charlie: User, chat: Chat) -> None:
    answer(chat, alice, text="The green door.")
    for number in range(4):
        Chat.objects.create(
            organization=chat.organization, user=alice, title=f"Chat {number}", model="demo", archetype="generalist"
        )
    caller, seen, after = Caller(alice), [], ""
    while after is not None:
        _, page = caller.call("list_chats", limit=2, **({"after": after} if after else {}))
        seen += [each["title"] for each in page["chats"]]
        after = page["next"]
    assert seen == ["Chat 3", "Chat 2", "Chat 1", "Chat 0", "First steps"]
    assert [each["title"] for each in caller.call("list_chats", search="STEPS")[1]["chats"]] == ["First steps"]
    uri = f"parley://chats/{chat.pk}"
    assert uri in [each["uri"] for each in caller.result(modern("resources/list"))["resources"]]
    (read,) = caller.result(modern("resources/read", uri=uri))["contents"]
    assert read["uri"] == uri and "assistant: The green door." in read["text"]
    assert Caller(charlie).send(modern("resources/read", uri=uri)).json()["error"]["code"] == -32602
    assert Caller(charlie).result(modern("resources/list"))["resources"] == []


@ROWS
def test_knowledge_is_found_up_to_the_level_of_the_role(
    bob: User, charlie: User, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def parse(parser: str, data: bytes, **_: Any) -> Any:
        return markdown(data)

    monkeypatch.setattr(indexing, "parse", parse)  # no child for each of them
    for level in (1, 2, 3):
        known(project, f"# Songs\n\nCanary number{level} sings.\n", title=f"Level {level}", level=level)
    asked = {"project": str(project.pk), "query": "canary sings"}
    caller = Caller(bob)
    for role, levels in {Role.OWNER: [1, 2, 3], Role.EDITOR: [1, 2], Role.VIEWER: [1]}.items():
        Membership.objects.filter(user=bob).update(role=role)
        is_done, found = caller.call("search_knowledge", **asked)
        told = json.dumps(found)
        assert is_done and [level for level in (1, 2, 3) if f"number{level}" in told] == levels, role
    assert "number" not in json.dumps(Caller(charlie).call("search_knowledge", **asked))


@ROWS
def test_ask_begins_an_ordinary_run_where_its_person_may_write(
    alice: User, bob: User, charlie: User, shop: Shop, settings: Any
) -> None:
    settings.CHAT_RUN_HERE = False  # it stays queued
    for caller in (Caller(charlie), Caller(bob)):
        for place in ({"chat": shop.chat}, {"project": shop.project}):
            if caller.key.user_id == bob.pk and "project" in place:
                Membership.objects.filter(user=bob).update(role=Role.VIEWER)
            is_done, told = caller.call("ask", content="Hello", **place)
            assert not is_done, told
    assert Run.objects.filter(door="mcp").count() == 0 == Chat.objects.filter(origin="mcp").count()
    answered = Caller(alice).send(called("ask", content="Hello", project=shop.project))
    assert answered.status_code == 200 and answered["Content-Type"].startswith("text/event-stream")
    assert answered["X-Accel-Buffering"] == "no"
    run = Run.objects.get(door="mcp")
    assert run.user == alice and run.chat is not None and run.chat.is_listed and run.chat.origin == "mcp"
    assert str(run.chat.project_id) == shop.project and run.question.content == "Hello"


@ROWS
def test_no_token_ever_comes_out(alice: User, shop: Shop) -> None:
    caller = Caller(alice, "mcp", "chat")
    own = [caller.token, caller.key.key_hash, str(AccessToken.of(alice))]
    for tool, (arguments, _) in shop.calls().items():
        told = caller.send(called(tool, **arguments)).content.decode()
        assert not any(each in told for each in own), tool
    for sent in (modern("server/discover"), modern("tools/list"), modern("nothing"), legacy("initialize")):
        assert not any(each in caller.send(sent).content.decode() for each in own)


# --- The stream of a run ----------------------------------------------------------------------------------------------


def encoded(log: Any, token: Any = "t", most: int = 10_000) -> list[dict[str, Any]]:
    """The messages of its stream."""
    asked = Message("ask-1", "tools/call", {}, MODERN)
    encoder = Encoder(transcripts.RUN, wrapping(asked, {"name": "parley", "version": "1"}), token, most)
    frames = encoder.open()
    for attempt, seq, event in log:
        frames += encoder.encode(attempt, seq, event)
        if encoder.is_over:
            break
    else:
        frames += encoder.let_go()
    data = [line for frame in frames for line in frame.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(each[6:]) for each in data]


@pytest.mark.parametrize("name", transcripts.ALL)
def test_every_run_ends_in_one_result_behind_rising_progress(name: str) -> None:
    *told, last = encoded(transcripts.ALL[name]())
    assert all(each["method"] == "notifications/progress" for each in told)
    assert [each["params"]["progress"] for each in told] == list(range(1, len(told) + 1))
    assert transcripts.RUN.run in told[0]["params"]["message"]
    assert last["id"] == "ask-1" and last["result"]["resultType"] == "complete"
    value = last["result"]["structuredContent"]
    assert value["run"] == transcripts.RUN.run
    assert value["status"] in ("succeeded", "failed", "cancelled", "waiting", "running")
    assert last["result"]["isError"] == (value["status"] == "failed")
    assert encoded(transcripts.ALL[name](), token=None) == [last], "nobody asked for progress"


def test_what_was_taken_back_is_not_in_the_answer() -> None:
    kinds = [
        ev.TurnStarted(at=1, turn=1, model="m"), ev.TextDelta(at=1, text="kept "),
        ev.TurnStarted(at=1, turn=2, model="m"), ev.TextDelta(at=1, text="x" * TEXT_STEP),
        ev.TextDelta(at=1, text="not this", agent="content:call_1"), ev.TurnReset(at=1, turn=2, reason="taken_over"),
        ev.TurnStarted(at=1, turn=2, model="m"), ev.TextDelta(at=1, text="and more"),
    ]  # fmt: skip
    *told, last = encoded([(1, seq, event) for seq, event in enumerate(kinds, 1)])
    value = last["result"]["structuredContent"]
    assert (value["answer"], value["status"]) == ("kept and more", "running") and "read_run" in value["note"]
    assert any("characters are written" in each["params"]["message"] for each in told)
    *_, cut = encoded([(1, seq, event) for seq, event in enumerate(kinds, 1)], most=4)
    assert (cut["result"]["structuredContent"]["answer"], cut["result"]["structuredContent"]["next_start"]) == (
        "kept",
        4,
    )


@ROWS
def test_a_run_that_waits_for_a_person_says_so(alice: User, chat: Chat) -> None:
    run = answer(chat, alice, RunStatus.WAITING, text="")
    ask_for(run, "call_2")
    is_done, told = Caller(alice).call("read_run", run=str(run.pk))
    assert is_done and told["status"] == "waiting"
