"""The OpenAI SDK for Python at files: uploaded, found, named in requests, removed."""

import io
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai import OpenAI
from PIL import Image

from tests import documents
from tests.clients.keys import new_key
from tests.doors.people import newcomer
from tests.live import Server
from tests.streams import key
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.clients, pytest.mark.live]
PDF = documents.pdf("The plan is green.")


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture(params=["/v1", "/api/llm"])
def sdk(server: Server, request: pytest.FixtureRequest) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url + request.param, api_key=new_key(server, "llm"), max_retries=0) as made:
        yield made


@pytest.fixture
def charlie(server: Server) -> Iterator[OpenAI]:
    with OpenAI(base_url=server.url + "/v1", api_key=newcomer(server).token, max_retries=0) as made:
        yield made


def test_a_file_is_uploaded_found_fetched_and_removed(sdk: OpenAI, charlie: OpenAI) -> None:
    made = sdk.files.create(file=("plan.pdf", PDF), purpose="user_data")
    assert (made.object, made.filename, made.bytes, made.status) == ("file", "plan.pdf", len(PDF), "processed")
    assert made.purpose == "user_data" and made.expires_at is not None
    assert made.expires_at - made.created_at == 24 * 3600
    assert sdk.files.retrieve(made.id) == made
    assert sdk.files.content(made.id).read() == PDF
    assert made.id in [each.id for each in sdk.files.list()]
    for ask in (charlie.files.retrieve, charlie.files.content, charlie.files.delete):
        with pytest.raises(openai.NotFoundError):
            ask(made.id)
    assert made.id not in [each.id for each in charlie.files.list()]
    assert sdk.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.files.retrieve(made.id)


def test_they_are_listed_page_by_page_in_either_order(sdk: OpenAI) -> None:
    made = [sdk.files.create(file=(f"{n}.txt", f"text {n}".encode()), purpose="assistants").id for n in range(5)]
    image = sdk.files.create(file=("dot.png", picture()), purpose="vision")
    assert image.purpose == "vision"
    newest = [each.id for each in sdk.files.list(limit=2, order="desc")][:6]  # it asks for the next pages itself
    assert newest == [image.id, *reversed(made)]
    behind = sdk.files.list(after=made[2], order="asc", limit=2)
    assert [each.id for each in behind.data] == made[3:] and behind.has_more
    assert image.id in [each.id for each in sdk.files.list(purpose="vision")]
    assert not set(made) & {each.id for each in sdk.files.list(purpose="vision")}
    for id in (*made, image.id):
        sdk.files.delete(id)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a purpose that has none here": ({"file": ("a.jsonl", b"{}"), "purpose": "batch"}, "user_data, vision, assistants"),
    "nothing in it": ({"file": ("a.txt", b""), "purpose": "user_data"}, "empty"),
    "what nobody knows": ({"file": ("a.bin", b"\x00\x01\x02"), "purpose": "user_data"}, "nothing that is known here"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_taken_is_refused_in_a_sentence(case: str, sdk: OpenAI) -> None:
    sent, words = REFUSED[case]
    before = [each.id for each in sdk.files.list()]
    with pytest.raises(openai.BadRequestError) as told:
        sdk.files.create(**sent)
    assert words in str(told.value)
    assert [each.id for each in sdk.files.list()] == before


def test_what_is_no_id_is_not_found(sdk: OpenAI) -> None:
    for id in ("file-abc", "0" * 32 + "x"):
        with pytest.raises(openai.NotFoundError):
            sdk.files.retrieve(id)
    with pytest.raises(openai.BadRequestError, match="after"):
        sdk.files.list(after="file-abc")


def test_requests_name_them_by_their_ids(sdk: OpenAI, upstream: Upstream) -> None:
    mark = key()
    upstream.script(Turn(text="Green."), Turn(text="Red."), key=mark)
    plan = sdk.files.create(file=("plan.pdf", PDF), purpose="user_data")
    photo = sdk.files.create(file=("photo.png", picture()), purpose="vision")
    text = {"type": "text", "text": f"[[key={mark}]] Which colour?"}
    said: Any = [text, {"type": "file", "file": {"file_id": plan.id}}]
    sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": said}])
    shown: Any = [
        {"type": "input_text", "text": f"[[key={mark}]] And this?"},
        {"type": "input_image", "file_id": photo.id, "detail": "auto"},
    ]
    made = sdk.responses.create(model="gpt-4o", input=[{"role": "user", "content": shown}])
    first, second = upstream.requests(mark)
    assert '<file name="plan.pdf">' in str(first.body) and "The plan is green." in str(first.body)
    assert "data:image/jpeg;base64," in str(second.body) or "data:image/png;base64," in str(second.body)
    [item] = sdk.responses.input_items.list(made.id).data
    assert item.to_dict()["content"][1]["file_id"] == photo.id  # type: ignore[index]
    assert sdk.files.retrieve(plan.id).expires_at is None, "it stays as long as its message"
    with pytest.raises(openai.ConflictError):
        sdk.files.delete(photo.id)


def test_a_foreign_file_is_not_to_be_named(sdk: OpenAI, charlie: OpenAI, upstream: Upstream) -> None:
    theirs, mark = charlie.files.create(file=("canary.txt", b"canary"), purpose="user_data"), key()
    said: Any = [{"type": "text", "text": f"[[key={mark}]]"}, {"type": "file", "file": {"file_id": theirs.id}}]
    with pytest.raises(openai.NotFoundError):
        sdk.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": said}])
    shown: Any = [{"type": "input_text", "text": f"[[key={mark}]]"}, {"type": "input_file", "file_id": theirs.id}]
    with pytest.raises(openai.NotFoundError):
        sdk.responses.create(model="gpt-4o", input=[{"role": "user", "content": shown}])
    assert not upstream.requests(mark)
