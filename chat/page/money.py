"""Money as people read it."""

from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import get_language

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
LEAST = Decimal("0.0001")  # that is said of what was paid: what is less is less than that


def money(amount: Decimal, currency: str) -> str:
    """A price as people write it: $1.25, 1,25 $."""
    return _written(amount, 2 if round(amount, 2) == amount else 3, currency)


def paid(amount: str, currency: str) -> str:
    """What was paid, which may be very little: $1.25, $0.0123; static/chat/words.js says the same."""
    value = Decimal(amount)
    if 0 < value < LEAST:
        return f"< {_written(LEAST, 4, currency)}"
    return _written(value, 2 if value >= 1 else 4, currency)


def _written(amount: Decimal, places: int, currency: str) -> str:
    number = number_format(round(amount, places), decimal_pos=places, force_grouping=True)
    symbol = SYMBOLS.get(currency)
    if symbol is None:
        return f"{number}\N{NO-BREAK SPACE}{currency}"
    return f"{symbol}{number}" if (get_language() or "en").startswith("en") else f"{number}\N{NO-BREAK SPACE}{symbol}"
