"""Where a chat becomes a PDF: parts of some hundred messages, each set by a child, then joined by another. Sync.

What these need is bounded (EXPORT_PDF_MEMORY_MB, EXPORT_PDF_TIMEOUT_S) and is never the server's: here only one part's
texts are held. A generator, so that whoever prints may do other things in between, and leave: then the child ends.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.errors import RequestError
from chat.exports import files
from chat.exports.conversation import Asked, Head, Said, read
from chat.exports.forms.as_text import as_text
from chat.exports.forms.form import time_of
from chat.models import MessageRole

PART_MESSAGES = 500
PART_CHARS = 1_000_000
MESSAGE_CHARS = 1_000_000  # of one text; the whole of a longer one is in the other forms
LOOK_S = 0.02  # between two looks whether the child has ended
# Each of its threads has address space of its own, which counts.
ENVIRONMENT = {"RAYON_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"}
GRAMMAR = ("RENDER_MATH_MAX_CHARS",)  # the settings that the grammar of Markdown asks for


class NotPrinted(RequestError):
    """A part could not be set: it needs more than may be used for it."""

    status = 413
    code = "pdf_too_large"
    message = "This chat cannot be set as PDF: it needs more memory or time than it may. Take Markdown or JSON."


def printed(head: Head, asked: Asked, to: Path) -> Iterator[int]:
    """Write the PDF; yields how many messages are set, again and again while one waits. Raises NotPrinted."""
    folder = files.parts_of(to)
    folder.mkdir(mode=0o700)
    try:
        yield from _Printing(head, asked, folder, to).go()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Printing:
    """One PDF on its way."""

    def __init__(self, head: Head, asked: Asked, folder: Path, to: Path) -> None:
        self.head, self.asked, self.folder, self.to = head, asked, folder, to
        self.parts: list[Path] = []
        self.page, self.missing, self.set = 1, "", 0

    def go(self) -> Iterator[int]:
        """Set all parts, each once the next is known, and join them."""
        part: list[Said] = []
        room = PART_CHARS
        for each in (said for batch in read(self.head, self.asked) for said in batch):
            if part and (len(part) == PART_MESSAGES or each.chars > room):
                yield from self._set(part, is_last=False)
                part, room = [], PART_CHARS
            part.append(each)
            room -= each.chars
        yield from self._set(part, is_last=True)
        yield from self._join()

    def _set(self, part: list[Said], *, is_last: bool) -> Iterator[int]:
        to = self.folder / f"{len(self.parts)}.pdf"
        told = yield from self._child(
            do="set", to=str(to), title=self.head.title, about=_about(self.head), page=self.page, missing=self.missing,
            lang=(get_language() or "en").partition("-")[0], fonts=settings.EXPORT_FONTS, is_last=is_last,
            note=_("Characters that no font on this server has, and that are missing here: NUMBER"),
            settings={name: getattr(settings, name) for name in GRAMMAR},
            messages=[_message(each) for each in part],
        )  # fmt: skip
        self.page, self.missing = self.page + told["pages"], told["missing"]
        self.parts.append(to)
        self.set += len(part)

    def _join(self) -> Iterator[int]:
        if len(self.parts) > 1:
            yield from self._child(do="join", to=str(self.to), title=self.head.title, parts=[*map(str, self.parts)])
        else:
            self.parts[0].replace(self.to)
        yield self.set

    def _child(self, **asked: Any) -> Generator[int, None, Any]:
        """What the child says, in the end."""
        with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as told:
            file.write(json.dumps(asked).encode())
            file.seek(0)
            child = _started(file, told)
            try:
                end = time.monotonic() + settings.EXPORT_PDF_TIMEOUT_S
                while child.poll() is None and time.monotonic() < end:
                    time.sleep(LOOK_S)
                    yield self.set
            finally:
                _ended(child)
            if child.returncode:
                raise NotPrinted
            told.seek(0)
            return json.load(told)


def _started(file: IO[bytes], told: IO[bytes]) -> "subprocess.Popen[bytes]":
    bounds = (
        settings.EXPORT_PDF_MEMORY_MB * 1024 * 1024,
        settings.EXPORT_PDF_TIMEOUT_S,
        settings.EXPORT_FILE_MAX_BYTES,
    )
    return subprocess.Popen(
        [sys.executable, "-sEB", "-m", "chat.exports.pdf.child", *map(str, bounds)],
        cwd=settings.BASE_DIR,
        env=ENVIRONMENT,
        stdin=file,
        stdout=told,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _ended(child: "subprocess.Popen[bytes]") -> None:
    """It is over now, whether it was or not."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


# --- What a part says -------------------------------------------------------------------------------------------------


def _about(head: Head) -> str:
    return _("Exported at %(time)s, %(count)s messages") % {"time": time_of(head.at), "count": len(head.ids)}


def _message(said: Said) -> dict[str, Any]:
    return {
        "name": said.name,
        "about": time_of(said.at),
        "person": said.role == MessageRole.USER,
        "parts": [*_texts(said), *_behind(said)],
    }


def _texts(said: Said) -> Iterator[dict[str, Any]]:
    for part in said.parts:
        match part["type"]:
            case "text":
                yield _text(part["text"], is_markdown=said.is_markdown)
            case "reasoning":
                yield _label(_("Reasoning"))
                yield _text(part["text"], is_markdown=True)
            case "tool_call":
                yield _label(f"{_('Tool')}: {part['name']}")
                yield {"type": "code", "value": _bounded(part.get("arguments"))}
            case "tool_result":
                yield _label(f"{_('Result')}: {part['name']}")
                yield {"type": "code", "value": _bounded(part.get("error", part.get("result")))}


def _text(text: str, *, is_markdown: bool) -> dict[str, Any]:
    if len(text) > MESSAGE_CHARS:
        text = f"{text[:MESSAGE_CHARS]}\n\n{_('(Cut here: the whole of it is in the other forms.)')}"
    return {"type": "markdown" if is_markdown else "text", "text": text}


def _bounded(value: Any) -> Any:
    text = as_text(value)
    return value if len(text) <= MESSAGE_CHARS else text[:MESSAGE_CHARS]


def _label(text: str) -> dict[str, Any]:
    return {"type": "label", "text": text}


def _behind(said: Said) -> Iterator[dict[str, Any]]:
    for each in said.sources:
        yield {"type": "note", "text": f"[{each['n']}] {each.get('title', '')} {each.get('url', '')}".rstrip()}
    if said.files:
        names = ", ".join(each.get("name", each["type"]) for each in said.files)
        yield {"type": "note", "text": f"{_('Files')}: {names}"}
    if said.state:
        yield {"type": "note", "text": said.state}
