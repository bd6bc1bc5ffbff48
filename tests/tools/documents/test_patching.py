"""JSON Patch and merge patch: what the RFCs say, all or nothing, and never larger than a document may be."""

import copy
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from tools.documents.errors import DocumentError, PatchFailed, PatchInvalid, TooLarge, ValueRefused
from tools.documents.limits import Limits
from tools.documents.merging import merged
from tools.documents.patching import patched
from tools.documents.values import encode, size_of

LIMITS = Limits(
    bytes=1_000_000, depth=64, values=50_000, value_bytes=256_000, operations=100, pointer_chars=1_000,
    pointer_steps=64, versions=200,
)  # fmt: skip
OBJECT = {"a": 1, "b": [1, 2], "c": {"d": "x"}}


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


def remove(path: str) -> dict[str, Any]:
    return {"op": "remove", "path": path}


def put(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def check(path: str, value: Any) -> dict[str, Any]:
    return {"op": "test", "path": path, "value": value}


def move(origin: str, path: str) -> dict[str, Any]:
    return {"op": "move", "from": origin, "path": path}


def fork(origin: str, path: str) -> dict[str, Any]:
    return {"op": "copy", "from": origin, "path": path}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


DONE: list[tuple[Any, list[Any], Any, list[str]]] = [
    ({}, [add("/a", 1)], {"a": 1}, ["/a"]),
    ({}, [add("", [1])], [1], [""]),
    ({}, [add("/", 1)], {"": 1}, ["/"]),
    ({"a": 1}, [add("/a", None)], {"a": None}, ["/a"]),
    ([1, 2], [add("/1", 9)], [1, 9, 2], ["/1"]),
    ([1, 2], [add("/2", 9)], [1, 2, 9], ["/2"]),
    ([1, 2], [add("/-", 9), add("/-", 10)], [1, 2, 9, 10], ["/2", "/3"]),
    ({"-": 1}, [put("/-", 2)], {"-": 2}, ["/-"]),
    ({"a": {"b": [{}]}}, [add("/a/b/0/c", 1)], {"a": {"b": [{"c": 1}]}}, ["/a/b/0/c"]),
    ({"a/b": 1, "m~n": 2}, [put("/a~1b", 3), remove("/m~0n")], {"a/b": 3}, ["/a~1b", "/m~0n"]),
    ({"~1": 1}, [put("/~01", 2)], {"~1": 2}, ["/~01"]),
    ([1, 2, 3], [remove("/1")], [1, 3], ["/1"]),
    (OBJECT, [put("", "text")], "text", [""]),
    ("text", [put("", {"a": 1})], {"a": 1}, [""]),
    ({"a": 1}, [move("/a", "/b")], {"b": 1}, ["/a", "/b"]),
    ([1, 2, 3], [move("/0", "/2")], [2, 3, 1], ["/0", "/2"]),
    ({"a": {"b": 1}}, [move("/a", "/a")], {"a": {"b": 1}}, ["/a"]),
    ({"a": {"b": 1}}, [move("/a/b", "/a")], {"a": 1}, ["/a/b", "/a"]),
    ({"a": [1]}, [fork("/a", "/b"), add("/b/-", 2)], {"a": [1], "b": [1, 2]}, ["/b", "/b/1"]),
    ({"a": 1}, [fork("", "/b")], {"a": 1, "b": {"a": 1}}, ["/b"]),
    ({"a": 1}, [check("/a", 1), check("/a", 1.0)], {"a": 1}, []),
    ({"a": {"x": 1, "y": [2]}}, [check("/a", {"y": [2], "x": 1})], {"a": {"x": 1, "y": [2]}}, []),
    ({"a": None}, [check("/a", None)], {"a": None}, []),
    ({"a": 1}, [{**put("/a", 2), "note": "unknown members are left alone"}], {"a": 2}, ["/a"]),
    ({"01": 1, "-1": 2}, [put("/01", 3), put("/-1", 4)], {"01": 3, "-1": 4}, ["/01", "/-1"]),
]
FAILED: list[tuple[Any, list[Any], int]] = [
    ({"a": 1}, [check("/a", True)], 0),
    ({"a": True}, [check("/a", 1)], 0),
    ({"a": 0}, [check("/a", False)], 0),
    ({"a": "1"}, [check("/a", 1)], 0),
    ({"a": 1}, [check("/b", 1)], 0),
    ({}, [check("/a", None)], 0),
    ([1], [remove("/-1")], 0),
    ([1], [remove("/01")], 0),
    ([1, 2], [remove("/\u0661")], 0),  # an Arabic 1
    ([1], [remove("/1")], 0),
    ([1], [remove("/-")], 0),
    ([1], [put("/-", 1)], 0),
    ([1], [add("/2", 1)], 0),
    ([1], [add("/1e0", 1)], 0),
    ([1], [add("/x", 1)], 0),
    ({"a": "text"}, [add("/a/0", "x")], 0),
    ({"a": "text"}, [put("/a/0", "x")], 0),
    ({"a": 5}, [add("/a/b", "x")], 0),
    ({"a": None}, [remove("/a/b")], 0),
    ({}, [remove("")], 0),
    ({}, [remove("/a")], 0),
    ({}, [put("/a", 1)], 0),
    ({}, [add("/a/b", 1)], 0),
    ({"a": {"b": {}}}, [move("/a", "/a/b/c")], 0),
    ({"a": 1}, [move("", "/b")], 0),
    ({"a": 1}, [move("/x", "/b")], 0),
    ({"a": 1}, [fork("/x", "/b")], 0),
    ({"a": 1}, [fork("/a", "/b/c")], 0),
    ({"a": 1}, [add("/b", 2), put("/a", 3), check("/a", 1)], 2),
]
INVALID: list[tuple[Any, int | None]] = [
    ({}, None),
    ("x", None),
    (None, None),
    ([add("/a", 1)] * 101, None),
    (["x"], 0),
    ([None], 0),
    ([{}], 0),
    ([{"op": "add", "value": 1}], 0),
    ([{"op": "add", "path": "/a"}], 0),
    ([{"op": "test", "path": "/a"}], 0),
    ([{"op": "ADD", "path": "/a", "value": 1}], 0),
    ([{"op": ["add"], "path": "/a", "value": 1}], 0),
    ([{"op": "append", "path": "/a", "value": "x"}], 0),
    ([{"op": "move", "path": "/a"}], 0),
    ([{"op": "copy", "path": "/a", "from": None}], 0),
    ([add("a", 1)], 0),
    ([add("/a", 1), add("/a~2", 1)], 1),
    ([add("/a~", 1)], 0),
    ([{"op": "add", "path": 5, "value": 1}], 0),
    ([{"op": "add", "path": None, "value": 1}], 0),
    ([{"op": "add", "path": ["a"], "value": 1}], 0),
    ([add("/" + "x" * 1_000, 1)], 0),
    ([add("/x" * 65, 1)], 0),
    ([add("/__proto__/owner", 1)], 0),
    ([add("/constructor", 1)], 0),
    ([remove("/a/prototype")], 0),
    ([move("/__proto__", "/a")], 0),
    ([add("/a\x00", 1)], 0),
    ([add("/\ud800", 1)], 0),
]


@pytest.mark.parametrize(("document", "patch", "after", "paths"), DONE, ids=str)
def test_what_the_rfc_says(document: Any, patch: list[Any], after: Any, paths: list[str]) -> None:
    kept = copy.deepcopy(patch)
    done = patched(copy.deepcopy(document), patch, LIMITS)
    assert (json.dumps(done.document), done.paths) == (json.dumps(after), paths)
    assert patch == kept


@pytest.mark.parametrize(("document", "patch", "number"), FAILED, ids=str)
def test_what_does_not_fit_says_which_operation_and_what_is_there(document: Any, patch: list[Any], number: int) -> None:
    with pytest.raises(PatchFailed) as failed:
        patched(copy.deepcopy(document), patch, LIMITS)
    assert (failed.value.number, failed.value.path) == (number, patch[number]["path"])
    assert f"patch[{number}]: {patch[number]['op']}" in str(failed.value) and " is " in str(failed.value)


@pytest.mark.parametrize(("patch", "number"), INVALID, ids=lambda each: str(each)[:60])
def test_what_is_no_patch_says_which_operation_and_what_was_expected(patch: Any, number: int | None) -> None:
    with pytest.raises(PatchInvalid) as refused:
        patched({"a": {}}, patch, LIMITS)
    assert refused.value.number == number
    assert str(refused.value).startswith("patch" if number is None else f"patch[{number}]")


@pytest.mark.parametrize(
    "value",
    [float("nan"), [float("inf")], {"a": {"__proto__": 1}}, [{"constructor": 1}], {"a\x00": 1}, "\ud800", 10**401],
    ids=lambda each: ascii(each)[:40],
)
def test_what_no_document_may_hold(value: Any) -> None:
    for patch in ([add("/a", value)], [check("/a", value)], [put("", value)]):
        with pytest.raises(ValueRefused, match=r"patch\[0\]"):
            patched({"a": 1}, patch, LIMITS)


def test_a_message_does_not_bring_a_large_value_back() -> None:
    for document in ({"a": "x" * 200_000}, {"a": ["x" * 1_000] * 200}, {"x" * 900 + str(n): n for n in range(100)}):
        with pytest.raises(PatchFailed) as failed:
            patched(document, [check("/a/b", 1)], LIMITS)
        assert len(str(failed.value)) < 500


# --- Bombs ------------------------------------------------------------------------------------------------------------

FEW = "ABCDEFGHIJKLMNOPQRST"
BOMBS: dict[str, tuple[Any, Any, type[DocumentError]]] = {
    "17 copies of the root": ({"a": "x" * 500}, [fork("", f"/{name}") for name in FEW[:17]], TooLarge),
    "copies beside each other": ({"a": ["x" * 200_000]}, [fork("/a", f"/{name}") for name in FEW[:6]], TooLarge),
    "many small values": ({"a": [1] * 20_000}, [fork("/a", f"/{name}") for name in FEW[:5]], TooLarge),
    "copied and removed": ({"a": [1] * 20_000}, [fork("/a", "/b"), remove("/b")] * 50, TooLarge),
    "600 deep": ({}, [add("/a", deep(600))], TooLarge),
    "65 deep in two steps": ({"a": deep(40)}, [fork("/a", "/a" + "/0" * 39 + "/0")], TooLarge),
    "moved too deep": ({"a": deep(40), "b": deep(40)}, [move("/b", "/a" + "/0" * 39 + "/0")], TooLarge),
    "10,000 operations": ({}, [add("/a", 1)] * 10_000, PatchInvalid),
    "a value of 257 kB": ({}, [add("/a", "x" * 257_000)], TooLarge),
    "1.4 MB in pieces": ({}, [add(f"/{name}", "x" * 200_000) for name in FEW[:7]], TooLarge),
    "long names": ({}, [add(f"/{n}{'x' * 990}", n) for n in range(100)] * 1, TooLarge),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_soon(name: str) -> None:
    document, patch, error = BOMBS[name]
    limits = replace(LIMITS, bytes=50_000) if name == "long names" else LIMITS
    began = time.process_time()
    with pytest.raises(error):
        patched(copy.deepcopy(document), patch, limits)
    assert time.process_time() - began < 2.5


def test_what_fits_is_let_through_at_the_very_limit() -> None:
    assert patched({}, [add("/a", deep(63))], LIMITS).document == {"a": deep(63)}
    with pytest.raises(TooLarge):
        patched({}, [add("/a", deep(64))], LIMITS)
    full = {"a": "x" * (LIMITS.bytes - len(b'{"a":"","b":1}'))}
    assert len(encode(patched(full, [add("/b", 1)], LIMITS).document)) == LIMITS.bytes
    with pytest.raises(TooLarge):
        patched(full, [add("/b", 12), add("/c", 1)], LIMITS)


FULL = {"l": [{"a": n} for n in range(24_998)], "x": 0}  # 49,999 values
NEARLY_FULL: dict[str, tuple[Any, list[Any]]] = {
    "copies over each other": (FULL, [fork("/l/0", "/x")] * 100),
    "added over each other": (FULL, [add("/x", {"a": 1})] * 100),
    "put over each other": (FULL, [put("/x", [1])] * 100),
    "added and removed": (FULL, [add("/y", 1), remove("/y")] * 50),
    "moved to and fro": (FULL, [move("/x", "/y"), move("/y", "/x")] * 50),
    "moved over what is there": (FULL, [add("/y", 1), move("/y", "/x")] * 50),
    "full of bytes": ({"a": ["x" * 10] * 49_000, "b": "x" * 362_850, "c": 1}, [put("/c", "x" * 90)] * 100),
}


@pytest.mark.parametrize("name", NEARLY_FULL)
def test_a_document_that_is_nearly_full_is_changed_a_hundred_times_in_a_moment(name: str) -> None:
    document, patch = copy.deepcopy(NEARLY_FULL[name])
    began = time.process_time()
    patched(document, patch, LIMITS)
    assert time.process_time() - began < 2.5


@pytest.mark.parametrize(
    ("document", "patch"),
    [
        *((document, patch) for document, patch, *_ in DONE),
        ({"a": {"b": [1, 2]}, "c": [1]}, [move("/a/b", "/a"), move("/a", "/c/0"), put("/c/0", {"x": [1]})]),
        ([[1, 2], {"a": [3]}, {"a": 4}], [move("/0", "/1/a")]),
        ({"a": [1, [2]]}, [add("", {"b": [1]}), fork("", "/b/-"), fork("/b", "/b"), remove("/b/1")]),
    ],
    ids=str,
)
def test_values_are_counted_as_they_are(document: Any, patch: list[Any]) -> None:
    """No sooner refused than at its limit, and no later: neither while it is changed."""
    done = patched(copy.deepcopy(document), patch, LIMITS)
    most = max(
        size_of(patched(copy.deepcopy(document), patch[:count], LIMITS).document, LIMITS).values
        for count in range(len(patch) + 1)
    )
    assert patched(copy.deepcopy(document), patch, replace(LIMITS, values=max(most, 9))).document == done.document
    if size_of(done.document, LIMITS).values == most > size_of(document, LIMITS).values:
        with pytest.raises(TooLarge):
            patched(copy.deepcopy(document), patch, replace(LIMITS, values=most - 1))


def test_a_large_document_is_changed_a_hundred_times_in_a_moment() -> None:
    document = {"rows": [{"name": "x" * 400, "n": n} for n in range(2_000)]}
    began = time.process_time()
    done = patched(document, [put(f"/rows/{n}/name", "y" * 2_000) for n in range(80)], LIMITS)
    assert time.process_time() - began < 4.0 and len(done.paths) == 80


# --- Merge patch: the examples of RFC 7396, appendix A --------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "patch", "after"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_what_the_rfc_of_merge_patch_says(document: Any, patch: Any, after: Any) -> None:
    before = copy.deepcopy(document)
    done = merged(document, patch)
    assert json.dumps(done.document) == json.dumps(after) and document == before


def test_a_merge_patch_says_what_it_changes() -> None:
    assert merged({}, {"a": {"b/c": 1, "d": None}, "e": {}}).paths == ["/a/b~1c", "/a/d", "/e"]
    assert len(merged({}, {str(n): n for n in range(500)}).paths) == 200
