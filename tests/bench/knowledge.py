"""`python -m tests.bench.knowledge`: how well a project's knowledge is found, and how quickly. --quick: how well alone.

The set is what the installed packages say of themselves: docstrings of the standard library, Django and the REST
framework, of each the name and all but its first sentence. The question is that sentence, which is taken out. So the
words of a question are mostly others than those of its answer, as in a FAQ. Two figures come out:

- recall@5 of 205 questions in 1,000 documents, by words alone, and with vectors of two kinds. Those made of letters
  (tests/embeddings.py) show what a second list brings. The others are scripted: a question's lies as near to its
  answer's as lets vectors alone find about 0.94, as a small model does. They say nothing of a model and all of us: how
  much of what its vectors know is left after sign bits, nearest 200 and taking turns with words. `--embeddings URL
  --model NAME` asks a server that has a real one.
- the time of a search in 100,000 passages of which a person sees 1,000.

TEST_PROFILE=scaled asks PostgreSQL. It makes and removes a database of its own.
"""

import argparse
import ast
import asyncio
import importlib.util
import math
import operator
import pathlib
import random
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests import environment

PACKAGES = ("asyncio", "collections", "concurrent", "ctypes", "django", "email", "http", "json", "logging")
PACKAGES += ("multiprocessing", "rest_framework", "unittest", "urllib", "xml")
MODULES = ("argparse", "ast", "calendar", "configparser", "csv", "datetime", "decimal", "difflib", "doctest")
MODULES += ("enum", "fractions", "ftplib", "functools", "gettext", "gzip", "heapq", "imaplib", "inspect", "ipaddress")
MODULES += ("locale", "mailbox", "mimetypes", "optparse", "pathlib", "pickle", "platform", "pprint", "random")
MODULES += ("sched", "selectors", "shelve", "shlex", "shutil", "smtplib", "socket", "ssl", "statistics", "string")
MODULES += ("subprocess", "tarfile", "tempfile", "textwrap", "threading", "tokenize", "traceback", "turtle", "types")
MODULES += ("typing", "uuid", "warnings", "weakref", "webbrowser", "zipfile")
FIRST = re.compile(r"\s*(.{25,200}?[.!?])\s+(?=\S)(.*)", re.DOTALL)
DESCRIBED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
LEAST, MOST = 200, 1_500  # characters of an answer
DOCUMENTS, QUESTIONS, SEEN, ALL = 1_000, 205, 1_000, 100_000
BATCH = 500
DIMENSIONS, NEARNESS = 384, (0.07, 0.9)  # the cosine of a question's vector and its answer's


@dataclass(frozen=True)
class Case:
    """A document, and what is asked of it."""

    name: str
    question: str
    text: str


def cases(most: int = DOCUMENTS) -> list[Case]:
    """The set: the same in every run with the same packages."""
    found = {each.text: each for module, path in _files() for each in _of(module, path)}
    several = sorted(found.values(), key=lambda each: each.name)
    random.Random(1).shuffle(several)
    return several[:most]


def _files() -> Iterator[tuple[str, pathlib.Path]]:
    """The sources, each with its module's name. They are read and not imported."""
    for name in sorted((*MODULES, *PACKAGES)):
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None, name
        path = pathlib.Path(spec.origin)
        if name in MODULES:
            yield name, path
            continue
        for each in sorted(path.parent.rglob("*.py")):
            yield ".".join((name, *each.relative_to(path.parent).with_suffix("").parts)), each


def _of(module: str, path: pathlib.Path) -> Iterator[Case]:
    for thing in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(thing, DESCRIBED):
            yield from _case(f"{module}.{thing.name}", thing)
            for inner in thing.body if isinstance(thing, ast.ClassDef) else ():
                if isinstance(inner, DESCRIBED):
                    yield from _case(f"{module}.{thing.name}.{inner.name}", inner)


def _case(name: str, thing: Any) -> Iterator[Case]:
    parts = FIRST.fullmatch(ast.get_docstring(thing) or "")
    if parts and LEAST <= len(parts[2]) <= MOST:
        first = f"{parts[1][0].lower()}{parts[1][1:].rstrip('.!?')}"
        yield Case(name, f"How does it {first}?", f"# {name}\n\n{parts[2]}")


def fill(project: Any, some: list[Case]) -> None:
    """Each as a document of one passage, stored as indexing does."""
    from tools.knowledge import embedding

    vectors: list[Any] = [None] * len(some)
    if embedding.is_on():
        vectors = asyncio.run(embedding.embedded([each.text for each in some]))
    for first in range(0, len(some), BATCH):
        _store(project, some[first : first + BATCH], vectors[first : first + BATCH])


def _store(project: Any, some: list[Case], vectors: list[Any]) -> None:
    from django.db import transaction

    from tools.knowledge.indexing import Piece, _row
    from tools.models import KnowledgeDocument, Passage

    with transaction.atomic():
        documents = KnowledgeDocument.objects.bulk_create(
            KnowledgeDocument(project=project, title=each.name, media_type="text/markdown", language="en",
                              state="ready", text=each.text, generation=1, begun=1, passages=1) for each in some
        )  # fmt: skip
        pieces = [Piece(0, len(each.text), each.name, each.text, None) for each in some]
        rows = zip(documents, pieces, vectors, strict=True)
        Passage.objects.bulk_create(_row(document, 1, 0, piece, vector) for document, piece, vector in rows)


