"""A model that may be chosen, as far as anybody knows it. Pure."""

from dataclasses import dataclass, field

from agents.prices import Price
from agents.providers.server import DEMO, Server

CONTEXT_TOKENS_ELSE = 128_000  # a guess, for models that nobody has told the context of
ABILITIES = ("tools", "images", "pdf", "audio", "reasoning", "sampling")
TIERS = ("free", "pro", "max")  # each also sees what the ones before it see
ABILITIES_ELSE = frozenset({"tools", "images", "sampling"})  # of a model that nobody has told of: what was always sent


@dataclass(frozen=True)
class ModelInfo:
    """One line of the catalog."""

    id: str  # what a chat stores
    provider: str  # the name of who answers: a vendor's, or demo
    context_tokens: int = CONTEXT_TOKENS_ELSE  # question and answer together
    is_context_known: bool = False  # else context_tokens is a guess
    note: str = ""  # what a person who chooses it must know; mostly nothing
    name: str = ""  # what the provider calls it; empty: the id
    max_output_tokens: int | None = None  # of one reply; None: nobody knows
    abilities: frozenset[str] = ABILITIES_ELSE  # some of ABILITIES: what is not here is not sent
    efforts: tuple[str, ...] = ()  # of reasoning that may be asked for, least first: some of agents.options.EFFORTS
    fallbacks: tuple[str, ...] = ()  # ids of those that answer where it cannot, in order
    tier: str = ""  # one of TIERS: for whom it is; empty: for everybody
    successor: str = ""  # the id of what to choose in its place, where it has ended or ends
    price: Price | None = field(default=None)  # None: nobody knows
    server: Server = DEMO  # where it is asked
    ends_at: str = ""  # the day from which its vendor answers for it no more, as ISO 8601; empty: none is announced

    @property
    def wire_name(self) -> str:
        """What the provider calls it."""
        return self.name or self.id

    def has(self, ability: str) -> bool:
        """Whether it can do that: one of ABILITIES."""
        return ability in self.abilities

    def is_seen_by(self, tier: str) -> bool:
        """Whether it is for whoever has this tier: one of TIERS."""
        return not self.tier or TIERS.index(self.tier) <= TIERS.index(tier)
