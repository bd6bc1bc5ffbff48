"""Guests: users made for callers without credentials. All of them are in one organization, and none can sign in.

What a guest may reach is what they made themselves; their key to it is the door's affair.
"""

import uuid

from django.conf import settings
from django.http import HttpRequest

from accounts.models import Membership, Organization, Role, User
from accounts.sign_in import tries as limits

ORGANIZATION = uuid.UUID("9e575000-0000-4000-8000-000000000000")
WINDOW_S = 3600


def new_guest(request: HttpRequest) -> User:
    """A guest for this caller. Raises TooMany for an address with more than AGENT_GUESTS_PER_HOUR."""
    address = request.META.get("REMOTE_ADDR", "")
    limits.take("guest", address, limit=settings.AGENT_GUESTS_PER_HOUR, window_s=WINDOW_S)
    place, _ = Organization.objects.get_or_create(pk=ORGANIZATION, defaults={"name": "Guests"})
    id = uuid.uuid4()
    guest = User.objects.create_user(f"guest-{id}@guest.invalid", id=id, name="Guest", is_guest=True)
    Membership.objects.create(organization=place, user=guest, role=Role.EDITOR)
    return guest
