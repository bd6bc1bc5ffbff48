"""A call that goes on after a person was asked: what it has to remember lies sealed in the question."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from accounts.secrets import SecretUnreadable, opened, seal
from tools.errors import ToolError
from tools.forms import Given

MAX_ROUNDS = 5  # that a person is asked in one call: a server that wants ever more is told of instead
SIGN_IN = "sign_in"  # the key of our own question
SEALED_FOR = "forms"  # the purpose of a server's state: it lies in a log until somebody answers
STATE_LOST = "What the server needs to go on with this call cannot be read any more. Call the tool anew."
Answers = Mapping[str, dict[str, Any] | None]


@dataclass(frozen=True)
class Resumed:
    """Where a call is."""

    rounds: int = 0  # that a person was asked already
    state: str | None = None  # what the server wants back
    answers: Answers | None = None  # for the server

    @classmethod
    def of(cls, given: Given | None) -> Self:
        """From what was answered. Raises ToolError."""
        if given is None:
            return cls()
        try:
            rounds, state, *before = json.loads(opened(given.state, SEALED_FOR))
        except SecretUnreadable as error:
            raise ToolError(STATE_LOST) from error
        is_ours = bool(before) and SIGN_IN in given.answers
        return cls(rounds, state, before[0] if is_ours else given.answers)

    @property
    def may_ask_again(self) -> bool:
        """Whether a person may be asked once more."""
        return self.rounds < MAX_ROUNDS

    def asked_once_more(self, *, is_sign_in: bool = False) -> str:
        """The state of the next question. Before a sign-in it keeps what was answered: that was not sent."""
        next = replace(self, rounds=self.rounds + 1)
        return seal(json.dumps([next.rounds, next.state, *([next.answers] if is_sign_in else [])]), SEALED_FOR)
