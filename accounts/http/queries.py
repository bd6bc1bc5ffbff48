"""Values of a query, for views and lists of every kind: it loads no REST framework."""


def whole_number(text: str | None, least: int = 0, most: int = 999_999_999) -> int | None:
    """The whole number that the text spells in digits, if it is one from `least` to `most`."""
    if not text or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text) if least <= int(text) <= most else None
