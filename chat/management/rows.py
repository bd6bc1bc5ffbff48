"""For commands that tell of models: the rows of the database, as far as it can be had."""

from typing import Any

from django.db import DatabaseError

from chat.metering import catalog


def load_rows(stderr: Any) -> None:
    """Take them; without a database, what the code and the settings say is told, with a word about it."""
    try:
        catalog.refresh()
    except DatabaseError:
        stderr.write("The database does not answer: this is what ships and what the settings say, without its rows.")
