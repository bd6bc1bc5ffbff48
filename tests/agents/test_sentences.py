"""Sentences: where they end, however a text is cut, and a reply that may have only so many of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import events as ev
from agents.loop import Agent
from agents.loop.sentences import HELD_MAX, Sentences
from agents.messages import UserMessage
from agents.options import OutputFormat, RunOptions
from agents.usage import Usage
from tests.agents.scripted import ScriptedProvider, calls, says
from tests.agents.test_citing import find
from tests.agents.test_loop import archetype, echo, job, of, run

# In each text `|` stands where a sentence ends. What the text itself ends with is no end yet: more might have come.
SIZES = 30
CASES = {
    "two": "One.| Two",
    "three": "One.| Two.| Three",
    "the end of the text": "One. ",
    "nothing": "",
    "no end": "Just words",
    "a question and a cry": "What?| That!| Yes",
    "several marks": "What?!| So!!!| Yes",
    "an ellipsis": "Well…| Then",
    "three dots": "Well...| Then",
    "three dots in a sentence": "Well... then we go.| Now",
    "a small letter goes on": "He cried: Stop! and left.| She",
    "a small letter behind a question": "Why? because.| So",
    "a line break": "One.|\nTwo.|\n\nThree",
    "many blanks": f"One.|{' ' * HELD_MAX}Two",
    "Windows' line break": "One.|\r\nTwo",
    "a no-break space": "One.|\u00a0Two",
    "no blank": "One.Two",
    "quotes": 'He said "Stop."| Then',
    "curly quotes": "He said “Stop.”| Then",
    "German quotes": "Er sagte „Halt.“| Dann",
    "French quotes": "Il dit «Non.»| Puis",
    "a bracket": "(It is so.)| Then",
    "square brackets": "[It is so.]| Then",
    "quotes in brackets": "(He said 'No.')| Then",
    "bold": "**Done.**| Next",
    "italic": "_Done._| Next",
    "code": "Run `make.`| Next",
    "quoted in a sentence": "He said 'Stop!' loudly.| Then",
    "an opening quote follows": 'One.| "Two',
    "an opening bracket follows": "One.| (Two",
    "a digit follows": "He left.| 3 stayed",
    "a dash follows": "One.| - Two",
    "an emoji follows": "Great!| \U0001f600 Two",
    "an emoji is no end": "Great \U0001f600 Two",
    "an umlaut": "Gut.| Äpfel",
    "a small umlaut": "Halt! über uns.| Da",
    "Greek": "Ναι.| Όχι",
    "Russian": "Да.| Нет",
    "a title": "Dr. Smith came.| He",
    "two titles": "Prof. Dr. Meier kam.| Er",
    "Mr and Mrs": "Mr. and Mrs. Jones.| They",
    "a saint": "St. Louis is far.| It",
    "initials": "J. R. R. Tolkien wrote.| He",
    "initials without blanks": "J.R.R. Tolkien wrote.| He",
    "a country": "The U.S. Army came.| It",
    "for example": "Fruit, e.g. Apples.| And",
    "that is": "One, i.e. I, go.| You",
    "z. B.": "Obst, z. B. Äpfel.| Und",
    "d. h.": "Alle, d. h. Anna und Bo.| Und",
    "bzw.": "Anna bzw. Bo kam.| Und",
    "ca.": "Es sind ca. 20 Leute.| Und",
    "versus": "Ann vs. Bo.| Then",
    "et al.": "Smith et al. Say so.| Then",
    "capitals": "DR. SMITH CAME.| HE",
    "No. of a number": "See No. 5 first.| Then",
    "No as an answer": "No.| I do not",
    "Nr.": "Siehe Nr. 5 zuerst.| Dann",
    "a figure": "See Fig. 2 first.| Then",
    "a figure, the word": "A fine fig.| Then",
    "pages": "See pp. 3 to 5.| Then",
    "a month": "On Jan. 5 we go.| Then",
    "a decimal": "It is 3.14 now.| Then",
    "a price": "It is $5.| Then",
    "a number ends": "The answer is 42.| Then",
    "a number before a number": "Am 3. 4. 2026 um 10 Uhr.| Dann",
    "a German day": "Der Kurs beginnt am 3. Oktober.| Dann",
    "a German day at the beginning": "Vom 30. Mai an.| Dann",
    "I am so old": "I am 30.| You",
    "a list": "1. Apples\n2. Pears.|\n3. Plums",
    "a list further in": "So:\n  10. Apples.|\n  11. Pears",
    "a bold number": "**1. Installation** Erst das.| Dann",
    "a bold number further in": "Hier die Schritte.|\n\n**1. Installieren** Erst das.| Dann",
    "a number of a heading": "## 1. Einleitung\nEs war so.| Dann",
    "a number in a quotation": "> 1. Zitat.| Dann",
    "a number in a list's item": "- 1. Apples.|\n* 2. Pears.|\n  + 3. Plums",
    "a step": "Step 1. Open it.| Then",
    "a figure's name": "It is so.|\n*Fig. 2. A map.*| Then",
    "a step in a sentence": "This is step 1.| Then",
    "a bold step": "**Schritt 2. Öffnen.**| Dann",
    "a version": "Python 3.11 is out.| It",
    "an address": "See example.com.| Then",
    "an address with a query": "See https://a.example/?b=1. and so on.| Then",
    "a file": "Open a.txt now.| Then",
    "a source's mark": "It is so [1].| Then",
    "a mark behind the stop": "It is so.[1]| Then",
    "two marks behind the stop": "It is so.[1][12]| Then",
    "a mark behind a blank": "It is so. [1]| Then",
    "two marks behind a blank": "It is so. [1] [2]| Then",
    "a bracket that is no mark": "It is so.| [One",
    "a long number in brackets": "It is so.| [12345]",
    "Chinese": "他走了。|你好。|再见",
    "a Chinese question": "好吗？|好！|是",
    "Chinese quotes": "他说「好。」|然后",
    "a Chinese opening quote": "他走了。|“你好”",
    "Japanese brackets": "（そうです。）|それから",
    "Chinese and English": "他走了。|He left.| 好",
    "a long word": f"{'x' * 70}.| Then",
    "dots": f"{'.' * 70}| Then",
    "a stop alone": "One .| Two",
    "blanks first": "  One.| Two",
}


def shown(text: str, most: int, size: int) -> tuple[str, int]:
    """What is let through of the text in pieces of this size, and how many sentences are left."""
    sentences, told = Sentences(most), ""
    for start in range(0, len(text), size):
        told += sentences.feed(text[start : start + size])
        if not sentences.left:
            return told, 0
    return told + sentences.rest(), sentences.left


@pytest.mark.parametrize("name", CASES)
def test_it_ends_behind_the_nth_sentence_however_it_is_cut(name: str) -> None:
    parts = CASES[name].split("|")
    text = "".join(parts)
    for size in (*range(1, min(len(text), SIZES)), len(text) or 1):
        for most in range(1, len(parts)):
            assert shown(text, most, size) == ("".join(parts[:most]), 0), (size, most)
        assert shown(text, len(parts), size) == (text, 1), size


@given(st.text(alphabet='aB1.!?…。」)]"[ \n'), st.integers(1, 3), st.integers(1, 9))
def test_any_text_is_cut_alike_in_pieces_of_any_size(text: str, most: int, size: int) -> None:
    told, left = shown(text, most, size)
    assert (told, left) == shown(text, most, len(text) or 1)
    assert text.startswith(told) and (left == 0 or told == text)


def test_what_is_held_back_is_bounded() -> None:
    sentences = Sentences(1)
    blanks = " " * (HELD_MAX + 1)
    assert sentences.feed("One.") == "One." and sentences.feed(blanks) == blanks


TWO = RunOptions(max_sentences=2)


async def test_a_reply_with_enough_sentences_is_over_and_the_rest_is_not_asked_for() -> None:
    turn = says("One", ". Two", ". Thr", "ee. ", "Four.")
    events, working, provider = await run([turn], archetype(), options=TWO)
    [reply] = of(events, ev.ReplyCompleted)
    assert (working.answer, working.reason, working.is_done) == ("One. Two.", "sentence_limit", True)
    assert reply.finish_reason == "sentence_limit" and not provider.is_open
    assert reply.usage.status == "estimated" and 0 < reply.usage.output_tokens < 5  # not what was scripted
    assert [each.text for each in of(events, ev.TextDelta)] == ["One", ". Two", "."]


@pytest.mark.parametrize(
    ("options", "said", "reason"),
    [
        (RunOptions(), "One. Two. Three.", "stop"),
        (RunOptions(max_sentences=3), "One. Two. Three.", "stop"),
        (RunOptions(max_sentences=1), "One.", "sentence_limit"),
        (RunOptions(max_sentences=2), "One. Two.", "sentence_limit"),
        (RunOptions(max_sentences=1, output=OutputFormat("x", {"type": "array"})), '["One. Two."]', "stop"),
    ],
    ids=["no limit", "as many as there are", "one", "two", "JSON"],
)
async def test_what_is_not_cut_is_as_the_provider_ends_it(options: RunOptions, said: str, reason: str) -> None:
    pieces = ("One. ", "Two. Three.") if options.output is None else ('["One. ', 'Two."]')
    events, working, _ = await run([says(*pieces)], archetype(), options=options)
    [reply] = of(events, ev.ReplyCompleted)
    assert (working.answer, working.reason) == (said, reason)
    assert (reply.usage == Usage(10, 0, 5)) == (reason == "stop")


async def test_each_turn_has_its_own_sentences_and_what_comes_behind_the_last_is_not_called() -> None:
    asks = calls(("echo", '{"word":"a"}'), text="I look. ")
    events, working, _ = await run([asks, says("One. Two. Three")], archetype(echo), options=TWO)
    assert [each.result for each in of(events, ev.ToolReturned)] == ["a"] and working.answer == "One. Two."
    asks = calls(("echo", '{"word":"a"}'), text="I look. And so. Now")
    events, working, _ = await run([asks], archetype(echo), options=TWO)
    assert not of(events, ev.ToolCalled) and (working.answer, working.is_done) == ("I look. And so.", True)


async def test_a_takeover_takes_a_cut_reply_as_whole() -> None:
    events, working, _ = await run([says("One. Two. Three")], archetype(), options=TWO)
    kept = [each for each in events if not isinstance(each, ev.TurnCompleted)]
    plain = archetype()
    taken = job(ScriptedProvider([]), plain, kept, options=TWO)  # which is asked nothing
    after = Agent(taken, plain, path="", messages=(UserMessage("Go."),))
    again = [each async for batch in after.work() for each in batch]
    assert [each.type for each in again] == ["turn.completed"]
    assert (after.answer, after.reason) == (working.answer, working.reason) == ("One. Two.", "sentence_limit")


async def test_the_mark_of_the_last_sentence_names_its_source() -> None:
    said = says("Ten", " days. ", "[1", "] Or", " not")
    asks = calls(("find", '{"query":"both"}'))
    events, working, _ = await run([asks, said], archetype(find), options=RunOptions(max_sentences=1))
    assert working.answer == "Ten days. [1]"
    assert [(each.n, each.offset) for each in of(events, ev.CitationAdded)] == [(1, 10)]
