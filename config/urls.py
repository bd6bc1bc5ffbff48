"""Every route: each app brings its own. What goes wrong outside of views is answered by config.middleware.errors."""

from django.contrib import admin
from django.urls import include, path

from config import health
from config.own_apps import loading

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", include("chat.urls")),
    path("", include("chat.links.urls")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
    *(path(f"apps/{label}/", include(urls)) for label, urls in loading.urls()),
]
handler400 = "config.middleware.errors.bad_request"
handler403 = "config.middleware.errors.permission_denied"
handler404 = "config.middleware.errors.not_found"
handler500 = "config.middleware.errors.server_error"
