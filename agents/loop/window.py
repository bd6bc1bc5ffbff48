"""How much of a chat a model can be given, and when that is too much. Pure."""

from dataclasses import dataclass

from agents.loop.lighter import AT_PERCENT, KEEP_PART
from agents.loop.target import MARGIN, room_of
from agents.model_info import ModelInfo

SUMMARY_TOKENS = 1_000  # of what stands for the older messages, at most
SUMMARY_PART = 8  # and at most an eighth of a small room


@dataclass(frozen=True)
class Window:
    """In tokens, as they are estimated."""

    room: int  # the most that a question may have
    trigger: int  # one that has more is made shorter
    keep: int  # so much of the newest always stays whole

    @property
    def summary(self) -> int:
        """How long a summary of the rest may be."""
        return min(SUMMARY_TOKENS, self.room // SUMMARY_PART)

    def compacted_at(self, tokens: int) -> "Window":
        """The same where somebody wants a question of so many tokens made shorter, if it is not anyway."""
        return Window(self.room, min(self.trigger, tokens), min(self.keep, tokens // KEEP_PART))

    def within(self, tokens: int) -> "Window":
        """The same where a question of so many tokens is too long."""
        room = min(self.room, tokens)
        return Window(room, min(self.trigger, room * AT_PERCENT // 100), min(self.keep, room // KEEP_PART))


def window_of(model: ModelInfo, most: int, at_percent: int = AT_PERCENT) -> Window:
    """The window of a model of which `most` tokens are used at most; of one that nobody has told of, those."""
    room = room_of(model, None)
    if room is None:
        return Window(most, most * at_percent // 100, most // KEEP_PART)
    free = min(room + model.context_tokens // MARGIN, most)  # the window without the answer
    room = min(room, most)
    return Window(room, min(free * at_percent // 100, room), min(model.context_tokens, most) // KEEP_PART)
