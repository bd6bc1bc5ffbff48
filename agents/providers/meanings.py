"""What a model server means by the words of an error: its meaning is in the status, a code, or the sentence. Pure.

Gateways flatten the first two, so sentences are read too, whatever the status. Each pattern is from a public report;
tests/agents/test_troubles.py has them with their sources.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Meaning(NamedTuple):
    """What an error comes to."""

    code: str  # one of agents.errors.CODES
    retryable: bool = False
    message: str = ""  # empty: the sentence of the code


AUTH = Meaning("upstream_auth")
CONTEXT = Meaning("upstream_context")
CREDIT = Meaning("upstream_credit")
INVALID = Meaning("upstream_invalid")
MODERATION = Meaning("upstream_moderation")
NOT_FOUND = Meaning("upstream_not_found")
NO_ADDRESS = Meaning(
    "upstream_not_found", False, "The model provider has nothing at this address. An operator must check it."
)
OVERLOADED = Meaning("upstream_overloaded", True)
RATE_LIMITED = Meaning("upstream_rate_limited", True)
TIMEOUT = Meaning("upstream_timeout", True)
TOO_LARGE = Meaning("upstream_context", False, "The request is larger than the model provider takes at once.")
TOOLS = Meaning("upstream_tools")
UNAVAILABLE = Meaning("upstream_unavailable", True)
UNKNOWN = Meaning("upstream_error", True)

# Words in an error's `code`, `type`, `status` or `reason` that mean one thing, wherever they stand.
WORDS: dict[str, Meaning] = {
    "api_key_invalid": AUTH,
    "authentication_error": AUTH,
    "invalid_api_key": AUTH,
    "permission_error": AUTH,
    "unauthenticated": AUTH,
    "context_length_exceeded": CONTEXT,
    "context_window_exceeded": CONTEXT,
    "exceed_context_size_error": CONTEXT,
    "model_context_window_exceeded": CONTEXT,
    "request_too_large": TOO_LARGE,
    "billing_error": CREDIT,
    "billing_hard_limit_reached": CREDIT,
    "billing_not_active": CREDIT,
    "insufficient_balance": CREDIT,
    "insufficient_credits": CREDIT,
    "insufficient_quota": CREDIT,
    "payment_required": CREDIT,
    "content_filter": MODERATION,
    "content_policy_violation": MODERATION,
    "data_inspection_failed": MODERATION,
    "datainspectionfailed": MODERATION,
    "moderation_blocked": MODERATION,
    "responsibleaipolicyviolation": MODERATION,
    "deploymentnotfound": NOT_FOUND,
    "model_decommissioned": NOT_FOUND,
    "model_not_exist": NOT_FOUND,
    "model_not_found": NOT_FOUND,
    "engine_overloaded_error": OVERLOADED,
    "overloaded_error": OVERLOADED,
    "capacity_exceeded": OVERLOADED,
    "service_tier_capacity_exceeded": OVERLOADED,
}
# Those that say no more than a status does: a sentence may say more.
BROAD_WORDS: dict[str, Meaning] = {
    "rate_limit_exceeded": RATE_LIMITED,
    "rate_limit_error": RATE_LIMITED,
    "resource_exhausted": RATE_LIMITED,
    "invalid_request_error": INVALID,
    "invalid_argument": INVALID,
    "not_found_error": NOT_FOUND,
    "api_error": UNAVAILABLE,
    "server_error": UNAVAILABLE,
    "timeout": TIMEOUT,
    "timeout_error": TIMEOUT,
}


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in patterns), re.IGNORECASE)


# Not what is said of a minute or a day: that is a rate, and passes.
RATE = _any(r"\b(?:TPM|TPD|RPM|RPD)\b", r"per[- ](?:second|minute|hour|day)", r"\brate[- ]limit")
LARGE = _any(r"\brequest (?:is )?too large\b", r"\brequest entity too large\b", r"payload too large")
SENTENCES: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (
        _any(
            r"context[_ -](?:length|window|size)[_ ]exceeded",
            r"(?:maximum|max|available|model'?s?|the) (?:allowed )?(?:input |model )?(?:context|prompt|sequence)[_ ]?"
            r"(?:length|window|size)\W.{0,40}\d",
            r"(?:prompt|input|conversation|request|messages?)\b.{0,40}\b(?:is |are )?(?:too long|longer than)\b",
            r"\b(?:exceed\w*|greater than|larger than|over|beyond|fit\w* (?:in|into|within)|overflow\w*)\b.{0,30}"
            r"\b(?:context|n_ctx|token limit|tokens? limit|max_model_len)",
            r"(?:input|prompt|token)s? (?:token )?count\b.{0,40}\bexceed",
            r"input (?:length|tokens?)\b.{0,60}\b(?:exceed|limit|maximum|should be)",
            r"\bmaximum (?:prompt|input) length\b",
            r"\bcontext (?:window|length|size)\b.{0,30}\bexceed",
            r"\bcontext\b.{0,10}\boverflow|\bcontext length of only \d",
            r"current length is \d+ while limit is \d+",
            r"reduce the length of (?:the )?(?:messages|your|input|prompt)",
            r"too large for model with \d+ maximum context",
            r"\btoo many (?:input )?tokens\b(?!.{0,20}\bper\b)",
            r"exceeded? (?:the )?model'?s? token limit",
            r"\b(?:prompt|input) tokens? (?:limit|exceed)",
        ),
        CONTEXT,
    ),
    (
        _any(
            r"insufficient (?:account )?(?:balance|credits?|funds)",
            r"credit balance is too low",
            r"\bno (?:more )?credits?\b(?! card)|\bout of credits?\b|any credits\b|used all (?:available )?credits",
            r"requires more credits",
            r"billing (?:hard )?limit",
            r"monthly spending limit",
            r"account is (?:in arrears|not active)|\boverdue (?:payment|balance)",
            r"余额不足|欠费",
        ),
        CREDIT,
    ),
    (
        _any(
            r"\bapi[ _]key (?:is )?(?:not valid|invalid|expired|not found|missing)",
            r"\b(?:invalid|incorrect|wrong|expired|missing|no) (?:api[ _-]?key|bearer token|x-api-key)",
            r"API_KEY_INVALID",
            r"invalid authentication",
        ),
        AUTH,
    ),
    (
        _any(
            r"content (?:management policy|exists risk|violates)",
            r"(?:input|prompt|request|content)\b.{0,40}\bflagged\b",
            r"(?:blocked|rejected|refused|filtered|not supported|not allowed) (?:by|due to|as a result of) "
            r"(?:the |our |its |your )?(?:prompt triggering|safety|content|moderation|usage policy)",
            r"violat\w+ (?:of )?(?:our|the|its) (?:usage|content|safety|acceptable)\b.{0,20}\b(?:polic|guidelines)",
            r"content_policy_violation|PROHIBITED_CONTENT|inappropriate content",
        ),
        MODERATION,
    ),
    (
        _any(
            r"(?:does not|doesn't|do not|don't) support (?:function tools?|functions?|tools?)\b(?! choice| with)",
            r"\bsupports? (?:tool use|tool calling|function calling)\b",
            r"(?:tool use|(?:tool|function) call(?:ing|s)) (?:is|are) not (?:supported|enabled|available)",
            r"tool choice requires --enable-auto-tool-choice",
            r"tools param requires --jinja",
        ),
        TOOLS,
    ),
    (
        _any(
            r"\bunexpected endpoint\b|\binvalid url \(|\bpage not found\b|\bcannot post /",
            r"^(?:resource )?not found\.?$",
        ),
        NO_ADDRESS,
    ),
    (
        _any(
            r"\bmodel\b.{0,100}\b(?:not found|(?:does )?not exist|no longer (?:available|supported)|decommissioned)",
            r"\b(?:invalid|unknown) model(?: name| id|:|$| ?['\"`])",
            r"\bnot a valid model\b|\bno such model\b|\bno models? loaded\b|\bno endpoints found for\b",
            r"\bunable to (?:find|load) model\b",
            r"\bmodel .{0,60}\bnot (?:loaded|available)\b(?!.{0,30}\b(?:try|later|temporar))",
        ),
        NOT_FOUND,
    ),
    (_any(r"\boverloaded\b", r"\b(?:at|over|exceeded) capacity\b", r"\bno (?:available )?capacity\b"), OVERLOADED),
)


def of(status: int, words: Iterable[str], sentence: str) -> Meaning:
    """What an error of this status (0: it has none), with these words and this sentence, means."""
    told = [each.lower() for each in words]
    found = next((WORDS[each] for each in told if each in WORDS), None) or _by_sentence(status, sentence)
    broad = next((BROAD_WORDS[each] for each in told if each in BROAD_WORDS), None)
    if broad is None or (status and broad != RATE_LIMITED) or status >= 500:  # a status says as much as they do
        broad = of_status(status)
    return found or broad


def words_of(error: Mapping[str, Any]) -> list[str]:
    """The words of an error by which it may be known: its code, its type, and what is inside of it."""
    found = [error.get(name) for name in ("code", "type", "status", "reason")]
    inner = error.get("innererror")  # Azure
    if isinstance(inner, Mapping):
        found.append(inner.get("code"))
    details = error.get("details")  # Google
    found += [each.get("reason") for each in details if isinstance(each, Mapping)] if isinstance(details, list) else []
    return [each for each in found if isinstance(each, str)]


def of_status(status: int) -> Meaning:
    """What a status alone says."""
    match status:
        case 401 | 403:
            return AUTH
        case 402:
            return CREDIT
        case 404:
            return NOT_FOUND
        case 408:
            return TIMEOUT
        case 409 | 425:  # a lock, or too early: the same request may pass a moment later
            return UNAVAILABLE
        case 413:
            return TOO_LARGE
        case 429:
            return RATE_LIMITED
        case 498 | 529:  # Groq's, Anthropic's
            return OVERLOADED
        case 504:
            return TIMEOUT
        case _ if status >= 500:
            return UNAVAILABLE
        case 0:
            return UNKNOWN
        case _:
            return INVALID


def _by_sentence(status: int, sentence: str) -> Meaning | None:
    if status == 413 or (LARGE.search(sentence) and status != 429):
        return TOO_LARGE
    is_rate = status == 429 and RATE.search(sentence)
    return next((meaning for pattern, meaning in SENTENCES if pattern.search(sentence) and not is_rate), None)
