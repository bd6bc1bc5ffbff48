"""What a model server's refusal is about: a field of the request that it could do without. Pure.

Servers name the field in `param`, or in a sentence. A sentence must say of the field that something is wrong with it:
both in one clause. tests/agents/test_refused_fields.py has what servers were seen to write, with the sources.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from agents.errors import ProviderError

# What a request is made of: without these it would not be one.
NEEDED = frozenset({"model", "messages", "input", "system", "instructions"})
SYSTEM = "system role"  # not a field: the prompt is told by the first user message then
MISSED = ("reasoning_content", "thought_signature")  # that a server may want with each call, whoever made it
# Another name that a server may know a field by. It gets the value.
SUCCESSORS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
SUCCESSORS |= {"user": "safety_identifier", "safety_identifier": "user"}
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")  # as the wires have them, least first
SCHEMAS = ("response_format", "text", "output_config", "output_format")
# Fields that sentences call otherwise.
SYNONYMS = {
    "reasoning_effort": r"think(?:ing)?(?: value| effort| level)?|reasoning(?: effort)?",
    "response_format": r"structured outputs?|json[ _](?:mode|schema|object)|guided decoding",
    "stream": r"streaming|stream this model",
    "include": r"encrypted[_ ]content",  # of reasoning, by Responses
}
PLAIN_WORDS = frozenset({"temperature", "seed", "logprobs", "verbosity"})  # that mean the field wherever they stand

CODES = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter", "extra_forbidden"})
FAULT = re.compile(
    r"\bun(?:supported|recogni[sz]ed|known|expected|implemented|available)\b|\b(?:incompatible|deprecated|invalid)\b"
    r"|\b(?:not|never|neither|cannot|can ?not) (?:\w+ ){0,3}(?:support\w*|permit\w*|allow\w*|accept\w*|recogni\w*"
    r"|enabled|compatible|implemented|valid|used?|set|specif\w+|combin\w+|available|provided)\b"
    r"|\b(?:doesn't|don't|can't|isn't|aren't|may not|must not)\b|\bextra (?:inputs?|fields?|parameters?)\b"
    r"|\bonly\b.{0,80}\b(?:supported|allowed|accepted|default)\b|\b(?:may|can) only\b|\bno longer\b|\bextraneous\b"
    r"|\bcannot (?:find|both)\b|\bmust be verified\b|\bno endpoints found\b",
    re.IGNORECASE,
)
# That it is this value which is wrong.
RANGE = re.compile(
    r"\b(?:must|should|has to|needs to) be (?:between|less|greater|larger|smaller|at |in |one of|within|<|>|a )"
    r"|\bout of range\b|\btoo (?:large|high|small|low|big)\b|\bat (?:most|least)\b|\bexceeds?\b|\bsupported values\b"
    r"|\bless than\b|\bgreater than\b|[<>]=?\s*\d",
    re.IGNORECASE,
)
SAYS_USE = re.compile(r"\buse\b|\binstead\b", re.IGNORECASE)
ABSENT = re.compile(
    r"\bmissing\b|\bmust be (?:passed|provided|included|present)|\bis required\b|\bno thought", re.IGNORECASE
)
ROLE = re.compile(r"\bsystem\b\W{0,3}(?:\w+ )?(?:role|messages?|prompts?)\b|\brole\b.{0,40}\bsystem\b", re.IGNORECASE)
# https://github.com/GEMISIS/leviath/issues/333: OpenAI's models from 5.6 on
TOOLS_WITH_EFFORT = re.compile(
    r"\btools\b.{0,40}\breasoning_effort\b.{0,300}['\"`]none['\"`]", re.IGNORECASE | re.DOTALL
)
# That there is no such field here, whatever its value.
NO_FIELD = re.compile(
    r"\bun(?:supported|recogni[sz]ed|known|expected|implemented)\b|\bdeprecated\b|\bextraneous\b|\bcannot find\b"
    r"|\bextra (?:inputs?|fields?|parameters?)\b|\bno longer\b"
    r"|(?:\bnot|\bnever|n't) (?:\w+ ){0,2}"
    r"(?:support\w*|permit\w*|allow\w*|accept\w*|recogni\w*|implemented|available)\b",
    re.IGNORECASE,
)
VALUE = re.compile(r'\bvalues?\b|(?<!")\btypes?\b(?![="])|\bmust be\b|\bshould be\b|\bonly\b', re.IGNORECASE)
VALUE_MAX_CHARS = 100  # of one that is looked for in a sentence, or kept
LISTED = re.compile(r"\b(?:supported|valid|allowed|expected|one of)\b.{0,40}?:?\s(.*)", re.IGNORECASE | re.DOTALL)
CLAUSE_END = re.compile(r"[.;!?](?:\s+|$)|\n")


class Change(msgspec.Struct, frozen=True):
    """What is sent otherwise than it was asked for: by default, left out."""

    field: str  # that was refused, or is missed
    successor: str = ""  # the name that its value goes by
    value: str = ""  # what is sent in the place of its value
    only: Any = None  # it is this value that was refused, and no other: see as_only
    beside: str = ""  # it was refused where this field is sent too
    is_missed: bool = False  # it is to be sent, not to be left out
    is_once: bool = False  # for this request alone: it says nothing of others


def refusal(error: ProviderError, sent: Mapping[str, Any], *, missable: Collection[str] = ()) -> Change | None:
    """What to change, so that the server may take the request; None where the error is about something else.

    `sent` has what could be left out, by name, also what is within messages, with its value; `missable` what could be
    put in: some of MISSED.
    """
    if not _may_be_one(error):
        return None
    told = str(error.detail.get("message", ""))
    if change := _tools_with_effort(told, sent) or _missed(told, missable) or _no_system(told, sent):
        return change
    if error.code == "upstream_tools":  # a forced choice of one cannot do without tools: then it is a failure
        return Change("tools") if "tools" in sent and "tool_choice" not in sent else None
    name = _named(error, told, [each for each in sent if each not in NEEDED and each != SYSTEM])
    return _change(name, told, sent.get(name)) if name else None


def as_only(value: Any) -> Any:
    """A value as `only` has it: lists and objects as their JSON text, a long one as its hash."""
    if not isinstance(value, list | tuple | Mapping):
        return value
    text = json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= VALUE_MAX_CHARS else hashlib.sha256(text.encode()).hexdigest()


def is_no_field(error: ProviderError, value: Any) -> bool:
    """Whether a refusal says that a field is unknown or not supported, rather than that this value of it is wrong."""
    codes = {error.detail.get("code"), error.detail.get("type")}
    if codes & (CODES - {"unsupported_value"}):
        return True
    told = str(error.detail.get("message", ""))
    if "unsupported_value" in codes or VALUE.search(told) or RANGE.search(told):
        return False
    parts = [*value.values()] if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else [value]
    texts = [re.escape(str(each)[:VALUE_MAX_CHARS]) for each in parts if isinstance(each, str | int | float)]
    names_value = any(re.search(rf"(?<!\w){each}(?!\w)", told) for each in texts)
    return bool(NO_FIELD.search(told)) and not names_value


def _may_be_one(error: ProviderError) -> bool:
    """Not those that pass, nor those about keys, money, or what was said."""
    if error.code in ("upstream_invalid", "upstream_tools", "upstream_not_found", "upstream_error", "upstream_context"):
        return True
    return error.code == "upstream_unavailable" and error.detail.get("status", 500) in (500, 501)


def _tools_with_effort(told: str, sent: Mapping[str, Any]) -> Change | None:
    is_one = "tools" in sent and TOOLS_WITH_EFFORT.search(told) and sent.get("reasoning_effort") != "none"
    return Change("reasoning_effort", value="none", beside="tools") if is_one else None


def _missed(told: str, missable: Collection[str]) -> Change | None:
    """What its own calls came with, and those of another model have not."""
    found = next((each for each in missable if re.search(each.replace("_", "[_ ]"), told, re.IGNORECASE)), None)
    return Change(found, is_missed=True) if found and ABSENT.search(told) else None


def _no_system(told: str, sent: Mapping[str, Any]) -> Change | None:
    is_one = SYSTEM in sent and any(ROLE.search(each) and FAULT.search(each) for each in _clauses(told))
    return Change(SYSTEM) if is_one else None


def _named(error: ProviderError, told: str, names: list[str]) -> str:
    """The first field that is said to be wrong; empty where none is."""
    path = re.findall(r"\w+", str(error.detail.get("param", "")))
    by_param = next((each for each in ("_".join(path), *path) if each in names), "")  # or reasoning.effort
    is_faulty = {error.detail.get("code"), error.detail.get("type")} & CODES or FAULT.search(told) or RANGE.search(told)
    if by_param and is_faulty and not _is_within(by_param, path, told):
        return by_param
    for clause in _clauses(told):
        if FAULT.search(clause) or RANGE.search(clause):
            places = [(found.start(), name) for name in names if (found := _name_in(name, clause))]
            places = [each for each in places if not _is_within(each[1], [], clause)]
            if places:
                return min(places)[1]
    return ""


def _is_within(name: str, path: list[str], told: str) -> bool:
    """Whether what is wrong is not the field but what is in it: that is for whoever wrote it."""
    if name == "tools":  # that a model takes none has words of its own
        return len(path) > 1 or not re.search(r"\btools\b.{0,30}\b(?:not|un)|\bextra", told, re.IGNORECASE)
    return name in SCHEMAS and bool(re.search(r"\bschema\b", told, re.IGNORECASE))


def _name_in(name: str, clause: str) -> re.Match[str] | None:
    """Where the clause names the field: a plain word only where it is marked as a name."""
    if "_" in name or name in PLAIN_WORDS:
        pattern = rf"(?<![\w/-]){name.replace('_', '[_ ]')}(?![\w/-]|\.\w)"
    else:
        pattern = (
            rf"(?<!role )(?<!role: )\\?['\"`\[]{name}(?:\.\w+)*\\?['\"`\]]"
            rf"|\b(?:parameters?|fields?|arguments?|property|properties|key|option|supplied):? {name}\b"
            rf"|^{name}\b(?=:| is not)|\b{name} (?:extra inputs|parameter|field|argument|option)\b"
        )
    found = re.search(pattern, clause, re.IGNORECASE)
    return found or (re.search(rf"\b(?:{SYNONYMS[name]})\b", clause, re.IGNORECASE) if name in SYNONYMS else None)


def _change(name: str, told: str, value: Any) -> Change:
    successor = SUCCESSORS.get(name, "")
    if successor and re.search(rf"\b{successor}\b", told) and (SAYS_USE.search(told) or not RANGE.search(told)):
        return Change(name, successor)
    if name == "reasoning_effort" and (nearest := _nearest(str(value), told)):
        return Change(name, value=nearest, only=as_only(value))
    return Change(name, only=as_only(value) if RANGE.search(told) else None)


def _nearest(effort: str, told: str) -> str:
    """Of the efforts that are said to be supported, the one that is nearest to this; of two the greater."""
    listed = LISTED.search(told)
    words = re.findall(rf"\b(?:{'|'.join(EFFORTS)})\b", listed[1] if listed else "")
    options = [EFFORTS.index(each) for each in words if each != effort]
    if effort not in EFFORTS or not options:
        return ""
    at = EFFORTS.index(effort)
    return EFFORTS[min(options, key=lambda each: (abs(each - at), -each))]


def _clauses(told: str) -> list[str]:
    return [each for each in CLAUSE_END.split(told) if each]
