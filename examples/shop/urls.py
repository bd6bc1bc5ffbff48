"""Addresses, below /apps/shop/."""

from rest_framework.routers import SimpleRouter

from shop.views import OrderViewSet

router = SimpleRouter()
router.register("orders", OrderViewSet, basename="shop-order")
urlpatterns = router.urls
