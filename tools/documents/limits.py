"""How large a document, and what changes it, may be: docs/limits.md."""

from dataclasses import dataclass

from django.conf import settings

WORK = 4  # times the document's values: how many values the operations of one patch may bring or carry, all together


@dataclass(frozen=True)
class Limits:
    """Of one document, and of one change of it."""

    bytes: int  # of the whole document as JSON, in UTF-8
    depth: int  # of lists and objects inside each other
    values: int  # texts, numbers, truths, nulls, lists and objects
    value_bytes: int  # of what one operation brings or copies
    operations: int  # of one patch
    pointer_chars: int
    pointer_steps: int
    versions: int  # that are kept


def limits() -> Limits:
    """Those that hold now."""
    return Limits(
        bytes=settings.DOCUMENT_MAX_BYTES,
        depth=settings.DOCUMENT_MAX_DEPTH,
        values=settings.DOCUMENT_MAX_VALUES,
        value_bytes=settings.DOCUMENT_VALUE_MAX_BYTES,
        operations=settings.DOCUMENT_PATCH_MAX_OPERATIONS,
        pointer_chars=settings.DOCUMENT_POINTER_MAX_CHARS,
        pointer_steps=settings.DOCUMENT_POINTER_MAX_STEPS,
        versions=settings.DOCUMENT_VERSIONS,
    )
