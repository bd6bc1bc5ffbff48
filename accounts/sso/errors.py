"""Why somebody whom another server vouches for does not come in. What was wrong with a token is `detail`, for logs and
for backends; people read the sentence."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from accounts.errors import RequestError

SENTENCES: dict[str, Any] = {
    "sso_account": _(
        "There is an account with your address that this identity provider may not join. "
        "Sign in with your password, or ask an operator."
    ),
    "sso_deactivated": _("Your account is deactivated. Ask an operator."),
    "sso_down": _("The identity provider does not answer. Try again in a moment."),
    "sso_email": _(
        "The identity provider does not say that your e-mail address is proven and of your organization. "
        "Ask its administrator."
    ),
    "sso_no_group": _("None of your groups has a role here. Ask the administrator of your organization."),
    "sso_nobody": _("You have no account here yet, and this identity provider brings no new people. Ask an operator."),
    "sso_refused": _("The identity provider did not sign you in. Begin again."),
    "sso_state": _("This sign-in was begun in another browser, too long ago, or is over. Begin again."),
    "sso_token": _(
        "What the identity provider sent does not hold. Begin again; if that does not help, ask an operator."
    ),
}


class Refused(RequestError):
    """They do not come in. `code` is one of SENTENCES."""

    status = 403
    is_signed = False  # whether a registered provider has signed what was brought: no guess then, whatever is refused

    def __init__(self, code: str, detail: str = "") -> None:
        with override("en"):
            super().__init__(str(SENTENCES[code]), code=code)
        self.detail = detail or self.message


class TokenRefused(Refused):
    """What was brought does not hold; `detail` says why, and nothing of it."""

    status = 401

    def __init__(self, detail: str, *, is_signed: bool = False) -> None:
        super().__init__("sso_token", detail)
        self.is_signed = is_signed


class ProviderDown(Refused):
    """The provider, or the way to it, does not work now."""

    status = 503

    def __init__(self, detail: str) -> None:
        super().__init__("sso_down", detail)
        self.retry_after_s = 10
