"""Items of the Responses API: what a request brings as messages of a chat, and messages as items.

Source: https://platform.openai.com/docs/api-reference/responses (openai 3.52.0) and Open Responses 2026-04-24.
A `phase` is accepted and not kept. Reasoning that a client sends back is left out: the model writes its own. Files come
as their bytes (a PDF, a sound or a text), by an https address, or by the `file_id` of one that was uploaded.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from accounts.errors import refuse
from chat.doors import inline, stored
from chat.doors.citing import by_text
from chat.doors.openai.responses.dialect.ids import item_id
from chat.run_request import Item

ITEMS_MAX = 1000
ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
FORMATS = ("wav", "mp3")  # of sounds
TEXTS = ("input_text", "output_text", "text", "summary_text")
FILE_DATA = "data:text/plain;base64,"


@dataclass(frozen=True)
class Reference:
    """An item that is stored already, named by its id."""

    id: str
    field: str


@dataclass(frozen=True)
class Compaction:
    """What `POST /responses/compact` has made of an earlier part of the conversation."""

    content: str
    field: str


Entry = Item | Reference | Compaction


def read_input(value: Any, field: str = "input", most: int = ITEMS_MAX) -> tuple[Entry, ...]:
    """The entries of a request: a text is what the user says. Raises Invalid naming the item."""
    if isinstance(value, str):
        return (Item("user", value),)
    if not isinstance(value, list) or not 1 <= len(value) <= most:
        raise refuse(field, f"Expected a list of 1 to {most} items{', or a text' if field == 'input' else ''}.")
    return tuple(each for number, item in enumerate(value) for each in read_item(item, f"{field}.{number}"))


def read_item(item: Any, field: str) -> Iterator[Entry]:
    """The entry that an item is; none for reasoning. An item with a role and no type is a message."""
    if not isinstance(item, dict):
        raise refuse(field, "Expected an object.")
    match item.get("type", "message" if "role" in item else None):
        case "message":
            yield _message(item, field)
        case "function_call":
            yield _call(item, field)
        case "function_call_output":
            yield _output(item, field)
        case "item_reference" | None if "id" in item:
            yield Reference(_text(item.get("id"), f"{field}.id"), f"{field}.id")
        case "compaction":
            yield Compaction(_text(item.get("encrypted_content"), f"{field}.encrypted_content"), field)
        case "reasoning":
            return
        case _:
            raise refuse(
                f"{field}.type",
                "Expected message, function_call, function_call_output, item_reference, reasoning or compaction.",
            )


def _message(item: dict[str, Any], field: str) -> Item:
    role = item.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise refuse(f"{field}.role", f"Expected one of: {', '.join(ROLES)}.")
    content = item.get("content")
    if isinstance(content, str):
        return Item(ROLES[role], content)  # type: ignore[arg-type]
    if not isinstance(content, list):
        raise refuse(f"{field}.content", "Expected a text or a list of parts.")
    texts: list[str] = []
    files: list[dict[str, Any]] = []
    for number, part in enumerate(content):
        _read_part(part, f"{field}.content.{number}", texts, files)
    return Item(ROLES[role], "\n\n".join(texts), tuple(files))  # type: ignore[arg-type]


def _read_part(part: Any, field: str, texts: list[str], files: list[dict[str, Any]]) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in TEXTS:
        texts.append(_text(part.get("text"), f"{field}.text"))
    elif kind == "refusal":
        texts.append(_text(part.get("refusal"), f"{field}.refusal"))
    elif kind == "input_image":
        files.append(_image(part, field))
    elif kind == "input_file":
        files.append(_file(part, field))
    elif kind == "input_audio":
        files.append(sound(part.get("input_audio", part), f"{field}.input_audio"))
    else:
        raise refuse(
            f"{field}.type", "Expected input_text, output_text, refusal, input_image, input_file or input_audio."
        )


def _image(part: dict[str, Any], field: str) -> dict[str, Any]:
    _check_one(part, ("image_url", "file_id"), field)
    if part.get("file_id") is not None:
        return stored.by_id("image", part["file_id"], f"{field}.file_id")
    url = _text(part.get("image_url"), f"{field}.image_url")
    return stored.by_address("image", url) or {"type": "image", "name": "", "url": url}


def sound(inner: Any, field: str) -> dict[str, Any]:
    """A sound in its message: `{data, format}`."""
    if not isinstance(inner, dict) or not isinstance(inner.get("data"), str) or not inner["data"]:
        raise refuse(field, "Expected an object with data, the base64 of a sound, and its format.")
    if inner.get("format") not in FORMATS:
        raise refuse(f"{field}.format", f"Expected one of: {', '.join(FORMATS)}.")
    return {"type": "audio", "name": "", "url": f"data:audio/{inner['format']};base64,{inner['data']}"}


def _check_one(part: dict[str, Any], names: tuple[str, ...], field: str) -> None:
    """Where a file comes from is said once: of two places nobody knows which is meant."""
    said = [name for name in names if part.get(name) is not None]
    if len(said) > 1:
        raise refuse(f"{field}.{said[1]}", f"Expected one of: {', '.join(names)}.")


def _file(part: dict[str, Any], field: str) -> dict[str, Any]:
    name = _text(part.get("filename") or "", f"{field}.filename")
    _check_one(part, ("file_data", "file_url", "file_id"), field)
    if part.get("file_id") is not None:
        return stored.by_id("file", part["file_id"], f"{field}.file_id")
    if part.get("file_url") is not None and (ours := stored.by_address("file", str(part["file_url"]))):
        return ours
    if part.get("file_url") is not None:
        return {"type": "file", "name": name, "url": _text(part["file_url"], f"{field}.file_url")}
    data = _text(part.get("file_data"), f"{field}.file_data")
    return inline.attachment(data, name, f"{field}.file_data")


def _call(item: dict[str, Any], field: str) -> Item:
    part = {
        "type": "tool_call",
        "call": _short(item.get("call_id"), f"{field}.call_id"),
        "name": _short(item.get("name"), f"{field}.name"),
        "arguments": _arguments(_text(item.get("arguments"), f"{field}.arguments")),
        "deferred": True,
    }
    return Item("assistant", "", parts=(part,))


def _output(item: dict[str, Any], field: str) -> Item:
    output = item.get("output")
    if isinstance(output, list):
        texts: list[str] = []
        files: list[dict[str, Any]] = []
        for number, part in enumerate(output):
            _read_part(part, f"{field}.output.{number}", texts, files)
        if files:
            raise refuse(f"{field}.output", "Expected texts only: images and files come in a message.")
        output = "\n\n".join(texts)
    call = _short(item.get("call_id"), f"{field}.call_id")
    result = _text(output, f"{field}.output")
    return Item(
        "tool", "", parts=({"type": "tool_result", "call": call, "name": "", "result": result, "is_error": False},)
    )


def _arguments(text: str) -> Any:
    """As in an event: the object, or the text where it is none."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text
    return value if isinstance(value, dict) else text


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise refuse(field, "Expected a text.")
    return value


