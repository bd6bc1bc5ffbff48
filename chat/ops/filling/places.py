"""Organizations with their people, projects and a webhook, for the filled chats to belong to. Sync."""

import random
import uuid
from dataclasses import dataclass

from accounts.models import Membership, Organization, Project, Role, User
from accounts.secrets import seal
from chat.webhooks.models import OffReason, Webhook
from chat.webhooks.signing import new_secret
from chat.webhooks.types import ALL

PROJECTS = ("Website", "Billing", "Handbook", "Mobile app", "Data platform")
DOMAIN = "fill.invalid"  # RFC 2606: no such address is ever delivered to


@dataclass(frozen=True)
class Place:
    """An organization, and who and what is in it."""

    organization: Organization
    people: list[User]
    projects: list[Project]
    webhook: Webhook


def make_places(organizations: int, people: int, chance: random.Random, member: User | None) -> list[Place]:
    """So many of them, with so many people in all, at least one in each. `member` is an admin of the first one.

    Names say of which filling they are: the database may be filled again.
    """
    mark = uuid.uuid4().hex[:8]
    made = [_place(f"Filled {number} {mark}") for number in range(1, organizations + 1)]
    for number in range(people):
        place = made[number % organizations if number < organizations else chance.randrange(organizations)]
        user = User.objects.create_user(f"person-{number}.{mark}@{DOMAIN}", name=f"Person {number}")
        _join(place, user, Role.EDITOR)
    if member is not None:
        _join(made[0], member, Role.ADMIN)
    return made


def _place(name: str) -> Place:
    organization = Organization.objects.create(name=name, plan="enterprise")
    projects = [Project.objects.create(organization=organization, name=each) for each in PROJECTS]
    # Off, so that nothing which happens there later is sent to an address that nobody has.
    webhook = Webhook.objects.create(
        organization=organization, url=f"https://{DOMAIN}/hook", events=[ALL], is_active=False,
        off_reason=OffReason.OPERATOR, secret=seal(new_secret()),
    )  # fmt: skip
    return Place(organization, [], projects, webhook)


def _join(place: Place, user: User, role: Role) -> None:
    Membership.objects.create(organization=place.organization, user=user, role=role)
    place.people.append(user)
