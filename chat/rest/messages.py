"""REST for messages."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import refuse
from accounts.folding import folded
from accounts.http.fields import Closed
from accounts.http.rest import caller, created, documented, page, read, shown
from agents.options import RunOptions
from chat import money
from chat.access import get_chat, get_message, get_run
from chat.eventlog.drafts import attach_drafts
from chat.feedback import shown as said
from chat.markdown.blocks import fits, for_answer
from chat.metering.answers import WEIGHT
from chat.models import Chat, Message
from chat.rest.serializers import (
    BlocksQuery,
    MessageChanges,
    MessageQuery,
    MessageSerializer,
    NewMessage,
    RunSerializer,
)
from chat.run_request import RunRequest
from chat.services import messages, runs

READ_AT_ONCE = 500
MOST_FOUND = 30_000  # messages: a statement takes no more ids


class ChatMessages(APIView):
    """The messages of a chat."""

    @documented("list_messages", query=MessageQuery, page_of=MessageSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List all messages of the tree by position; `parent` says where each hangs."""
        query = read(MessageQuery, request.query_params)
        found = _messages(get_chat(caller(request), id), query)

        def prepare(messages: list[Message]) -> None:
            attach_drafts(messages)
            said.attach(messages, caller(request).pk)

        how: dict[str, Any] = {"ordering": query["ordering"], "prepare": prepare, "weight": WEIGHT}
        with for_answer():
            return page(request, found, MessageSerializer, **how, fits=fits if "blocks" in query else None)

    @documented("create_message", body=NewMessage, answer=MessageSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Store a message without an answer: `POST /api/chats/{id}/runs` is what starts one."""
        user = caller(request)
        chat = get_chat(user, id, "write")
        return created(
            request,
            NewMessage,
            MessageSerializer,
            make=lambda body: messages.create_message(user=user, chat=chat, **body),
            find=lambda id: get_message(user, id),
        )


class OneMessage(APIView):
    """One message."""

    @documented("read_message", query=BlocksQuery, answer=MessageSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a message; one in progress shows what its run has written so far."""
        read(BlocksQuery, request.query_params)
        return shown(request, MessageSerializer, get_message(caller(request), id))

    @documented("edit_message", body=MessageChanges, answer=MessageSerializer, conflicts=True)
    def patch(self, request: Request, id: UUID) -> Response:
        """Edit one's own message in place. While a run answers it: 409."""
        message = get_message(caller(request), id, "write")
        changes = read(MessageChanges, request.data)
        return shown(
            request, MessageSerializer, messages.edit_message(user=caller(request), message=message, **changes)
        )

    @documented("delete_message", answer=MessageSerializer, conflicts=True)
    def delete(self, request: Request, id: UUID) -> Response:
        """Erase a message: text, attachments, log. Its place in the tree stays. While its run is open: 409."""
        message = get_message(caller(request), id, "write")
        return shown(request, MessageSerializer, messages.delete_message(user=caller(request), message=message))


class Cost(serializers.CharField):
    """An amount of money: a text, read as billionths."""

    def to_internal_value(self, data: Any) -> Any:
        """The billionths."""
        nanos = money.nanos_in(data)
        if nanos is None:
            raise serializers.ValidationError(money.EXPECTED)
        return nanos


class Regeneration(Closed):
    """What the run may use in all its turns."""

    max_tokens = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=money.MOST)
    max_cost = Cost(required=False, allow_null=True, help_text='In the installation\'s currency, such as "0.05".')


def _capped(body: dict[str, Any]) -> RunRequest:
    return RunRequest(options=RunOptions(max_tokens=body.get("max_tokens"), max_nanos=body.get("max_cost")))


class MessageRegenerate(APIView):
    """Answering once more."""

    starts_runs = True

    @documented("regenerate_message", body=Regeneration, answer=RunSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Start a run that answers the same message again, beside the answer there is."""
        user = caller(request)
        message = get_message(user, id, "write")
        return created(
            request,
            Regeneration,
            RunSerializer,
            make=lambda body: runs.regenerate(user=user, message=message, ask=_capped(body)),
            find=lambda id: get_run(user, id),
        )


def _messages(chat: Chat, query: dict[str, Any]) -> QuerySet[Message]:
    """The chat's messages that the query asks for."""
    found = Message.objects.filter(chat=chat).select_related("author", "run").prefetch_related("job")
    if "role" in query:
        found = found.filter(role=query["role"])
    if "status" in query:
        found = found.filter(status=query["status"])
    if "search" in query:
        found = found.filter(pk__in=_saying(found, query["search"]))
    return found


def _saying(messages: QuerySet[Message], text: str) -> list[UUID]:
    """The ids of those that have the text. Read and folded here: a chat is short beside what a database holds."""
    wanted, found = folded(text) or text, []
    for pk, content in _contents(messages):
        if wanted in folded(content):
            found.append(pk)
    if len(found) > MOST_FOUND:
        raise refuse("search", f"Expected a text that fewer than {MOST_FOUND:,} messages of the chat have.")
    return found


def _contents(messages: QuerySet[Message]) -> Iterator[tuple[UUID, str]]:
    """The id and text of each, without holding all of them."""
    rows = messages.order_by("position").values_list("pk", "position", "content")
    last = 0
    while some := list(rows.filter(position__gt=last)[:READ_AT_ONCE]):
        yield from ((pk, content) for pk, _, content in some)
        last = some[-1][1]
