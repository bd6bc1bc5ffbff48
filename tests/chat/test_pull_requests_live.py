"""Pull requests by a running server: killed in between, and opened from the chat once a person has allowed it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environment import new_folder
from tests.forges import Forge
from tests.live import Server
from tests.streams import Client, client, key
from tests.tools.git_http import TOKEN, Asked, GitServer, Given
from tests.tools.gits import fsck, git, heads
from tests.upstream import Turn, Upstream
from tests.upstream_turns import ScriptedCall

pytestmark = pytest.mark.live
SET = """
from accounts.secrets import seal
from tools.models import ProjectRepository
said = dict(state="ready", remote_url={url!r}, forge="github", forge_path="acme/website", token=seal({token!r}))
ProjectRepository.objects.update_or_create(project_id={project!r}, defaults=said)
"""


@dataclass(frozen=True)
class World:
    """A server whose one project has a remote at a forge."""

    server: Server
    forge: Forge
    place: Path
    local: Path

    @property
    def alice(self) -> Client:
        return client(self.server)


@pytest.fixture(scope="module")
def world(upstream: Upstream) -> Iterator[World]:
    gits = GitServer(new_folder() / "git")
    server = Server(OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", OUTWARD_ALLOW=gits.host).start()
    project = client(server).get("/api/projects/")["results"][0]["id"]
    chat = client(server).chat()
    client(server).post(f"/api/editorChat/{chat}/get-diff", {})  # its repository is there from then on
    (local,) = (server.data / "repositories").glob("*.git")
    place = gits.repository(of=local)
    server.quickly("shell", "-c", SET.format(url=f"{gits.url}/acme/website.git", token=TOKEN, project=project))
    yield World(server, Forge("github", gits), place, local)
    server.close()
    gits.close()


def written(world: World, upstream: Upstream, *after: ScriptedCall, **fields: str) -> tuple[str, str]:
    """A chat that writes a file and goes on to these calls: chat and run."""
    mark = key()
    write = ScriptedCall("write_file", {"path": f"notes/{mark}.md", "content": "Green door.\n"})
    turns = [Turn(tool_calls=[each]) for each in (write, *after)]
    upstream.script(*turns, Turn(text="Done."), key=mark)
    chat = world.alice.chat(**fields)
    return chat, str(world.alice.start(chat, f"[[key={mark}]] go")["run"]["id"])


@pytest.mark.parametrize("moment", ["GET", "POST"])
def test_who_dies_between_push_and_create_leaves_one_pull_request(
    moment: str, world: World, upstream: Upstream
) -> None:
    """POST: the forge makes it, and nobody hears of it."""
    chat, run = written(world, upstream)
    world.alice.wait(run)
    before, killed = world.forge.created, []

    def die(asked: Asked) -> Given | None:
        if asked.method == moment and not killed:
            killed.append(asked)
            world.server.kill()
        return None

    world.forge.fault = die
    with pytest.raises(OSError):  # the connection ends
        world.server.call("POST", f"/api/chats/{chat}/pull-request/", {}, token=world.alice.token)
    assert killed, "it came so far"
    (branch,) = (name for name in heads(world.place) if name.endswith(chat.replace("-", "")[:12]))
    world.server.start_process()
    made = world.alice.post(f"/api/chats/{chat}/pull-request/", {}, expect=(201,))
    again = world.alice.post(f"/api/chats/{chat}/pull-request/", {}, expect=(200,))
    assert made["id"] == again["id"] and made["branch"] == branch
    assert world.forge.created == before + 1
    for place in (world.place, world.local):
        fsck(place)


def test_it_is_opened_from_the_chat_once_a_person_allows_it(world: World, upstream: Upstream) -> None:
    call = ScriptedCall("open_pull_request", {"title": "A green door", "body": "It was **red**."})
    chat, run = written(world, upstream, call, archetype="project_navigator")
    with world.alice.events(run) as stream:
        asked = stream.until("approval.requested")[-1].json
    before = len(world.forge.pulls)
    assert asked["name"] == "open_pull_request" and asked["arguments"]["title"] == "A green door"
    end = time.monotonic() + 10
    while world.alice.get(f"/api/runs/{run}/")["status"] != "waiting":
        assert time.monotonic() < end
        time.sleep(0.02)
    assert len(world.forge.pulls) == before, "nothing leaves before"
    said = {"decision": "allow"} | ({"digest": asked["digest"]} if "digest" in asked else {})
    world.alice.post(f"/api/runs/{run}/approvals/{asked['call']}", said)
    assert world.alice.wait(run)["status"] == "succeeded"
    (result,) = [
        part["result"]
        for part in world.alice.answer(chat)["parts"]
        if part["type"] == "tool_result" and "pushed" in str(part.get("result"))
    ]
    assert (result["done"], result["pushed"], result["number"]) == ("opened", True, world.forge.pulls[-1]["number"])
    assert world.forge.pulls[-1]["title"] == "A green door"
    assert git(world.place, "log", "-1", "--format=%an", result["branch"]).strip()


def test_who_ask_at_once_get_one_for_each_chat(world: World, upstream: Upstream) -> None:
    world.forge.fault = lambda asked: None
    chats = [written(world, upstream) for _ in range(2)]
    for _, run in chats:
        world.alice.wait(run)
    token, before = world.alice.token, world.forge.created
    asked = [f"/api/chats/{chat}/pull-request/" for chat, _ in (chats[0], chats[0], chats[1])]
    with ThreadPoolExecutor() as pool:
        told = list(pool.map(lambda address: world.server.call("POST", address, {}, token=token), asked))
    assert {each.status for each in told} <= {200, 201}, told
    assert told[0].body["id"] == told[1].body["id"] != told[2].body["id"]
    assert len({each["number"] for each in world.forge.pulls}) == len(world.forge.pulls)
    assert sum(each["head"] == told[0].body["branch"] for each in world.forge.pulls) == 1
    assert world.forge.created - before <= 3
    fsck(world.place)
