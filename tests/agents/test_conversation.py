"""Whatever happened to a conversation, what is sent alternates as strict templates ask, and nothing said is lost."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.conversation import BEFORE, NO_ANSWER, shaped
from agents.events import Call
from agents.messages import AssistantMessage, Image, Message, SystemMessage, ToolMessage, UserMessage
from agents.providers.base import ProviderRequest
from agents.providers.openai.request import build
from tests.strict import check_strict

TEXTS = st.sampled_from(["", " ", "one", "two", "three"])
IDS = st.sampled_from(["a", "b", "c"])
MESSAGES = st.lists(
    st.one_of(
        st.builds(
            UserMessage, TEXTS, st.lists(st.builds(Image, st.just("https://example.com/a.png")), max_size=2).map(tuple)
        ),
        st.builds(SystemMessage, TEXTS),
        st.builds(
            AssistantMessage, TEXTS, st.lists(st.builds(Call, IDS, st.just("f"), st.just("{}")), max_size=3).map(tuple)
        ),
        st.builds(ToolMessage, IDS, st.just("f"), TEXTS),
    ),
    max_size=10,
)


@settings(deadline=None)
@given(MESSAGES)
def test_a_strict_server_takes_any_conversation(messages: list[Message]) -> None:
    sent = build(ProviderRequest(model="m", system="Be kind.", messages=tuple(messages)))["messages"]
    check_strict(sent)
    assert _words(sent).replace(BEFORE, "").replace(NO_ANSWER, "").split() == _said(messages)
    assert sum(_pictures(each) for each in sent) == sum(
        len(each.images) for each in messages if isinstance(each, UserMessage)
    )


@settings(deadline=None)
@given(MESSAGES)
def test_shaping_twice_changes_nothing(messages: list[Message]) -> None:
    assert shaped(shaped(messages)) == shaped(messages)


def _said(messages: list[Message]) -> list[str]:
    """All words but those of tools: of clients first, as they go to the front, but behind a last answer."""
    others = [each.text for each in messages if isinstance(each, UserMessage | AssistantMessage)]
    kept = [each for each in messages if isinstance(each, ToolMessage) or each.text.strip() or _has_more(each)]
    answers = [at for at, each in enumerate(kept) if isinstance(each, AssistantMessage)]
    behind = kept[answers[-1] + 1 :] if answers else []
    if all(isinstance(each, SystemMessage) for each in behind):
        kept = kept[: len(kept) - len(behind)]
        others += [each.text for each in behind if isinstance(each, SystemMessage)]
    told = [each.text for each in kept if isinstance(each, SystemMessage)]
    return ["Be", "kind.", *(each for text in (*told, *others) for each in text.split())]


def _has_more(message: Message) -> bool:
    match message:
        case UserMessage():
            return bool(message.images)
        case AssistantMessage():
            return bool(message.calls)
    return False


def _words(sent: list[dict[str, Any]]) -> str:
    return " ".join(_text(each["content"]) for each in sent if each["role"] != "tool")


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content)
    return content or ""


def _pictures(message: dict[str, Any]) -> int:
    content = message["content"]
    return sum(part["type"] == "image_url" for part in content) if isinstance(content, list) else 0


def test_calls_keep_their_results_in_their_order() -> None:
    first, second, lost = Call("a", "f", "{}"), Call("b", "f", "{}"), Call("c", "f", "{}")
    said = (
        UserMessage("one"),
        AssistantMessage("", (first, second, lost)),
        ToolMessage("b", "f", "2"),
        ToolMessage("a", "f", "1"),
        UserMessage("two"),
        UserMessage("three"),
    )
    assert shaped(said) == (
        UserMessage("one"),
        AssistantMessage("", (first, second)),
        ToolMessage("a", "f", "1"),
        ToolMessage("b", "f", "2"),
        AssistantMessage(NO_ANSWER),
        UserMessage("two\n\nthree"),
    )
    assert msgspec.json.encode(shaped(())) == msgspec.json.encode((UserMessage(BEFORE),))


U, A, S, T = UserMessage, AssistantMessage, SystemMessage, ToolMessage
ASKED, GIVEN = A("", (Call("a", "f", "{}"),)), T("a", "f", "1")


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ((U("u"), A("a"), S("s")), (U("u"), A("a"), U("s"))),
        ((S("one"), U("u"), A("a"), S("s"), S(" "), S("t")), (S("one"), U("u"), A("a"), U("s\n\nt"))),
        ((A("a"), S("s")), (U(BEFORE), A("a"), U("s"))),
        ((U("u"), ASKED, S("s")), (U("u\n\ns"),)),
        ((U("u"), S("s")), (S("s"), U("u"))),
        ((U("u"), A("a"), S("s"), U("v")), (S("s"), U("u"), A("a"), U("v"))),
        ((U("u"), ASKED, GIVEN, S("s")), (S("s"), U("u"), ASKED, GIVEN)),
        ((S("s"),), (S("s"), U(BEFORE))),
    ],
)
def test_a_system_message_behind_the_last_answer_is_what_is_answered(
    said: tuple[Message, ...], sent: tuple[Message, ...]
) -> None:
    assert shaped(said) == sent
