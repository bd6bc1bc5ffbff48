"""The MCP door."""

from django.urls import path

from chat.doors.door import Door
from chat.doors.mcp import asking, openapi, views
from chat.doors.mcp.dialect.errors import refused

MCP = Door(
    "mcp",
    dialects=(asking.NAME,),
    urls=(path("mcp", views.endpoint, name="mcp"),),
    openapi=(openapi,),
    bases=("/mcp",),
    says=lambda error, path: refused(error),
)
