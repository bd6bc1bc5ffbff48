"""Where Django looks for them."""

from config.formats import DATE as DATE_FORMAT
from config.formats import DATE as SHORT_DATE_FORMAT
from config.formats import DATETIME as DATETIME_FORMAT
from config.formats import DATETIME as SHORT_DATETIME_FORMAT
from config.formats import TIME as TIME_FORMAT

__all__ = ["DATETIME_FORMAT", "DATE_FORMAT", "SHORT_DATETIME_FORMAT", "SHORT_DATE_FORMAT", "TIME_FORMAT"]
