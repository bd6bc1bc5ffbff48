"""Searching a project's knowledge: by words on both databases, in many languages, up to one's level, by vectors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection

from accounts.models import Organization, Project
from chat.ops.erasure import Erasure
from tests.embeddings import Embeddings
from tests.tools.knowing import in_index, known, passages, reindexed, stored
from tools.knowledge import embedding, indexing, searching
from tools.knowledge.cutting import markdown, plain
from tools.knowledge.errors import FULL, IndexingFailed
from tools.knowledge.importing import import_files
from tools.knowledge.searchable import STOP_WORDS, fts5_query, searchable, tsquery, words_of
from tools.knowledge.searching import find, in_turn, search, searched
from tools.knowledge.words import forget_deleted
from tools.models import KnowledgeDocument, KnowledgeState, Passage

pytestmark = pytest.mark.django_db(transaction=True)
HOSTILE = (
    *(
        '"',
        '""',
        "'",
        "\\",
        "\\'",
        "a'b",
        "*",
        "NEAR(a b)",
        "col:x",
        "search:green",
        "AND",
        "OR NOT",
        "green AND",
        "^green",
    ),
    *(
        "(green",
        "green)",
        "{green}",
        "-green",
        "+green",
        "green*",
        ":*",
        "a & b | !c <-> d",
        "%s",
        "%(a)s",
        "\x1f",
        "🎉",
        "ﷺ",
    ),
    *("x" * 5_000, "green " * 3_000, "'; DROP TABLE tools_passage; --", "ı" * 50, "\u202egreen", "!!!", "   "),
)
LANGUAGES = {
    "german": ("Die Straße ist wegen Arbeiten gesperrt.", "de", ("STRASSE", "straße", "Was ist mit der Straße?")),
    "german stems": ("Die Häuser wurden verkauft.", "de", ("verkauft",)),
    "english stems": ("The watchers were running quickly.", "en", ("run", "watcher")),
    "chinese": ("这是一个关于知识库的句子。", "", ("知识", "知识库", "句子")),
    "japanese": ("この文章は日本語で書かれています。", "", ("日本", "日本語")),
    "korean": ("이 문서는 한국어로 작성되었습니다.", "", ("한국어",)),
    "arabic": ("هذه وثيقة باللغة العربية عن الباب الأخضر", "ar", ("وثيقة", "الباب")),
    "full width": ("ＡＢＣ company", "", ("abc",)),
    "one of two": ("The set_child_watcher function attaches it.", "en", ("what is set_child_watcher", "child")),
    "within a word": ("Call asyncio.run(main()) or a/b/c.txt at 3.11", "", ("asyncio", "main", "txt")),
}  # fmt: skip


@pytest.fixture
def server(settings: object) -> Iterator[Embeddings]:
    made = Embeddings()
    for name, value in made.settings.items():
        setattr(settings, name, value)
    yield made
    made.close()
    embedding._Away.until = 0.0


@pytest.fixture(autouse=True)
def cut_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are cut in this process: a child for each of so many would take its time, and has tests of its own."""

    async def parse(parser: str, data: bytes, **_: Any) -> Any:
        return (markdown if parser == "passages_markdown" else plain)(data)

    monkeypatch.setattr(indexing, "parse", parse)


def titles(project: Project, query: str, level: int = 3, limit: int = 8) -> list[str]:
    return [each.title for each in search(project.pk, query, level, limit)]


@pytest.mark.parametrize(("text", "language", "queries"), LANGUAGES.values(), ids=LANGUAGES)
def test_words_of_many_languages_are_found(
    project: Project, text: str, language: str, queries: tuple[str, ...]
) -> None:
    known(project, "Something else entirely, 完全不同的东西, про другое.", title="other")
    known(project, text, title="this", language=language)
    for query in queries:
        assert titles(project, query) == ["this"], query


