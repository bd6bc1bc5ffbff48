"""A folder of files becomes documents of a project, one after the other; what is there already is left as it is.

Only its level is raised, where a higher one is asked for: whoever says that files are confidential means these too.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Project
from tools.knowledge import reading
from tools.knowledge.errors import FULL, FileRefused, IndexingFailed, KnowledgeError
from tools.knowledge.indexing import begin, fail, index
from tools.knowledge.limits import limits
from tools.knowledge.reading import Content
from tools.models import KnowledgeDocument, KnowledgeLevel, KnowledgeState, Passage


@dataclass(frozen=True)
class Imported:
    """What became of a file: `why` it was left out, if it was."""

    path: str
    is_new: bool = False
    why: str = ""


def files_in(folder: Path) -> list[Path]:
    """The files below the folder whose kind is taken, in order. Hidden ones and links are left out."""
    ends = tuple(reading.endings().split(", "))
    found = (each for each in sorted(folder.rglob("*")) if each.is_file() and not each.is_symlink())
    return [
        each
        for each in found
        if each.name.lower().endswith(ends) and not any(part[0] == "." for part in each.relative_to(folder).parts)
    ]


def import_files(
    project: Project, folder: Path, files: list[Path], *, level: int | None, language: str
) -> Iterator[Imported]:
    """Bring each in, and say what became of it. Whoever is broken off begins again, and goes on where that was.

    Without a level new documents are internal, and those that are there keep theirs.
    """
    for file in files:
        name = file.relative_to(folder).as_posix()
        try:
            yield _imported(project, file, name, level, language)
        except (KnowledgeError, OSError) as error:
            yield Imported(name, why=str(error))


def _imported(project: Project, file: Path, name: str, level: int | None, language: str) -> Imported:
    if file.stat().st_size > limits().file_bytes:  # before it is in memory
        raise FileRefused("file_too_large", f"Expected a file of at most {limits().file_bytes} bytes.")
    content = reading.of_file(file.name, file.read_bytes())
    known = KnowledgeDocument.objects.filter(project=project, sha256=content.sha256).order_by("created_at").first()
    told = _raised(project, content.sha256, level) if known is not None and level is not None else ""
    if known is not None and known.generation and known.state == KnowledgeState.READY:
        return Imported(name, why=f"it is there already{told}")
    document = known or _added(project, content, name, KnowledgeLevel.INTERNAL if level is None else level, language)
    _index(document)
    return Imported(name, is_new=True)


@transaction.atomic
def _raised(project: Project, sha256: str, level: int) -> str:
    """Raise the level of all documents with this content, and of their passages, up to this one; what came of it."""
    same = KnowledgeDocument.objects.filter(project=project, sha256=sha256).order_by("pk")
    there = dict(same.select_for_update().values_list("pk", "level"))
    lower = [pk for pk, each in there.items() if each < level]
    if lower:
        KnowledgeDocument.objects.filter(pk__in=lower).update(level=level, updated_at=timezone.now())
        Passage.objects.filter(document__in=lower, level__lt=level).update(level=level)
        return f"; its level is now {level}"
    higher = max(there.values(), default=level)
    return f"; its level stays {higher}, which is higher" if higher > level else ""


def _added(project: Project, content: Content, name: str, level: int, language: str) -> KnowledgeDocument:
    if KnowledgeDocument.objects.filter(project=project).count() >= limits().documents:
        raise KnowledgeError("knowledge_full", FULL)
    return KnowledgeDocument.objects.create(
        project=project,
        title=(content.title or Path(name).stem)[: reading.TITLE_MAX_CHARS],
        source=name[-1_000:],
        media_type=content.media_type,
        language=language,
        level=level,
        sha256=content.sha256,
        bytes=content.bytes,
        pages=[list(each) for each in content.pages],
        text=content.text,
    )


def _index(document: KnowledgeDocument) -> None:
    with transaction.atomic():
        locked = KnowledgeDocument.objects.select_for_update().defer("text", "pages").get(pk=document.pk)
        generation = begin(locked)
    try:
        asyncio.run(_whole(document.pk, generation))
    except IndexingFailed as error:
        fail(document.pk, error.code, str(error))
        raise


async def _whole(id: UUID, generation: int) -> None:
    async for _ in index(id, generation):
        pass
