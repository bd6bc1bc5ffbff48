"""All slash commands. To add one: a file here with its `command`, and a line below; docs/commands.md."""

from chat.commands.clear import clear
from chat.commands.compact import compact
from chat.commands.export import export
from chat.commands.feedback import feedback
from chat.commands.help import help_
from chat.commands.model import model
from chat.commands.search import search
from chat.commands.summarize import summarize
from chat.commands.title import title
from chat.commands.usage import usage
from chat.gate import has_feature
from chat.runner.commands import Command, table

COMMANDS: tuple[Command, ...] = (
    help_,
    model,
    title,
    summarize,
    compact,
    clear,
    search,
    usage,
    export,
    feedback,
)


def hand_down() -> None:
    """From now on services and runner know these. Once in a process."""
    table.fill(COMMANDS, has_feature)
