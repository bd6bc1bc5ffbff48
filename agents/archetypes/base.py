"""What an archetype is: a named kind of agent. A value; the registry holds those that ship."""

import re
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from tools.base import Permission, Tool

PROMPTS = Path(__file__).parent.parent / "prompts"
FILE_NAME = re.compile(r"\S+\.(md|txt)")
EVERYTHING: frozenset[Permission] = frozenset(get_args(Permission))


@dataclass(frozen=True)
class Limits:
    """Where a run stops. Each is met exactly, and named in the run's end."""

    max_turns: int = 16  # model requests of one agent
    max_calls: int = 64  # tool calls of one agent
    max_output_tokens: int = 100_000  # of all turns together, reported or estimated
    max_text_bytes: int = 2_000_000  # text and reasoning of one run
    max_argument_bytes: int = 1_000_000  # one tool call's arguments
    max_identical_calls: int = 3  # the same call in a row
    max_invalid_calls: int = 2  # turns in a row whose every call had arguments that are not valid
    timeout_s: float = 600.0  # wall time of the run

    def __post_init__(self) -> None:
        for each in fields(self):
            if getattr(self, each.name) <= 0:
                raise ValueError(f"{each.name} must be positive")


@dataclass(frozen=True)
class Archetype:
    """A named kind of agent: prompt, tools, model, limits, and the subagents it may ask."""

    name: str
    purpose: str  # one sentence; a parent agent reads it to decide whom to ask
    prompt: str | Path  # a file: its name in agents/prompts, or a Path anywhere; else the text itself
    tools: tuple[Tool, ...] = ()
    subagents: tuple["Archetype", ...] = ()
    model: str = ""  # empty: the chat's
    markdown: bool = True
    memory: Literal["own", "none"] = "own"  # a subagent's: keep its history over calls of one run, or start afresh
    permissions: frozenset[Permission] = EVERYTHING  # what it may at most, of what whoever asks it may
    is_briefed: bool = True  # told of the person who asks, where they want that
    is_offered: bool = True  # people may choose it; else it is for requests that name it
    examples: tuple[str, ...] = ()  # questions an empty chat offers
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", self.name):
            raise ValueError(f"archetype name {self.name!r}: lower case letters, digits and _, at most 40")
        if self.prompt_file and not self.prompt_file.is_file():
            raise ValueError(f"archetype {self.name}: no prompt file {self.prompt_file}")
        if not self.prompt_file and not str(self.prompt).strip():
            raise ValueError(f"archetype {self.name}: the prompt is empty")
        if len(self.tool_names) != len(self.tools) + len(self.subagents):
            names = sorted(self.tool_names)
            raise ValueError(f"archetype {self.name}: two tools of one name in {names}")

    @property
    def tool_names(self) -> frozenset[str]:
        """What it may call: its tools, and its subagents, which a model asks as it does tools."""
        return frozenset([*(tool.name for tool in self.tools), *(agent.name for agent in self.subagents)])

    @property
    def only_reads(self) -> bool:
        """Whether nothing that it or its subagents may call changes anything."""
        return all(tool.permission == "read" for tool in self.tools) and all(each.only_reads for each in self.subagents)

    @property
    def prompt_file(self) -> Path | None:
        """The file with the prompt; None where the prompt is a text. A relative path is one from agents/prompts."""
        if isinstance(self.prompt, str) and not FILE_NAME.fullmatch(self.prompt):
            return None
        return PROMPTS / self.prompt

    def system_prompt(self) -> str:
        """The text of the prompt, with a line about Markdown where it is off."""
        text = _read(self.prompt_file) if self.prompt_file else str(self.prompt).strip()
        return text if self.markdown else f"{text}\n\nAnswer in plain text, without Markdown."


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()
