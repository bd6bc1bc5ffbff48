"""REST for links to chats."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotFound
from accounts.http.fields import Closed, Id, PageQuery
from accounts.http.idempotency import Answer, once
from accounts.http.rest import caller, documented, page, raw, read, shown
from chat.access import get_chat
from chat.links.making import address_of, end_link, links_of, make_link
from chat.links.models import Link, OpensTo
from chat.models import Chat
from chat.rest.serializers import Key


class LinkSerializer(serializers.ModelSerializer[Link]):
    """A link to a chat: whoever has it reads the chat up to `until`."""

    serializer_related_field = Key

    class Meta:
        model = Link
        fields: tuple[str, ...] = ("id", "chat", "until", "opens_to", "expires_at", "created_at")
        read_only_fields = fields


class MadeLinkSerializer(LinkSerializer):
    """A link that was made just now."""

    url = serializers.CharField(
        read_only=True, allow_null=True, help_text="Shown this once. null: the request was sent again."
    )

    class Meta(LinkSerializer.Meta):
        fields = ("id", "url", *LinkSerializer.Meta.fields[1:])
        read_only_fields = fields


class NewLink(Closed):
    """How a link shall be. What is left out is the installation's default."""

    expires_in_s = serializers.IntegerField(required=False, help_text="Seconds. At most LINK_MAX_S.")
    until = Id(required=False, help_text="The last message that it shows; by default the chat's newest.")
    opens_to = serializers.ChoiceField(
        choices=OpensTo.choices, required=False, help_text="By default whom the rules of the organization let in."
    )


class ChatLinks(APIView):
    """The links to a chat."""

    @documented("list_chat_links", query=PageQuery, page_of=LinkSerializer)
    def get(self, request: Request, id: UUID) -> Response:
        """List the links that open a chat, the newest first."""
        read(PageQuery, request.query_params)
        return page(request, links_of(get_chat(caller(request), id)), LinkSerializer, ordering="-created_at")

    @documented("create_chat_link", body=NewLink, answer=MadeLinkSerializer, makes=True, conflicts=True)
    def post(self, request: Request, id: UUID) -> Response:
        """Make a link to one's own chat as it is now. 403 `links_off` where the organization's rules let none open.

        409 `holds_confidential`, `holds_character`: what it holds is not for all to whom the link would open; also
        `run_open`, `chat_empty`.
        """
        body, user = raw(request), caller(request)
        chat = get_chat(user, id, "write")
        values, made = read(NewLink, request.data), {}

        def make() -> Answer:
            link, made["token"] = make_link(user=user, chat=chat, **values)
            return Answer(201, {"id": str(link.pk)})  # without its address: this is stored

        told = once(
            user=user, key=request.headers.get("Idempotency-Key"), route=f"POST {request.path}", body=body, make=make
        )
        link: Any = _found(chat, UUID(told.body["id"]))
        link.url = address_of(made["token"]) if made else None
        return shown(request, MadeLinkSerializer, link, told.status)


class OneLink(APIView):
    """One link."""

    @documented("end_chat_link", status=204)
    def delete(self, request: Request, id: UUID, link: UUID) -> Response:
        """End a link to one's own chat, at once and for good."""
        end_link(user=caller(request), chat=get_chat(caller(request), id), link=link)
        return Response(status=204)


def _found(chat: Chat, id: UUID) -> Link:
    link = links_of(chat).filter(pk=id).first()
    if link is None:
        raise NotFound
    return link