def _short(value: Any, field: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 200:
        raise refuse(field, "Expected a text of 1 to 200 characters.")
    return value


# --- The other way ----------------------------------------------------------------------------------------------------

Row = Mapping[str, Any]  # of a message: pk, role, status, content, parts, attachments
STATUSES = {"in_progress": "in_progress", "completed": "completed"}  # else incomplete


def items_of(row: Row) -> list[dict[str, Any]]:
    """A message as items, in order. What an agent did with tools of its own is in none."""
    if row["status"] == "deleted":
        return []
    if row["role"] == "assistant":
        return _answer(row)
    if row["role"] == "tool":
        return [
            output_item(item_id("fco", row["pk"], number), part["call"], text_of(part.get("result", part.get("error"))))
            for number, part in enumerate(each for each in row["parts"] if each["type"] == "tool_result")
        ]
    texts = [{"type": "input_text", "text": row["content"]}] if row["content"] else []
    content = [*texts, *map(_attachment, row["attachments"])]
    return [_said(row, 0, content)]


def _answer(row: Row) -> list[dict[str, Any]]:
    texts = [each["text"] for each in row["parts"] if each["type"] == "text"]
    calls = [each for each in row["parts"] if each["type"] == "tool_call" and each.get("deferred")]
    annotations = list(by_text(row["parts"]))
    numbers = {"text": 0, "tool_call": 0}
    out = []
    for part in row["parts"]:
        kind = part["type"]
        if kind == "text":
            out.append(_said(row, numbers[kind], [text_part(part["text"], annotations[numbers[kind]])]))
        elif part in calls:
            id = item_id("fc", row["pk"], numbers[kind])
            out.append(call_item(id, part["call"], part["name"], text_of(part["arguments"]), "completed"))
        else:
            continue
        numbers[kind] += 1
    return out if texts or calls else [_said(row, 0, [text_part(row["content"])])]


def _said(row: Row, number: int, content: list[dict[str, Any]]) -> dict[str, Any]:
    status = STATUSES.get(row["status"], "incomplete")
    return message_item(item_id("msg", row["pk"], number), row["role"], status, content)


def _attachment(file: dict[str, Any]) -> dict[str, Any]:
    if file["type"] == "image":
        return {"type": "input_image", "image_url": file.get("url"), "detail": "auto", "file_id": file.get("id")}
    return {"type": "input_file", "filename": file.get("name", ""), **_source(file)}


def _source(file: dict[str, Any]) -> dict[str, str]:
    if "id" in file:
        return {"file_id": file["id"]}
    if "url" not in file:
        return {"file_data": FILE_DATA + base64.b64encode(file.get("content", "").encode()).decode()}
    return {"file_data" if file["url"].startswith("data:") else "file_url": file["url"]}


def text_part(text: str, annotations: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """A part of an answer's content."""
    return {"type": "output_text", "text": text, "annotations": list(annotations), "logprobs": []}


def message_item(id: str, role: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    """What somebody said."""
    return {"type": "message", "id": id, "status": status, "role": role, "content": content}


def call_item(id: str, call: str, name: str, arguments: str, status: str) -> dict[str, Any]:
    """A call of a tool of the client's."""
    return {
        "type": "function_call", "id": id, "call_id": call, "name": name, "arguments": arguments, "status": status
    }  # fmt: skip


def output_item(id: str, call: str, output: str) -> dict[str, Any]:
    """What the client's tool answered."""
    return {"type": "function_call_output", "id": id, "call_id": call, "output": output, "status": "completed"}


def text_of(value: Any) -> str:
    """Arguments or a result as a text."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
