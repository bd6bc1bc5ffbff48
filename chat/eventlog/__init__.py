"""The log of a run: the only door to RunEvent.

Deltas are shown at once and stored soon; everything else is stored before it is shown. `Writer` appends for the process
that holds the run's lease, `tail` reads and keeps reading from anywhere, `rows` is what lies in the database.
"""

from chat.eventlog.committer import committer
from chat.eventlog.feed import hub
from chat.eventlog.rows import Logged, first_events, newest, read, stored
from chat.eventlog.tail import tail
from chat.eventlog.writer import Fenced, Refused, Writer

__all__ = [
    "Fenced",
    "Logged",
    "Refused",
    "Writer",
    "committer",
    "first_events",
    "hub",
    "newest",
    "read",
    "stored",
    "tail",
]