def test_a_question_is_any_of_its_words_without_those_that_say_nothing(project: Project) -> None:
    known(project, "The green door is open at night.", title="door")
    known(project, "How is it that what they do with this is the of and to?", title="stop words")
    known(project, "A door.", title="short")
    assert titles(project, "How do I open the green door when it rains in Patagonia?")[0] == "door"
    assert "stop words" not in titles(project, "How is the door?")
    assert titles(project, "how is it")[0] == "stop words"  # nothing else was asked
    assert titles(project, "Patagonia") == []


@pytest.mark.parametrize("query", HOSTILE)
def test_what_means_something_to_a_database_means_nothing_in_a_question(project: Project, query: str) -> None:
    known(project, "The green door.", title="door")
    found = titles(project, query)
    assert found == (["door"] if "green" in query.lower() and "\u202e" not in query else found)
    assert set(found) <= {"door"}


def test_only_what_is_of_the_project_and_of_the_level_is_found(project: Project, elsewhere: Organization) -> None:
    other = Project.objects.create(organization=elsewhere, name="Other")
    for level in range(4):
        known(project, f"The green door of level {level}.", title=f"{level}", level=level)
        known(other, f"The green door elsewhere {level}.", title=f"other {level}", level=level)
    for level in range(-1, 4):
        assert sorted(titles(project, "green door", level)) == [str(each) for each in range(level + 1)]
    assert sorted(titles(other, "green door")) == [f"other {each}" for each in range(4)]


def test_a_few_among_many_are_found(project: Project, elsewhere: Organization) -> None:
    """The filter is within the search: it is not what is left of the best of all."""
    other = Project.objects.create(organization=elsewhere, name="Other")
    known(other, "\n\n".join(f"# The green door {n}\n\nThe green door, the green door." for n in range(400)))
    known(project, "Somewhere in a long text about other things a green thing is named.", title="mine")
    known(project, "The green door, the green door.", title="hidden", level=3)
    assert titles(project, "the green door", 1) == ["mine"]


def test_nothing_but_what_is_whole_is_found_and_what_is_deleted_is_nowhere(project: Project) -> None:
    before = in_index()
    document = known(project, "The green door.\n\n# More\n\nThe red door.", title="door")
    assert (document.state, document.passages, document.generation) == (KnowledgeState.READY, 2, 1)
    assert in_index() - before == 2
    Passage.objects.create(
        document=document,
        project=project,
        level=1,
        generation=2,
        position=0,
        start=0,
        end=3,
        text="unicorn",
        search="unicorn",
    )
    assert titles(project, "unicorn") == []
    Passage.objects.filter(generation=2).update(search="pegasus")
    assert titles(project, "pegasus") == [] and in_index() - before == 3
    assert reindexed(document) == [0, 100]
    assert passages(document) == 2 and in_index() - before == 2 and titles(project, "green") == ["door"]
    Passage.objects.filter(document=document).update(search="dragon")
    assert titles(project, "dragon")[0] == "door" and titles(project, "green") == []
    document.delete()
    assert titles(project, "dragon") == [] and in_index() == before


def test_a_change_of_level_counts_at_once_whatever_the_passages_say(project: Project) -> None:
    document = known(project, "The green door.", title="door")
    for higher in ("document", "passages"):
        KnowledgeDocument.objects.update(level=3 if higher == "document" else 1)
        Passage.objects.update(level=3 if higher == "passages" else 1)
        assert titles(project, "green", 1) == [] and titles(project, "green", 3) == ["door"]
    assert search(project.pk, "green", 3)[0].level == document.level == 1


