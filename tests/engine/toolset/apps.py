"""Django app: tests.engine.toolset."""

import os
from uuid import UUID

from django.apps import AppConfig

from agents import installation
from tools.base import Tool, ToolContext
from tools.decorator import tool


@tool(idempotent=True)
async def clock(ctx: ToolContext) -> str:
    """Say what time it is."""
    return "noon"


@tool(idempotent=True)
async def weather(ctx: ToolContext) -> str:
    """Say what the weather is."""
    return "sunny"


def toolset(project_id: UUID) -> tuple[Tool, ...]:
    """Those that TOOLSET names."""
    return tuple(each for each in (clock, weather) if each.name in os.environ["TOOLSET"].split(","))


class ToolsetConfig(AppConfig):
    name = "tests.engine.toolset"
    label = "tests_toolset"

    def ready(self) -> None:
        installation.TOOLSETS.append(toolset)
