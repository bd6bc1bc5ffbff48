"""Why a document was not changed. Whoever gets one of these knows that nothing has changed.

DocumentError
+-- ValueRefused      a name or value that no document may hold
+-- TooLarge          the document would be larger than it may
+-- PatchInvalid      an operation is none, or its pointer is
+-- PatchFailed       an operation does not fit the document as it is
+-- VersionConflict   the document has another version than the one the change is made for
+-- VersionUnknown    there is no such version
+-- VersionGone       there was one, and it is not kept any more
"""

from datetime import datetime
from uuid import UUID


class DocumentError(Exception):
    """Its text is for people and models: what was expected, and what to do."""


class ValueRefused(DocumentError):
    """The text says which name or value."""


class TooLarge(DocumentError):
    """The text says which limit was met."""


class PatchInvalid(DocumentError):
    """`number` is the operation's, from 0; None where it is the whole patch."""

    def __init__(self, message: str, number: int | None = None) -> None:
        super().__init__(message)
        self.number = number


class PatchFailed(DocumentError):
    """`number` and `path` are the operation's; the text says what is in its place."""

    def __init__(self, message: str, number: int, path: str) -> None:
        super().__init__(message)
        self.number, self.path = number, path


class VersionConflict(DocumentError):
    """`version` is the present one, made `at` that time `by` that person."""

    def __init__(self, version: int, by: UUID | None, at: datetime | None) -> None:
        super().__init__(f"The document is at version {version} by now. Read it, and make the change for that version.")
        self.version, self.by, self.at = version, by, at


class VersionUnknown(DocumentError):
    """The text says which versions there are."""


class VersionGone(DocumentError):
    """The text says which versions are kept."""
