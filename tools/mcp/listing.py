"""What tools a server has, within bounds: what does not fit is left out, and said."""

import asyncio
import json
from collections import Counter
from typing import Any

import mcp_types as types
from django.conf import settings
from mcp import ClientSession

from tools.cleaning import clean
from tools.mcp.schemas import checked
from tools.mcp.spec import Found, FoundTool
from tools.mcp.texts import cut
from tools.schema import SchemaRefused

NAME_MAX_CHARS = 128
TITLE_MAX_BYTES = 200
DISCOVERED_MAX_BYTES = 16_000


async def find(session: ClientSession) -> Found:
    """All pages, as far as they are taken."""
    taking, cursor = _Taking(), None
    for _ in range(settings.MCP_MAX_PAGES):
        page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
        await asyncio.to_thread(taking.take, page.tools)
        cursor = page.next_cursor
        if not cursor or taking.is_full:
            break
    if cursor:
        taking.has_more = True
    return Found(str(session.protocol_version), tuple(taking.tools), _discovered(session), taking.told())


def _discovered(session: ClientSession) -> dict[str, Any] | None:
    """What the server said of itself, to be asked without asking again; without its texts, which nobody reads."""
    if session.discover_result is None:
        return None
    plain = session.discover_result.model_copy(update={"instructions": None, "meta": None})
    kept = plain.model_dump(by_alias=True, mode="json", exclude_none=True)
    return kept if len(json.dumps(kept)) <= DISCOVERED_MAX_BYTES else None


class _Taking:
    """The tools that were taken, and why others were not."""

    def __init__(self) -> None:
        self.tools: list[FoundTool] = []
        self.has_more = False
        self._names: set[str] = set()
        self._left_out: Counter[str] = Counter()
        self._cut = 0
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no more tool is taken."""
        return len(self.tools) >= settings.MCP_MAX_TOOLS

    def take(self, tools: list[types.Tool]) -> None:
        """Take what fits. Sync, and some milliseconds for each."""
        for each in tools:
            try:
                self._take(each)
            except SchemaRefused as error:
                self._left_out[str(error).removeprefix("_takes: ")] += 1

    def _take(self, tool: types.Tool) -> None:
        if self.is_full:
            raise SchemaRefused(f"only {settings.MCP_MAX_TOOLS} are taken")
        if not tool.name or len(tool.name) > NAME_MAX_CHARS or not tool.name.isprintable():
            raise SchemaRefused(f"its name is no text of 1 to {NAME_MAX_CHARS} characters that can be seen")
        if tool.name in self._names:
            raise SchemaRefused("another one has its name")
        found = self._found(tool)
        size = len(json.dumps([found.name, found.title, found.description, found.schema], ensure_ascii=False).encode())
        if self._bytes + size > settings.MCP_TOOLS_MAX_BYTES:
            raise SchemaRefused(
                f"only {settings.MCP_TOOLS_MAX_BYTES:,} bytes of names, descriptions and schemas are taken"
            )
        self._bytes += size
        self._names.add(found.name)
        self.tools.append(found)

    def _found(self, tool: types.Tool) -> FoundTool:
        hints = tool.annotations.model_dump(by_alias=True, exclude_none=True) if tool.annotations else {}
        title = tool.title or hints.get("title") or ""
        description = clean(tool.description or "")
        short = cut(description, settings.MCP_DESCRIPTION_MAX_BYTES)
        self._cut += short != description
        return FoundTool(
            name=clean(tool.name),
            title=cut(clean(title), TITLE_MAX_BYTES),
            description=short,
            schema=checked(tool.input_schema, settings.MCP_SCHEMA_MAX_BYTES),
            annotations={name: each for name, each in hints.items() if isinstance(each, bool)},
        )

    def told(self) -> str:
        """What is missing, in sentences for a person."""
        parts = []
        if self._left_out:
            why = "; ".join(f"{times}: {reason}" for reason, times in self._left_out.most_common(5))
            parts.append(f"{sum(self._left_out.values())} tools are left out ({why}).")
        if self._cut:
            parts.append(f"{self._cut} descriptions are cut at {settings.MCP_DESCRIPTION_MAX_BYTES:,} bytes.")
        if self.has_more:
            parts.append("The server has more tools than are asked for.")
        return " ".join(parts)
