"""JSON Patch (RFC 6902), bounded: no patch makes a document larger than it may be, not even on its way.

The library does what the RFC says and bounds nothing: seventeen copies of the root make 70 MB of 540 bytes. So what
an operation brings is counted before. Values are counted exactly, with those that leave: looking at the whole document
after each operation takes seconds of a document which is nearly full. Bytes are counted upwards, as encoding is quick.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonpatch import JsonPatch, JsonPatchException, JsonPatchTestFailed
from jsonpointer import JsonPointerException

from tools.documents.errors import PatchFailed, PatchInvalid, TooLarge, ValueRefused
from tools.documents.limits import WORK, Limits
from tools.documents.pointers import NothingThere, PointerRefused, found, pointer_of, steps_of, what_is_there
from tools.documents.values import check_bytes, check_count, check_depth, decode, encode, size_of

WITH_VALUE = ("add", "replace", "test")
WITH_FROM = ("move", "copy")
OPERATIONS = (*WITH_VALUE, "remove", *WITH_FROM)


@dataclass(frozen=True)
class Changed:
    """A document after a change, and the places that the change names, as pointers, each once."""

    document: Any
    paths: list[str]


@dataclass(frozen=True)
class Operation:
    """One operation, checked by itself."""

    number: int
    op: str
    steps: tuple[str, ...]
    origin: tuple[str, ...] = ()  # what it names `from`
    value: Any = None

    @property
    def path(self) -> str:
        return pointer_of(self.steps)


def patched(document: Any, patch: Any, limits: Limits) -> Changed:
    """The document with the patch applied. The one given may be changed, also where an error is raised: give a copy.

    Raises PatchInvalid, PatchFailed, TooLarge or ValueRefused, all saying which operation.
    """
    operations = _operations(patch, limits)
    work = _Work(document, limits)
    for each in operations:
        work.do(each)
    return Changed(work.document, list(work.paths))


def _operations(patch: Any, limits: Limits) -> list[Operation]:
    if not isinstance(patch, list):
        raise PatchInvalid('patch: expected a list of operations, such as [{"op": "add", "path": "/a", "value": 1}].')
    if len(patch) > limits.operations:
        raise PatchInvalid(f"patch: expected at most {limits.operations} operations, got {len(patch):,}.")
    return [_operation(number, each, limits) for number, each in enumerate(patch)]


def _operation(number: int, sent: Any, limits: Limits) -> Operation:
    """One of them, read. Members that the RFC does not name are left alone, as it says. Raises PatchInvalid."""
    if not isinstance(sent, Mapping):
        raise _invalid(number, "", "expected an object with op and path")
    op = sent.get("op")
    if op not in OPERATIONS:
        raise _invalid(number, ".op", f"expected one of: {', '.join(OPERATIONS)}")
    if op in WITH_VALUE and "value" not in sent:
        raise _invalid(number, ".value", f"is required for {op}")
    steps = _steps(number, sent, "path", limits)
    origin = _steps(number, sent, "from", limits) if op in WITH_FROM else ()
    return Operation(number, op, steps, origin, sent.get("value"))


def _steps(number: int, sent: Mapping[str, Any], name: str, limits: Limits) -> tuple[str, ...]:
    if name not in sent:
        raise _invalid(number, f".{name}", f"is required for {sent['op']}")
    try:
        return steps_of(sent[name], limits)
    except PointerRefused as error:
        raise _invalid(number, f".{name}", str(error)) from None


def _invalid(number: int, field: str, expected: str) -> PatchInvalid:
    return PatchInvalid(f"patch[{number}]{field}: {expected}.", number)


class _Work:
    """A document on its way through a patch, with how many values it holds and how many bytes it can have by now."""

    def __init__(self, document: Any, limits: Limits) -> None:
        self.document = document
        self.limits = limits
        self.bytes = len(encode(document))
        self.values = size_of(document, limits).values
        self.work = WORK * limits.values
        self.paths: dict[str, None] = {}

    def do(self, operation: Operation) -> None:
        """Apply it. Raises PatchFailed, TooLarge or ValueRefused."""
        try:
            value, added = self._brought(operation)
            self._apply(operation, value)
            self._grow(added + len(encode(operation.path)) + 1)
        except (TooLarge, ValueRefused) as error:
            raise type(error)(f"patch[{operation.number}]: {error}") from None
        self._note(operation)

    def _brought(self, operation: Operation) -> tuple[Any, int]:
        """The value that the operation puts or compares, its own, or that it moves; and how many bytes it adds."""
        if operation.op == "remove":
            return None, 0
        source = self._source(operation) if operation.op in WITH_FROM else operation.value
        size = size_of(source, self.limits)
        check_depth(len(operation.steps) + size.depth, self.limits)
        self.work -= size.values
        if self.work < 0:
            raise TooLarge("the operations so far carry too many values. Send fewer of them in one patch.")
        if operation.op == "move":
            return source, 0
        data = encode(source)
        if len(data) > self.limits.value_bytes:
            raise TooLarge(f"its value is too large: at most {self.limits.value_bytes:,} bytes as JSON.")
        if operation.op == "test":
            return decode(data), 0
        self.values += size.values
        return decode(data), len(data)

    def _source(self, operation: Operation) -> Any:
        try:
            return found(self.document, operation.origin)
        except NothingThere as error:
            why = f"there is nothing at {pointer_of(operation.origin)}. {error}"
            raise self._failed(operation, why) from None

    def _apply(self, operation: Operation, value: Any) -> None:
        if operation.op == "move":
            if operation.origin == operation.steps:
                return
            self._take_out(operation)
        self._count_leaving(operation)
        op = "add" if operation.op in WITH_FROM else operation.op  # of the value that is at hand already
        self._change(operation, {"op": op, "path": operation.path, "value": value})

    def _take_out(self, operation: Operation) -> None:
        """Remove what is moved, by itself: only then is it seen what it replaces."""
        if operation.steps[: len(operation.origin)] == operation.origin:
            raise self._failed(operation, f"nothing can be moved into itself. {self._there(operation)}")
        self._change(operation, {"op": "remove", "path": pointer_of(operation.origin)})

    def _count_leaving(self, operation: Operation) -> None:
        """Count off what the operation removes or replaces."""
        for each in self._leaving(operation):
            self.values -= size_of(each, self.limits).values
            self.bytes -= len(encode(each))

    def _leaving(self, operation: Operation) -> Iterator[Any]:
        """What is in the operation's place and goes. What is added to a list replaces nothing."""
        if operation.op == "test":
            return
        try:
            if operation.steps and operation.op not in ("remove", "replace"):
                holder = found(self.document, operation.steps[:-1])
                if not isinstance(holder, dict):
                    return
            yield found(self.document, operation.steps)
        except NothingThere:
            return

    def _change(self, operation: Operation, told: dict[str, Any]) -> None:
        try:
            self.document = JsonPatch([told]).apply(self.document, in_place=True)
        except (JsonPatchTestFailed, JsonPointerException):
            raise self._failed(operation, self._there(operation)) from None
        except JsonPatchException as error:
            raise self._failed(operation, f"{str(error)[:200]}. {self._there(operation)}") from None

    def _there(self, operation: Operation) -> str:
        return what_is_there(self.document, operation.steps)

    def _failed(self, operation: Operation, why: str) -> PatchFailed:
        number, path = operation.number, operation.path
        what = f"patch[{number}]: {operation.op} {path or 'of the whole document'}"
        return PatchFailed(f"{what} does not fit the document: {why} Nothing was changed.", number, path)

    def _grow(self, added: int) -> None:
        """Count what came. Where the bytes, counted upwards, are over their limit, look how many there really are."""
        check_count(self.values, self.limits)
        self.bytes += added
        if self.bytes > self.limits.bytes:
            self.bytes = len(encode(self.document))
            check_bytes(self.bytes, self.limits)

    def _note(self, operation: Operation) -> None:
        if operation.op == "test":
            return
        if operation.op == "move":
            self.paths[pointer_of(operation.origin)] = None
        self.paths[self._place(operation)] = None

    def _place(self, operation: Operation) -> str:
        """Where it has put something: behind a list's end is its last item by now."""
        *parent, last = operation.steps or ("",)
        if last != "-":
            return operation.path
        holder = found(self.document, parent)
        return pointer_of([*parent, str(len(holder) - 1)]) if isinstance(holder, list) else operation.path
