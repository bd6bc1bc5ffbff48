"""REST for chats: their shares and forks.

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
from accounts.folding import has
from accounts.http.fields import PageQuery
from accounts.http.rest import caller, created, documented, page, read, shown
from accounts.models import Organization, Project
from chat.access import chats_of, get_chat
from chat.models import Chat, ChatShare, Task
from chat.rest.serializers import ChatChanges, ChatQuery, ChatSerializer, NewChat, NewFork, NewShare, ShareSerializer
from chat.services import chats


class Chats(APIView):
    """The chats one sees, and new ones."""

    @documented("list_chats", query=ChatQuery, page_of=ChatSerializer)
    def get(self, request: Request) -> Response:
        """List chats: active and archived ones unless `status` says which."""
        query = read(ChatQuery, request.query_params)
        return page(request, _chats(request, query), ChatSerializer, ordering=query["ordering"])

    @documented("create_chat", body=NewChat, answer=ChatSerializer, makes=True)
    def post(self, request: Request) -> Response:
        """Make a chat. What is left out is the installation's default.

        Its organization is from now on where the caller's chats go that name none.
        """
        user = caller(request)
        return created(
            request,
            NewChat,
            ChatSerializer,
            make=lambda body: chats.create_chosen_chat(user=user, **body),
            find=lambda id: get_chat(user, id),
        )


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


class ChatFork(APIView):
    """Forking a chat."""

    @documented("fork_chat", body=NewFork, answer=ChatSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Make a private chat of one's own with copies of the messages from the first to this one."""
        user = caller(request)
        chat = get_chat(user, id)
        return created(
            request,
            NewFork,
            ChatSerializer,
            make=lambda body: chats.fork_chat(user=user, chat=chat, **body),
            find=lambda id: get_chat(user, id),
        )


class ChatShares(APIView):
    """Who, besides its owner and its project, sees a chat."""

    @documented("list_shares", query=PageQuery, page_of=ShareSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List the people a chat is shared with by name."""
        read(PageQuery, request.query_params)
        return page(request, _shares(get_chat(caller(request), id)), ShareSerializer, ordering="created_at")

    @documented("share_chat", body=NewShare, answer=ShareSerializer, makes=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Share one's own chat with a person of its organization, or change what they may do in it."""
        user = caller(request)
        chat = get_chat(user, id, "write")
        return created(
            request,
            NewShare,
            ShareSerializer,
            make=lambda body: chats.share_chat(user=user, chat=chat, person=body["user"], access=body["access"]),
            find=lambda id: _share(chat, id),
        )


class OneShare(APIView):
    """One share."""

    @documented("unshare_chat", status=204)
    def delete(self, request: Request, id: UUID, share: UUID) -> Response:
        """Take a share back, or give up one's own."""
        chats.unshare_chat(user=caller(request), chat=get_chat(caller(request), id), share=share)
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- Filters: each is named here, nothing of a query reaches the ORM by its own name ----------------------------------


def _shares(chat: Chat) -> QuerySet[ChatShare]:
    return ChatShare.objects.filter(chat=chat).select_related("user")


def _share(chat: Chat, id: UUID) -> ChatShare:
    share = _shares(chat).filter(pk=id).first()
    if share is None:
        raise NotFound
    return share


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
        found = found.filter(has("title", query["search"]))
    return found


def _visible(rows: QuerySet[Any], id: UUID) -> Any:
    found = rows.filter(pk=id).first()
    if found is None:
        raise NotFound
    return found
