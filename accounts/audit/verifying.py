"""Whether chains hold, entry by entry: from the database or from an export, in memory that does not grow. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.audit.canonical import HASHED, hash_of, link_of
from accounts.audit.models import NO_CHAIN

MISSING_MAX = 1_000  # places that are remembered as missing, in case that they come later


@dataclass
class Chain:
    """One chain as it is read: what is wrong with each entry, and at its end."""

    seq: int = 0  # of the entry before
    link: str | None = NO_CHAIN  # its chain; None: it is not known
    anchors: Mapping[int, str] = field(default_factory=dict)  # what the chain must be at these numbers
    begins_anywhere: bool = False  # an export may be a part
    count: int = 0
    _missing: dict[int, int] = field(default_factory=dict)  # first: last, of places that nothing stood in
    _seen: set[int] = field(default_factory=set)  # of the anchors

    def take(self, entry: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong with the next entry."""
        self.count += 1
        seq, hash, link = entry["seq"], entry["hash"], entry["chain"]
        named = f"entry {seq} ({entry['id']})"
        if _hash_of(entry) != hash:
            yield f"{named} was changed: it has another hash"
        if seq in self.anchors:
            self._seen.add(seq)
            if self.anchors[seq] != link:
                yield f"{named} is not the one that was anchored"
        if self.begins_anywhere and self.count == 1 and seq > 1:
            self.seq, self.link = seq - 1, None
        yield from self._at(seq, named)
        if self.link is not None and self.seq == seq - 1 and link_of(self.link, seq, hash) != link:
            yield f"{named} does not follow from the one before"
        if seq > self.seq:
            self.seq, self.link = seq, link

    def _at(self, seq: int, named: str) -> Iterator[str]:
        """What its place says."""
        if seq == self.seq + 1:
            return
        if seq > self.seq:
            if len(self._missing) < MISSING_MAX:
                self._missing[self.seq + 1] = seq - 1
            else:
                yield _missing(self.seq + 1, seq - 1)
            self.link = None
        elif self._fills(seq):
            yield f"{named} stands in another's place, behind entry {self.seq}"
        else:
            yield f"{named} is there twice"

    def _fills(self, seq: int) -> bool:
        """Whether that place was empty until now; then it is not any more."""
        found = next((first for first, last in self._missing.items() if first <= seq <= last), None)
        if found is None:
            return False
        last = self._missing.pop(found)
        for first, end in ((found, seq - 1), (seq + 1, last)):
            if first <= end:
                self._missing[first] = end
        return True

    def end(self, seq: int | None = None, link: str = "") -> Iterator[str]:
        """What is wrong now that no entry follows. `seq` and `link`: where it must end."""
        for first, last in sorted(self._missing.items()):
            yield _missing(first, last)
        if seq is not None and self.seq < seq:
            yield _missing(self.seq + 1, seq)
        elif seq is not None and (self.seq, self.link) != (seq, link):
            yield f"the end is not the one that was kept: entry {seq}"
        for seq in sorted(set(self.anchors) - self._seen):
            yield f"entry {seq}, which was anchored, is not there"


def _hash_of(entry: Mapping[str, Any]) -> str:
    """Its hash; empty for one with values that no entry has."""
    try:
        return hash_of({name: entry[name] for name in HASHED})
    except ValueError:
        return ""


def _missing(first: int, last: int) -> str:
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"
