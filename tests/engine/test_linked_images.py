"""Images at https addresses are fetched once, through the gate, and kept; no model server is ever sent an address."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.attachments import linked
from tests.gallery import Gallery
from tests.live import Server
from tests.streams import Client, client, key
from tests.tools.outside import CONNECTED, Names, listening
from tests.tools.test_outward import HELLO, REFUSED, Refused, open_to
from tests.upstream import Turn, Upstream


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    made = Gallery(tmp_path_factory.mktemp("gallery"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def alice(upstream: Upstream, gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    pem = next(Path(tmp_path_factory.getbasetemp()).glob("gallery*/server.pem"))
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", OUTWARD_ALLOW=gallery.host, SSL_CERT_FILE=str(pem),
        ATTACHMENT_FETCH_TIMEOUT_S="3",
    )  # fmt: skip
    yield client(server.start())
    server.close()


def asked(alice: Client, upstream: Upstream, url: str, **more: Any) -> tuple[str, dict[str, Any]]:
    """What a model is sent of a message with this address, as a text; and what the message says of it."""
    mark, chat = key(), alice.chat()
    upstream.script(Turn(text="Well."), key=mark)
    files = [{"type": "image", "url": url, **more}]
    begun = alice.start(chat, f"[[key={mark}]] See", attachments=files, model="gpt-4o")
    assert alice.wait(begun["run"]["id"])["status"] == "succeeded"
    [seen] = upstream.requests(mark)
    [file] = alice.get(f"/api/messages/{begun['input']['id']}/")["attachments"]
    return json.dumps(seen.body, ensure_ascii=False), file


def test_an_image_is_kept_and_shown(alice: Client, upstream: Upstream, gallery: Gallery) -> None:
    url = f"{gallery.url}/photo.png"
    sent, file = asked(alice, upstream, url)
    assert "data:image/" in sent and gallery.host not in sent
    assert (file["type"], file["name"], file["width"], file["linked"]) == ("image", "photo.png", 40, True)
    assert "url" not in file
    row = alice.get(f"/api/attachments/{file['id']}/")
    assert (row["media_type"], row["height"]) == (file["media_type"], 30)


def test_it_is_fetched_once_for_the_whole_chat(alice: Client, upstream: Upstream, gallery: Gallery) -> None:
    mark, chat, url = key(), alice.chat(), f"{gallery.url}/photo.png"
    upstream.script(*[Turn(text="Well.") for _ in range(3)], key=mark)
    before = gallery.asked["/photo.png"]
    files = [{"type": "image", "url": url, "name": name} for name in ("one", "two")]
    alice.wait(alice.start(chat, f"[[key={mark}]] See", attachments=files, model="gpt-4o")["run"]["id"])
    for _ in range(2):
        alice.wait(alice.start(chat, "Again?")["run"]["id"])
    assert gallery.asked["/photo.png"] == before + 1
    assert [str(each.body).count("data:image/") for each in upstream.requests(mark)] == [2, 2, 2]
    assert [each["name"] for each in alice.get(f"/api/chats/{chat}/messages/")["results"][0]["attachments"]] == [
        "one", "two",
    ]  # fmt: skip


REASONS = {
    "/inside": "is not at a public address",
    "/plain": "not https",
    "/hop/4": "leads on more than 3 times",
    "/page": "is a web page",
    "/drawing": "is an SVG drawing",
    "/endless": "longer than the",
    "/gone": "answered with status 404",
}


@pytest.mark.parametrize("path", REASONS)
def test_what_is_no_image_is_told_to_person_and_model(
    path: str, alice: Client, upstream: Upstream, gallery: Gallery
) -> None:
    sent, file = asked(alice, upstream, gallery.url + path)
    assert file["unreadable"] is True and REASONS[path] in file["why"] and file["why"].endswith(".")
    assert "[image: without a name, which could not be read: " in sent and "data:image/" not in sent
    assert gallery.url not in sent and "meta-data" not in sent


def test_what_is_away_for_a_moment_is_told_to_the_model_alone(
    alice: Client, upstream: Upstream, gallery: Gallery
) -> None:
    sent, file = asked(alice, upstream, f"{gallery.url}/slow")
    assert "which could not be fetched yet" in sent and "data:image/" not in sent and gallery.url not in sent
    assert (file["url"], "unreadable" in file) == (f"{gallery.url}/slow", False)


def test_three_steps_on_are_followed(alice: Client, upstream: Upstream, gallery: Gallery) -> None:
    sent, file = asked(alice, upstream, f"{gallery.url}/hop/3", name="mine")
    assert "data:image/" in sent and file["name"] == "mine"


def test_nobody_is_kept_waiting_for_the_answer_to_a_message(
    alice: Client, upstream: Upstream, gallery: Gallery
) -> None:
    """The image is slow; the message is stored and its run has begun all the same."""
    mark, chat = key(), alice.chat()
    upstream.script(Turn(text="Well."), key=mark)
    begun = alice.start(
        chat, f"[[key={mark}]] See", attachments=[{"type": "image", "url": f"{gallery.url}/slow/2"}], model="gpt-4o"
    )
    assert not upstream.requests(mark), "it is told at once, before the image is there or given up"
    assert alice.wait(begun["run"]["id"])["status"] == "succeeded"


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
async def test_nothing_connects_to(case: Refused, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """S01 to S05: the same table as at the gate itself."""
    monkeypatch.setattr("socket.getaddrinfo", Names(case.names))
    async with listening(HELLO, "127.0.0.1") as outside:
        open_to(settings, outside)
        url = case.url.replace("PORT", str(outside.port))
        CONNECTED.clear()
        found = await linked.fetched([url], 2.0)
        assert isinstance(found[url], str) and found[url]
        assert (CONNECTED, outside.connects) == ([], {})
