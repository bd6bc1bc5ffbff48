"""No request is answered with more than it may be: pages are shorter then and lose nothing, the rest is refused."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from accounts.sign_in.tokens import AccessToken
from chat.models import Chat, Message, Run, RunStatus

pytestmark = pytest.mark.django_db(transaction=True)
COUNT, CHARS, MOST = 24, 2_000, 12_000
FILL = {
    "letters": "x" * CHARS,
    "emoji": "😀" * (CHARS // 4),
    "quotes": '"' * (CHARS // 2),
    "controls": "\x01" * (CHARS // 6),
}


@pytest.fixture(autouse=True)
def small(settings: Any) -> None:
    settings.ANSWER_MAX_BYTES = MOST
    settings.CHAT_RUN_HERE = False


@pytest.fixture(params=FILL.values(), ids=FILL.keys())
def long(request: pytest.FixtureRequest, alice: User, chat: Chat) -> Chat:
    """A chat of questions and answers, each as long as five may be answered at once, whatever it is written in."""
    parent = None
    for position in range(1, COUNT + 1):
        role = "user" if position % 2 else "assistant"
        said = f"{position} {request.param}"
        message = Message.objects.create(
            chat=chat, parent=parent, position=position, role=role, content=said,
            author=alice if role == "user" else None,
        )  # fmt: skip
        if role == "assistant":
            Run.objects.create(
                chat=chat, message=message, input=parent, user=alice, status=RunStatus.SUCCEEDED, model="gpt-4o",
                archetype="generalist", position=position, temperature=1,
            )  # fmt: skip
        parent = message
    Chat.objects.filter(pk=chat.pk).update(leaf=parent, position=COUNT)
    chat.refresh_from_db()
    return chat


def get(user: User, address: str) -> tuple[int, Any]:
    answered = Client().get(address, headers={"Authorization": f"Bearer {AccessToken.of(user)}"})
    assert len(answered.content) < 2 * MOST, len(answered.content)
    return answered.status_code, json.loads(answered.content)


def numbers(texts: list[str]) -> list[int]:
    return [int(text.split()[0]) for text in texts]


def rest_pages(user: User, address: str) -> Iterator[list[str]]:
    following: str | None = address
    while following:
        status, page = get(user, following)
        assert status == 200, page
        yield [each["content"] for each in page["results"]]
        following = page["next"]


@pytest.mark.parametrize("ordering", ["position", "-position"])
def test_a_page_of_messages_is_shorter_and_all_of_them_are_read(alice: User, long: Chat, ordering: str) -> None:
    address = f"/api/chats/{long.pk}/messages/?page_size=200&ordering={ordering}"
    pages = [numbers(each) for each in rest_pages(alice, address)]
    found = [number for page in pages for number in page]
    assert found == sorted(range(1, COUNT + 1), reverse=ordering[0] == "-")
    assert max(map(len, pages)) <= 5
    _, first = get(alice, address)
    _, second = get(alice, first["next"])
    _, back = get(alice, second["previous"])
    assert back["results"] == first["results"]


def test_one_that_is_longer_than_an_answer_is_read_all_the_same(alice: User, long: Chat, settings: Any) -> None:
    settings.ANSWER_MAX_BYTES = 1_000
    assert sum(len(each) for each in rest_pages(alice, f"/api/chats/{long.pk}/messages/")) == COUNT
    assert len(items(alice, long, "asc")) == COUNT


def items(user: User, chat: Chat, order: str, limit: int = 100) -> list[str]:
    found: list[str] = []
    after = ""
    while True:
        status, page = get(user, f"/v1/conversations/conv_{chat.pk}/items?limit={limit}&order={order}&after={after}")
        assert status == 200 and page["data"], page
        found += [each["id"] for each in page["data"]]
        after = page["last_id"]
        if not page["has_more"]:
            return found


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_page_of_items_is_shorter_and_all_of_them_are_read(alice: User, long: Chat, limit: int) -> None:
    expected = [f"msg_{each}" for each in Message.objects.filter(chat=long).values_list("pk", flat=True)]
    assert items(alice, long, "asc", limit) == expected
    assert items(alice, long, "desc", limit) == expected[::-1]


@pytest.mark.parametrize(
    ("path", "field", "next_field"),
    [
        ("/chat/threads/{chat}/messages?limit=1000", "cursor", "next"),
        ("/api/chat/history?chatId={chat}&limit=1000", "cursor", "next"),
        ("/api/chat/history?limit=1000", "cursor", "next"),
        ("/agent/chat/history/sess-{chat}?limit=1000", "before", ""),
    ],
)
def test_a_history_is_shorter_and_all_of_it_is_read(
    alice: User, long: Chat, path: str, field: str, next_field: str
) -> None:
    address = path.format(chat=long.pk)
    found: list[int] = []
    before = ""
    while True:
        status, page = get(alice, address + (f"&{field}={quote(before)}" if before else ""))
        assert status == 200, page
        found = [*numbers([each["content"] for each in page["messages"]]), *found]
        before = page[next_field] if next_field else page["has_more"] and page["messages"][0]["id"]
        if not before:
            break
    assert found == list(range(1, COUNT + 1))


def trpc(user: User, calls: list[tuple[str, dict[str, Any]]], accept: str = "*/*") -> tuple[int, bytes]:
    paths = ",".join(path for path, _ in calls)
    given = quote(json.dumps({str(number): body for number, (_, body) in enumerate(calls)}))
    headers = {"Authorization": f"Bearer {AccessToken.of(user)}", "trpc-accept": accept}
    answered = Client().get(f"/trpc/{paths}?batch=1&input={given}", headers=headers)
    content = b"".join(answered.streaming_content) if answered.streaming else answered.content
    assert len(content) < settings.ANSWER_MAX_BYTES + 10_000, len(content)
    return answered.status_code, content


def test_a_chat_that_is_too_long_for_an_answer_is_refused(alice: User, long: Chat) -> None:
    status, content = trpc(alice, [("editorChat.get", {"chatId": str(long.pk)})])
    (told,) = json.loads(content)
    assert (status, told["error"]["data"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "/messages/" in told["error"]["message"]


def test_the_calls_of_a_batch_are_answered_together_as_much_as_one(alice: User, long: Chat, settings: Any) -> None:
    settings.ANSWER_MAX_BYTES = 3 * MOST
    settings.CHAT_RUN_HERE = False
    Message.objects.filter(chat=long, position__gt=3).update(content="x", parts=[])
    status, content = trpc(alice, [("editorChat.get", {"chatId": str(long.pk)})] * 50)
    answers = json.loads(content)
    refused = [each for each in answers if "error" in each]
    assert status == 207 and len(answers) == 50 and 45 < len(refused) < 50
    assert {each["error"]["data"]["httpStatus"] for each in refused} == {413}


def test_a_list_of_chats_shows_fewer_of_their_messages(alice: User, long: Chat) -> None:
    status, content = trpc(alice, [("editorChat.list", {"orgId": str(long.organization_id)})])
    (answer,) = json.loads(content)
    assert status == 200
    (shown,) = answer["result"]["data"]
    said = numbers([each["content"] for each in shown["messages"]])
    assert said and said == list(range(COUNT + 1 - len(said), COUNT + 1))


def test_items_that_are_named_count_as_if_they_were_sent(alice: User, long: Chat, settings: Any) -> None:
    settings.BODY_MAX_BYTES = 20_000
    reference = {"type": "item_reference", "id": f"msg_{long.leaf_id}"}
    for path, body, field in (
        ("/v1/responses", {"model": "gpt-4o", "input": [reference] * 100}, "input"),
        ("/v1/conversations", {"items": [reference] * 20}, "items"),
    ):
        answered = Client().post(
            path, json.dumps(body), content_type="application/json",
            headers={"Authorization": f"Bearer {AccessToken.of(alice)}"},
        )  # fmt: skip
        assert (answered.status_code, answered.json()["error"]["param"]) == (400, field)


# --- Markdown as HTML -------------------------------------------------------------------------------------------------

FORMULAS = "\\(x\\) " * 40 + "\n\n"  # each twenty times as long in HTML


@pytest.fixture
def formulas(alice: User, long: Chat, settings: Any) -> Chat:
    """The chat with short answers of which one makes as much HTML as three may, and one more than all may."""
    settings.ANSWER_MAX_BYTES, settings.RENDER_ANSWER_MAX_BYTES = 1_000_000, MOST
    for each in Message.objects.filter(chat=long):
        times = 8 if each.position == 10 else 1
        said = f"{each.position} {each.role}" if each.role == "user" else f"{each.position} " + FORMULAS * times
        Message.objects.filter(pk=each.pk).update(content=said)
    return long


@pytest.mark.parametrize("long", ["x"], indirect=True)
@pytest.mark.parametrize("ordering", ["position", "-position"])
def test_so_is_one_with_html_by_the_bytes_of_that(alice: User, formulas: Chat, ordering: str) -> None:
    address = f"/api/chats/{formulas.pk}/messages/?page_size=200&ordering={ordering}&blocks=html"
    pages = [numbers(each) for each in rest_pages(alice, address)]
    found = [number for page in pages for number in page]
    assert found == sorted(range(1, COUNT + 1), reverse=ordering[0] == "-")
    assert 3 < len(pages) < COUNT
    _, first = get(alice, address)
    _, second = get(alice, first["next"])
    _, back = get(alice, second["previous"])
    assert back["results"] == first["results"]


@pytest.mark.parametrize("long", ["x"], indirect=True)
def test_of_one_that_is_longer_alone_the_rest_is_as_it_was_written(alice: User, formulas: Chat, settings: Any) -> None:
    message = Message.objects.get(chat=formulas, position=10)
    _, shown = get(alice, f"/api/messages/{message.pk}/?blocks=html")
    *formatted, rest = shown["blocks"]
    assert formatted and all("<math" in each["html"] for each in formatted)
    assert rest["html"].startswith('<pre class="unformatted" dir="auto">') and "<math" not in rest["html"]
    assert (rest["start"], rest["end"]) == (formatted[-1]["end"], len(message.content))
    assert "".join(message.content[each["start"] : each["end"]] for each in shown["blocks"]) == message.content
    settings.RENDER_ANSWER_MAX_BYTES = 10
    _, shown = get(alice, f"/api/messages/{message.pk}/?blocks=html")
    (all_of_it,) = shown["blocks"]
    assert message.content.strip() in all_of_it["html"]


def on_page(user: User, address: str) -> tuple[list[int], bool]:
    """The positions of the messages that the chat page shows there, and whether it says that there are more."""
    client = Client()
    client.force_login(user)
    content = client.get(address).content.decode()
    articles = re.findall(r'<article[^>]* data-position="(\d+)"[^>]*>', content)
    assert len(content) < len(articles) * 3_000 + 2 * MOST + 60_000, len(content)
    return [int(each) for each in articles], bool(re.findall(r"<article[^>]* data-more", content))


@pytest.mark.parametrize("long", ["x" * CHARS], indirect=True)
@pytest.mark.parametrize("of", ["html", "text"])
def test_the_chat_page_shows_fewer_messages_at_once(
    request: pytest.FixtureRequest, alice: User, long: Chat, of: str
) -> None:
    if of == "html":
        request.getfixturevalue("formulas")
    seen, _ = on_page(alice, f"/chats/{long.pk}/")
    assert seen[-1] == COUNT and len(seen) < 12
    while seen[0] > 1:
        older, _ = on_page(alice, f"/chats/{long.pk}/messages/?before={seen[0]}")
        assert len(older) < 12
        seen = [*older, *seen]
    assert seen == list(range(1, COUNT + 1))


@pytest.mark.parametrize("long", ["x"], indirect=True)
def test_and_says_whether_more_follow(alice: User, formulas: Chat) -> None:
    seen: list[int] = []
    has_more = True
    while has_more:
        newer, has_more = on_page(alice, f"/chats/{formulas.pk}/messages/?after={seen[-1] if seen else 0}")
        seen += newer
    assert seen == list(range(1, COUNT + 1))
