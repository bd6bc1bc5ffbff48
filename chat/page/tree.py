"""A chat's messages as a tree: which follow which, and the branch one reads."""

from dataclasses import dataclass
from uuid import UUID

from chat.models import Chat, MessageStatus


@dataclass(frozen=True)
class Versions:
    """Where a message stands among those that answer, or follow, the same one. Empty where it is the only one."""

    number: int
    count: int
    previous: UUID | None
    next: UUID | None


class Tree:
    """The chat's messages without what they say. One query."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.positions: dict[UUID, int] = {}
        self._parents: dict[UUID, UUID | None] = {}
        self._children: dict[UUID | None, list[UUID]] = {}
        self._deleted: set[UUID] = set()
        rows = chat.messages.order_by("position").values_list("pk", "parent_id", "position", "status")
        for id, parent, position, status in rows.iterator():
            self.positions[id] = position
            self._parents[id] = parent
            self._children.setdefault(parent, []).append(id)
            if status == MessageStatus.DELETED:
                self._deleted.add(id)

    def path(self, at: UUID | None = None) -> list[UUID]:
        """The branch to the newest message, oldest first; or the newest one by way of `at`, if that is of this chat."""
        return self.path_to(self.chat.leaf_id if at is None or at not in self.positions else self._newest_under(at))

    def path_to(self, last: UUID | None) -> list[UUID]:
        """The messages from the first to this one; none where it is not of this chat."""
        path: list[UUID] = []
        while last in self.positions:
            path.append(last)
            last = self._parents[last]
        return path[::-1]

    def older_leaf(self, at: UUID | None) -> str:
        """The last message of the branch by way of `at`; "" where that is the newest branch."""
        path = self.path(at)
        return str(path[-1]) if path and path[-1] != self.chat.leaf_id else ""

    def versions(self, id: UUID) -> Versions | None:
        """Its place among its siblings; those that were deleted are passed over."""
        siblings = self._children.get(self._parents.get(id), [])
        kept = [each for each in siblings if each == id or each not in self._deleted]
        if len(kept) < 2:
            return None
        at = kept.index(id)
        return Versions(
            number=at + 1,
            count=len(kept),
            previous=kept[at - 1] if at else None,
            next=kept[at + 1] if at + 1 < len(kept) else None,
        )

    def _newest_under(self, id: UUID) -> UUID:
        while children := self._children.get(id):
            id = children[-1]
        return id
