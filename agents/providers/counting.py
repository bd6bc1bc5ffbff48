"""Input as servers count it, and what of it was read from their cache and written to it. Pure."""

MOST_TOKENS = 10**12  # a count beyond this is nonsense


def input_of(told: int, cached: int | None, written: int | None) -> tuple[int, int, int]:
    """(all input, read from the cache, written to it): the two are parts of the first, and have nothing in common.

    Where more was read than there is in all, the server counts that beside the rest. What is no count is 0.
    """
    read, wrote = _count(cached), _count(written)
    whole = told + read if read > told else told
    return whole, read, min(wrote, whole - read)


def _count(number: int | None) -> int:
    return number if number is not None and 0 <= number <= MOST_TOKENS else 0
