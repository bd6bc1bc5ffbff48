"""Which admin site `django.contrib.admin.site` is."""

from django.contrib.admin.apps import AdminConfig


class ParleyAdmin(AdminConfig):
    default_site = "chat.admin_site.Site"
