"""Chat completions: a request brings the whole conversation, and nothing of it is kept. Its dialect is
chat.doors.openai.completions.dialect.encoder."""

from dataclasses import replace
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import Invalid, RequestError
from accounts.http.parsing import read_json
from agents import events as ev
from agents import tokens
from agents.messages import Image
from chat.doors import starting
from chat.doors.openai import names as openai_models
from chat.doors.openai.completions.dialect import encoder as completions
from chat.doors.openai.completions.dialect import request as completions_request
from chat.doors.openai.errors import error as openai_error
from chat.doors.openai.projects import project_of
from chat.doors.reading import NotYet, Reader, streamed, to_end
from chat.doors.views import door
from chat.doors.whole import whole
from chat.eventlog import rows
from chat.models import Chat, Run
from chat.run_request import Item
from chat.runner import files as files_told
from chat.services import rules


class Failed(RequestError):
    """The run has failed. What can be tried again was: the status is the dialect's."""

    def __init__(self, end: ev.RunFailed) -> None:
        super().__init__(end.message, code=completions.CODES.get(end.code, end.code))
        self.status = completions.STATUSES.get(end.code, 502)


@door("POST", starts_runs=True)
async def create(request: HttpRequest) -> HttpResponseBase:
    """Answer a conversation: in chunks, or whole."""
    reader, is_streamed = await db(_start, request)
    if is_streamed:
        return await streamed(request, reader, completions.Encoder(reader.info))
    try:
        await to_end(reader)
        return await whole(_completion, reader)
    except (Failed, NotYet) as error:
        return _for_good(error)


def _for_good(error: RequestError) -> HttpResponse:
    """An error after the run: OpenAI's clients would send the request again by themselves, and pay for it again."""
    return JsonResponse({"error": openai_error(error)}, status=error.status, headers={"x-should-retry": "false"})


def _start(request: HttpRequest) -> tuple[Reader, bool]:
    user = authenticate(request)
    body = read_json(request)
    asked, is_streamed = completions_request.parse(body), completions_request.wants_stream(body)
    archetype, model = openai_models.resolve(asked.model)
    rules.check_client_tools(archetype, asked.options.tools)
    _check_size(asked.items)
    project = project_of(request, user, asked.model)
    choices: dict[str, Any] = {"archetype": archetype}
    if model is not None:
        choices["model"] = model

    def chat() -> Chat:
        return starting.make_chat(
            user, door=completions.NAME, project=project, lives_s=settings.CHAT_UNSTORED_S, **choices
        )

    _, reader = starting.start(request, user, chat, replace(asked, archetype=archetype, model=model))
    return reader, is_streamed


def _completion(reader: Reader) -> dict[str, Any]:
    """The stored run as the clean view has it: text that was taken back was never shown."""
    encoder = completions.Encoder(reader.info)
    run: Run = reader.run
    for event in rows.read(run.pk):
        encoder.encode(run.attempt, 0, event)
    if encoder.end is None:
        raise NotYet
    if isinstance(encoder.end, ev.RunFailed):
        raise Failed(encoder.end)
    return encoder.completion()


def _check_size(items: tuple[Item, ...]) -> None:
    """Raise Invalid for more than a model gets to read: here nothing may be left out silently."""
    messages, most = settings.CHAT_CONTEXT_MESSAGES, settings.CHAT_CONTEXT_TOKENS
    if len(items) > messages or (len(items) > 1 and sum(map(_tokens, items)) > most):
        told = f"Expected at most {messages} turns and about {most} tokens together: leave out what is oldest."
        raise Invalid(f"messages: {told}", code="context_length_exceeded", fields={"messages": [told]})


def _tokens(item: Item) -> int:
    """About as chat.runner.history counts them."""
    texts = [str(item.content), *(file["content"] for file in item.attachments if file.get("content"))]
    texts += [msgspec.json.encode(part).decode() for part in item.parts if part["type"] != "text"]
    images = [Image(file["url"]) for file in item.attachments if file.get("type") == "image" and file.get("url")]
    files = [each for number, file in enumerate(item.attachments) if (each := files_told.whole(file)) is not None]
    return (
        tokens.MESSAGE_TOKENS
        + sum(map(tokens.of_text, texts))
        + sum(map(tokens.of_image, images))
        + sum(map(tokens.of_file, files))
    )
