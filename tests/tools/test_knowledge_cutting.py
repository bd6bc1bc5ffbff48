"""Documents are cut into passages: how long, where, under which headings; and nothing of a document is lost."""

from itertools import pairwise

import pytest

from tools.knowledge.cutting import LEAST, MOST, OVERLAP, cut
from tools.parsing.process import parse

PROSE = "".join(f"Sentence number {n} says something about the green door. " for n in range(200))
LETTERS = "x" * 10_000
CHINESE = "这是一个关于知识库的句子，它讲的是绿色的门。" * 300
LINES = "".join(f"- item {n} of a list that is rather long\n" for n in range(200))
FENCE = "```python\n" + "".join(f"print({n})\n" for n in range(80)) + "```\n"
LONG_FENCE = "```\n" + "a line of code\n" * 200 + "```\n"
TABLE = "| a | b |\n|---|---|\n" + "".join(f"| {n} | the value of {n} |\n" for n in range(150))
DOCUMENT = (
    f"Before all headings.\n\n# One\n\n{PROSE}\n\n## Two `code`\n\nShort.\n\n{FENCE}\n{PROSE}\n\n"
    f"### Three\n\n{LINES}\n\n# Four\n\n{TABLE}\n\n> {PROSE}\n\nSetext\n======\n\n{LONG_FENCE}\n[link]: https://example.com\n\n<div>html</div>\n\n{LETTERS}\n"
)
TEXTS = {
    "prose": PROSE,
    "letters": LETTERS,
    "chinese": CHINESE,
    "lines": LINES,
    "fence": FENCE,
    "long fence": LONG_FENCE,
    "table": TABLE,
    "document": DOCUMENT,
    "open fence": f"# A\n\n```\n{PROSE}",
    "nested": "\n".join(" " * n + f"- level {n}" for n in range(60)),
    "one word": "word",
}


@pytest.mark.parametrize("is_markdown", [True, False], ids=["markdown", "plain"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_every_character_is_in_a_passage_and_none_is_too_long(text: str, is_markdown: bool) -> None:
    cuts = cut(text, is_markdown=is_markdown)
    covered = bytearray(len(text))
    for start, end, _ in cuts:
        assert 0 <= start < end <= len(text) and end - start <= MOST
        covered[start:end] = b"\1" * (end - start)
    assert "".join(char for char, is_in in zip(text, covered, strict=True) if not is_in).strip() == ""
    assert [each[0] for each in cuts] == sorted({each[0] for each in cuts})
    overlaps = [before[1] - after[0] for before, after in pairwise(cuts)]
    assert max(overlaps, default=0) <= OVERLAP


def test_passages_of_long_prose_are_of_the_length_that_is_meant_and_end_with_a_sentence() -> None:
    cuts = cut(PROSE, is_markdown=True)
    assert len(cuts) > 8
    assert all(LEAST <= end - start <= MOST for start, end, _ in cuts[:-1])
    assert all(PROSE[start:end].endswith("door.") for start, end, _ in cuts)
    assert all(before[1] - after[0] > OVERLAP // 2 for before, after in pairwise(cuts))
    assert all(PROSE[start - 1] == " " for start, _, _ in cuts[1:]), "one begins within a word"


def test_a_passage_ends_with_its_paragraph_where_that_is_long_enough() -> None:
    paragraph = "A sentence of this paragraph. " * 14
    text = f"{paragraph.strip()}\n\n" * 6
    cuts = cut(text, is_markdown=True)
    assert all(text[end : end + 2] == "\n\n" for _, end, _ in cuts[:-1])


def test_headings_are_the_path_of_what_stands_below_them() -> None:
    cuts = cut(DOCUMENT, is_markdown=True)
    paths = [tuple(DOCUMENT[first:last].strip() for first, last in path) for _, _, path in cuts]
    assert list(dict.fromkeys(paths)) == [
        (),
        ("# One",),
        ("# One", "## Two `code`"),
        ("# One", "## Two `code`", "### Three"),
        ("# Four",),
        ("Setext\n======",),
    ]
    starts = [DOCUMENT[start:end] for start, end, _ in cuts]
    assert any(each.startswith("# One\n") for each in starts) and any(each.startswith("## Two") for each in starts)


def test_a_heading_that_nothing_follows_stands_with_the_next_one() -> None:
    text = "# Manual\n\n## Doors\n\n### Green\n\nIt is open.\n\n## Empty\n"
    cuts = cut(text, is_markdown=True)
    assert [text[start:end] for start, end, _ in cuts] == [
        "# Manual\n\n## Doors\n\n### Green\n\nIt is open.",
        "## Empty",
    ]
    assert len(cuts[0][2]) == 3 and len(cuts[1][2]) == 2


def test_no_passage_begins_or_ends_within_a_fence_that_fits() -> None:
    text = f"# A\n\n{PROSE[:700]}\n\n{FENCE}\n\n{PROSE[:1500]}"
    first, last = text.index("```python"), text.index("```\n", text.index("```python") + 3) + 3
    cuts = cut(text, is_markdown=True)
    assert any(start <= first and end >= last for start, end, _ in cuts)
    assert not [each for each in cuts if first < each[0] < last or first < each[1] < last]


async def test_the_child_says_the_same() -> None:
    for parser, is_markdown in (("passages_markdown", True), ("passages_plain", False)):
        said = await parse(parser, DOCUMENT.encode())
        expected = cut(DOCUMENT, is_markdown=is_markdown)
        assert [(start, end, tuple(map(tuple, path))) for start, end, path in said] == expected
