"""Searching a project's knowledge: by words and, where there are vectors, by meaning; never above a level.

Project and level are conditions of the search itself, in every statement. Looked at afterwards, a search of many
passages of which one sees few would come back with next to nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.db import connection
from django.db.models import F, QuerySet

from accounts.db import db
from tools.knowledge import embedding, searchable
from tools.knowledge.vectors import Vector, nearest, roughly_nearest, signs
from tools.knowledge.words import INDEX
from tools.models import KnowledgeDocument, Passage

LIMIT, MOST = 8, 50  # passages in an answer, unless told; at most
DEEP = 50  # of each list that are looked at
CANDIDATES = 200  # of PostgreSQL's that are ranked by how rare their words are


@dataclass(frozen=True)
class Found:
    """A passage that was found. The score says its place and nothing of what else there is: 1, 1/2, 1/3 ..."""

    id: int
    document: UUID
    title: str
    path: str  # the headings that it stands under
    text: str
    level: int
    score: float
    page: int | None
    source: str = ""  # of its document: where that comes from
    start: int = 0  # in its document's text
    end: int = 0


@dataclass(frozen=True)
class Searched:
    """What was found, the best first. `degraded`: by words alone, since the server of the embeddings is away."""

    results: list[Found]
    degraded: bool = False


def search(project_id: UUID, query: str, most_level: int, limit: int = LIMIT) -> list[Found]:
    """The passages of this level and below that fit the question best, the best first. Sync.

    The caller has looked at who may read up to which level (tools.knowledge.levels).
    """
    return searched(project_id, query, most_level, limit).results


def searched(project_id: UUID, query: str, most_level: int, limit: int = LIMIT) -> Searched:
    """The same, and whether it is degraded. Sync."""
    vector: Vector | None = async_to_sync(_vector_of)(query)
    return _searched(project_id, query, most_level, limit, vector)


async def find(project_id: UUID, query: str, most_level: int, limit: int = LIMIT) -> Searched:
    """The same on the event loop: no thread waits for the server of the embeddings."""
    vector = await _vector_of(query)
    return await db(_searched, project_id, query, most_level, limit, vector)


def has_passages(project_id: UUID) -> bool:
    """Whether there is a document that can be searched, of whatever level. Sync, one query."""
    return KnowledgeDocument.objects.filter(project=project_id).searchable().exists()


async def _vector_of(query: str) -> Vector | None:
    """The question's vector, if there is one to be had; nothing is asked for a question without a word."""
    if not embedding.is_on() or not searchable.words_of(query):
        return None
    return await embedding.question_embedded(query[: searchable.MOST_CHARS])


def _searched(project_id: UUID, query: str, most_level: int, limit: int, vector: Vector | None) -> Searched:
    by_words = _by_words(project_id, query, most_level)
    near = _by_vector(project_id, vector, most_level) if vector is not None else []
    results = _told(in_turn(near, by_words)[: min(limit, MOST)], most_level)
    return Searched(results, degraded=embedding.is_on() and vector is None)


def in_turn(*lists: Sequence[int]) -> list[int]:
    """The best of the first list, the best of the second, the next of the first, and so on, each once."""
    every = chain.from_iterable(zip_longest(*lists))
    return list(dict.fromkeys(each for each in every if each is not None))


def _by_words(project_id: UUID, query: str, most_level: int) -> list[int]:
    words = searchable.words_of(query)
    if not words:
        return []
    if connection.vendor == "sqlite":
        sql, asked = _fts5(words, project_id, most_level)
    else:
        sql, asked = _tsquery(words, _configs(project_id, most_level), project_id, most_level), None
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        return [id for (id,) in cursor.fetchall()]


