"""REST for your own frontend, and the tools of the agent (parley.py): the same rows by the same rule."""

from rest_framework import filters, permissions, serializers, viewsets

from shop.models import Order, OrderQuerySet


class OrderSerializer(serializers.ModelSerializer):
    customer = serializers.CharField(source="customer.name", read_only=True)

    class Meta:
        model = Order
        fields = ("number", "customer", "item", "status", "total", "created_at")


class OrderViewSet(viewsets.ReadOnlyModelViewSet):
    """The orders that the person may see."""

    queryset = Order.objects.none()  # for the API's documentation: it tells the model, and gives no row
    serializer_class = OrderSerializer
    permission_classes = (permissions.IsAuthenticated,)
    filter_backends = (filters.SearchFilter,)
    search_fields = ("number", "item", "status", "customer__name")
    lookup_field = "number"

    def get_queryset(self) -> OrderQuerySet:
        """By the rule of the table."""
        return Order.objects.visible_to(self.request.user.pk).select_related("customer")
