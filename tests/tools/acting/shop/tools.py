"""The shop's tools: from its viewset, and from its rows."""

from django.db.models import Q

from tests.tools.acting.shop.models import Order
from tests.tools.acting.shop.viewsets import OrderViewSet
from tools import from_queryset, from_viewset

OF_VIEWSET = from_viewset(
    OrderViewSet,
    actions=[
        "list", "retrieve", "create", "update", "partial_update", "destroy", "cancel", "give_back", "totals",
    ],
)  # fmt: skip
OF_ROWS = from_queryset(
    Order.objects,
    fields=["number", "status", "total", "pieces", "is_gift", "placed_at", "note", "customer__name"],
    visible=lambda user: Q(owner=user.pk),
    filters=["status", "total__gte", "pieces", "is_gift", "placed_at__lt", "number__in", "customer__name__icontains",
             "note__isnull"],
    search=["number", "note"],
    ordering=["-total", "number"],
)  # fmt: skip
TOOLS = (*OF_VIEWSET, *OF_ROWS)
