"""Why somebody cannot be signed in at a server now: a code, and a sentence for a person."""

from typing import Any, Literal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

SignInCode = Literal[
    "down",
    "not_allowed",
    "no_authority",
    "no_pkce",
    "no_client",
    "wrong_resource",
    "wrong_issuer",
    "issuer_changed",
    "unreadable",
    "refused",
    "declined",
    "state",
]

SENTENCES: dict[SignInCode, Any] = {
    "down": _("%(host)s does not answer now. Try again in a moment."),
    "not_allowed": _("%(host)s is at an address that may not be asked."),
    "no_authority": _("%(host)s does not say where people sign in. It may want a token instead."),
    "no_pkce": _("%(host)s does not protect sign-ins by PKCE (S256): nobody is sent there."),
    "no_client": _(
        "%(host)s takes no client that it does not know: who administers the project has to register one there and "
        "give its client id."
    ),
    "wrong_resource": _("What %(host)s says of sign-ins is said of another server."),
    "wrong_issuer": _("The answer is of another server than %(host)s."),
    "issuer_changed": _(
        "The server names %(host)s for sign-ins, and it was another one before: who administers the project has to "
        "look, and give the client id anew."
    ),
    "unreadable": _("%(host)s gave an answer that cannot be read."),
    "refused": _("%(host)s refused the sign-in."),
    "declined": _("You have not agreed at %(host)s, so you are not signed in."),
    "state": _("This sign-in was begun in another browser, too long ago, or is over. Begin again."),
}


class SignInError(Exception):
    """`code` says why; `host` is whose fault it is. Its text is English, and has nothing of what a server said."""

    def __init__(self, code: SignInCode, host: str = "") -> None:
        with override("en"):
            super().__init__(SENTENCES[code] % {"host": host or "The server"})
        self.code, self.host = code, host


class NotSignedIn(Exception):
    """The person has to sign in at the server first, or again."""
