"""What is wrong with an own app, in a sentence: which app, which line of it, and what to do."""

import traceback
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent.parent.parent
OURS = ("accounts", "agents", "chat", "config", "tools")


@dataclass(frozen=True)
class Fault:
    """Of one app in PARLEY_APPS."""

    app: str
    text: str
    hint: str

    def __str__(self) -> str:
        return f"{self.text} {self.hint}"


def fault_of(app: str, error: Exception, folder: Path) -> Fault:
    """The app could not be loaded: the error, and the last line of the app's own on the way to it."""
    kind = "" if is_in_words(error) else f"{type(error).__name__}: "
    told = f"{place_of(error, folder)}: {kind}{_words(error)}".rstrip(".")
    return Fault(app, f"PARLEY_APPS: the app {app} cannot be used. {told}.", f"Mend it there, or take {app} out.")


def missing(app: str, folder: Path) -> Fault:
    """There is no such module."""
    told = f"PARLEY_APPS: there is no app {app}: it is neither on Python's path nor in {folder}."
    return Fault(app, told, f"Make it by `manage.py startparley {app}`, correct the name, or take it out.")


def place_of(error: Exception, folder: Path) -> str:
    """The file and line of the app at which it went wrong; its folder where no line of it was reached."""
    if isinstance(error, SyntaxError) and error.filename and is_within(error.filename, folder):
        return f"{error.filename}, line {error.lineno}"
    lines = [each for each in traceback.extract_tb(error.__traceback__) if is_within(each.filename, folder)]
    return f"{lines[-1].filename}, line {lines[-1].lineno}" if lines else str(folder)


def is_within(name: str, folder: Path) -> bool:
    """Whether the file lies in the folder."""
    return Path(name).is_relative_to(folder)


def is_in_words(error: Exception) -> bool:
    """Whether we raised the error for what is wrong with a value: then its text says all by itself."""
    if type(error).__module__.partition(".")[0] in OURS:
        return True
    frames = traceback.extract_tb(error.__traceback__)
    raised_by_us = bool(frames) and any(is_within(frames[-1].filename, HERE / package) for package in OURS)
    return raised_by_us and isinstance(error, ValueError | TypeError)


def _words(error: Exception) -> str:
    return (error.msg if isinstance(error, SyntaxError) else str(error)).strip() or "no text"
