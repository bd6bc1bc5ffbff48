"""What was rendered, kept for who asks next: by what it was made of, so that it is never out of date."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")
OVERHEAD_CHARS = 500  # what an entry takes beyond its text


class Kept(Generic[T]):
    """Keeps values up to so many characters; those that were asked for longest ago go first. For several threads."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        self._most = most
        self._size = size
        self.chars = 0  # that are kept
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], T], is_whole: Callable[[], bool] = lambda: True) -> T:
        """What is kept under this key, or what `make` gives: it may be called twice at the same time.

        It is kept if it `is_whole` then.
        """
        with self._lock:
            if found := self._values.get(key):
                self._values.move_to_end(key)
                return found[0]
        value = make()
        if is_whole():
            self._keep(key, value, self._size(value) + OVERHEAD_CHARS)
        return value

    def _keep(self, key: Hashable, value: T, chars: int) -> None:
        with self._lock:
            if chars > self._most or key in self._values:
                return
            self._values[key] = (value, chars)
            self.chars += chars
            while self.chars > self._most:
                self.chars -= self._values.popitem(last=False)[1][1]
