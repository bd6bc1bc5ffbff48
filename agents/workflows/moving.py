"""Where a step leads, as far as that can be said without asking anybody. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.workflows.definition import END, Next, Step, When


@dataclass(frozen=True)
class Choice:
    """A model has to say which of these sentences is so."""

    rules: tuple[Next, ...]
    otherwise: str | None  # where it goes if none is; None: it stays

    @property
    def sentences(self) -> list[tuple[str, str]]:
        """Where each leads, and the sentence."""
        return [(rule.to, rule.when.model) for rule in self.rules if isinstance(rule.when, When)]


def decided(step: Step, answers: Mapping[str, str]) -> str | Choice | None:
    """The id of the next step, or END; a choice that is left to a model; None: the step stays.

    The first rule that holds is taken; those of a model before it are looked at first.
    """
    if not step.next:
        return END
    asked: list[Next] = []
    sure: str | None = None
    for rule in step.next:
        if isinstance(rule.when, When) and rule.when.model:
            asked.append(rule)
        elif _holds(rule.when, answers):
            sure = rule.to
            break
    return Choice(tuple(asked), sure) if asked else sure


def _holds(when: str | When, answers: Mapping[str, str]) -> bool:
    if not isinstance(when, When):
        return True
    said = answers.get(when.answer)
    if said is None:
        return False
    if when.equals is not None:
        return _same(said, when.equals)
    if when.one_of is not None:
        return any(_same(said, each) for each in when.one_of)
    return any(_has(said, each) for each in when.matches_words or ())


def _same(said: str, expected: str) -> bool:
    """Whether they are the same but for case, blanks around and a full stop."""
    return said.strip().rstrip(".!").casefold() == expected.strip().rstrip(".!").casefold()


def _has(said: str, words: str) -> bool:
    """Whether these words stand in it, each whole."""
    return bool(re.search(rf"(?<!\w){re.escape(words.strip().casefold())}(?!\w)", said.casefold()))
