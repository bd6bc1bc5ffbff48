"""What a seed says: each run's turns, pieces, tools and faults, readers and stops. Pure: same seed, same plan."""

import random
import re
from dataclasses import dataclass, field

MARK = re.compile(r"\[\[chaos=(\d+)\]\]")
# The provider breaks before its first word: asked again, the run goes on as if nothing had been.
EARLY = ("503", "429", "refuse", "empty")
# It breaks in mid-sentence: the run fails, with what had arrived.
LATE = ("cut", "eof", "badjson", "error")


@dataclass(frozen=True)
class TurnPlan:
    """One answer of the model."""

    pieces: tuple[str, ...]
    delay_s: float  # between two pieces
    calls: int = 0  # tool calls it asks for
    drill: str = ""  # work that it begins beside: for the chat, or for the project
    fault: str = ""  # strikes the first time that this turn is asked for

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(frozen=True)
class RunPlan:
    """One run, from its message to its readers."""

    number: int
    chat: int
    turns: tuple[TurnPlan, ...]
    is_doubled: bool = False  # submitted twice at once, with one key
    stop_after_s: float | None = None
    reader_seeds: tuple[int, ...] = ()
    submit_seed: int = 0

    @property
    def content(self) -> str:
        """The message that starts it."""
        return f"[[chaos={self.number}]] go"

    @property
    def text(self) -> str:
        """The whole answer, where nothing stops it."""
        return "".join(turn.text for turn in self.turns)

    @property
    def may_fail(self) -> bool:
        """The script says that the provider breaks in mid-sentence."""
        return any(turn.fault in LATE for turn in self.turns)


@dataclass(frozen=True)
class Shape:
    """What to plan."""

    seed: int
    runs: int
    readers: int
    has_upstream_faults: bool = True
    pace: float = 1.0  # delays are multiplied by this
    most_pieces: int = field(default=60)


def plan(shape: Shape) -> list[RunPlan]:
    """The runs of a seed."""
    plans: list[RunPlan] = []
    chat = -1
    for number in range(shape.runs):
        dice = random.Random(f"{shape.seed}:{number}")
        chat += dice.random() > 0.3 or number == 0  # three in ten follow in the chat of the one before
        plans.append(_run(shape, dice, number, chat))
    return plans


def _run(shape: Shape, dice: random.Random, number: int, chat: int) -> RunPlan:
    count = dice.choice((1, 1, 2, 2, 3))
    faulty = dice.randrange(count) if shape.has_upstream_faults and dice.random() < 0.2 else -1
    turns = tuple(_turn(shape, dice, (number, turn), turn < count - 1, turn == faulty) for turn in range(count))
    return RunPlan(
        number=number,
        chat=chat,
        turns=turns,
        is_doubled=dice.random() < 0.2,
        stop_after_s=dice.uniform(0.0, 2.0) * shape.pace if dice.random() < 0.15 else None,
        reader_seeds=tuple(dice.getrandbits(32) for _ in range(shape.readers)),
        submit_seed=dice.getrandbits(32),
    )


def _turn(shape: Shape, dice: random.Random, place: tuple[int, int], has_calls: bool, is_faulty: bool) -> TurnPlan:
    number, turn = place
    count = dice.randint(3, shape.most_pieces)
    return TurnPlan(
        pieces=tuple(f"{number}/{turn}/{piece} " for piece in range(count)),
        delay_s=dice.uniform(0.005, 0.08) * shape.pace,
        calls=dice.randint(1, 2) if has_calls else 0,
        drill=dice.choice(("chat", "project", "", "")) if has_calls else "",
        fault=dice.choice(EARLY + LATE) if is_faulty else "",
    )
