"""Django app: tests.tools.acting.shop, which gives projects its tools."""

from uuid import UUID

from django.apps import AppConfig

from agents import installation
from tools.base import Tool


class ShopConfig(AppConfig):
    name = "tests.tools.acting.shop"
    label = "shop"

    def ready(self) -> None:
        from tests.tools.acting.shop.tools import TOOLS

        def toolset(project_id: UUID) -> tuple[Tool, ...]:
            return TOOLS

        installation.TOOLSETS.append(toolset)
