"""Which tools the demo model calls for a prompt, one a turn: plain rules over the words of the prompt."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.messages import ToolSpec
from agents.providers.demo import arguments as demo_arguments

# A path, or one of the names that have no ending.
PATH = re.compile(r"(?<![\w./-])((?:[\w.-]+/)*(?:[\w-][\w.-]*\.[A-Za-z]\w{0,7}|README|LICENSE|Makefile|Dockerfile))\b")
QUOTED = re.compile(r"""["“«„']([^"“”«»„']{2,80})["”»“']|`([^`]{2,80})`""")
FENCED = re.compile(r"```[^\n]*\n(.*?)```", re.S)
SOUGHT = re.compile(
    r"\b(?:search|look|grep|find|where)\b(?:\s+(?:for|is|are|does|the|in|all|files?|about))*\s+(.{2,80})", re.I
)

LIST = re.compile(r"\b(list|which|what|show)\b[^.?!]*\b(files?|folders?|director(?:y|ies)|tree)\b|^ls\b", re.I)
SEARCH = re.compile(r"\b(search|grep|find|where is|where are|look for)\b", re.I)
READ = re.compile(r"\b(read|open|cat|show|print|look at|explain|summari[sz]e|what is in|what's in)\b", re.I)
WRITE = re.compile(r"\b(write|create|save|add|make|put|change|update)\b", re.I)
WRITE_FILE = re.compile(r"\b(write|create|save|add|make|put)\b[^.?!]*\b(file|note)\b", re.I)
PROJECT = re.compile(r"\b(this|the|our|my) (project|repository|repo|code ?base)\b", re.I)
CONTENT = re.compile(r"\b(content|wording|texts?|copy|headlines?|documentation|docs|pages?|say(?:s)? about)\b", re.I)


@dataclass(frozen=True)
class Step:
    """One call, and the rule that asks for it in words."""

    tool: str
    arguments: dict[str, Any]
    reason: str


def steps(prompt: str, tools: tuple[ToolSpec, ...], *, calls_any_tool: bool) -> list[Step]:
    """The calls that this prompt asks for, in order. The same prompt and tools give the same steps."""
    offered = {tool.name: tool for tool in tools}
    found = [
        Step(name, demo_arguments.fitting(offered[name], wanted), reason)
        for name, wanted, reason in _wishes(prompt, offered)
        if name in offered
    ]
    if not found:
        found = list(_named(prompt, tools))
    if not found and calls_any_tool and tools:
        reason = f"Tools are offered and no rule fits better, so the first one is called: {tools[0].name}."
        return [Step(tools[0].name, demo_arguments.fitting(tools[0], {}, prompt), reason)]
    return found


def names(tools: tuple[ToolSpec, ...]) -> list[str]:
    """Those that a prompt may name: one that is a word of its own would be called by chance."""
    return [tool.name for tool in tools if "_" in tool.name]


def _named(prompt: str, tools: tuple[ToolSpec, ...]) -> Iterator[Step]:
    """Each tool whose name stands in the prompt: own apps have tools that no rule knows."""
    for tool in tools:
        if tool.name in names(tools) and re.search(rf"\b{re.escape(tool.name)}\b", prompt):
            reason = f"The prompt names the tool {tool.name}: call it."
            yield Step(tool.name, demo_arguments.fitting(tool, {}, prompt), reason)


def _wishes(prompt: str, offered: dict[str, ToolSpec]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Tool, arguments and reason of each rule that matches, whether the tool is offered or not."""
    paths = [path.rstrip(".") for path in PATH.findall(prompt)]
    is_content = bool(CONTENT.search(prompt)) and not paths
    if is_content and (agent := _content_agent(offered)):
        yield agent, {"task": prompt}, f"The prompt is about content, and the agent {agent} is there for that: ask it."
        return
    if WRITE_FILE.search(prompt) or (paths and WRITE.search(prompt)):
        path = paths[0] if paths else "demo-note.md"
        yield "write_file", {"path": path, "content": _content(prompt)}, f"The prompt asks to write a file: {path}."
        return
    yield from _reading(prompt, paths, is_content)


def _reading(prompt: str, paths: list[str], is_content: bool) -> Iterator[tuple[str, dict[str, Any], str]]:
    is_about_project = bool(PROJECT.search(prompt))
    is_search = bool(SEARCH.search(prompt))
    if LIST.search(prompt) or (is_about_project and not is_search):
        yield "list_files", {}, "The prompt asks what files there are: list them."
    if is_search or is_content:
        query = _query(prompt)
        yield "search_project_files", {"query": query}, f"The prompt asks to find something: search for “{query}”."
    if READ.search(prompt) and paths:
        for path in paths[:3]:
            yield "read_file", {"path": path}, f"The prompt names a file: read {path}."
    elif is_about_project and not is_search:
        yield "read_file", {"path": "README.md"}, "A project says what it is in its README.md: read it."


def _content_agent(offered: dict[str, ToolSpec]) -> str:
    """The name of the subagent for content: a tool that takes nothing but a task."""
    return next((name for name, tool in offered.items() if "content" in name and "task" in _properties(tool)), "")


def _properties(tool: ToolSpec) -> dict[str, Any]:
    found = tool.schema.get("properties")
    return found if isinstance(found, dict) else {}


def _query(prompt: str) -> str:
    """What to search for: the first thing in quotation marks, else what follows the verb, else the longest word."""
    if quoted := _quoted(prompt):
        return quoted
    if sought := SOUGHT.search(prompt):
        words = str(re.split(r"[.,;:?!\n]| in (?:the|this|our|my)\b| and then\b", sought[1])[0]).strip()
        if words:
            return words
    found: list[str] = re.findall(r"\w+", prompt)
    return max(found or ["demo"], key=len)


def _content(prompt: str) -> str:
    """What to write: a fenced block, else what is in quotation marks, else what follows a colon, else a note."""
    if fenced := FENCED.search(prompt):
        return str(fenced[1])
    if quoted := _quoted(prompt):
        return f"{quoted}\n"
    _, colon, rest = prompt.partition(": ")
    return f"{rest.strip()}\n" if colon and rest.strip() else f"# A note by the demo model\n\nAsked for: {prompt}\n"


def _quoted(prompt: str) -> str:
    quoted = QUOTED.search(prompt)
    return (quoted[1] or quoted[2]).strip() if quoted else ""
