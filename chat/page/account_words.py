"""What the account page says besides its template: what was done, why it was not, what a key opens, which device."""

from functools import cache
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, override

from accounts.errors import RequestError
from chat.page.words import REFUSALS, Counted, fault

DONE: dict[str, Any] = {
    "name": _("Your name is kept."),
    "language": _("Your language is kept."),
    "password": _("Your password is changed. Everywhere else you are signed out."),
    "revoke-key": _("The key is revoked."),
    "end-sign-in": _("It is signed out."),
    "end-others": _("Everywhere else you are signed out."),
    "preferences": _("Your preferences are kept. They hold from the next answer on."),
    "reword": _("It is kept in these words."),
    "forget": _("It is forgotten."),
    "forget_all": _("All of it is forgotten."),
}
# What the API says in English, with the page's own words.
SAID: tuple[Any, ...] = (
    _("This is not your password."),
    _("You have no password here, as you sign in by other means. An operator can make a link by which you set one."),
    _("Expected the same password twice."),
    _("Expected your own address."),
    _("Say that you are sure."),
    _("Expected a time to come."),
    _("Expected one that the person is a member of."),
    _("Expected a text of 1 to 150 printable characters."),
    _("Expected one or more of: llm, chat, read, people, apps, mcp, audit, me."),
    _("Expected a fact in a sentence."),
    _("There is no such thing, or you may not see it."),
    _("audit: Expected an operator, or an admin of the organization."),
    _("audit, people: Expected an operator, or an admin of the organization."),
    _("people: Expected an operator, or an admin of the organization."),
    _("You are the last superuser: make somebody else one first."),
)
LAST_OWNER = _("You are the last owner of: %(names)s. Make somebody else an owner there, or delete it, first.")
PROTECTED = _("Rows of %(names)s keep this person. Delete them, or make them somebody else's, and try again.")
TOO_MANY_KEYS = _("You have as many API keys as one person may have. Revoke one first.")
SCOPE_USES: dict[str, Any] = {
    "chat": _("Chats, messages and runs, everywhere"),
    "llm": _("The OpenAI-compatible addresses: /v1 and /api/llm"),
    "read": _("Reading, and changing nothing"),
    "people": _("Making and deactivating people, and links for their first password"),
    "apps": _("The addresses of own apps: /apps"),
    "mcp": _("What agents elsewhere may read and ask: /mcp"),
    "audit": _("Reading and exporting the audit log of your organization"),
    "me": _("Your preferences, and what is remembered of you"),
}
# What goes with a person, by chat.services.people's kinds.
KINDS_GOING: dict[str, Any] = {
    "chats": ngettext_lazy("%(count)s chat", "%(count)s chats", "count"),
    "chats that others see": ngettext_lazy(
        "%(count)s of them that others see", "%(count)s of them that others see", "count"
    ),
    "messages": ngettext_lazy("%(count)s message", "%(count)s messages", "count"),
    "runs": ngettext_lazy("%(count)s answer", "%(count)s answers", "count"),
    "memberships": ngettext_lazy("%(count)s membership", "%(count)s memberships", "count"),
    "remembered facts": ngettext_lazy("%(count)s remembered fact", "%(count)s remembered facts", "count"),
    "API keys": ngettext_lazy("%(count)s API key", "%(count)s API keys", "count"),
    "schedules": ngettext_lazy("%(count)s schedule", "%(count)s schedules", "count"),
}
# Of how a program calls itself, what people know it by. The first that fits counts: most name each other.
BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"), ("curl/", "curl"),
    ("python", "Python"), ("Python", "Python"), ("node", "Node.js"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"), ("Macintosh", "macOS"), ("Linux", "Linux"),
)  # fmt: skip
DEVICES = (BROWSERS, SYSTEMS)


def why(error: RequestError) -> str:
    """Why it was not done, in the reader's language where the page knows the sentence."""
    if error.code == "last_owner":
        names = error.message.partition(": ")[2].partition(". Make")[0]
        return str(LAST_OWNER) % {"names": names}
    if error.code == "protected":
        return str(PROTECTED) % {"names": error.message.removeprefix("Rows of ").partition(" keep")[0]}
    if error.code == "too_many_api_keys":
        return str(TOO_MANY_KEYS)
    if error.code in ("run_open", "conflict"):
        return str(REFUSALS[error.code])
    told = [text for texts in error.fields.values() for text in texts] or [error.message]
    return " ".join(_said(text) for text in told)


def going(kind: str, count: int) -> str:
    """So many of that kind."""
    return str(KINDS_GOING[kind] % {"count": Counted(count)})


def _said(text: str) -> str:
    return str(_by_english().get(text) or fault(text))


@cache
def _by_english() -> dict[str, Any]:
    with override(None):
        return {str(text): text for text in SAID}
