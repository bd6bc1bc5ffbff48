"""Documents of a project's knowledge, indexed where a test needs them."""

import asyncio
from typing import Any

from django.db import connections, transaction

from accounts.models import Project
from tools.knowledge import indexing, reading
from tools.models import KnowledgeDocument, Passage


def stored(
    project: Project, text: str, *, title: str = "A document", media_type: str = "text/markdown", **fields: Any
) -> KnowledgeDocument:
    """A document that is not indexed yet."""
    content = reading.of_text(text, media_type)
    return KnowledgeDocument.objects.create(
        project=project, title=title, media_type=content.media_type, sha256=content.sha256, bytes=content.bytes,
        text=content.text, **fields,
    )  # fmt: skip


def known(project: Project, text: str, **fields: Any) -> KnowledgeDocument:
    """A document that is found. The test commits, as indexing has threads of its own."""
    document = stored(project, text, **fields)
    reindexed(document)
    document.refresh_from_db()
    return document


def reindexed(document: KnowledgeDocument) -> list[int]:
    """Index it anew; how far each step said that it was."""
    with transaction.atomic():
        generation = indexing.begin(KnowledgeDocument.objects.select_for_update().get(pk=document.pk))
    return asyncio.run(steps(document, generation))


async def steps(document: KnowledgeDocument, generation: int) -> list[int]:
    return [each.done async for each in indexing.index(document.pk, generation)]


def in_index() -> int:
    """How many passages the database's own index of words holds, whatever the tables say."""
    with connections["default"].cursor() as cursor:
        if connections["default"].vendor == "sqlite":
            cursor.execute("INSERT INTO tools_passage_words(tools_passage_words) VALUES ('integrity-check')")
            cursor.execute("SELECT count(*) FROM tools_passage_words_docsize")
        else:
            cursor.execute("SELECT count(*) FROM tools_passage WHERE words IS NOT NULL")
        return int(cursor.fetchone()[0])


def passages(document: KnowledgeDocument) -> int:
    """Of any generation."""
    return Passage.objects.filter(document=document).count()
