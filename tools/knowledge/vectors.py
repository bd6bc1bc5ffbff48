"""Vectors as they are stored: their numbers as float32, and the signs of these as bits. No numpy, no Django.

The signs find what may be near, cheaply: 384 numbers are 48 bytes, compared as one whole number. Of the best of these
the exact nearness is counted.
"""

import heapq
import math
import sys
from array import array
from collections.abc import Iterable, Sequence
from operator import mul
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it takes no brackets before Python 3.12
    Vector = array[float]
else:
    Vector = array
ROUGH = 200  # that are nearest by their signs, of which the exact nearness is counted


class NotAVector(ValueError):
    """Numbers that say no direction."""


def unit(numbers: Sequence[float]) -> Vector:
    """The vector made of length 1, so that a product of two is their nearness. Raises NotAVector."""
    length = math.sqrt(sum(each * each for each in numbers))
    if not math.isfinite(length) or not length:
        raise NotAVector
    return array("f", [each / length for each in numbers])


def packed(vector: Vector) -> bytes:
    """Its numbers, little-endian."""
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return vector.tobytes()


def unpacked(data: bytes) -> Vector:
    """The vector of these bytes."""
    vector = array("f")
    vector.frombytes(data)
    if sys.byteorder == "big":
        vector.byteswap()
    return vector


def signs(vector: Vector) -> bytes:
    """A bit for each number: whether it is above zero."""
    found = int("".join("1" if each > 0 else "0" for each in vector), 2)
    return found.to_bytes((len(vector) + 7) // 8, "big")


def roughly_nearest(rows: Iterable[tuple[int, bytes]], bits: bytes, most: int = ROUGH) -> list[int]:
    """Of rows (id, signs) the ids of those that differ in the fewest signs. Those of another length are left out."""
    asked, size = int.from_bytes(bits, "big"), len(bits)
    differing = (
        ((int.from_bytes(each, "big") ^ asked).bit_count(), id) for id, each in rows if each and len(each) == size
    )
    return [id for _, id in heapq.nsmallest(most, differing)]


def nearest(rows: Iterable[tuple[int, Any]], vector: Vector, most: int) -> list[int]:
    """Of rows (id, vector) the ids of the nearest, the nearest first."""
    found = ((-_product(unpacked(bytes(data)), vector), id) for id, data in rows)
    return [id for _, id in heapq.nsmallest(most, found)]


def _product(one: Vector, other: Vector) -> float:
    return sum(map(mul, one, other)) if len(one) == len(other) else -1.0
