"""What an agent may do, and the names that an own app's code takes from here. What a Django project has already becomes
tools by `from_viewset` and `from_queryset`, and what another server has by `from_openapi`.

Each is loaded when it is first used: some need Django's apps, and most who import from here need none.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.acting.queryset import from_queryset
    from tools.acting.viewset import from_viewset
    from tools.base import Tool, ToolContext
    from tools.decorator import tool
    from tools.errors import RetryTool, ToolError
    from tools.forms import Form, NeedsPerson
    from tools.giving import give_pictures
    from tools.openapi import from_openapi
    from tools.results import ToolResult

__all__ = [
    "Form", "NeedsPerson", "RetryTool", "Tool", "ToolContext", "ToolError", "ToolResult", "from_openapi",
    "from_queryset", "from_viewset", "give_pictures", "tool",
]  # fmt: skip
_PLACES = {
    "Form": "tools.forms",
    "NeedsPerson": "tools.forms",
    "RetryTool": "tools.errors",
    "Tool": "tools.base",
    "ToolContext": "tools.base",
    "ToolError": "tools.errors",
    "ToolResult": "tools.results",
    "from_openapi": "tools.openapi",
    "from_queryset": "tools.acting.queryset",
    "from_viewset": "tools.acting.viewset",
    "give_pictures": "tools.giving",
    "tool": "tools.decorator",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'tools' has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
