"""Times, lengths and counts as people read them, in the separators of their language."""

from datetime import datetime, timedelta
from functools import cache

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def seconds(value: float) -> str:
    """A length of time: 0.3 s, 12 s, 4 min 05 s, 3 h 12 min, 2 d 4 h."""
    if value < 10:
        return _("%(count)s s") % {"count": number_format(round(max(0.0, value), 1), 1)}
    if value < 60:
        return _("%(count)s s") % {"count": f"{value:.0f}"}
    whole = int(value)
    if whole < 3600:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": whole // 60, "seconds": f"{whole % 60:02}"}
    if whole < 48 * 3600:
        return _("%(hours)s h %(minutes)s min") % {"hours": whole // 3600, "minutes": f"{whole % 3600 // 60:02}"}
    return _("%(days)s d %(hours)s h") % {"days": whole // 86400, "hours": whole % 86400 // 3600}


def age(since: datetime | None, now: datetime) -> str:
    """How long ago that was."""
    return "-" if since is None else seconds((now - since).total_seconds())


def milliseconds(value: int | None) -> str:
    """A measured time: 340 ms, 2.4 s."""
    if value is None:
        return "-"
    return _("%(count)s ms") % {"count": value} if value < 1000 else seconds(value / 1000)


def count(value: int) -> str:
    """A number with separators."""
    return f"{value:,}".replace(",", _separator(get_language()))


@cache
def _separator(language: str | None) -> str:
    """What stands between thousands; Django's own formatting, asked for every number, is a tenth of a page of usage."""
    return str(number_format(1000, force_grouping=True))[1:-3]


def short(value: int) -> str:
    """A large number in few characters: 950, 1.2 k, 3.4 M, 5.6 G."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{number_format(round(value / size, 1), 1)} {unit}"
    return str(value)


def share(part: int, whole: int) -> str:
    """A share, in percent."""
    return _("%(count)s %%") % {"count": number_format(round(part * 100 / whole, 1), 1)} if whole else "-"


def breaking(address: str) -> SafeString:
    """An e-mail address that breaks before its @ where room is short; any other text as it is."""
    name, at, host = address.rpartition("@")
    return format_html("{}<wbr>@{}", name, host) if at else format_html("{}", address)


def clock(at: datetime) -> str:
    """A moment, in the installation's time zone, to a second."""
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"


def midnight(days_ago: int = 0) -> datetime:
    """When today began, or a day before it."""
    now = timezone.localtime()
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)
