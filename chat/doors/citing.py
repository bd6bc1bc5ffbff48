"""What a citation is on wires that have a word for it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from agents import events as ev

FIELDS = ("id", "n", "document", "passage", "title", "path", "page", "url", "quote")


def told(event: ev.CitationAdded) -> dict[str, Any]:
    """A citation as a part of a message has it: `at` is where its mark begins in the answer's text."""
    filled = {name: value for name in FIELDS if (value := getattr(event, name))}
    return {"type": "citation", **filled, "at": event.offset}


def ends_at(n: int, at: int) -> int:
    """Where a mark ends: `[1]`."""
    return at + len(f"[{n}]")


def url_citation(part: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAI's words for a source with an address, as both of its APIs have them."""
    at = part["at"]
    named = {"url": part["url"], "title": part.get("title") or part["url"]}
    return {**named, "start_index": at, "end_index": ends_at(part["n"], at)}


def annotation(part: Mapping[str, Any], begins_at: int) -> dict[str, Any]:
    """An annotation of the Responses API, in a text that begins there in the answer."""
    inside = {**part, "at": max(0, part["at"] - begins_at)}
    if part.get("url"):
        return {"type": "url_citation", **url_citation(inside)}
    named = {"file_id": part.get("document", ""), "filename": part.get("title", "")}
    return {"type": "file_citation", **named, "index": inside["at"]}


def by_text(parts: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Of each text of an answer the citations in it, with where the text begins: their annotations."""
    begins_at = 0
    for part in parts:
        if part["type"] == "text":
            end = begins_at + len(part["text"])
            inside = [each for each in parts if each["type"] == "citation" and begins_at <= each["at"] < end]
            yield [annotation(each, begins_at) for each in inside]
            begins_at = end