def recall(project: Any, some: list[Case], at: int = 5) -> float:
    """The share of the questions whose document is among the first so many."""
    from tools.knowledge.searching import search

    hits = [each.name in {found.title for found in search(project.pk, each.question, 3, at)} for each in some]
    return sum(hits) / len(hits)


def scripted(some: list[Case], asked: list[Case]) -> dict[str, list[float]]:
    """A vector of each document, in any direction, and of each question: somewhere between its answer's and any."""
    chance = random.Random(4)
    made = {each.text: _unit([chance.gauss(0, 1) for _ in range(DIMENSIONS)]) for each in some}
    for each in asked:
        near, noise = chance.uniform(*NEARNESS), _unit([chance.gauss(0, 1) for _ in range(DIMENSIONS)])
        far = math.sqrt(1 - near**2)
        made[each.question] = [near * a + far * b for a, b in zip(made[each.text], noise, strict=True)]
    return made


def _unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [each / length for each in vector]


def _product(one: list[float], other: list[float]) -> float:
    return sum(map(operator.mul, one, other))


def found_by_vectors(vectors: dict[str, list[float]], some: list[Case], asked: list[Case], at: int = 5) -> float:
    """The share of the questions that have fewer than so many documents nearer than their own, all compared exactly."""
    found = 0
    for each in asked:
        question = vectors[each.question]
        own = _product(question, vectors[each.text])
        found += sum(_product(question, vectors[other.text]) > own for other in some) < at
    return found / len(asked)


def times(project: Any, some: list[Case]) -> tuple[float, float]:
    """Median and 95th percentile of a search, in milliseconds."""
    from tools.knowledge.searching import search

    taken = []
    for each in some:
        began = time.perf_counter()
        search(project.pk, each.question, 3, 8)
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def many(some: list[Case], count: int) -> list[Case]:
    """So many documents, their sentences taken from those of the set."""
    chance = random.Random(2)
    sentences = [part for each in some for part in re.split(r"(?<=[.!?])\s+", each.text.partition("\n\n")[2]) if part]
    return [Case(f"made.{n}", "", f"# made.{n}\n\n" + " ".join(chance.choices(sentences, k=8))) for n in range(count)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="without the 100,000 passages")
    parser.add_argument("--embeddings", metavar="URL", help="as in EMBEDDINGS_BASE_URL: a server with a model")
    parser.add_argument("--model", default="", help="its name there")
    wanted = parser.parse_args()
    environment.prepare()
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection, connections
    from django.test.runner import DiscoverRunner

    if settings.IS_SQLITE:
        connections["default"].settings_dict["TEST"]["NAME"] = str(settings.PARLEY_DATA / "bench.sqlite3")
    runner = DiscoverRunner(interactive=False, verbosity=0)
    made = runner.setup_databases()
    try:
        print(f"database: {connection.vendor}")
        _measure(settings, wanted)
    finally:
        runner.teardown_databases(made)
        environment.clean()


def _measure(settings: Any, wanted: argparse.Namespace) -> None:
    from accounts.models import Organization, Project
    from tests.embeddings import Embeddings

    organization = Organization.objects.create(name="Bench")
    names = ("words", "vectors", "large", "scripted")
    projects = [Project.objects.create(organization=organization, name=each) for each in names]
    some = cases()
    asked = random.Random(3).sample(some, QUESTIONS)
    print(f"{len(some)} documents, {len(asked)} questions, such as: {asked[0].question}")
    fill(projects[0], some)
    print(f"recall@5 by words: {recall(projects[0], asked):.2f}")
    server = Embeddings()
    own = {"EMBEDDINGS_BASE_URL": wanted.embeddings, "EMBEDDINGS_MODEL": wanted.model, "EMBEDDINGS_KEY": "none"}
    for name, value in (own if wanted.embeddings else server.settings).items():
        setattr(settings, name, value)
    fill(projects[1], some)
    print(f"recall@5 with vectors of {settings.EMBEDDINGS_MODEL}: {recall(projects[1], asked):.2f}")
    if not wanted.embeddings:
        server.scripted = scripted(some, asked)
        fill(projects[3], some)
        alone = found_by_vectors(server.scripted, some, asked)
        print(f"recall@5 with scripted vectors: {recall(projects[3], asked):.2f}, of themselves {alone:.2f}")
        server.scripted = {}
    if not wanted.quick:
        _large(projects[2], projects[0], projects[1], some, asked, settings)
    server.close()


def _large(large: Any, words: Any, vectors: Any, some: list[Case], asked: list[Case], settings: Any) -> None:
    from django.db import connection

    model, settings.EMBEDDINGS_MODEL = settings.EMBEDDINGS_MODEL, ""
    began = time.perf_counter()
    fill(large, many(some, ALL - 2 * SEEN))
    print(f"{ALL} passages, {time.perf_counter() - began:.0f} s to store {ALL - 2 * SEEN} of them")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE tools_passage")
    print("words: median {:.0f} ms, p95 {:.0f} ms".format(*times(words, asked)))
    settings.EMBEDDINGS_MODEL = model
    print("with vectors: median {:.0f} ms, p95 {:.0f} ms".format(*times(vectors, asked)))


if __name__ == "__main__":
    main()
