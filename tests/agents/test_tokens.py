"""Estimates of tokens: by script and by what a picture is, never by how many bytes are stored."""

import base64
import hashlib

import pytest

from agents import tokens
from agents.events import Call
from agents.messages import AssistantMessage, Image, ToolMessage, UserMessage
from tests.pictures import gif, jpeg, png, webp

# What o200k_base and cl100k_base make of each (js-tiktoken 1.0.21, November 2026); newer models have the first.
COUNTED = {
    "The quick brown fox jumps over the lazy dog, and nobody minds it at all.": (17, 17),
    "Die Verordnung über die Beförderung gefährlicher Güter gilt für alle Mitgliedstaaten.": (19, 24),
    "Привет, как у вас дела сегодня? Мы давно не виделись.": (15, 26),
    "我们今天下午三点在会议室讨论这个项目的预算": (13, 21),
    "今日の午後三時に会議室で予算について話し合います": (17, 25),
    "오늘 오후 세 시에 회의실에서 예산을 논의합니다": (15, 23),
    "مرحبا كيف حالك اليوم يا صديقي العزيز": (11, 26),
    "สวัสดีครับ วันนี้อากาศดีมาก": (11, 26),
    "नमस्ते आप कैसे हैं आज मौसम अच्छा है": (11, 37),
    "for (let i = 0; i < items.length; i++) { total += items[i].price; }": (24, 24),
    "3.14159265358979323846": (9, 9),
    "😀😀😀😀": (4, 8),
}


@pytest.mark.parametrize("text", COUNTED)
def test_a_text_is_estimated_by_its_script(text: str) -> None:
    newer, older = COUNTED[text]
    assert 0.9 * newer <= tokens.of_text(text) <= 1.3 * older


def test_four_hundred_chinese_characters_are_no_hundred_tokens() -> None:
    assert tokens.of_text("中" * 400) >= 400 > 3 * tokens.of_text("a" * 400)
    assert tokens.of_text("") == 0 and tokens.of_text("a") == 1


RANDOM = hashlib.shake_256(b"seed").digest(3000)

# Tokens a character, at least and at most.
RATES: dict[str, tuple[str, float, float]] = {
    "lines": ("─" * 400, 0.5, 0.5),
    "boxes": ("┌─┐│└┘█" * 100, 0.5, 0.5),
    "arrows": ("→⇒↔" * 100, 0.5, 1.0),
    "mathematics": ("∀∃∑⊂" * 100, 0.5, 1.0),
    "shapes": ("■★✓" * 100, 0.5, 1.0),
    "Khmer": ("សួស្តីពិភពលោក" * 30, 0.5, 1.0),
    "Mongolian": ("ᠮᠣᠩᠭᠣᠯ" * 30, 0.5, 1.0),
    "Yi": ("ꆈꌠꉙ" * 30, 0.5, 1.0),
    "emoji": ("😀" * 30, 2.0, 2.0),
    "base64": (base64.b64encode(RANDOM).decode(), 0.5, 0.5),
    "base64 in lines": (base64.encodebytes(RANDOM).decode(), 0.48, 0.5),
    "base64 for addresses": (base64.urlsafe_b64encode(RANDOM).decode(), 0.5, 0.5),
    "hashes": (RANDOM.hex(), 0.5, 0.5),
    "base64 in Chinese": ("中" * 100 + base64.b64encode(RANDOM).decode(), 0.5, 0.55),
    "a long word": ("Donaudampfschifffahrtsgesellschaftskapitaen" * 10, 0.25, 0.25),
    "a path": ("src/components/navigation/sidebar/v2/item" * 1, 0.25, 0.35),
    "prose": ("The quick brown fox jumps " * 20, 0.25, 0.25),
}


@pytest.mark.parametrize("name", RATES)
def test_each_kind_of_character_has_its_rate(name: str) -> None:
    text, least, most = RATES[name]
    assert least * len(text) - 1 <= tokens.of_text(text) <= most * len(text) + 1


def data_url(data: bytes, kind: str = "png") -> Image:
    return Image(f"data:image/{kind};base64,{base64.b64encode(data).decode()}")


@pytest.mark.parametrize("make", [png, jpeg, gif, webp])
def test_a_picture_is_estimated_by_its_size_in_pixels_however_large_its_file_is(make: object) -> None:
    small, padded = make(750, 400), make(750, 400) + bytes(290_000)  # type: ignore[operator]
    assert tokens.of_image(data_url(small)) == tokens.of_image(data_url(padded)) == 400
    assert tokens.of_image(data_url(make(16, 16))) == tokens.IMAGE_MIN_TOKENS  # type: ignore[operator]
    largest = tokens.of_image(data_url(make(8000, 8000)))  # type: ignore[operator]
    assert largest == 2 * tokens.IMAGE_UNKNOWN_TOKENS  # it is scaled down before it is read


@pytest.mark.parametrize("url", ["https://example.com/a.png", "data:image/png;base64,iVBORw0KGgo=", "data:,x"])
def test_a_picture_whose_size_nobody_knows_has_a_named_default(url: str) -> None:
    assert tokens.of_image(Image(url)) == tokens.IMAGE_UNKNOWN_TOKENS


def test_a_message_counts_with_all_that_is_in_it() -> None:
    said = UserMessage("中" * 100, (data_url(png(750, 400)),))
    asked = AssistantMessage("", (Call("c", "read_file", "a" * 400),))
    found = ToolMessage("c", "read_file", "a" * 400)
    assert tokens.of_message(said) == tokens.MESSAGE_TOKENS + 125 + 400
    assert tokens.of_message(asked) >= 100 and tokens.of_message(found) == tokens.MESSAGE_TOKENS + 100
    assert tokens.of_messages([said, asked, found]) == sum(tokens.of_message(each) for each in (said, asked, found))
