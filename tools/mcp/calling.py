"""One call of a tool, and what it came to, within bounds. What a result links to is never fetched."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from django.conf import settings
from mcp import ClientSession
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter

from tools import pictures
from tools.cleaning import clean
from tools.mcp.asking import answers_of, needs_input
from tools.mcp.exchange import EXCHANGE
from tools.mcp.spec import Called, CalledImage, NeedsInput
from tools.mcp.texts import cut
from tools.openapi.masking import Mask

CUT = "\n[The rest of this result was cut.]"
LEGS = 5  # answers that say no more than "not yet"
PAUSE_S = 0.2
URI_MAX_BYTES = 2_000
RESULT: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)


async def call(
    session: ClientSession,
    masked: Mask,
    tool: str,
    arguments: dict[str, Any],
    answers: Mapping[str, dict[str, Any] | None] | None,
    state: str | None,
) -> Called:
    """What it came to. Raises what the SDK does, AskedTooMuch, SchemaRefused."""
    responses = answers_of(answers) if answers else None
    result = await _sent(session, tool, arguments, responses, state)
    for leg in range(LEGS):
        if not isinstance(result, types.InputRequiredResult) or result.input_requests:
            break
        await asyncio.sleep(PAUSE_S * 2**leg)
        result = await _sent(session, tool, arguments, None, result.request_state)
    if isinstance(result, types.InputRequiredResult):
        return Called("", needs_input=needs_input(result))
    return await asyncio.to_thread(_called, result, masked, _asked_meanwhile())


async def _sent(
    session: ClientSession, tool: str, arguments: dict[str, Any], answers: Any, state: str | None
) -> types.CallToolResult | types.InputRequiredResult:
    """Past `session.call_tool`: that would list all tools first, and check the result by the server's own schema."""
    params = types.CallToolRequestParams(name=tool, arguments=arguments, input_responses=answers, request_state=state)
    try:
        return await session.send_request(types.CallToolRequest(params=params), RESULT)
    except MCPError as error:
        if error.code != types.HEADER_MISMATCH:
            raise
    # Some arguments go into headers as well. Which, the list of tools says; nothing was done without them.
    await _list(session)
    return await session.send_request(types.CallToolRequest(params=params), RESULT)


async def _list(session: ClientSession) -> None:
    cursor = None
    for _ in range(settings.MCP_MAX_PAGES):
        page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
        if not (cursor := page.next_cursor):
            return


def _asked_meanwhile() -> NeedsInput | None:
    exchange = EXCHANGE.get()
    if exchange is None or not exchange.asked:
        return None
    return NeedsInput(tuple(exchange.asked), None, can_answer=False)


def _called(result: types.CallToolResult, masked: Mask, asked: NeedsInput | None) -> Called:
    images: list[CalledImage] = []
    parts = [part for each in result.content if (part := _part(each, images))]
    if (
        not any(isinstance(each, types.TextContent) for each in result.content)
        and result.structured_content is not None
    ):
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = cut(clean(str(masked("\n\n".join(parts)))), settings.MCP_RESULT_MAX_BYTES, CUT)
    return Called(text, tuple(images), result.is_error, asked)


def _part(content: types.ContentBlock, images: list[CalledImage]) -> str:
    """The text of one part of a result; a picture that is taken is put aside."""
    match content:
        case types.TextContent(text=text):
            return text
        case types.ImageContent(data=data):
            return _image(data, images)
        case types.AudioContent(mime_type=kind):
            return f"[A sound ({kind[:100]}), which is left out.]"
        case types.ResourceLink(name=name, uri=uri):
            return f"[A link, which was not followed: {name[:200]}, {cut(str(uri), URI_MAX_BYTES)}]"
        case types.EmbeddedResource(resource=types.TextResourceContents(text=text)):
            return text
        case _:
            return "[A file, which is left out.]"


def _image(encoded: str, images: list[CalledImage]) -> str:
    if len(images) >= settings.MCP_RESULT_IMAGES:
        return "[One more picture, which is left out.]"
    try:
        data = b64decode(encoded, validate=True)
    except ValueError:
        return "[A picture that cannot be read.]"
    kind = pictures.kind_of(data)
    if not kind or pictures.size_of(data) is None:
        return f"[What was said to be a picture, and is {pictures.named(data)}: it is left out.]"
    images.append(CalledImage(kind, data))
    return ""
