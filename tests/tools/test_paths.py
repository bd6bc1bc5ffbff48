"""Which paths and branch names are taken; everything that could leave the project or reach git's own files is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import PathRefused
from tools.git.paths import check_branch, check_writable, file_parts, parts_of, twin_of

REFUSED = [
    "../x",
    "a/../../x",
    "a/..",
    "/etc/passwd",
    "//x",
    "~",
    "~root/x",
    "C:/x",
    "c:x",
    "a\x00b",
    "a\nb",
    "a\tb",
    "a\x7fb",
    "a\\b",
    "..\\x",
    "a/\ud800",
    "evil\u202etxt.exe",
    "line\u2028end",
    "x" * 5_000,
    "x" * 256,
    "é" * 200,
    "a/" * 60 + "b",
    ".git/config",
    ".git",
    ".GIT/hooks/x",
    "sub/.Git/config",
    ".git./config",
    ".git /config",
    ".git::$INDEX_ALLOCATION/config",
    "git~1/config",
    "GIT~1/hooks/pre-commit",
    ".g\u200cit/config",
    "\ufeff.git/config",
    "\uff0egit/config",
    ".\uff47it/config",
    "a/\u200b",
]


@pytest.mark.parametrize("path", REFUSED)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(PathRefused, match=r"^path: "):
        parts_of(path)


@pytest.mark.parametrize("path", ["", ".", "./", "a/", "a//"])
def test_a_folder_is_no_file(path: str) -> None:
    parts_of(path)
    with pytest.raises(PathRefused):
        file_parts(path)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("README.md", ("README.md",)),
        ("./src//a.py", ("src", "a.py")),
        ("docs/Übersicht – neu.md", ("docs", "Übersicht – neu.md")),
        (".github/workflows/ci.yml", (".github", "workflows", "ci.yml")),
        (".gitignore", (".gitignore",)),
        ("a/...", ("a", "...")),
        ("notes~", ("notes~",)),
        ("at:b", ("at:b",)),
        ("-rf", ("-rf",)),
    ],
)
def test_an_ordinary_path_is_taken(path: str, parts: tuple[str, ...]) -> None:
    assert file_parts(path) == parts


@pytest.mark.parametrize(
    "path",
    [
        ".gitmodules",
        "a/.GITMODULES",
        ".gitattributes",
        "a/.gitattributes ",
        "GITMOD~1",
        "gi7eba~1",
        ".git\u200dmodules",
    ],
)
def test_what_git_reads_is_not_written(path: str) -> None:
    with pytest.raises(PathRefused):
        check_writable(file_parts(path))


@given(st.text(st.characters(exclude_categories=())))
def test_no_accepted_path_leaves_the_project(path: str) -> None:
    try:
        parts = parts_of(path)
    except PathRefused:
        return
    for part in parts:
        assert part not in ("", ".", "..") and "/" not in part and "\\" not in part and "\x00" not in part
        assert part.lower() != ".git"
        assert part.encode().decode() == part


@pytest.mark.parametrize("name", ["main", "parley/chat-0123abcd", "a.b_c-d/e"])
def test_a_plain_branch_name_is_taken(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-x",
        "--upload-pack=x",
        "a/-x",
        "a..b",
        "a//b",
        "/a",
        "a/",
        "a.lock",
        "a.lock/b",
        "a/.b",
        "a.",
        "a b",
        "a\nb",
        "a~1",
        "a^",
        "a:b",
        "@",
        "@{u}",
        ":/x",
        "HEAD^{/x}",
        "../x",
        "é",
        "x" * 101,
        "a\x00",
    ],
)
def test_any_other_branch_name_is_refused(name: str) -> None:
    with pytest.raises(PathRefused, match=r"^branch: "):
        check_branch(name)


def test_twins_are_names_that_some_systems_take_for_one() -> None:
    assert twin_of("readme.MD", ["README.md", "x"]) == "README.md"
    assert twin_of("cafe\u0301", ["caf\u00e9"]) == "caf\u00e9"
    assert twin_of("README.md", ["README.md"]) is None
    assert twin_of("other", ["README.md"]) is None
