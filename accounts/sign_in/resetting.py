"""A new password for who does not know the old one: by a link that works once, soon, and for one person.

The link is mailed to the person who asks; where there is no mail, an operator or an admin makes one to hand on.
Nothing is stored for it: its token is made from the password of now, so that it ends with that.
"""

import logging
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import audit, look
from accounts.errors import NotFound, TooMany
from accounts.models import User
from accounts.sign_in import mail, noting, passwords, tries

HOUR_S = 3600
PAGE = "/reset/"
log = logging.getLogger(__name__)


class _Tokens(PasswordResetTokenGenerator):
    """Django's own, which a change of password, "sign out everywhere" and a deactivation end."""

    key_salt = "accounts.sign_in.resetting"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{user.pk} {user.password} {user.token_version} {user.is_active} {user.email} {timestamp}"


_tokens = _Tokens()


def ask(email: str, client: str) -> None:
    """Mail a link to the person of this address, if there is one. Raises TooMany.

    What is raised, and how long it takes, does not depend on whether there is: all of that is done later, elsewhere.
    """
    tries.take("reset-ip", client, limit=settings.LOGIN_MAX_FAILURES_PER_IP, window_s=settings.LOGIN_WINDOW_S)
    if settings.EMAIL_URL:
        mail.later(partial(_mail_to, email.strip().lower(), translation.get_language()))


def link_for(user: User, *, by: User | None, is_operator: bool = False) -> str:
    """A link by which the person sets a password. `by`: who made it, None for a command. The logs say so.

    `is_operator`: they made it as one, in the admin.
    """
    log.warning("A link for a new password of user %s was made by %s", user.pk, by.pk if by else "a command")
    noting.link_made(user, by=by if by and not is_operator else audit.operator(by))
    return _link(user)


def hand_out(user: User, *, by: User) -> str | None:
    """Mail them a link; where that cannot be, the link, to hand on. Raises TooMany for an address that got too many."""
    if mail.reaches(user.email):
        tries.take("reset", user.email, limit=settings.RESETS_PER_HOUR, window_s=HOUR_S)
        if mail_link(user):
            log.warning("A link for a new password was mailed to user %s, as %s asked for it", user.pk, by.pk)
            noting.link_made(user, by=by)
            return None
    return link_for(user, by=by)


def mail_link(user: User) -> bool:
    """Mail them a link, in their language. False where there is no mail, or the server takes none."""
    until = timezone.now() + timedelta(seconds=settings.RESET_LIFETIME_S)
    with translation.override(user.language or translation.get_language()):
        named = {"product": look.name(), "link": _link(user), "until": f"{until:%Y-%m-%d %H:%M} UTC"}
        text = (
            _("Somebody, hopefully you, has asked for a new password for your account on %(product)s.") % named,
            _("Open this link to set it, until %(until)s. It works once:") % named,
            named["link"],
            _("If it was not you, there is nothing to do: your password stays as it is."),
        )
        return mail.send(_("A new password for %(product)s") % named, text, user.email)


def find(token: str) -> User:
    """Whose password the link's token lets one set. Raises NotFound for every token that does not hold."""
    id, _sign, rest = token.partition(".")
    user = User.objects.filter(pk=_uuid(id), is_active=True, is_guest=False).first()
    if user is None or not _tokens.check_token(user, rest):
        raise NotFound("This link does not hold: it is used or too old. Ask for a new one.", code="reset_unknown")
    return user


@transaction.atomic
def reset(token: str, password: str) -> User:
    """Set the password of the token's person; all their sign-ins end. Raises NotFound, and Invalid for a weak one."""
    list(
        User.objects.select_for_update().filter(pk=_uuid(token.partition(".")[0]))
    )  # of two at once, one finds it used
    user = find(token)
    passwords.set_password(user, password)
    noting.password_changed(user, by=noting.NOBODY, by_link=True)
    return user


def _mail_to(email: str, language: str) -> None:
    user = User.objects.filter(email=email, is_active=True, is_guest=False).first()
    if user is None or not passwords.has_password(user):  # who signs in by other means gets none by themselves
        return
    try:
        tries.take("reset", email, limit=settings.RESETS_PER_HOUR, window_s=HOUR_S)
    except TooMany:
        log.warning("No link for a new password is mailed to user %s: too many in this hour", user.pk)
        return
    with translation.override(language):
        mail_link(user)


def _link(user: User) -> str:
    """In the query, which no log keeps."""
    token = f"{user.pk}.{_tokens.make_token(user)}"
    return f"{settings.PARLEY_PUBLIC_URL}{PAGE}?{urlencode({'token': token})}"


def _uuid(text: str) -> UUID:
    """The id that it spells; else one that nobody has."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
