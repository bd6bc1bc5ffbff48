"""Whatever a model writes, in whatever pieces it comes: the blocks that were streamed are those of what is stored."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import events as ev
from chat.doors.native.blocks import MAX_FRAMES
from chat.markdown import html as markdown
from chat.markdown.blocks import RunBlocks, rendered
from tests import transcripts
from tests.corpus import snippets

CORPUS = snippets()
ELEMENT = re.compile(r"<([a-z0-9]+)((?: [a-z-]+=\"[^\"]*\")*) ?/?>")
ATTRIBUTE = re.compile(r" ([a-z-]+)=\"([^\"]*)\"")
NAMES = {"href", "rel", "target", "class", "dir", "start", "data-language", "encoding", *markdown.MATH_ATTRIBUTES}
CLASS = re.compile("host|math|wide|footnote|formula|task|unformatted|failed|left|right|center|[a-z]{1,2}[0-9a-z]?")


def streamed(text: str, size: int) -> str:
    """The blocks of a run that says this in such pieces, as a page puts them together."""
    script = transcripts.Script().begin().add(ev.TurnStarted, turn=1, model="m")
    for at in range(0, len(text), size):
        script.add(ev.TextDelta, text=text[at : at + size])
    blocks = RunBlocks()
    shown: dict[int, str] = {}
    for each in script.reply(1).add(ev.TurnCompleted, turn=1).end():
        done = blocks.feed(each.event)
        assert len(done) < MAX_FRAMES
        for block in done:
            assert block.block.index <= len(shown), "a page cannot place it"
            shown[block.block.index] = block.html
    return "".join(shown[index] for index in sorted(shown))


def test_the_corpus_is_one() -> None:
    assert len(CORPUS) >= 300
    assert len(set(CORPUS.values())) == len(CORPUS)


@pytest.mark.parametrize("size", [1, 7, 50])
def test_what_was_streamed_is_what_is_stored(size: int) -> None:
    different = [name for name, text in CORPUS.items() if streamed(text, size) != rendered(text)]
    assert not different


@pytest.mark.parametrize("name", CORPUS)
def test_nothing_in_it_is_more_than_text(name: str) -> None:
    html = rendered(CORPUS[name])
    elements = ELEMENT.findall(html)
    assert len(elements) == len(re.findall("<[^/]", html)), "something that is no element of ours"
    for tag, attributes in elements:
        assert tag in markdown.TAGS
        for attribute, value in ATTRIBUTE.findall(attributes):
            assert attribute in NAMES, attribute
            assert attribute != "class" or all(CLASS.fullmatch(each) for each in value.split())
            assert attribute != "href" or re.match(r"(?i)https?://[a-z0-9\[]|mailto:", value)


pieces = st.lists(
    st.one_of(
        st.sampled_from([part for text in CORPUS.values() for part in text.split("\n")[:3]]),
        st.sampled_from(["\n", "\n\n", "  ", "```md\n", "```\n", "```js\n", "| a |\n|---|\n", "- ", "> "]),
        st.sampled_from(["$$\n", "\\[\n", "\\]\n", "$$\na\n\nb", "x\n\ny\n$$"]),
        st.text(max_size=8),
    ),
    max_size=30,
).map("\n".join)


@given(text=pieces, size=st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_so_is_whatever_else_is_written(text: str, size: int) -> None:
    assert streamed(text, size) == rendered(text)
