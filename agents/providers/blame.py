"""What a refusal blames, by its words: something of the request, and that it is wrong, both in one clause. Pure."""

import re

# Those that are about something else, whatever their sentence names.
OTHER_CODES = frozenset(
    {"context_length_exceeded", "string_above_max_length", "rate_limit_exceeded", "insufficient_quota"}
    | {"content_filter", "content_policy_violation", "moderation_blocked", "invalid_function_parameters"}
    | {"unsupported_parameter", "model_not_found", "invalid_api_key"}
)
# That something is wrong, or that this model takes none: either way the next request must not bring it again.
FAULT = re.compile(
    r"\b(?:invalid|not\b.{0,20}\b(?:valid|supported|allowed)|unsupported|not support|doesn't support|not multi-?modal"
    r"|that supports?|unreadable|malformed|corrupt\w*|truncated|broken|unknown|fail\w*|decod\w+ error|not match"
    r"|(?:can ?not|can't|could not|couldn't|unable to) \w+|too (?:large|small|big|many)|exceeds?|at most \d+"
    r"|should be|must be|appears? to be)\b",
    re.IGNORECASE,
)
# What else a clause with a picture or a file in it may be about.
OTHER = re.compile(
    r"\b(?:tools?|functions?|schema|safety|polic(?:y|ies)|moderation|context|tokens?|quota|rate limit\w*|temperature"
    r"|parameters?\W+(?!image|input_image|messages)\w+)\b",
    re.IGNORECASE,
)
BESIDE = re.compile(r"\b((?:not )?supported|unsupported|not allowed) (?:with|for|by|in|on|when)\b.*", re.IGNORECASE)
PASSING = re.compile(
    r"\b(?:time[ds]? ?out|unavailable|overload\w*|busy|temporar\w+|try again|download\w*|fetch\w*|connection)\b",
    re.IGNORECASE,
)
CLAUSE_END = re.compile(r"[.;!?](?:\s+|$)|\n|,\s+(?=(?:but|and|because|while)\b)", re.IGNORECASE)
PLACE = re.compile(r"(?:messages?|input)\W{0,2}(\d+)\W{1,3}content(?:\W{0,2}(\d+))?")


def blames(what: re.Pattern[str], clause: str) -> bool:
    """Whether the clause says of this, and of nothing else, that it is wrong."""
    subject = BESIDE.sub(r"\1", clause)  # what something is not supported with is not what is wrong
    return bool(what.search(subject) and FAULT.search(clause)) and not OTHER.search(clause)
