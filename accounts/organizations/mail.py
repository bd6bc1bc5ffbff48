"""The mail in which somebody is invited."""

from django.utils.translation import gettext as _

from accounts import look
from accounts.models import Invitation
from accounts.organizations.invitations import link_of
from accounts.sign_in.mail import plain, send


def mail_invitation(invitation: Invitation) -> bool:
    """Send the link to the address. False where there is no mail, or the server takes none: then show the link."""
    inviter = invitation.invited_by
    named = {
        "product": look.name(),
        "person": plain(inviter.display_name if inviter else ""),
        "organization": plain(invitation.organization.name),
        "until": f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC",
        "link": link_of(invitation),
    }
    text = (
        _("%(person)s invites you to join %(organization)s on %(product)s.") % named,
        _("Open this link and sign in with this address to accept, until %(until)s:") % named,
        named["link"],
        _("If you do not know them, there is nothing to do."),
    )
    subject = _("%(person)s invites you to %(organization)s") % named
    return send(subject, text, invitation.email)