def test_what_is_said_of_a_passage(project: Project) -> None:
    text = "# Doors\n\n## Green `ones`\n\nThe green door is open.\n\n# Windows\n\nThe green window is shut."
    document = known(project, text, title="House", source="https://example.com/house")
    first, second = search(project.pk, "green door open", 1)
    assert (first.document, first.title, first.source) == (document.pk, "House", "https://example.com/house")
    assert (first.path, first.score, first.page, first.level) == ("Doors › Green ones", 1.0, None, 1)
    assert first.text == text[first.start : first.end] and first.text.endswith("The green door is open.")
    assert (second.path, second.score) == ("Windows", 0.5)
    assert [each.id for each in search(project.pk, "green door open", 1, limit=1)] == [first.id]
    KnowledgeDocument.objects.update(pages=[[0, 1], [text.index("# Windows"), 2]])
    reindexed(document)
    assert [each.page for each in search(project.pk, "green window shut", 1)] == [2, 1]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [([1, 2, 3], [4, 5], [1, 4, 2, 5, 3]), ([1, 2], [2, 1, 3], [1, 2, 3]), ([], [7], [7]), ([], [], [])],
)
def test_two_lists_take_turns_and_nothing_comes_twice(one: list[int], other: list[int], expected: list[int]) -> None:
    assert in_turn(one, other) == expected


def test_words_are_the_same_in_the_index_and_in_a_question() -> None:
    text = "Größe: 3,5 m² für Müller's O’Brien naïve—test_name(知识库と東京) İstanbul ﬁn"
    assert set(words_of(text)) <= set(searchable(text).split())
    assert len(words_of("word " * 9 + " ".join(f"w{n}" for n in range(99)))) == 40
    assert (
        fts5_query(['a"b', "c"], "1f") == 'search : ("a""b" OR "c") AND project_id : "1f"'
        and tsquery(["a'b\\"]) == "'a''b\\\\'"
    )
    assert not {each for each in STOP_WORDS if searchable(each) != each}


def test_each_passage_is_found_by_the_title_of_its_document(project: Project) -> None:
    document = known(project, "# Walls\n\nThey are white.\n\n# Roofs\n\nThey are red.", title="House of the 知识库")
    known(project, "# Rain\n\nIt falls.", title="Weather")
    for query in ("What is the house about?", "知识"):
        assert titles(project, query) == ["House of the 知识库"] * 2, query
    KnowledgeDocument.objects.filter(pk=document.pk).update(title="Roofs, and houses")
    indexing.retitle(document.pk)
    assert titles(project, "知识") == [] and len(titles(project, "houses")) == 2 == len(titles(project, "roofs"))
    (roofs,) = Passage.objects.filter(path="Roofs").values_list("search", flat=True)
    assert roofs == "and houses roofs roofs they are red", "what the headings have is there once"
    assert titles(project, "red") == ["Roofs, and houses"] and in_index() == 3


@pytest.mark.parametrize(
    ("before", "level", "after", "told"),
    [
        (1, 3, 3, "it is there already; its level is now 3"),
        (2, 2, 2, "it is there already"),
        (2, 1, 2, "it is there already; its level stays 2, which is higher"),
        (0, None, 0, "it is there already"),
    ],
)
def test_a_second_import_raises_the_level_and_never_lowers_it(
    project: Project, tmp_path: Path, before: int, level: int | None, after: int, told: str
) -> None:
    file = tmp_path / "a.md"
    file.write_text("The green door.")
    for asked, why in ((before, ""), (level, told)):
        (done,) = import_files(project, tmp_path, [file], level=asked, language="")
        assert done.why == why
    assert list(KnowledgeDocument.objects.values_list("level", flat=True)) == [after]
    assert list(Passage.objects.values_list("level", flat=True)) == [after]


def test_a_project_has_no_more_passages_than_it_may(project: Project, settings: Any) -> None:
    settings.KNOWLEDGE_PROJECT_PASSAGES_MAX = 1
    known(project, "The green door.", level=3)
    with pytest.raises(IndexingFailed, match=f"^{FULL}$"):
        known(project, "The red door.")


