"""What knowledge may need, by the settings; docs/limits.md says what each is."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True)
class Limits:
    """As they are now."""

    file_bytes: int
    text_bytes: int
    documents: int  # of a project
    passages: int  # of a document
    project_passages: int


def limits() -> Limits:
    """Those of the settings."""
    return Limits(
        settings.KNOWLEDGE_FILE_MAX_BYTES,
        settings.KNOWLEDGE_TEXT_MAX_BYTES,
        settings.KNOWLEDGE_DOCUMENTS_MAX,
        settings.KNOWLEDGE_PASSAGES_MAX,
        settings.KNOWLEDGE_PROJECT_PASSAGES_MAX,
    )
