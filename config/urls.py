"""Every route: each app brings its own. What goes wrong outside of views is answered by config.middleware.errors."""

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("chat.urls")),
]
handler400 = "config.middleware.errors.bad_request"
handler403 = "config.middleware.errors.permission_denied"
handler404 = "config.middleware.errors.not_found"
handler500 = "config.middleware.errors.server_error"