async def test_what_fits_by_meaning_comes_first_and_words_take_turns_with_it(
    project: Project, server: Embeddings
) -> None:
    for title, text in {
        "car": "The automobile.",
        "word": "They buy paper, ink, glue and a great many other small things for the office each spring.",
        "none": "Rain falls on roofs.",
    }.items():
        await _known(project, text, title)
    found = await find(project.pk, "buy a vehicle", 1)
    assert [each.title for each in found.results][:2] == ["car", "word"] and not found.degraded
    assert set(server.keys) == {"Bearer k-embed"} and server.texts[-1] == "buy a vehicle"
    (row,) = [each async for each in Passage.objects.filter(document__title="car")]
    assert (row.model, len(row.vector), len(row.bits)) == ("letters", 512 * 4, 64)


async def _known(project: Project, text: str, title: str) -> None:
    await sync_to_async(known, thread_sensitive=True)(project, text, title=title)


def test_without_the_server_of_the_embeddings_words_find_it_and_it_is_said(
    project: Project, server: Embeddings
) -> None:
    known(project, "The green door.", title="door")
    asked = len(server.asked)
    server.faults.extend([500, 500])
    found = searched(project.pk, "green", 1)
    assert [each.title for each in found.results] == ["door"] and found.degraded
    assert searched(project.pk, "green", 1).degraded and len(server.asked) == asked + 1, "it was asked again at once"
    embedding._Away.until = 0.0
    server.faults.clear()
    assert not searched(project.pk, "green", 1).degraded
    assert not searched(project.pk, "!!!", 1).results and len(server.asked) == asked + 2  # nothing was asked


def test_vectors_of_another_model_say_nothing(project: Project, server: Embeddings, settings: object) -> None:
    document = known(project, "An automobile was purchased.", title="car")
    settings.EMBEDDINGS_MODEL = "others"  # type: ignore[attr-defined]
    assert titles(project, "vehicle") == []
    reindexed(document)
    document.refresh_from_db()
    assert titles(project, "vehicle") == ["car"] and document.embedded_by == "others"


def test_levels_hold_for_vectors_too(project: Project, elsewhere: Organization, server: Embeddings) -> None:
    other = Project.objects.create(organization=elsewhere, name="Other")
    known(project, "An automobile was purchased.", title="hidden", level=3)
    known(other, "An automobile was purchased.", title="other")
    known(project, "Rain.", title="rain")
    assert titles(project, "vehicle", 1) == ["rain"] and titles(project, "vehicle", 3)[0] == "hidden"
    assert stored(project, "x").state == KnowledgeState.PENDING


@pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL takes a language")
def test_a_document_of_another_language_is_asked_for_in_it(project: Project) -> None:
    known(project, "Die Häuser der Städte.", title="de", language="de")
    known(project, "The houses of the cities.", title="en", language="en")
    assert titles(project, "Haus Stadt") == ["de"] and titles(project, "house city") == ["en"]
    KnowledgeDocument.objects.filter(title="de").update(language="en")
    Passage.objects.filter(document__title="de").update(language="en")
    assert titles(project, "Haus") == []


def test_deep_lists_are_bounded(project: Project) -> None:
    known(project, "\n\n".join(f"# Part {n}\n\nThe green door {n}." for n in range(120)))
    assert len(search(project.pk, "green", 1, limit=10_000)) == searching.MOST


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has its own vacuum")
def test_what_is_deleted_is_no_more_in_the_index_after_erasure(project: Project) -> None:
    known(project, "The green door.", title="door")
    known(project, "\n\n".join(f"# Part {n}\n\nQwertyzuiop{n} is a word." for n in range(150)), title="many")
    forget_deleted()  # else it depends on the tests before whether SQLite merges by itself
    assert in_blocks("qwertyzuiop")
    Passage.objects.filter(text__contains="Qwertyzuiop").delete()
    assert in_blocks("qwertyzuiop"), "then there is nothing to be erased"
    erasure = Erasure()
    while erasure.step():
        pass
    assert not in_blocks("qwertyzuiop") and titles(project, "green") == ["door"] and in_index() == 1


def in_blocks(word: str) -> bool:
    """Whether SQLite's file has the word in the index."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT block FROM tools_passage_words_data")
        return any(word.encode() in block for (block,) in cursor.fetchall())
