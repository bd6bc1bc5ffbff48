"""Mail that Parley sends, where EMAIL_URL says by what."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.utils.translation import gettext as _

from accounts.models import Invitation
from accounts.organizations.invitations import link_of

log = logging.getLogger(__name__)


def mail_invitation(invitation: Invitation) -> bool:
    """Send the link to the address. False where there is no mail, or the server takes none: then show the link."""
    if not settings.EMAIL_URL:
        return False
    inviter = invitation.invited_by
    named = {
        "person": _plain(inviter.display_name if inviter else ""),
        "organization": _plain(invitation.organization.name),
        "until": f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC",
        "link": link_of(invitation),
    }
    text = (
        _("%(person)s invites you to join %(organization)s on Parley.") % named,
        _("Open this link and sign in with this address to accept, until %(until)s:") % named,
        named["link"],
        _("If you do not know them, there is nothing to do."),
    )
    subject = _("%(person)s invites you to %(organization)s") % named
    try:
        return bool(send_mail(subject, "\n\n".join(text), settings.EMAIL_FROM, [invitation.email]))
    except OSError as error:  # smtplib's own are OSErrors too
        log.warning("No mail: the server of EMAIL_URL does not take it (%s)", type(error).__name__)
        return False


def _plain(name: str) -> str:
    """In one line: a line break would end the subject."""
    return " ".join(name.split())
