"""A text cut into blocks: the same cut however it comes, and the same HTML as the whole."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import User
from agents import events as ev
from chat.eventlog.projection import fold
from chat.eventlog.rows import clean
from chat.markdown import html as markdown
from chat.markdown.blocks import RunBlocks, rendered
from chat.markdown.cutting import Cutter, cut
from chat.models import Chat, Message
from tests import transcripts

LINES = [
    *("# Title", "Some *text* with [a link][x].", "more of it", "", "", "    indented", "- one", "  two", "* three"),
    *("1. first", "   inside", "```python", "```", "~~~", "  ```", "x = 1 < 2", "| a | b |", "|---|---|", "| 1 | 2 |"),
    *("> said", "---", "===", "[x]: https://a.test/b", "<b>", "\t- deep", "\u2028", "𝄞 𝄞"),
]
texts = st.lists(
    st.tuples(st.sampled_from(LINES), st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])), min_size=1, max_size=25
).map(lambda lines: "".join(line + end for line, end in lines))


@given(text=texts, size=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_the_cut_is_the_same_however_the_text_comes_and_the_html_is_that_of_the_whole(text: str, size: int) -> None:
    cutter = Cutter()
    blocks = [each for at in range(0, len(text), size) for each in cutter.feed(text[at : at + size])]
    blocks += cutter.close()
    assert blocks == cut(text)[0]
    assert [each.index for each in blocks] == list(range(len(blocks)))
    assert all(text[each.start : each.end] == each.source for each in blocks)
    assert [each.start for each in blocks] == [0, *(each.end for each in blocks[:-1])][: len(blocks)]
    assert squeezed(rendered(text)) == squeezed(markdown.render(text))


def squeezed(html: str) -> str:
    return html.replace("\n", "")


def test_a_block_is_given_as_soon_as_it_is_whole() -> None:
    cutter = Cutter()
    assert cutter.feed("One\ntwo\n\n") == []  # it may go on
    assert [each.source for each in cutter.feed("```\ncode\n")] == ["One\ntwo\n"]
    assert [each.source for each in cutter.feed("```\n")] == ["\n```\ncode\n```\n"]


def test_a_long_answer_costs_little_to_cut() -> None:
    looks = 0
    text = "".join(f"- item {number} with *some* words\n" for number in range(2000))
    cutter = Cutter()
    for line in text.splitlines(keepends=True):
        before = cutter._next_look
        cutter.feed(line)
        looks += cutter._next_look != before
    assert looks < 100


def log_of(*texts: str) -> list[ev.AnyEvent]:
    script = transcripts.Script().begin().add(ev.TurnStarted, turn=1, model="m")
    for text in texts:
        script.add(ev.TextDelta, text=text)
    return [each.event for each in script.reply(1).add(ev.TurnCompleted, turn=1).end()]


def blocks_of(events: list[ev.AnyEvent]) -> list[tuple[int, int, str]]:
    blocks = RunBlocks()
    return [(each.part, each.block.index, each.html) for event in events for each in blocks.feed(event)]


@pytest.mark.parametrize("name", transcripts.ALL)
def test_a_run_s_blocks_are_those_of_its_message(name: str) -> None:
    events = [each.event for each in clean(transcripts.ALL[name](), after=0)]
    expected = [
        (number, block.index, block.rendered(cut(part["text"])[1].used(block.source)).html)
        for number, part in enumerate(fold(events).parts)
        if part["type"] == "text"
        for block in cut(part["text"])[0]
    ]
    assert blocks_of(events) == expected


def test_a_link_that_is_defined_behind_its_use_comes_again() -> None:
    given = blocks_of(log_of("See [x].\n\nMore.\n\n", "[x]: https://a.test/b\n"))
    assert [(part, index) for part, index, _ in given] == [(0, 0), (0, 1), (0, 0)]
    assert "href" not in given[0][2]
    assert 'href="https://a.test/b"' in given[2][2]


def test_stored_messages_give_their_blocks_where_asked(chat: Chat, alice: User, charlie: User, api) -> None:
    parts = [{"type": "reasoning", "text": "# no"}, {"type": "text", "text": "# T\n\n𝄞 **b**\n"}]
    message = Message.objects.create(chat=chat, position=1, role="assistant", parts=parts)
    client: APIClient = api(alice)
    expected = [
        {"part": 1, "index": 0, "start": 0, "end": 4, "html": '<h1 dir="auto">T</h1>\n'},
        {"part": 1, "index": 1, "start": 4, "end": 13, "html": '<p dir="auto">𝄞 <strong>b</strong></p>\n'},
    ]
    found = client.get(f"/api/messages/{message.pk}/?blocks=html").json()
    listed = client.get(f"/api/chats/{chat.pk}/messages/?blocks=html").json()["results"][0]
    assert [(each["part"], each["index"], each["html"]) for each in found["blocks"]] == [
        (each["part"], each["index"], each["html"]) for each in expected
    ]
    assert "".join(parts[1]["text"][each["start"] : each["end"]] for each in found["blocks"]) == parts[1]["text"]
    assert listed["blocks"] == found["blocks"]
    assert "blocks" not in client.get(f"/api/messages/{message.pk}/").json()
    assert client.get(f"/api/messages/{message.pk}/?blocks=pdf").status_code == 400
    assert api(charlie).get(f"/api/messages/{message.pk}/?blocks=html").status_code == 404


def test_an_answer_that_cannot_be_coloured_is_shown_at_every_door(chat: Chat, alice: User, client, api) -> None:
    """Such fences, and a block that is far too long, made a chat that could never be opened again."""
    names = ("kt", "vb", "svelte", "nobody-knows")
    text = "".join(f"```{name}\nshown\n```\n\n" for name in names) + "- x\n" * 40_000
    message = Message.objects.create(chat=chat, position=1, role="assistant", parts=[{"type": "text", "text": text}])
    client.force_login(alice)
    answered = client.get(f"/chats/{chat.pk}/?at={message.pk}")
    page = re.sub("<[^>]*>", "", answered.content.decode())
    assert answered.status_code == 200
    assert page.count("shown\n") >= len(names)
    assert page.count("- x\n") == 40_000
    found = api(alice).get(f"/api/messages/{message.pk}/?blocks=html").json()["blocks"]
    assert "".join(text[each["start"] : each["end"]] for each in found) == text
