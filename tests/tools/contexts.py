"""Tool contexts for tests."""

import uuid
from dataclasses import replace
from typing import Any

from tools.base import ToolContext

ANYWHERE = ToolContext(
    user_id=uuid.UUID(int=1),
    organization_id=uuid.UUID(int=2),
    project_id=uuid.UUID(int=3),
    chat_id=uuid.UUID(int=4),
    run_id=uuid.UUID(int=5),
    branch="parley/chat-1",
    author_name="Alice",
    author_email="alice@example.com",
    permissions=frozenset({"read", "write"}),
    capabilities=frozenset({"repository"}),
    on_behalf="editor",
)


def context(**changes: Any) -> ToolContext:
    """A context in which everything is allowed, with these changes."""
    return replace(ANYWHERE, **changes)
