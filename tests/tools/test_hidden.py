"""What a reader does not see is written out, the same by the server and by the page's scripts."""

import pytest

from chat.page import diffs
from tools.hidden import on_one_line, visible

HIDDEN = (
    *("\x00", "\x1b", "\x7f", "\x85", "\xad", "\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180e"),
    *("\u200b", "\u200d", "\u200f", "\u2028", "\u2029", "\u202e", "\u2060", "\u2066", "\u206f", "\u2800", "\u3164"),
    *(
        "\ufe00",
        "\ufe0f",
        "\ufeff",
        "\uffa0",
        "\ufff9",
        "\ud800",
        "\U0001d173",
        "\U000e0001",
        "\U000e0041",
        "\U000e0100",
    ),
)
SEEN = ("a\tb\nc", "ä ß 漢字 العربية", "👩\u200d👩\u200d👧", "❤\ufe0f", "👍🏽", "1\ufe0f\u20e3", "🏳\ufe0f\u200d🌈", "→")


@pytest.mark.parametrize("char", HIDDEN, ids=lambda char: f"U+{ord(char):04X}")
def test_what_is_hidden_is_written_out_everywhere(char: str) -> None:
    name = f"U+{ord(char):04X}"
    assert visible(f"a{char}b") == f"a⟨{name}⟩b"
    assert diffs.shown(f"a{char}b") == f'a<span class="odd">{name}</span>b'


@pytest.mark.parametrize("text", SEEN)
def test_what_is_seen_stays(text: str) -> None:
    assert visible(text) == text


def test_names_stay_on_their_line() -> None:
    assert on_one_line("a\nb\r\tc") == "a␊b␍␉c"
    assert "\n" not in diffs.shown("a\nb")


def test_joiners_hide_nothing_among_pictures() -> None:
    assert visible("👍\u200d\u200d👍\ufe0f\ufe0f") == "👍⟨U+200D⟩⟨U+200D⟩👍\ufe0f⟨U+FE0F⟩"
