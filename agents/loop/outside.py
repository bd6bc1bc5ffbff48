"""What a run knows of the words of others before it reads its own log: values. No Django."""

from dataclasses import dataclass

ANYWHERE = ""  # a place that nobody has named


@dataclass(frozen=True)
class Outside:
    """What came into a run's chat and project from outside."""

    names: frozenset[str] = (
        frozenset()
    )  # of tools that answered earlier in the chat; ANYWHERE: a picture by its address
    repository: frozenset[str] = frozenset()  # hosts that the project's files come from; nothing: its people wrote them


async def nothing() -> Outside:
    """Of a run that is in no chat and no project."""
    return Outside()
