"""Who says what is known of a model: its row, the settings, the code, the package, or nobody."""

from django.conf import settings

from agents import installation
from agents.model_info import ModelInfo
from agents.overlay import PLAIN, Overlay
from agents.shipped import SHIPPED
from chat.metering.catalog import overlay_of
from chat.models import LanguageModel

ROW, SETTINGS, CODE, PACKAGE, ELSE = "row", "settings", "code", "package", "nobody"
SHIPS = {model.id for model in SHIPPED}


def origins_of(row: LanguageModel) -> dict[str, str]:
    """Field of agents.model_info -> who says it."""
    said, base = overlay_of(row), installation.the_catalog().base.get(row.id)
    found = {name: _plain(name, said, base) for name in PLAIN if name != "name"}
    return {"context_tokens": _context(said, base), "price": _price(said, base), **found}


def _plain(name: str, said: Overlay, base: ModelInfo | None) -> str:
    if getattr(said, name) not in (None, ""):
        return ROW
    return CODE if base is not None and (base.id in SHIPS or name in ("ends_at", "successor")) else ELSE


def _context(said: Overlay, base: ModelInfo | None) -> str:
    if said.context_tokens:
        return ROW
    if base is not None and base.is_context_known:
        return CODE
    model = installation.the_catalog().all.get(said.id)
    return PACKAGE if model is not None and model.is_context_known else ELSE


def _price(said: Overlay, base: ModelInfo | None) -> str:
    if said.price is not None:
        return ROW
    if base is not None and base.price is not None:
        is_word = any(each.strip().startswith(f"{said.id}=") for each in settings.OPENAI_PRICES)
        return SETTINGS if is_word else CODE
    model = installation.the_catalog().all.get(said.id)
    return PACKAGE if model is not None and model.price is not None else ELSE
