"""Indexing a document: its text is cut, embedded where there is a server for it, and stored batch by batch.

Each indexing has a generation of its own, given by `begin`. Its passages are found from the moment when all of them are
there; until then those of the generation before are. Whoever goes on behind a process that died finds the batches
that it has stored. It is work of a run, and of the command that imports: neither is known here.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from accounts.db import db
from tools.errors import ParsingError
from tools.knowledge import embedding
from tools.knowledge.cutting import PAGE_END
from tools.knowledge.errors import FULL, EmbeddingsFailed, IndexingFailed
from tools.knowledge.limits import limits
from tools.knowledge.reading import HEADED
from tools.knowledge.searchable import searchable
from tools.knowledge.vectors import Vector, packed, signs
from tools.models import KnowledgeDocument, KnowledgeState, Passage
from tools.parsing.process import parse

BATCH = 200  # passages in a transaction
TRIES, PAUSE_S = 3, 2.0  # of a batch's embeddings, where the server is away
PATH_MAX_CHARS = 500
HEADING_MAX_CHARS = 150
CUT_CPU_S = 30
GONE = IndexingFailed("document_gone", "The document was deleted meanwhile.")


@dataclass(frozen=True)
class Step:
    """How far it is, in hundredths: how many passages a document has is told to nobody who may not read it."""

    done: int
    total: int = 100


@dataclass(frozen=True)
class Asked:
    """A document to be indexed, as it was when that began."""

    id: UUID
    project_id: UUID
    text: str
    media_type: str
    pages: list[list[int]]


@dataclass(frozen=True)
class Piece:
    """A passage before it is stored."""

    start: int
    end: int
    path: str
    text: str
    page: int | None


def begin(document: KnowledgeDocument) -> int:
    """The generation of a new indexing of the document, whose row is locked by the caller's transaction."""
    document.begun += 1
    document.state = KnowledgeState.PENDING
    document.save(update_fields=["begun", "state", "updated_at"])
    return document.begun


def retitle(id: UUID) -> None:
    """Let its passages be found by the title that it has now. Those that are stored meanwhile have it already.

    A batch in a transaction: SQLite has one writer. What dies in between is mended by asking again.
    """
    there = list(Passage.objects.filter(document=id).order_by("pk").values_list("pk", flat=True))
    for first in range(0, len(there), BATCH):
        _retitle_some(id, there[first : first + BATCH])


@transaction.atomic
def _retitle_some(id: UUID, passages: list[int]) -> None:
    document = KnowledgeDocument.objects.select_for_update().only("title").filter(pk=id).first()
    if document is None:
        return
    some = list(Passage.objects.filter(pk__in=passages).only("path", "text"))
    for each in some:
        each.search = _search(document.title, each.path, each.text)
    Passage.objects.bulk_update(some, ["search"])


