"""The admin's own first screen: what whoever is on call asks first, each answer a link to a list.

Not in chat.admin: importing that registers its lists with the site, which this class has to be there for.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


class Site(AdminSite):
    """Stock Django admin, with another first screen."""

    site_header = format_lazy(_("{name} administration"), name=settings.PARLEY_NAME)
    site_title = site_header
    index_title = _("Right now")
    index_template = "admin/overview.html"
    enable_nav_sidebar = False  # lists are wide, and the first screen has all of them

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The overview, as far as this person may see it, and all lists under it."""
        from chat.admin import overview  # it needs the tables, which are loaded after this class

        now = timezone.now()
        shown = {"boxes": overview.boxes(self, request, now), "as_of": now, **self._lists(request)}
        return super().index(request, {**shown, **(extra_context or {})})

    def _lists(self, request: HttpRequest) -> dict[str, list[Any]]:
        """All lists, by app; those that nobody looks at first apart."""
        apps = self.get_app_list(request)
        return {"app_list": self._of(apps, is_plumbing=False), "plumbing": self._of(apps, is_plumbing=True)}

    def _of(self, apps: Iterable[Any], *, is_plumbing: bool) -> list[Any]:
        """The apps with those of their lists, and without the apps that have none."""
        found = []
        for app in apps:
            rows = [each for each in app["models"] if self._is_plumbing(each["model"]) == is_plumbing]
            found += [{**app, "models": rows}] if rows else []
        return found

    def _is_plumbing(self, model: type[Model]) -> bool:
        return getattr(self.get_model_admin(model), "is_plumbing", False)
