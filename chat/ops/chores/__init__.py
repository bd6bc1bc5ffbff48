"""Work that is done now and then, by one process at a time: which there is, whose turn it is, and the doing.

To add one: a line in `table.CHORES`, a function that begins it, and its setting.
"""

from chat.ops.chores.doing import run

__all__ = ["run"]
