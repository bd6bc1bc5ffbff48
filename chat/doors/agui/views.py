"""The AG-UI door: one POST runs the agent on a thread and streams it. Its dialect is chat.doors.agui.dialect."""

from django.http import HttpRequest, HttpResponseBase

from accounts.authentication import authenticate
from accounts.errors import Conflict
from accounts.http.parsing import read_json
from accounts.models import User
from chat.doors import starting
from chat.doors.agui import dialect as agui
from chat.doors.answering import answered, patiently
from chat.doors.base import Encoder
from chat.doors.client_tools import only_awaited
from chat.doors.errors import in_words
from chat.doors.reading import Reader, streamed
from chat.doors.views import door
from chat.models import Chat, Run
from chat.run_request import RunRequest
from chat.services.runs import start_run


@door("POST", starts_runs=True)
async def run(request: HttpRequest) -> HttpResponseBase:
    """Store what is new in the messages, run the agent, and stream the run."""
    reader, encoder = await patiently(_start, request)
    return await streamed(request, reader, encoder)


def _start(request: HttpRequest) -> tuple[Reader, Encoder]:
    user = authenticate(request)
    body = read_json(request)
    if answers := agui.answers(body):
        chat = starting.known_chat(user, agui.NAME, agui.thread_of(body))
        found = answered(request, user, chat, answers, agui.about(body))
        if found is None:
            raise Conflict("Nothing in this thread waits for these answers.", code="not_waiting")
        return found.reader, found.encoder(agui.Encoder)
    asked, thread, project = agui.parse(body), agui.thread_of(body), agui.project_of(body)

    def begin() -> Run:
        inside = starting.named_project(user, project)

        def make() -> Chat:
            return starting.make_chat(user, door=agui.NAME, project=inside, is_listed=True)

        return _begin(user, starting.named_chat(user, agui.NAME, thread, make), asked)

    with in_words(agui.WORDS):
        _, reader = starting.start_by(request, user, begin)
    return reader, agui.Encoder(reader.info)


def _begin(user: User, chat: Chat, asked: RunRequest) -> Run:
    return start_run(user=user, chat=chat, ask=only_awaited(chat, asked))
