"""REST for webhooks, for the admins of an organization."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import URLPattern, path
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed, PageQuery, Text
from accounts.http.idempotency import Answer, once
from accounts.http.rest import caller, documented, page, raw, read, shown
from accounts.organizations.rest import found
from chat.webhooks import endpoints
from chat.webhooks.models import DeliveryStatus, Webhook, WebhookDelivery


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    """A webhook, without its secret."""

    events = serializers.ListField(child=serializers.CharField())
    off_reason = serializers.CharField(
        help_text="Why it is off: admin, operator, gone (it said 410) or failing; empty while it is on."
    )

    class Meta:
        model = Webhook
        fields: tuple[str, ...] = (
            *("id", "organization", "url", "events", "is_active", "off_reason", "failing_since", "delivered_at"),
            *("old_secret_until", "created_at", "updated_at"),
        )
        read_only_fields: tuple[str, ...] = fields


class NewWebhookSerializer(WebhookSerializer):
    """A webhook with its secret, which is shown this once."""

    secret = serializers.CharField(
        source="secret_text", allow_null=True, help_text="null where the request was made before."
    )

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")
        read_only_fields = fields


class Flag(serializers.BooleanField):
    """True or false; the framework's own field takes texts and numbers for these."""

    def to_internal_value(self, data: Any) -> bool:
        """The flag. Raises ValidationError."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class WebhookBody(Closed):
    """A webhook to be made, or what is changed of one."""

    url = Text(max_length=endpoints.URL_MAX_CHARS, help_text="https://, at a public address.")
    events = serializers.ListField(
        child=Text(max_length=40), min_length=1, max_length=50, help_text='Types of events; "*" for all of them.'
    )
    is_active = Flag(required=False)


class Empty(Closed):
    """An empty body, or {}."""


class WebhookDeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    """An event on its way to a webhook."""

    event = serializers.SerializerMethodField(help_text="The webhook-id that it is sent with.")
    type = serializers.CharField(source="event.type")

    class Meta:
        model = WebhookDelivery
        fields = (
            *("id", "event", "type", "status", "tries", "next_at", "answer_status", "answer", "error"),
            *("created_at", "ended_at"),
        )
        read_only_fields = fields

    def get_event(self, delivery: WebhookDelivery) -> str:
        """As receivers know it."""
        return delivery.event.name


class DeliveriesQuery(PageQuery):
    status = serializers.ChoiceField(choices=DeliveryStatus.choices, required=False)


class Webhooks(APIView):
    """The webhooks of an organization."""

    @documented("list_webhooks", query=PageQuery, page_of=WebhookSerializer)
    def get(self, request: Request, organization: UUID) -> Response:
        """List them, newest first. Needs admin."""
        read(PageQuery, request.query_params)
        rows = endpoints.webhooks_in(caller(request), organization)
        return page(request, rows, WebhookSerializer, ordering="-created_at")

    @documented("create_webhook", body=WebhookBody, answer=NewWebhookSerializer, makes=True, conflicts=True)
    def post(self, request: Request, organization: UUID) -> Response:
        """Make one. Its secret is in this answer alone. Needs admin."""
        body, user, made = raw(request), caller(request), {}
        endpoints.webhooks_in(user, organization)
        values = endpoints.checked(read(WebhookBody, request.data))

        def make() -> Answer:
            row = made["row"] = endpoints.create_webhook(user=user, organization=organization, **values)
            return Answer(201, {"id": str(row.pk)})  # without its secret: this is stored

        key, route = request.headers.get("Idempotency-Key"), f"POST {request.path}"
        told = once(user=user, key=key, route=route, body=body, make=make)
        row: Any = made.get("row") or endpoints.get_webhook(user, organization, UUID(told.body["id"]))
        row.secret_text = getattr(row, "secret_text", None)
        return shown(request, NewWebhookSerializer, row, told.status)


class OneWebhook(APIView):
    """One of them."""

    @documented("read_webhook", answer=WebhookSerializer)
    def get(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Read one. Needs admin."""
        read(Empty, request.query_params)
        return shown(request, WebhookSerializer, endpoints.get_webhook(caller(request), organization, id))

    @documented("change_webhook", body=WebhookBody, answer=WebhookSerializer)
    def patch(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Change its address or events, or switch it on or off. Needs admin."""
        user = caller(request)
        webhook = endpoints.get_webhook(user, organization, id)
        changes = read(WebhookBody, request.data, partial=True)
        if changes:
            webhook = endpoints.change_webhook(user=user, webhook=webhook, **changes)
        return shown(request, WebhookSerializer, webhook)

    @documented("delete_webhook", status=204)
    def delete(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Delete it with its deliveries. Needs admin."""
        user = caller(request)
        endpoints.remove_webhook(user=user, webhook=endpoints.get_webhook(user, organization, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookTest(APIView):
    """Trying one."""

    @documented("test_webhook", body=Empty, answer=WebhookDeliverySerializer, status=202, conflicts=True)
    def post(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Send it the event `webhook.test`; read the delivery to see what came of it. Needs admin."""
        user = caller(request)
        webhook = endpoints.get_webhook(user, organization, id)
        read(Empty, request.data)
        return shown(request, WebhookDeliverySerializer, endpoints.send_test(user=user, webhook=webhook), 202)


class WebhookRotation(APIView):
    """Another secret for one."""

    @documented("rotate_webhook", body=Empty, answer=NewWebhookSerializer)
    def post(self, request: Request, organization: UUID, id: UUID) -> Response:
        """Give it a new secret, which is in this answer alone; for 24 hours the old one signs too. Needs admin."""
        user = caller(request)
        webhook = endpoints.get_webhook(user, organization, id)
        read(Empty, request.data)
        return shown(request, NewWebhookSerializer, endpoints.rotate(user=user, webhook=webhook))


class Deliveries(APIView):
    """What was sent to one, and what is about to be."""

    @documented("list_deliveries", query=DeliveriesQuery, page_of=WebhookDeliverySerializer)
    def get(self, request: Request, organization: UUID, id: UUID) -> Response:
        """List them, newest first. Needs admin."""
        rows = _deliveries(request, organization, id)
        query = read(DeliveriesQuery, request.query_params)
        rows = rows.filter(status=query["status"]) if "status" in query else rows
        return page(request, rows, WebhookDeliverySerializer, ordering="-created_at")


class OneDelivery(APIView):
    """One of them."""

    @documented("read_delivery", answer=WebhookDeliverySerializer)
    def get(self, request: Request, organization: UUID, id: UUID, delivery: UUID) -> Response:
        """Read one. Needs admin."""
        read(Empty, request.query_params)
        return shown(request, WebhookDeliverySerializer, found(_deliveries(request, organization, id), delivery))


class DeliveryAgain(APIView):
    """Sending one once more."""

    @documented("send_delivery_again", body=Empty, answer=WebhookDeliverySerializer, status=202, conflicts=True)
    def post(self, request: Request, organization: UUID, id: UUID, delivery: UUID) -> Response:
        """Send it again from its first try: the same event, with the same id. Needs admin."""
        webhook = endpoints.get_webhook(caller(request), organization, id)
        read(Empty, request.data)
        return shown(request, WebhookDeliverySerializer, endpoints.send_again(webhook=webhook, delivery=delivery), 202)


def _deliveries(request: Request, organization: UUID, id: UUID) -> QuerySet[WebhookDelivery]:
    webhook = endpoints.get_webhook(caller(request), organization, id)
    return webhook.deliveries.select_related("event")


ALL = "api/organizations/<uuid:organization>/webhooks/"
ONE = f"{ALL}<uuid:id>/"
urls: list[URLPattern] = [
    path(ALL, Webhooks.as_view(), name="webhooks"),
    path(ONE, OneWebhook.as_view(), name="webhook"),
    path(f"{ONE}test/", WebhookTest.as_view(), name="webhook-test"),
    path(f"{ONE}rotate/", WebhookRotation.as_view(), name="webhook-rotate"),
    path(f"{ONE}deliveries/", Deliveries.as_view(), name="deliveries"),
    path(f"{ONE}deliveries/<uuid:delivery>/", OneDelivery.as_view(), name="delivery"),
    path(f"{ONE}deliveries/<uuid:delivery>/again/", DeliveryAgain.as_view(), name="delivery-again"),
]
