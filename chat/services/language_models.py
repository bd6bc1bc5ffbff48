"""Rows of models, as operators write them: what may stand in one, and how it is stored. Sync."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext as _

from agents import installation
from agents.catalog import DEMO_MODEL
from agents.model_info import ABILITIES, TIERS
from agents.options import EFFORTS
from agents.providers.apis import APIS
from agents.vendors import BY_NAME
from chat.metering import catalog
from chat.models import LanguageModel
from tools.errors import OutwardError
from tools.outward.checking import check_url

OURS = "parley/"  # names of agents begin so: chat.doors.openai.names
PRICES = ("input_price", "cached_price", "cache_write_price", "output_price")


def faults(row: LanguageModel) -> dict[str, str]:
    """What may not stand in the row: field -> what is wrong, for who wrote it."""
    found = {
        "id": _id(row.id),
        **_words(row),
        **_prices(row),
        **_numbers(row),
        "base_url": _address(row),
        "fallbacks": _fallbacks(row),
        "successor": _successor(row),
    }
    return {field: text for field, text in found.items() if text}


def _id(id: str) -> str:
    """Names that mean something else here, or that nobody could write."""
    if id == DEMO_MODEL.id or id.startswith(OURS):
        return _("The name %(name)s is taken.") % {"name": id}
    return "" if id.isprintable() and id == id.strip() and " " not in id else _("Expected a name without spaces.")


def save(row: LanguageModel) -> None:
    """Store it. This process offers it at once, others within catalog.REFRESH_S."""
    row.updated_at = timezone.now()
    row.source = row.source or catalog.Source.OPERATOR
    row.save()
    catalog.changed()


def enable(ids: Iterable[str], is_enabled: bool) -> int:
    """Offer these models, or no longer; how many there are."""
    count = LanguageModel.objects.filter(pk__in=list(ids)).update(is_enabled=is_enabled, updated_at=timezone.now())
    catalog.changed()
    return count


def _words(row: LanguageModel) -> dict[str, str]:
    kinds = {"vendor": BY_NAME, "api": APIS, "tier": TIERS}
    lists = {"abilities": ABILITIES, "efforts": EFFORTS}
    expected = _("Expected: %(words)s.")
    found = {
        name: expected % {"words": ", ".join(words)}
        for name, words in kinds.items()
        if (value := getattr(row, name)) and value not in words
    }
    for name, words in lists.items():
        value = getattr(row, name)
        if value is not None and not (isinstance(value, list) and set(map(str, value)) <= set(words)):
            found[name] = expected % {"words": ", ".join(words)}
    return found


def _prices(row: LanguageModel) -> dict[str, str]:
    found = {name: _("A price is 0 or more.") for name in PRICES if (getattr(row, name) or 0) < 0}
    if (row.input_price is None) != (row.output_price is None):
        missing = "input_price" if row.input_price is None else "output_price"
        found.setdefault(missing, _("Input and output have a price each, or neither has."))
    if row.input_price is None and (row.cached_price is not None or row.cache_write_price is not None):
        found.setdefault("input_price", _("Prices of the cache count only beside those of input and output."))
    return found


def _numbers(row: LanguageModel) -> dict[str, str]:
    return {
        name: _("Expected 1 or more, or nothing.")
        for name in ("context_tokens", "max_output_tokens")
        if getattr(row, name) is not None and getattr(row, name) < 1
    }


def _address(row: LanguageModel) -> str:
    """What is wrong with a server of its own: it is judged as everything outside is (docs/outward.md)."""
    if not row.base_url:
        return ""
    try:
        check_url(row.base_url)
    except OutwardError as error:
        return str(error)
    return ""


def _fallbacks(row: LanguageModel) -> str:
    """They exist, and no way over them leads back to the row."""
    if row.fallbacks is None:
        return ""
    if not isinstance(row.fallbacks, list) or not all(isinstance(each, str) for each in row.fallbacks):
        return _("Expected names of models.")
    ways = _ways(row)
    if unknown := [each for each in row.fallbacks if each not in ways]:
        return _("There is no model %(names)s.") % {"names": ", ".join(unknown)}
    if circle := _circle(row.id, ways):
        return _("They lead in a circle: %(names)s.") % {"names": " → ".join(circle)}
    return ""


def _ways(row: LanguageModel) -> dict[str, list[str]]:
    """The fallbacks of every model, as they would be with this row."""
    known: dict[str, list[str]] = {id: list(each.fallbacks) for id, each in installation.the_catalog().base.items()}
    for id, fallbacks in LanguageModel.objects.values_list("id", "fallbacks"):
        known[id] = known.get(id, []) if fallbacks is None else fallbacks
    return {**known, row.id: list(row.fallbacks or [])}


def _circle(id: str, ways: dict[str, list[str]]) -> list[str]:
    """A way from the model back to itself; empty where there is none."""
    waiting = [[id, each] for each in ways[id]]
    seen: set[str] = set()
    while waiting:
        way = waiting.pop()
        if way[-1] == id:
            return way
        if way[-1] not in seen:
            seen.add(way[-1])
            waiting += [[*way, each] for each in ways.get(way[-1], [])]
    return []


def _successor(row: LanguageModel) -> str:
    if not row.successor:
        return ""
    if row.successor == row.id:
        return _("A model does not follow itself.")
    known = row.successor in installation.the_catalog().all or LanguageModel.objects.filter(pk=row.successor).exists()
    return "" if known else _("There is no model %(names)s.") % {"names": row.successor}
