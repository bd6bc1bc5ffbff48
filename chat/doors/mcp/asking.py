"""`ask`: an ordinary run. Whoever asked may leave; it goes on. Sync; call it through `db`."""

from django.http import HttpRequest

from accounts.models import User
from chat.access import get_chat
from chat.doors import starting
from chat.doors.mcp.arguments import Arguments, optional_id
from chat.doors.reading import Reader
from chat.models import Chat
from chat.run_request import RunRequest

NAME = "mcp"


def begin(request: HttpRequest, user: User, arguments: Arguments) -> Reader:
    """Start the run, in the chat named or a new one. A new one is in lists: there its person answers what it asks."""
    asked = RunRequest(content=arguments["content"], archetype=arguments.get("archetype"), door=NAME)
    _, reader = starting.start(request, user, lambda: _chat(user, arguments), asked)
    return reader


def _chat(user: User, arguments: Arguments) -> Chat:
    if (id := optional_id(arguments, "chat")) is not None:
        return get_chat(user, id, "write")
    project = starting.named_project(user, optional_id(arguments, "project"))
    return starting.make_chat(user, door=NAME, project=project, is_listed=True)
