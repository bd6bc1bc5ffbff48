"""Search takes text as it is, finds it in text files, and stops at its limits, saying so."""

import pygit2
from pygit2.enums import FileMode

from tests.tools.test_repository import add_entry, write
from tools.git.repository import Repository
from tools.git.snapshot import Bounds, Found

WIDE = Bounds(files=1_000, bytes=10_000_000, matches=100, seconds=30)


def search(repository: Repository, query: str, *endings: str, bounds: Bounds = WIDE) -> Found:
    return repository.at("parley/chat-1").search(query, endings, bounds)


def places(found: Found) -> list[tuple[str, int]]:
    return [(each.path, each.line) for each in found.matches]


def test_it_finds_text_whatever_its_case(repository: Repository) -> None:
    assert places(search(repository, "tea")) == [("src/prices.py", 2)]
    write(repository, "unicode.txt", "one\r\nÜBERSICHT\r\n")
    found = search(repository, "übersicht")
    assert places(found) == [("unicode.txt", 2)] and found.matches[0].text == "ÜBERSICHT"


def test_a_pattern_is_only_text(repository: Repository) -> None:
    write(repository, "a.txt", "a.*b (x|y) [z]\naxxb\n")
    assert places(search(repository, "a.*b")) == [("a.txt", 1)]
    assert places(search(repository, "(x|y) [z]")) == [("a.txt", 1)]


def test_it_sees_the_chats_branch_and_only_that(repository: Repository) -> None:
    write(repository, "mine.txt", "canary")
    assert places(search(repository, "canary")) == [("mine.txt", 1)]
    assert not repository.at("parley/chat-2").search("canary", (), WIDE).matches


def test_it_can_be_kept_to_some_endings_and_names_files(repository: Repository) -> None:
    write(repository, "notes/coffee.MD", "coffee\n")
    assert places(search(repository, "coffee", ".md")) == [("notes/coffee.MD", 1)]
    assert search(repository, "coffee").named == ["notes/coffee.MD"]


def test_binary_links_and_large_files_are_passed_over(repository: Repository, settings: object) -> None:
    add_entry(repository, "binary", b"needle\x00", FileMode.BLOB)
    add_entry(repository, "link", b"needle", FileMode.LINK)
    write(repository, "large.txt", "needle " * 100)
    write(repository, "small.txt", "needle")
    settings.TOOLS_FILE_MAX_BYTES = 100  # type: ignore[attr-defined]
    found = search(repository, "needle")
    assert places(found) == [("small.txt", 1)]
    assert found.skipped == 2


def test_it_stops_at_each_limit_and_says_so(repository: Repository) -> None:
    write(repository, "many.txt", "x\n" * 1_000)
    assert search(repository, "x", bounds=Bounds(1_000, 10**7, 5, 30)).stopped == "5 matches"
    assert len(search(repository, "x", bounds=Bounds(1_000, 10**7, 5, 30)).matches) == 5
    assert search(repository, "x", bounds=Bounds(1, 10**7, 100, 30)).stopped == "1 files"
    assert search(repository, "nowhere", bounds=Bounds(1_000, 1, 100, 30)).stopped == "1 bytes"
    assert search(repository, "nowhere", bounds=Bounds(1_000, 10**7, 100, 0)).stopped == "0 s"
    assert search(repository, "nowhere").stopped == ""


def test_a_long_line_is_shown_around_the_match(repository: Repository) -> None:
    write(repository, "minified.js", "a" * 200_000 + "NEEDLE" + "b" * 200_000)
    text = search(repository, "needle").matches[0].text
    assert "NEEDLE" in text and len(text) < 320


def test_a_tree_that_is_deeper_than_the_stack_is_walked(repository: Repository) -> None:
    raw = pygit2.Repository(str(repository.path))
    inner = raw.create_blob(b"needle")
    mode = FileMode.BLOB
    for _ in range(1_500):
        builder = raw.TreeBuilder()
        builder.insert("d", inner, mode)
        inner, mode = builder.write(), FileMode.TREE
    author = pygit2.Signature("Dev", "dev@example.com")
    main = raw.lookup_reference("refs/heads/main")
    raw.create_commit("refs/heads/main", author, author, "Deep", inner, [main.target])
    assert len(search(repository, "needle").matches) == 1
