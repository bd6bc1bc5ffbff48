"""Django app: tests.tools.openapi. Its projects have the tools of the shop whose OpenAPI file SHOP_FILE names."""

import os
from uuid import UUID

from django.apps import AppConfig

import tools
from agents import installation
from tools.base import Tool


class ShopConfig(AppConfig):
    name = "tests.tools.openapi"
    label = "tests_shop"

    def ready(self) -> None:
        shop = tools.from_openapi(os.environ["SHOP_FILE"], ["listOrders", "addOrder"], prefix="shop_")

        def toolset(project_id: UUID) -> tuple[Tool, ...]:
            return shop

        installation.TOOLSETS.append(toolset)
