"""Why somebody cannot be signed in at a server now: a code, and a sentence for a person."""

from typing import Literal

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

SENTENCES: dict[SignInCode, str] = {
    "down": "{host} does not answer now. Try again in a moment.",
    "not_allowed": "{host} is at an address that may not be asked.",
    "no_authority": "{host} does not say where people sign in. It may want a token instead.",
    "no_pkce": "{host} does not protect sign-ins by PKCE (S256): nobody is sent there.",
    "no_client": (
        "{host} takes no client that it does not know: who administers the project has to register one there and give "
        "its client id."
    ),
    "wrong_resource": "What {host} says of sign-ins is said of another server.",
    "wrong_issuer": "The answer is of another server than {host}.",
    "issuer_changed": (
        "The server names {host} for sign-ins, and it was another one before: who administers the project has to look, "
        "and give the client id anew."
    ),
    "unreadable": "{host} gave an answer that cannot be read.",
    "refused": "{host} refused the sign-in.",
    "declined": "You have not agreed at {host}, so you are not signed in.",
    "state": "This sign-in was begun in another browser, too long ago, or is over. Begin again.",
}


class SignInError(Exception):
    """`code` says why; `host` is whose fault it is. Nothing of what a server said is in it."""

    def __init__(self, code: SignInCode, host: str = "") -> None:
        super().__init__(SENTENCES[code].format(host=host or "The server"))
        self.code, self.host = code, host


class NotSignedIn(Exception):
    """The person has to sign in at the server first, or again."""
