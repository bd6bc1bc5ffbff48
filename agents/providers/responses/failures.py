"""What a failing Responses server means, as our errors, where it says it otherwise than one of chat completions."""

import re
from typing import Any

from agents.errors import ProviderError
from agents.providers import errors as provider_errors
from agents.providers.pictures import CODES as PICTURE_CODES
from agents.providers.responses.events import Event

NO_SUCH_API = "The model provider does not know the Responses API. An operator must choose the chat API for this model."

# Codes of a response that failed because of what was asked: the same request would meet them again.
REFUSALS = PICTURE_CODES | {
    "invalid_prompt",
    "data_residency_mismatch",
    "invalid_image_mode",
}
MODERATED = frozenset({"bio_policy", "misalignment_policy_violation", "image_content_policy_violation"})
# What an item of an earlier reply is refused by: it is another's, it is too old, or what belongs to it is missing.
ITEMS = re.compile(
    r"invalid_encrypted_content|encrypted[_ ]content.{0,80}could not be|required (?:following|'?reasoning'?) item"
    r"|not persisted when",
    re.IGNORECASE | re.DOTALL,
)
# A 404 that is about the address rather than the model, and a refusal in words: LM Studio, Ollama, FastAPI, LiteLLM.
NO_ADDRESS = re.compile(
    r"^not found\.?$|page not found"
    r"|(?:unknown|unexpected|invalid|unsupported) (?:endpoint|path|url|route|api)\b(?! key)"
    r"|cannot post|no route|method not allowed|\b(?:route|path|endpoint|url)\b.{0,80}\bnot (?:found|exist|supported)"
    r"|responses(?: api| endpoint)?\b.{0,40}\bnot (?:supported|available|implemented|enabled)"
    r"|not support\w*\b.{0,40}\bresponses\b",
    re.IGNORECASE,
)


def from_event(event: Event, scrub: provider_errors.Scrub) -> ProviderError:
    """The error of an event, whose fields stand in it or under `error`."""
    fields: Any = event.error or {"code": event.code, "message": event.message, "param": event.param}
    error = provider_errors.from_chunk(fields, scrub)
    code = error.detail.get("code")
    if code in MODERATED:
        return ProviderError("upstream_moderation", detail=error.detail)
    if code in REFUSALS and error.code == "upstream_error":
        return ProviderError("upstream_invalid", detail=error.detail)
    return error


def is_about_items(error: ProviderError) -> bool:
    """Whether a refusal is about an item of an earlier reply."""
    told = f"{error.detail.get('code', '')} {error.detail.get('message', '')}"
    return error.code in ("upstream_invalid", "upstream_not_found") and bool(ITEMS.search(told))


def is_unknown_api(error: ProviderError) -> bool:
    """Whether a refusal says that there is no such address, rather than no such model."""
    status, told = error.detail.get("status"), str(error.detail.get("message", "")).strip()
    if status in (405, 501):
        return True
    if status == 404 and not told:
        return "code" not in error.detail
    if error.code not in ("upstream_not_found", "upstream_invalid") or _is_about_a_part(error):
        return False
    return status in (None, 400, 404) and bool(NO_ADDRESS.search(told))


def _is_about_a_part(error: ProviderError) -> bool:
    """Whether it is said what of the request is wrong: then the address is known."""
    return "param" in error.detail or bool({error.detail.get("code"), error.detail.get("type")} & PICTURE_CODES)


def unknown_api(error: ProviderError) -> ProviderError:
    """The same refusal, so that an operator knows what to do."""
    return ProviderError("upstream_not_found", NO_SUCH_API, detail=error.detail)
