"""What is a credential in a text that others wrote, by its name or by its form. Pure, and imports nothing of Parley:
logs and what providers say are read with it."""

import re
from collections.abc import Iterable

# What stands behind these names is a credential, in an address, a header, JSON or SQL; upper or lower case, also behind
# another word (x-api-key, HTTP_COOKIE).
NAMES = (
    *("ticket", "token", "access", "refresh", "access_token", "refresh_token", "id_token", "jwt", "connectionparams"),
    *("sessionid", "session_id", "session_key", "csrftoken", "csrfmiddlewaretoken", "key_hash", "token_hash"),
    *("password", "passwd", "pwd", "secret", "client_secret", "api_key", "api-key", "apikey", "credentials"),
)
HEADERS = ("authorization", "cookie", "set-cookie", "set_cookie", "sec-websocket-protocol")  # the whole line is one
DATABASES = ("postgres", "postgresql", "postgis", "redis", "rediss", "mysql", "amqp", "amqps", "mongodb")
ENCODED_TIMES = 4  # an address in an address in an address
QUOTED_MAX_CHARS = 4_000
RUN = "{1,16}"  # of backslashes: JSON in JSON in JSON; without a bound they would be counted again from each
PASSWORD_MAX_CHARS = 300


def _encoded(hex: str) -> str:
    """A character of ASCII as addresses, JSON and Python escape it, also more than once."""
    return rf"(?:%(?:25)*{hex}|\\{RUN}u00{hex}|\\{RUN}x{hex})"


def _begins() -> str:
    """A name or a form begins here: behind no letter, but behind an escaped character, which ends in letters."""
    percent = [rf"(?<=%{'25' * times}[0-9A-Fa-f]{{2}})" for times in range(ENCODED_TIMES)]
    other = (r"(?<![\w-])", r"(?<=\\u00[0-9A-Fa-f]{2})", r"(?<=\\x[0-9A-Fa-f]{2})", r"(?<=\\[nrt])")
    return f"(?:{'|'.join((*other, *percent))})"


def _quoted(char: str) -> str:
    """Up to the quote that began it. What is escaped is passed over, and no way is tried twice."""
    return rf"(?!(?P=quote))(?>{_ESCAPE}{RUN}+{char}|{char})"


def _named(names: Iterable[str], unquoted: str) -> re.Pattern[str]:
    """What stands behind one of these names: in quotes to their end, or that of the line where there is none."""
    name = rf"{_BEGINS}(?:[\w-]*[_-])?(?:{'|'.join(names)})"
    quoted = rf"(?:{_quoted('(?s:.)')}){{1,{QUOTED_MAX_CHARS}}}+(?=(?P=quote))|(?:{_quoted('.')})++"
    return re.compile(rf"(?i)(?P<before>{name}{_IS}(?P<quote>{_QUOTE})?)(?(quote)(?:{quoted})|{unquoted})")


def _form(form: str, before: str = "") -> re.Pattern[str]:
    return re.compile(rf"(?P<before>{before}){form}")


_BEGINS = _begins()
_ESCAPE = rf"(?:\\|{_encoded('5[Cc]')})"
_QUOTE = rf"(?:(?:{_ESCAPE}{RUN})?(?:[\"']|{_encoded('2[27]')}))"
_SPACE = r"(?:\s|\+|%(?:25)*20)*"
_IS = rf"{_QUOTE}?{_SPACE}(?:[=:]|{_encoded('3[AaDd]')}|,(?=\s*b?['\"])){_SPACE}b?"
_SLASH = _encoded("2[Ff]")
_AFTER_SCHEME = rf"(?:://|{_encoded('3[Aa]')}{_SLASH}{_SLASH})"
# What follows the word "bearer" in a sentence, and is none.
_WORDS = (
    "or|and|auth|authentication|authorization|tokens?|schemes?|credentials?|headers?|realm|access|format|type|keys?"
)

IN_HEADERS = _named(HEADERS, r"[^\"'\r\n]+")
BY_NAME = _named(NAMES, r"[^\s&\"'\\,;<>)}\]]+")
BY_FORM = (
    _form(r"[\w.~+/=%-]{4,}", rf"(?i:\bbearer)(?:\s+|\+|%(?:25)*20)(?!(?i:{_WORDS}|is|was|in|not|for)\b)"),
    _form(
        r"(?:(?=[\w.~+/%-]*[A-Z\d=])[\w.~+/=%-]{6,}|[a-z]{9,})", r"(?i:\bbasic)(?:\s+|\+|%(?:25)*20)(?!authe?n?t?i?)"
    ),
    # Name and password before a host, up to the last @; that of a database may hold what no address should.
    _form(rf"(?:(?!{_SLASH})[^\s/?#'\"])+(?:@|{_encoded('40')})", rf"\w{_AFTER_SCHEME}"),
    _form(rf"[^\s'\"]{{1,{PASSWORD_MAX_CHARS}}}@(?!\.\.)", rf"(?i:\b(?:{'|'.join(DATABASES)}))://(?!\.\.)"),
    _form(r"[\w-]{5,}(?:\.[\w-]*)*", "eyJ"),  # tokens of ours and of others
    _form(r"[A-Za-z0-9]{9,}", r"\bpk_"),  # API keys of ours
    _form(r"[\w-]{9,}", rf"{_BEGINS}sk-"),  # and of providers
    _form(r"[0-9a-f-]{36}", "sess-"),  # the agent door's: to a guest's session the id is the only key
    _form(r"(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])", _BEGINS),  # tickets, invitations
    _form(r"[0-9a-f]{64}(?![\w-])", _BEGINS),  # tokens of 32 bytes, and hashes of tokens
    _form(r"(?=[a-z0-9]*[g-z])(?=[a-z0-9]*\d)[a-z0-9]{32}(?![\w-])", _BEGINS),  # Django's sessions
)


def without(text: str, patterns: Iterable[re.Pattern[str]], instead: str) -> str:
    """The text with this instead of what the patterns find; what stands before it, as a name, stays."""
    for pattern in patterns:
        text = pattern.sub(lambda found: found["before"] + instead, text)
    return text
