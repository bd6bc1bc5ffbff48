"""REST for chats, messages, runs, models and archetypes. Runs are started, streamed and stopped in chat.stream.

Each view finds its row through chat.access (404 where it is not visible, 403 where the role does not include it), reads
the body or query in its shape, and calls one service.
"""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.models import Organization, Project
from accounts.rest import caller, created, read
from accounts.serializers import PageQuery
from agents import registry
from chat.access import chats_of, get_chat, get_message, get_run
from chat.catalog import models
from chat.drafts import attach_drafts
from chat.models import Chat, ChatShare, Message, Run, Task
from chat.rest import documented, page, shown
from chat.serializers import (
    ArchetypeSerializer,
    BlocksQuery,
    ChatChanges,
    ChatQuery,
    ChatSerializer,
    MessageChanges,
    MessageQuery,
    MessageSerializer,
    ModelNameSerializer,
    NewChat,
    NewFork,
    NewMessage,
    NewShare,
    Nothing,
    RunQuery,
    RunSerializer,
    ShareSerializer,
)
from chat.services import chats, messages, runs


class Chats(APIView):
    """The chats one sees, and new ones."""

    @documented("list_chats", query=ChatQuery, page_of=ChatSerializer)
    def get(self, request: Request) -> Response:
        """List chats: active and archived ones unless `status` says which."""
        query = read(ChatQuery, request.query_params)
        return page(request, _chats(request, query), ChatSerializer, ordering=query["ordering"])

    @documented("create_chat", body=NewChat, answer=ChatSerializer, makes=True)
    def post(self, request: Request) -> Response:
        """Make a chat. What is left out is the installation's default."""
        user = caller(request)
        return created(request, NewChat, ChatSerializer, lambda body: chats.create_chat(user=user, **body))


