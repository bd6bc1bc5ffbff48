"""A project's knowledge: who reads and changes which documents, and the indexing that follows. Sync.

Whoever may read the project reads documents up to their role's level; all others, and their number, are not there for
them. Whoever may write there adds, changes and deletes, also up to that level.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.errors import Conflict, NotFound, RequestError, refuse
from accounts.models import Project, Role, User
from accounts.permissions import Permission, permissions_in, require
from chat.access import find_project
from chat.models import OPEN, Run
from chat.runner.beginning import WorkOrder
from chat.runner.kinds import index
from chat.services.work import start_work
from tools.knowledge import reading, searching
from tools.knowledge.errors import FULL, FileRefused
from tools.knowledge.indexing import begin, retitle
from tools.knowledge.levels import level_in
from tools.knowledge.limits import limits
from tools.knowledge.reading import Content
from tools.knowledge.searching import Searched
from tools.models import KnowledgeDocument, KnowledgeLevel, Passage

HEAVY = ("text", "pages")  # columns that no list needs


class FileTooLarge(RequestError):
    """A file or its text is."""

    status = 413
    code = "file_too_large"


@dataclass(frozen=True)
class Place:
    """A project as one person reads it."""

    user: User
    project: Project
    level: int  # the highest that they read

    @property
    def documents(self) -> QuerySet[KnowledgeDocument]:
        """Those that they read, without what is long."""
        rows = KnowledgeDocument.objects.filter(project=self.project).up_to(self.level)
        return rows.defer(*HEAVY)

    @property
    def may_write(self) -> bool:
        """Whether they may add, change and delete."""
        return "write" in permissions_in(self.user, organization=self.project.organization_id, project=self.project)


@dataclass(frozen=True)
class Begun:
    """A document, and the run that indexes it."""

    document: KnowledgeDocument
    run: UUID


def place_of(user: User, project: UUID, needs: Permission = "read") -> Place:
    """The project, if the user may do this in it. Raises NotFound or NotAllowed."""
    found = find_project(user, project)
    if found is None:
        raise NotFound
    require(permissions_in(user, organization=found.organization_id, project=found), needs)
    return Place(user, found, level_in(user, found))


def document_in(place: Place, id: UUID) -> KnowledgeDocument:
    """The document, if they read it. Raises NotFound."""
    found = place.documents.filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def tell_runs(place: Place, documents: list[KnowledgeDocument]) -> None:
    """Write to each the run that indexes it now, as `run`: one that the person has begun, others they do not see."""
    subjects = [str(each.pk) for each in documents]
    rows = Run.objects.filter(kind=index.NAME, subject__in=subjects, status__in=OPEN, user=place.user)
    found = dict(rows.values_list("subject", "pk"))
    for each in documents:
        each.run = found.get(str(each.pk))


def add_text(place: Place, *, text: str, media_type: str = reading.MARKDOWN, **fields: Any) -> Begun:
    """Add a document that is sent as a text. Raises Invalid, FileTooLarge, Conflict, TooMany."""
    return _add(place, _content(lambda: reading.of_text(text, media_type), "text"), fields)


def add_file(place: Place, *, name: str, data: bytes, **fields: Any) -> Begun:
    """Add a document that is a file, which is read at once. Raises Invalid, FileTooLarge, Conflict, TooMany."""
    content = _content(lambda: reading.of_file(name, data), "file")
    title = fields.get("title") or content.title or name
    return _add(place, content, {"source": name, **fields, "title": title[: reading.TITLE_MAX_CHARS]})


def _content(read: Any, field: str) -> Content:
    try:
        found: Content = read()
    except FileRefused as error:
        if error.code == "file_too_large":
            raise FileTooLarge(str(error), fields={field: [str(error)]}) from error
        raise refuse(field, str(error)) from error
    return found


@transaction.atomic
def _add(place: Place, content: Content, fields: dict[str, Any]) -> Begun:
    fields = {"level": min(KnowledgeLevel.INTERNAL, place.level), **fields}
    _check_level(place, fields)
    if KnowledgeDocument.objects.filter(project=place.project).count() >= limits().documents:
        raise Conflict(FULL, code="knowledge_full")
    document = KnowledgeDocument.objects.create(
        project=place.project,
        media_type=content.media_type,
        sha256=content.sha256,
        bytes=content.bytes,
        pages=[list(each) for each in content.pages],
        text=content.text,
        **fields,
    )
    return _begin(place, document)


@transaction.atomic
def reindex(place: Place, id: UUID) -> Begun:
    """Index it anew; until that is done it is found as it was. Raises NotFound, Conflict, TooMany."""
    return _begin(place, _locked(place, id))


def reindex_by_operator(document: KnowledgeDocument) -> Begun:
    """The same for an operator, who reads none of it: on behalf of whoever had it indexed before, else of an owner.

    Either is somebody who may still write there. Raises NotFound, NotAllowed, Conflict, TooMany.
    """
    project = document.project
    before = Run.objects.filter(kind=index.NAME, subject=str(document.pk)).order_by("-created_at").first()
    owners = User.objects.filter(memberships__organization=project.organization_id, memberships__role=Role.OWNER)
    people = [*([before.user] if before else []), *owners.filter(is_active=True).order_by("pk")]
    places = (Place(each, project, KnowledgeLevel.RESTRICTED) for each in people)
    place = next((each for each in places if each.may_write), None)
    if place is None:
        raise NotFound("There is nobody on whose behalf it could be indexed.")
    return reindex(place, document.pk)


def _begin(place: Place, document: KnowledgeDocument) -> Begun:
    asked = {"document": str(document.pk), "generation": begin(document)}
    order = WorkOrder(user_id=place.user.pk, project=place.project, subject=str(document.pk), asked=asked)
    return Begun(document, start_work(user=place.user, kind=index.NAME, order=order).pk)


def change(place: Place, id: UUID, changes: dict[str, Any]) -> KnowledgeDocument:
    """Change title, level or language. Its passages have level and language from the same moment on, and are found by
    the new title when this comes back. Raises NotFound, Invalid.
    """
    document = _changed(place, id, changes)
    if "title" in changes:
        retitle(document.pk)
    return document


@transaction.atomic
def _changed(place: Place, id: UUID, changes: dict[str, Any]) -> KnowledgeDocument:
    document = _locked(place, id)
    _check_level(place, changes)
    for name, value in changes.items():
        setattr(document, name, value)
    document.save(update_fields=[*changes, "updated_at"])
    repeated = {name: changes[name] for name in ("level", "language") if name in changes}
    if repeated:
        Passage.objects.filter(document=document).update(**repeated)
    return document


@transaction.atomic
def delete(place: Place, id: UUID) -> None:
    """Delete it with its passages, which are found no more from that moment on. Raises NotFound."""
    _locked(place, id).delete()


def search(place: Place, query: str, limit: int) -> Searched:
    """What the person's question finds in the project, up to their level."""
    return searching.searched(place.project.pk, query, place.level, limit)


def _locked(place: Place, id: UUID) -> KnowledgeDocument:
    found = place.documents.select_for_update().filter(pk=id).first()
    if found is None:
        raise NotFound
    return found


def _check_level(place: Place, fields: dict[str, Any]) -> None:
    """Raise Invalid for a level above one's own: the document would be gone for whoever sent it."""
    if fields.get("level", 0) > place.level:
        raise refuse("level", f"Expected a level of at most {place.level}, which is as far as your role reads.")
