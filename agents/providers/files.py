"""Which documents and sounds of a request a refusal is about. What servers were seen to write is in
tests/agents/test_refused_files.py.
"""

import re
from collections.abc import Sequence

from agents.errors import ProviderError
from agents.messages import File, Message, UserMessage
from agents.providers.blame import CLAUSE_END, OTHER_CODES, PASSING, PLACE, blames

AUDIO = re.compile(r"(?<![-/\w])(?:audios?|input_audio|sounds?)(?![-/\w])|\baudio/\w+", re.IGNORECASE)
PDF = re.compile(r"(?<![-/\w])(?:pdfs?|documents?)(?![-/\w])|\bapplication/pdf", re.IGNORECASE)
FILE = re.compile(rf"{AUDIO.pattern}|{PDF.pattern}|(?<![-/\w])(?:files?|file_data|input_file)(?![-/\w])", re.IGNORECASE)
# What is wrong with documents alone.
FAULT = re.compile(r"\b(?:maximum of \d+|password|encrypted|no pages|empty)\b", re.IGNORECASE)
# That a model or its server takes none at all: none of the chat's is sent again.
TAKES_NONE = re.compile(
    r"\bsupport\w*\b[^.;]{0,30}(?:audio|pdf|document|file)(?!s? ?(?:format|type|media|mime|size|large))"
    r"|(?:audio|pdf|document|file)s?(?: inputs?| contents?)? (?:is|are) not supported"
    r"|(?:invalid value|content type|content part type|unknown variant|invalid type)\W*"
    r"(?:file|input_file|document|input_audio)\b",
    re.IGNORECASE,
)
WRONG = re.compile(r"content\W{0,2}\d+\W{1,3}(?:file|file_data|input_audio|document|pdf)\b")


def meant(error: ProviderError, sent: Sequence[Message], *, text_first: bool) -> Sequence[File]:
    """The one at the place that it names; all where none is taken; else those of the newest message that has any."""
    told = f"{error.detail.get('param', '')} {error.detail.get('message', '')}"
    by_message = [(number, each) for number, each in enumerate(sent) if isinstance(each, UserMessage) and each.files]
    if not by_message or not _is_about_files(error):
        return ()
    if (place := PLACE.search(told)) and (at := dict(by_message).get(int(place[1]))) and place[2]:
        first = int(text_first and bool(at.text))
        found = at.attached[int(place[2]) - first :][:1] if int(place[2]) >= first else ()
        return [each for each in found if isinstance(each, File)] or _of_kind(at.files, told)
    if TAKES_NONE.search(told):
        return _of_kind([file for _, message in by_message for file in message.files], told)
    return _of_kind(by_message[-1][1].files, told)


def _of_kind(found: Sequence[File], told: str) -> Sequence[File]:
    """Those that the sentence speaks of; all where it names no kind."""
    kinds = {kind for kind, word in (("audio", AUDIO), ("pdf", PDF)) if word.search(told)}
    return [each for each in found if each.kind in kinds] or found


def _is_about_files(error: ProviderError) -> bool:
    detail = error.detail
    told = str(detail.get("message", ""))
    if {detail.get("code"), detail.get("type")} & OTHER_CODES or str(detail.get("param", "")).startswith("tools"):
        return False
    if error.code == "upstream_unavailable" and PASSING.search(told):
        return False
    return any(_blames_files(clause) for clause in CLAUSE_END.split(told))


def _blames_files(clause: str) -> bool:
    is_wrong = FAULT.search(clause) or WRONG.search(clause)
    return blames(FILE, f"{clause} invalid" if is_wrong else clause)