_WITHIN = """
    JOIN tools_knowledgedocument AS document
      ON document.id = passage.document_id AND document.generation = passage.generation
    WHERE {matches} AND passage.project_id = %s AND passage.level <= %s AND document.level <= %s
    ORDER BY {rank}, passage.id LIMIT %s
"""
# PostgreSQL ranks a word that all passages have as high as one that only the right one has. So those that it takes for
# the best are ranked again, and each word counts for more the fewer of them have it. What one does not see counts for
# nothing.
_BY_RARITY = """
    WITH word AS ({words}), near AS ({candidates}),
    hit AS (
        SELECT near.id, word.word, ts_rank(near.words, word.word, 1) AS rank
        FROM near JOIN word ON near.words @@ word.word
    ),
    known AS (
        SELECT word, ln(1 + ((SELECT count(*) FROM near) - count(*) + 0.5) / (count(*) + 0.5)) AS rarity
        FROM hit GROUP BY word
    )
    SELECT hit.id FROM hit JOIN known USING (word) GROUP BY hit.id ORDER BY sum(rank * rarity) DESC, hit.id LIMIT %s
"""


def _fts5(words: list[str], project_id: UUID, most_level: int) -> tuple[str, list[Any]]:
    within = _WITHIN.format(matches=f"{INDEX} MATCH %s", rank=f"bm25({INDEX}, 1.0, 0.0)")
    sql = f"SELECT passage.id FROM {INDEX} JOIN tools_passage AS passage ON passage.id = {INDEX}.rowid {within}"
    return sql, [searchable.fts5_query(words, project_id.hex), project_id.hex, most_level, most_level, DEEP]


def _tsquery(words: list[str], configs: list[str], project_id: UUID, most_level: int) -> str:
    """In each of the project's languages, as the passages were indexed.

    With its values in it, so that it is planned for them: a plan that is kept takes any words to be rare.
    """
    each_word = " UNION ".join("SELECT to_tsquery(%s::regconfig, unnest(%s::text[])) AS word" for _ in configs)
    any_word = " || ".join("to_tsquery(%s::regconfig, %s)" for _ in configs)
    within = _WITHIN.format(matches="passage.words @@ question", rank="ts_rank(passage.words, question, 1) DESC")
    candidates = f"SELECT passage.id, passage.words FROM (SELECT {any_word} AS question) AS asked CROSS JOIN "
    candidates += f"tools_passage AS passage {within}"
    asked: list[Any] = []
    for told in ([searchable.tsquery([word]) for word in words], searchable.tsquery(words)):
        asked += chain.from_iterable((config, told) for config in configs)
    asked += [project_id, most_level, most_level, CANDIDATES, DEEP]
    operations: Any = connection.ops
    return str(operations.compose_sql(_BY_RARITY.format(words=each_word, candidates=candidates), asked))


def _configs(project_id: UUID, most_level: int) -> list[str]:
    rows = KnowledgeDocument.objects.filter(project=project_id).up_to(most_level)
    languages = rows.order_by().values_list("language", flat=True).distinct()
    return sorted({searchable.config_of(each) for each in languages} or {searchable.SIMPLE})


def _by_vector(project_id: UUID, vector: Vector, most_level: int) -> list[int]:
    visible = _visible(most_level).filter(project=project_id, model=embedding.model())
    rows: Iterator[tuple[int, Any]] = visible.order_by().values_list("id", "bits").iterator(chunk_size=2_000)
    near = roughly_nearest(rows, signs(vector))
    return nearest(Passage.objects.filter(pk__in=near).values_list("id", "vector"), vector, DEEP)


def _visible(most_level: int) -> QuerySet[Passage]:
    """Those up to the level that are found: of their document's generation."""
    return Passage.objects.filter(
        level__lte=most_level, document__level__lte=most_level, document__generation=F("generation")
    )


def _told(ids: list[int], most_level: int) -> list[Found]:
    """What is said of each. Looked at once more: what has gone up or away meanwhile is not."""
    rows = _visible(most_level).filter(pk__in=ids).select_related("document")
    rows = rows.defer("search", "vector", "bits", "document__text", "document__pages")
    found = {row.pk: row for row in rows}
    return [_one(found[id], place) for place, id in enumerate((id for id in ids if id in found), 1)]


def _one(row: Passage, place: int) -> Found:
    document = row.document
    return Found(
        id=row.pk,
        document=document.pk,
        title=document.title,
        path=row.path,
        text=row.text,
        level=document.level,
        score=round(1 / place, 4),
        page=row.page,
        source=document.source,
        start=row.start,
        end=row.end,
    )
