"""The shop's REST API, as such projects have it."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import exceptions, filters, pagination, permissions, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tests.tools.acting.shop.models import Order


class OrderSerializer(serializers.ModelSerializer[Order]):
    customer_name = serializers.CharField(source="customer.name", read_only=True)

    class Meta:
        model = Order
        fields = [
            "id",
            "number",
            "status",
            "total",
            "pieces",
            "is_gift",
            "placed_at",
            "note",
            "customer",
            "customer_name",
        ]
        read_only_fields = ["placed_at"]


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=50, help_text="why")
    tags = serializers.ListField(child=serializers.ChoiceField(["late", "broken"]), required=False)


class StatusFilter(filters.BaseFilterBackend):
    """As django-filter has it: the parameters are said, and read from the request."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        if status := request.query_params.get("status"):
            queryset = queryset.filter(status=status)
        if user := request.query_params.get("user"):  # not said: for the shop's own pages
            queryset = Order.objects.filter(owner=user)
        if numbers := request.query_params.get("number[in]"):
            queryset = queryset.filter(number__in=numbers.split(","))
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        numbers = {"type": "array", "items": {"type": "string"}}
        return [
            {"name": "status", "in": "query", "description": "open, sent or cancelled", "schema": {"type": "string"}},
            {"name": "number[in]", "in": "query", "explode": False, "schema": numbers},
        ]


class Pages(pagination.PageNumberPagination):
    page_size = 2
    page_size_query_param = "page_size"
    max_page_size = 3


class ByCursor(pagination.CursorPagination):
    page_size = 2
    ordering = "number"


class ByOffset(pagination.LimitOffsetPagination):
    default_limit = 2


class IsNoGift(permissions.BasePermission):
    """A row that is a gift may be read, not changed."""

    message = "A gift stays as it is."

    def has_object_permission(self, request: Request, view: Any, obj: Order) -> bool:
        return request.method in permissions.SAFE_METHODS or not obj.is_gift


class OrderViewSet(viewsets.ModelViewSet[Order]):
    """Orders of the shop, in euros."""

    queryset = Order.objects.all()
    serializer_class = OrderSerializer
    permission_classes = [permissions.IsAuthenticated, IsNoGift]
    filter_backends = [filters.SearchFilter, filters.OrderingFilter, StatusFilter]
    search_fields = ["number", "note"]
    ordering_fields = ["number", "total"]
    ordering = ["number"]
    pagination_class = Pages

    def get_queryset(self) -> QuerySet[Order]:
        return super().get_queryset().filter(owner=self.request.user.pk)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(owner=self.request.user, placed_at=timezone.now())

    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, **kwargs: Any) -> Response:
        """Cancel an order that has not been sent."""
        order = self.get_object()
        if order.status == Order.Status.SENT:
            raise exceptions.ValidationError({"status": ["It was sent already."]})
        order.status = Order.Status.CANCELLED
        order.save()
        return Response({"status": order.status})

    @action(
        detail=True, methods=["post"], serializer_class=ReasonSerializer, url_path=r"parcels/(?P<parcel>[0-9]+)/return"
    )
    def give_back(self, request: Request, parcel: str, **kwargs: Any) -> Response:
        reason = self.get_serializer(data=request.data)
        reason.is_valid(raise_exception=True)
        return Response({"order": self.get_object().number, "parcel": parcel, **reason.validated_data})

    @action(detail=False)
    def totals(self, request: Request) -> Response:
        return Response(
            {"orders": self.get_queryset().count(), "asked": dict(request.query_params), "by": str(request.user)}
        )

    @action(detail=False, methods=["get", "post"])
    def two_ways(self, request: Request) -> Response:
        return Response({})

    @action(detail=False, permission_classes=[permissions.AllowAny])
    def opened(self, request: Request) -> Response:
        return Response({})

    @action(detail=False)
    async def later(self, request: Request) -> Response:
        return Response({})
