"""A project's files and knowledge for agents elsewhere: by the tools that agents have here, and by services."""

from typing import Any
from uuid import UUID

from django.conf import settings

from accounts.db import db
from accounts.errors import Invalid, RequestError
from accounts.models import User
from chat.access import get_chat
from chat.doors.mcp.arguments import CHAT, PROJECT, Arguments, id_of, optional_id
from chat.doors.mcp.dialect.results import piece
from chat.services import knowledge
from chat.services.changes import diff_json, diff_of, repository_of, told
from tools.base import Tool, ToolContext
from tools.capabilities import REPOSITORY
from tools.executor import execute
from tools.git.repository import Repository
from tools.knowledge.searching import find
from tools.knowledge.tool import fitting

QUERY_MAX_CHARS = 1_000
PASSAGES, PASSAGES_MAX = 8, 20
PLACES = ("chat", "project")
NO_RUN = UUID(int=0)  # these only read: nothing that they do carries the name of a run


class NotDone(RequestError):
    """A tool said why it did not do it."""

    code = "not_done"


def schema_of(tool: Tool) -> dict[str, Any]:
    """The tool's own arguments, and where: it is one of the two."""
    places = {"chat": CHAT, "project": PROJECT}
    return {**tool.schema, "properties": {**places, **tool.schema["properties"]}}


async def call(tool: Tool, user: User, arguments: Arguments) -> Any:
    """What the tool gives, with the person's rights. Raises NotDone, with its sentence, where it gives nothing."""
    context = await db(_context, user, arguments)
    own = {name: value for name, value in arguments.items() if name not in PLACES}
    done = await execute(tool, context, own)
    if done.error is not None:
        raise NotDone(done.error)
    return done.result


async def search_knowledge(user: User, arguments: Arguments) -> dict[str, Any]:
    """The passages that fit best, of documents up to the person's level."""
    place = await db(knowledge.place_of, user, id_of(arguments, "project"))
    found = await find(place.project.pk, arguments["query"], place.level, arguments.get("limit", PASSAGES))
    passages = [
        {"title": each.title, "path": each.path, "page": each.page, "source": each.source, "text": each.text}
        for each in fitting(found.results)
    ]
    return {"passages": passages, "degraded": found.degraded}


def get_diff(user: User, arguments: Arguments) -> dict[str, Any]:
    """What a chat changed, its patch as long as there is room for."""
    diff = diff_json(diff_of(get_chat(user, id_of(arguments, "chat")), arguments.get("path", "")))
    patch, more = piece(diff["diff"], settings.MCP_RESULT_MAX_CHARS)
    files = [{name: value for name, value in each.items() if name != "patch"} for each in diff["files"]]
    return {**diff, "files": files, "diff": patch, "truncated": diff["truncated"] or more is not None}


def _context(user: User, arguments: Arguments) -> ToolContext:
    if sum(arguments.get(name) is not None for name in PLACES) != 1:
        raise Invalid("Expected either `chat` or `project`.", fields={"chat": ["Expected this or `project`."]})
    chat_id = optional_id(arguments, "chat")
    return _in_chat(user, chat_id) if chat_id else _in_project(user, id_of(arguments, "project"))


def _in_chat(user: User, id: UUID) -> ToolContext:
    chat = get_chat(user, id)
    repository_of(chat)  # raises Conflict for a chat of no project
    return _reading(user, chat.organization_id, chat.project_id, chat.branch_name(), chat_id=chat.pk)


def _in_project(user: User, id: UUID) -> ToolContext:
    project = knowledge.place_of(user, id).project
    with told():
        branch = Repository(project.pk).default_branch()
    return _reading(user, project.organization_id, project.pk, branch, chat_id=None)


def _reading(user: User, organization: UUID, project: UUID | None, branch: str, *, chat_id: UUID | None) -> ToolContext:
    """A context in which only what reads can be done."""
    return ToolContext(
        user_id=user.pk,
        organization_id=organization,
        project_id=project,
        chat_id=chat_id,
        run_id=NO_RUN,
        branch=branch,
        author_name="",
        author_email="",
        permissions=frozenset({"read"}),
        capabilities=frozenset({REPOSITORY}),
        on_behalf="viewer",
    )