async def index(id: UUID, generation: int) -> AsyncGenerator[Step, None]:
    """Index the document as this generation, from where it stands. Raises IndexingFailed."""
    asked = await db(_asked, id, generation)
    if asked is None:  # another process has come to the end, and died before it could say so
        await _clear(id)
        return
    await _clear(id)
    pieces = await _pieces(asked)
    await db(_check_room, asked, len(pieces))
    done = await db(_stored, id, generation, pieces)
    yield Step(100 * done // len(pieces))
    while done < len(pieces):
        batch = pieces[done : done + BATCH]
        vectors = await _vectors([each.text for each in batch])
        await db(_store, id, generation, done, batch, vectors)
        done += len(batch)
        yield Step(100 * done // len(pieces))
    await db(_finish, id, generation, len(pieces))
    await _clear(id)


def fail(id: UUID, code: str, message: str) -> None:
    """Write down why the newest indexing came to nothing. What was found before is found as before."""
    rows = KnowledgeDocument.objects.filter(pk=id).exclude(state=KnowledgeState.READY)
    error = {"code": code, "message": message}
    rows.filter(generation=0).update(state=KnowledgeState.FAILED, error=error)
    rows.exclude(generation=0).update(state=KnowledgeState.READY, error=error)


def _asked(id: UUID, generation: int) -> Asked | None:
    """The document; None where this generation is found already. Raises IndexingFailed where it is gone."""
    row = KnowledgeDocument.objects.filter(pk=id).first()
    if row is None or row.begun != generation:
        raise GONE
    if row.generation == generation:
        return None
    KnowledgeDocument.objects.filter(pk=id).update(state=KnowledgeState.INDEXING)
    return Asked(row.pk, row.project_id, row.text, row.media_type, row.pages)


async def _pieces(asked: Asked) -> list[Piece]:
    """The document in passages. Raises IndexingFailed."""
    is_headed = asked.media_type in HEADED
    parser = "passages_markdown" if is_headed else "passages_plain"
    data = (asked.text if is_headed else _paged(asked)).encode()
    try:
        try:
            cuts = await parse(parser, data, cpu_s=CUT_CPU_S)
        except ParsingError:  # Markdown that takes too long to be read is a text like any other
            cuts = await parse("passages_plain", data, cpu_s=CUT_CPU_S)
    except ParsingError as error:
        raise IndexingFailed("document_unreadable", str(error)) from error
    if len(cuts) > limits().passages:
        told = f"The document makes more than {limits().passages} passages. Divide it."
        raise IndexingFailed("document_too_large", told)
    return await asyncio.to_thread(_made, asked, cuts)


def _paged(asked: Asked) -> str:
    """The text with a form feed for the line end before each page: no passage lies in two of them."""
    text = list(asked.text) if asked.pages else []
    for start, _ in asked.pages:
        if start:
            text[start - 1] = PAGE_END
    return "".join(text) or asked.text


def _made(asked: Asked, cuts: list[Any]) -> list[Piece]:
    made, page, pages = [], None, list(asked.pages)
    for start, end, headings in cuts:
        while pages and pages[0][0] <= start:
            page = pages.pop(0)[1]
        path = " › ".join(_heading(asked.text[first:last]) for first, last in headings)
        made.append(Piece(start, end, path[:PATH_MAX_CHARS], asked.text[start:end], page))
    return made


def _heading(text: str) -> str:
    """A heading without its marks."""
    return text.strip().partition("\n")[0].strip("# \t").replace("`", "").replace("*", "")[:HEADING_MAX_CHARS]


def _check_room(asked: Asked, count: int) -> None:
    """Raise IndexingFailed where the project has as many passages as it may."""
    others = KnowledgeDocument.objects.filter(project=asked.project_id).exclude(pk=asked.id)
    there = others.aggregate(all=Sum("passages"))["all"] or 0
    if there + count > limits().project_passages:
        raise IndexingFailed("knowledge_full", FULL)


@transaction.atomic
def _stored(id: UUID, generation: int, pieces: list[Piece]) -> int:
    """How many passages of it are stored. Those that another version cut in another way are removed."""
    rows = Passage.objects.filter(document=id, generation=generation).order_by("position")
    there = list(rows.values_list("start", "end", "model"))
    wanted = [(each.start, each.end, embedding.model()) for each in pieces[: len(there)]]
    if there == wanted:
        return len(there)
    rows.delete()
    return 0


async def _vectors(texts: list[str]) -> Sequence[Vector | None]:
    """The texts' vectors; none where there is no server for it. Raises IndexingFailed."""
    if not embedding.is_on():
        return [None] * len(texts)
    for left in reversed(range(TRIES)):
        try:
            return await embedding.embedded(texts)
        except EmbeddingsFailed as error:
            if not left or not error.is_retryable:
                raise IndexingFailed("embeddings_failed", str(error), is_retryable=error.is_retryable) from error
        await asyncio.sleep(PAUSE_S)
    raise AssertionError("the last try gives or raises")


@transaction.atomic
def _store(id: UUID, generation: int, first: int, batch: list[Piece], vectors: Sequence[Vector | None]) -> None:
    """Store a batch. The document is locked, so that its level is that of each passage. Raises IndexingFailed."""
    document = _locked(id, generation)
    rows = [
        _row(document, generation, position, piece, vector)
        for position, (piece, vector) in enumerate(zip(batch, vectors, strict=True), first)
    ]
    Passage.objects.bulk_create(rows)


def _row(document: KnowledgeDocument, generation: int, position: int, piece: Piece, vector: Vector | None) -> Passage:
    return Passage(
        document=document,
        project_id=document.project_id,
        level=document.level,
        language=document.language,
        generation=generation,
        position=position,
        start=piece.start,
        end=piece.end,
        page=piece.page,
        path=piece.path,
        text=piece.text,
        search=_search(document.title, piece.path, piece.text),
        model=embedding.model() if vector is not None else "",
        bits=signs(vector) if vector is not None else None,
        vector=packed(vector) if vector is not None else None,
    )


def _search(title: str, path: str, text: str) -> str:
    """What a passage is found by. Each has the title's words: a question may name the document and no heading of it.

    Not those that the headings have: a word that stands there twice weighs more, and others are found less.
    """
    headings = searchable(path)
    there = set(headings.split())
    named = (each for each in searchable(title).split() if each not in there)
    return " ".join(each for each in (*named, headings, searchable(text)) if each)


@transaction.atomic
def _finish(id: UUID, generation: int, count: int) -> None:
    """From now on these are found. Raises IndexingFailed."""
    document = _locked(id, generation)
    document.generation, document.passages = generation, count
    document.state, document.error = KnowledgeState.READY, None
    document.embedded_by = embedding.model()
    document.save(update_fields=["generation", "passages", "state", "error", "embedded_by", "updated_at"])


def _locked(id: UUID, generation: int) -> KnowledgeDocument:
    rows = KnowledgeDocument.objects.select_for_update().defer("text", "pages")
    found = rows.filter(pk=id, begun=generation).first()
    if found is None:
        raise GONE
    return found


async def _clear(id: UUID) -> None:
    """Remove what is neither found nor being made, a batch at a time."""
    while await db(_clear_some, id):
        pass


def _clear_some(id: UUID) -> bool:
    row = KnowledgeDocument.objects.filter(pk=id).values_list("generation", "begun").first()
    if row is None:
        return False
    left = Passage.objects.filter(document=id).exclude(generation__in=row)
    some = list(left.values_list("pk", flat=True)[:BATCH])
    Passage.objects.filter(pk__in=some).delete()
    return bool(some)
