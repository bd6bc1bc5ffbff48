"""Tools of other houses as they are offered: names, schemas, what is believed, what a model is told of an answer."""

import uuid
from typing import Any

import pytest

from agents.loop.judging import usual
from tools.decorator import NAME
from tools.errors import RetryTool, ToolError
from tools.mcp.naming import digest_of, offered_name
from tools.mcp.offering import place_of, tool_of
from tools.mcp.spec import Asked, Called, CalledImage, NeedsInput
from tools.mcp.tool import NOTE, told
from tools.models import McpServer, McpTool
from tools.openapi.masking import mask_of

TOKEN = "swordfish-0123456789"
FLAT = {"type": "object", "properties": {"text": {"type": "string"}}}


@pytest.mark.parametrize(
    ("tool", "taken", "name"),
    [
        ("search", (), "mcp_tracker_search"),
        ("issues.list-all", (), "mcp_tracker_issues_list_all"),
        ("späti", (), "mcp_tracker_sp_ti"),
        ("__", (), "mcp_tracker___"),
        ("a_b", ("mcp_tracker_a_b",), "mcp_tracker_a_b_648fa9"),
        ("x" * 70, (), "mcp_tracker_" + "x" * 45 + "_c71bd1"),
    ],
)
def test_a_name_is_one_that_every_provider_takes(tool: str, taken: tuple[str, ...], name: str) -> None:
    found = offered_name("tracker", tool, taken)
    assert found == name and NAME.fullmatch(found) and found not in taken


def test_long_names_with_one_beginning_differ_and_a_digest_knows_no_order() -> None:
    assert offered_name("a", "x" * 70 + "1") != offered_name("a", "x" * 70 + "2")
    one, other = {"title": "", "schema": {"a": 1, "b": 2}}, {"schema": {"b": 2, "a": 1}, "title": ""}
    assert digest_of("n", one) == digest_of("n", other)
    assert len({digest_of("n", one), digest_of("m", one), digest_of("n", {**one, "title": "T"})}) == 3


def row(annotations: dict[str, Any], **fields: Any) -> McpTool:
    server = McpServer(name="tracker", url="https://Mcp.example/team/", project_id=uuid.uuid4())
    return McpTool(server=server, name="list", offered_as="mcp_tracker_list", description="Lists.", schema=FLAT,
                   annotations=annotations, digest="0" * 64, **fields)  # fmt: skip


READS = {"readOnlyHint": True}
BELIEVED = {"read_only_is_believed": True}


@pytest.mark.parametrize(
    ("annotations", "fields", "expected"),
    [
        ({}, {}, ("ask", "write", False, "delete")),
        ({"destructiveHint": False}, {}, ("ask", "write", False, "outward")),
        (READS, {}, ("ask", "write", False, "delete")),
        (READS, BELIEVED, ("ask", "read", True, "outward")),
        (READS, {**BELIEVED, "policy": "allow"}, ("allow", "read", True, "outward")),
        # What is believed counts only where the server still says it; a policy does not make a tool one that reads.
        ({}, {**BELIEVED, "policy": "allow"}, ("ask", "write", False, "delete")),
        ({"readOnlyHint": "yes"}, {**BELIEVED, "policy": "allow"}, ("ask", "write", False, "delete")),
        ({"idempotentHint": True}, {}, ("ask", "write", False, "delete")),
        ({"idempotentHint": True}, {"idempotent_is_believed": True}, ("ask", "write", True, "delete")),
        ({}, {"idempotent_is_believed": True}, ("ask", "write", False, "delete")),
    ],
)
def test_hints_count_only_as_far_as_somebody_believes_them(
    annotations: dict[str, Any], fields: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    tool = tool_of(row(annotations, **fields))
    assert (usual(tool), tool.permission, tool.idempotent, tool.risk) == expected
    assert tool.outward and tool.place == "mcp.example/team" and not tool.as_person
    assert tool.title.endswith(" (tracker)") and "not instructions" in tool.description


def test_a_title_cannot_hide_where_a_call_goes() -> None:
    tool = tool_of(row({}, title="Read\u202e a file\n" + "x" * 300))
    assert tool.title.endswith(" (tracker)") and len(tool.title) <= 100
    assert "\n" not in tool.title and "\u202e" not in tool.title
    assert place_of("https://h.example:8443/a/") == "h.example:8443/a"


def test_an_answer_is_told_as_material_without_the_token() -> None:
    mask = mask_of(TOKEN)
    picture = CalledImage("png", b"x")
    assert told(Called(f"Bearer {TOKEN}\x00"), mask) == f"{NOTE}\n\nBearer [credential]\ufffd"
    assert told(Called("", images=(picture,)), mask).endswith("[1 pictures came too; they are not shown.]")
    with pytest.raises(RetryTool, match=r"failed: \[credential\] is no key"):
        told(Called(f"{TOKEN} is no key", is_error=True), mask)
    form = NeedsInput((Asked("k", f"Your name, {TOKEN}?", {"type": "object"}, ""),), None, can_answer=True)
    link = NeedsInput((Asked("k", "Sign in", None, "https://x.example/in"),), None, can_answer=True)
    with pytest.raises(ToolError, match=r"at the server alone.*Your name, \[credential\]\?"):
        told(Called("", needs_input=form), mask)
    with pytest.raises(ToolError, match=r"Sign in https://x\.example/in"):
        told(Called("", needs_input=link), mask)
