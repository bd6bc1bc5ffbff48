"""What a request asks of its one run, beyond what the chat has chosen. Pure; no Django."""

from typing import Any, Literal

import msgspec

from agents.messages import ToolSpec

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


Caching = Literal["", "fresh", "never"]  # of kept answers: read and kept, kept alone, neither
CACHING: tuple[Caching, ...] = ("", "fresh", "never")  # the stricter ones behind


class OutputFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What an answer must be: JSON that fits a schema."""

    name: str
    schema: dict[str, Any]  # JSON Schema, as it was given
    strict: bool = False  # an answer that does not fit is a failure
    repairs: bool = True  # one that does not fit is asked for once more: not where readers cannot be told of that


class AtStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which step of its chat's workflow a run is."""

    workflow: str  # the id of the chat's own: chat.models.WorkflowRun
    step: str
    seq: int  # how often the workflow had moved, and one
    moves: bool = True  # False: it answers anew what the step was asked before, and leads nowhere


class RunOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Kept with the run, so that whoever takes it over knows them too."""

    instructions: str = ""  # to the model, behind the archetype's own prompt
    tools: tuple[ToolSpec, ...] = ()  # the client's own: it runs them, and brings the results with its next request
    tool_choice: str = "auto"  # auto, none, required, or the name of the tool to call first
    max_output_tokens: int | None = None  # of each turn
    max_sentences: int | None = None
    max_tokens: int | None = None  # of all turns, input and output together
    max_nanos: int | None = None  # what they may cost in all, in billionths of the installation's currency
    toolset: dict[str, str] = {}  # no wish: hashes of the project's tools when the run began, by name
    step: AtStep | None = None  # no wish either: set when the run begins
    effort: str = ""  # of reasoning, for this run alone; empty: the chat's
    output: OutputFormat | None = None  # what the answer must be
    compact_at: int | None = None  # tokens of input from which the chat's older part is summed up; None: by the model
    cache: Caching = ""  # whether it may be answered by what was answered before
    extra: dict[str, Any] = {}  # passed on to the provider as it is: top_p, stop, response_format ...


def dump(options: RunOptions) -> dict[str, Any]:
    """As JSON values, for a row."""
    return dict(msgspec.to_builtins(options))


def load(value: dict[str, Any]) -> RunOptions:
    """From a row. An unknown field raises msgspec.ValidationError."""
    return msgspec.convert(value, RunOptions)
