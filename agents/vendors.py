"""Whose servers an installation may ask by its settings alone: a key, and perhaps another address and other models.

Pure: the settings are handed in, not read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agents.providers import apis
from agents.providers.server import Server


@dataclass(frozen=True)
class Vendor:
    """A line of VENDORS. Its settings are NAME_API_KEY, NAME_BASE_URL, NAME_MODELS and perhaps NAME_EXTRA_HEADERS."""

    name: str
    title: str
    api: str  # what is spoken at its own address
    base_url: str  # its own address
    has_headers: bool = False
    api_elsewhere: str = ""  # what is spoken at another address; empty: the same

    def key(self, settings: Any) -> str:
        """Its key; empty where none is set."""
        return str(getattr(settings, f"{self.name.upper()}_API_KEY"))

    def address(self, settings: Any) -> str:
        """Where it is asked."""
        return str(getattr(settings, f"{self.name.upper()}_BASE_URL"))

    def names(self, settings: Any) -> tuple[str, ...]:
        """The models that the installation names; none: those that ship."""
        return tuple(name for name in getattr(settings, f"{self.name.upper()}_MODELS") if name)

    def is_at_home(self, settings: Any) -> bool:
        """Whether it is asked at its own address."""
        return self.address(settings).rstrip("/") == self.base_url.rstrip("/")

    def is_configured(self, settings: Any) -> bool:
        """Whether there is a key, or a server of one's own."""
        return bool(self.key(settings)) or not self.is_at_home(settings)

    def server(self, settings: Any) -> Server:
        """Where its models are asked."""
        prefix = self.name.upper()
        headers = f"{prefix}_EXTRA_HEADERS" if self.has_headers else ""
        return Server(self.name, self._api(settings), self.address(settings), f"{prefix}_API_KEY", headers)

    def _api(self, settings: Any) -> str:
        chosen = settings.OPENAI_API if self.name == "openai" else "auto"
        if chosen != "auto":
            return str(chosen)
        return self.api if self.is_at_home(settings) else self.api_elsewhere or self.api


# In the order in which a name that several offer is looked for.
VENDORS = (
    # From GPT-5.6 on, chat completions at OpenAI's own address refuse tools; servers elsewhere mostly speak only those.
    Vendor("openai", "OpenAI", "responses", "https://api.openai.com/v1", has_headers=True, api_elsewhere="chat"),
    Vendor("anthropic", "Anthropic", "messages", "https://api.anthropic.com"),
    Vendor("xai", "xAI", "chat", "https://api.x.ai/v1"),
    Vendor("gemini", "Gemini", "chat", "https://generativelanguage.googleapis.com/v1beta/openai"),
    Vendor("mistral", "Mistral", "chat", "https://api.mistral.ai/v1"),
    Vendor("deepseek", "DeepSeek", "chat", "https://api.deepseek.com"),
    Vendor("openrouter", "OpenRouter", "chat", "https://openrouter.ai/api/v1"),
)
BY_NAME = {vendor.name: vendor for vendor in VENDORS}


@dataclass(frozen=True)
class Fault:
    """Settings that a provider cannot work with. It says no value of them: that may be a secret."""

    id: str  # of the system check
    text: str
    hint: str = ""


def faults(vendor: Vendor, settings: Any) -> Iterator[Fault]:
    """What is wrong with a vendor's settings."""
    if vendor.has_headers and not isinstance(getattr(settings, f"{vendor.name.upper()}_EXTRA_HEADERS"), dict):
        hint = 'Such as {"Helicone-Auth": "Bearer ..."}.'
        yield Fault("agents.E006", f"{vendor.name.upper()}_EXTRA_HEADERS is not a JSON object.", hint)
        return
    try:
        apis.check(vendor.server(settings), settings)
    except ValueError as error:  # its text names no secret
        told = f"The model provider {vendor.title} cannot be reached with these settings: {error}."
        yield Fault("agents.E007", told)
