"""What a workflow is: steps, each with the rules by which it goes on. Values; no Django."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

END = "end"  # where a rule leads that ends the workflow
SENTENCES = 2  # of a step that talks, where it says nothing of them

Kind = Literal["chat", "tool", "approval", "wait"]


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must be so: of an answer that a person gave, or what a model says of a sentence."""

    answer: str = ""  # its name; then exactly one of the next three is given
    equals: str | None = None
    one_of: tuple[str, ...] | None = msgspec.field(name="in", default=None)
    matches_words: tuple[str, ...] | None = None  # one of these stands in it as a word
    model: str = ""  # a sentence, of which a model says whether it is so


class Next(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule: where the step leads, and when."""

    to: str  # a step's id, or END
    when: Literal["always"] | When = "always"


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step. Without rules the workflow ends behind it."""

    id: str
    name: str  # people read it
    kind: Kind = "chat"
    prompt: str = ""  # to the model, behind its archetype's own
    guidelines: str = ""  # the same, behind the prompt
    max_tokens: int | None = None  # of each turn
    max_sentences: int | UnsetType | None = UNSET  # of an answer; None: as many as it likes
    context: Literal["none", "full"] = "full"  # whether what the project knows may be searched
    archetype: str = ""  # empty: the chat's
    tool: str = ""  # of a tool step
    needs: tuple[str, ...] = ()  # names of the answers that messages bring while it is the step
    next: tuple[Next, ...] = ()
    retries: int = 2  # how often it is tried again before the workflow fails
    timeout_s: float = 120.0

    @property
    def waits(self) -> bool:
        """Whether nothing of it is done by a model: a person's decision or message leads on."""
        return self.kind in ("approval", "wait")

    @property
    def sentences(self) -> int | None:
        """At most so many in an answer."""
        if isinstance(self.max_sentences, UnsetType):
            return SENTENCES if self.kind == "chat" else None
        return self.max_sentences

    def instructions(self) -> str:
        """What its model is told."""
        return "\n\n".join(filter(None, (self.prompt.strip(), self.guidelines.strip())))

    def taking(self, answers: Mapping[str, Any]) -> str:
        """The name of the answer that the next message is: the first that is not there; else the last. Empty: none."""
        missing = (name for name in self.needs if name not in answers)
        return next(missing, self.needs[-1] if self.needs else "")


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The steps; it begins with the first."""

    steps: tuple[Step, ...]

    def step(self, id: str) -> Step | None:
        """The step of that id."""
        return next((each for each in self.steps if each.id == id), None)

    def index(self, id: str) -> int:
        """Its number, from 1; 0 where there is none."""
        return next((number for number, each in enumerate(self.steps, 1) if each.id == id), 0)


def load(value: Any) -> Definition:
    """From JSON. Raises msgspec.ValidationError, which says where something is wrong and what."""
    return msgspec.convert(value, Definition)