class OneChat(APIView):
    """One chat."""

    @documented("read_chat", answer=ChatSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a chat."""
        return shown(request, ChatSerializer, get_chat(caller(request), id))

    @documented("change_chat", body=ChatChanges, answer=ChatSerializer)
    def patch(self, request: Request, id: UUID) -> Response:
        """Rename, archive, choose model or archetype; its owner may share it with its project."""
        chat = get_chat(caller(request), id, "write")
        chats.change_chat(user=caller(request), chat=chat, **read(ChatChanges, request.data))
        return shown(request, ChatSerializer, get_chat(caller(request), id))

    @documented("delete_chat", status=204, conflicts=True)
    def delete(self, request: Request, id: UUID) -> Response:
        """Delete one's own chat with everything in it. While a run is open: 409, cancel it first."""
        chats.delete_chat(user=caller(request), chat=get_chat(caller(request), id, "write"))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ChatMessages(APIView):
    """The messages of a chat."""

    @documented("list_messages", query=MessageQuery, page_of=MessageSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List all messages of the tree by position; `parent` says where each hangs."""
        query = read(MessageQuery, request.query_params)
        found = _messages(get_chat(caller(request), id), query)
        return page(request, found, MessageSerializer, ordering=query["ordering"], prepare=attach_drafts)

    @documented("create_message", body=NewMessage, answer=MessageSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Store a message without an answer: `POST /api/chats/{id}/runs` is what starts one."""
        user = caller(request)
        chat = get_chat(user, id, "write")
        return created(
            request,
            NewMessage,
            MessageSerializer,
            lambda body: messages.create_message(user=user, chat=chat, **body),
        )


class ChatFork(APIView):
    """Forking a chat."""

    @documented("fork_chat", body=NewFork, answer=ChatSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Make a private chat of one's own with copies of the messages from the first to this one."""
        user = caller(request)
        chat = get_chat(user, id)
        return created(request, NewFork, ChatSerializer, lambda body: chats.fork_chat(user=user, chat=chat, **body))


class ChatShares(APIView):
    """Who, besides its owner and its project, sees a chat."""

    @documented("list_shares", query=PageQuery, page_of=ShareSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List the people a chat is shared with by name."""
        read(PageQuery, request.query_params)
        found = ChatShare.objects.filter(chat=get_chat(caller(request), id)).select_related("user")
        return page(request, found, ShareSerializer, ordering="created_at")

    @documented("share_chat", body=NewShare, answer=ShareSerializer, makes=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Share one's own chat with a person of its organization, or change what they may do in it."""
        user = caller(request)
        chat = get_chat(user, id, "write")
        return created(
            request,
            NewShare,
            ShareSerializer,
            lambda body: chats.share_chat(user=user, chat=chat, person=body["user"], access=body["access"]),
        )


class OneShare(APIView):
    """One share."""

    @documented("unshare_chat", status=204)
    def delete(self, request: Request, id: UUID, share: UUID) -> Response:
        """Take a share back, or give up one's own."""
        chats.unshare_chat(user=caller(request), chat=get_chat(caller(request), id), share=share)
        return Response(status=status.HTTP_204_NO_CONTENT)


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


class MessageRegenerate(APIView):
    """Answering once more."""

    @documented("regenerate_message", body=Nothing, answer=RunSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Start a run that answers the same message again, beside the answer there is."""
        user = caller(request)
        message = get_message(user, id, "write")
        return created(request, Nothing, RunSerializer, lambda _: runs.regenerate(user=user, message=message))


class Runs(APIView):
    """The runs of the chats one sees."""

    @documented("list_runs", query=RunQuery, page_of=RunSerializer)
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        query = read(RunQuery, request.query_params)
        return page(request, _runs(request, query), RunSerializer, ordering=query["ordering"])


class OneRun(APIView):
    """One run."""

    @documented("read_run", answer=RunSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """Read a run."""
        return shown(request, RunSerializer, get_run(caller(request), id))


class Models(APIView):
    """The models that may be chosen."""

    @documented("list_models", list_of=ModelNameSerializer)
    def get(self, request: Request) -> Response:
        """List the catalog."""
        read(Nothing, request.query_params)
        return Response({"results": ModelNameSerializer(list(models()), many=True).data})


class Archetypes(APIView):
    """The kinds of agents that may be chosen."""

    @documented("list_archetypes", list_of=ArchetypeSerializer)
    def get(self, request: Request) -> Response:
        """List the registered archetypes."""
        read(Nothing, request.query_params)
        found = [ArchetypeSerializer(registry.get(name)).data for name in registry.names()]
        return Response({"results": found})


# --- Filters: each is named here, nothing of a query reaches the ORM by its own name ----------------------------------


def _chats(request: Request, query: dict[str, Any]) -> QuerySet[Chat]:
    """The listed chats that the query asks for. Raises NotFound for a place that one does not see."""
    found = chats_of(caller(request)).filter(is_listed=True)
    if "organization" in query:
        found = found.filter(
            organization=_visible(Organization.objects.visible_to(caller(request)), query["organization"])
        )
    if "project" in query:
        found = found.filter(project=_visible(Project.objects.visible_to(caller(request)), query["project"]))
    if "task" in query:
        found = found.filter(tasks=_visible(Task.objects.visible_to(caller(request)), query["task"]))
    if "status" in query:
        found = found.filter(status=query["status"])
    if "search" in query:
        found = found.filter(title__icontains=query["search"])
    return found


def _messages(chat: Chat, query: dict[str, Any]) -> QuerySet[Message]:
    """The chat's messages that the query asks for."""
    found = Message.objects.filter(chat=chat).select_related("author", "run")
    if "role" in query:
        found = found.filter(role=query["role"])
    if "status" in query:
        found = found.filter(status=query["status"])
    if "search" in query:
        found = found.filter(content__icontains=query["search"])
    return found


def _runs(request: Request, query: dict[str, Any]) -> QuerySet[Run]:
    """The runs that the query asks for. Raises NotFound for a chat that one does not see."""
    found = Run.objects.visible_to(caller(request))
    if "chat" in query:
        found = found.filter(chat=get_chat(caller(request), query["chat"]))
    if "status" in query:
        found = found.filter(status=query["status"])
    if "created_after" in query:
        found = found.filter(created_at__gt=query["created_after"])
    if "created_before" in query:
        found = found.filter(created_at__lt=query["created_before"])
    return found


def _visible(rows: QuerySet[Any], id: UUID) -> Any:
    found = rows.filter(pk=id).first()
    if found is None:
        raise NotFound
    return found
