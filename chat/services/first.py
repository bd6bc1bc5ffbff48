"""What a new installation begins with: an owner, an organization, a project with files in git, and a chat."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.crypto import get_random_string

from accounts.models import Membership, Role, User
from accounts.organizations.services import begin_organization, create_project
from accounts.sign_in.new_people import checked_email
from chat.services.chats import create_chat
from tools.git.repository import Repository

DEFAULT_EMAIL = "owner@example.com"
EASY_TO_READ = "abcdefghjkmnpqrstuvwxyz23456789"  # without 0 o 1 i l
README = """# Welcome

A small project to try things on: its files are kept in a git repository of its own. Ask the chat what is in here, or
ask it to write a file. What it writes becomes a commit on the chat's own branch and changes nothing else.
"""
SAMPLE_FILES = {
    "README.md": README,
    "docs/opening-hours.md": "# Opening hours\n\nMonday to Friday 9 to 18, Saturday 10 to 14. Closed on Sundays.\n",
    "src/prices.py": (
        '"""What things cost, in euro cents."""\n\n'
        'PRICES = {"coffee": 280, "tea": 240, "cake": 390}\n\n\n'
        "def total(order: dict[str, int]) -> int:\n"
        '    """The sum of an order: name to count."""\n'
        "    return sum(PRICES[name] * count for name, count in order.items())\n"
    ),
}


@dataclass(frozen=True)
class First:
    """The first owner, and the password that was generated for them just now (else empty)."""

    owner: User
    generated: str = ""
    is_new: bool = False


def ensure_first(*, email: str = "", password: str = "") -> First:
    """The installation's first owner; made, with all that belongs to it, where there is none yet.

    To be called by one process at a time. Raises Invalid for an address that is none.
    """
    existing = Membership.objects.filter(role=Role.OWNER).select_related("user").order_by("created_at").first()
    if existing:
        return First(existing.user)
    address = checked_email(email or DEFAULT_EMAIL)
    generated = "" if password else _generated_password()
    return _make(address, password, generated)


@transaction.atomic
def _make(email: str, password: str, generated: str) -> First:
    owner = User.objects.filter(email=email).first()
    if owner:  # made by create_user before: their password stays
        generated = ""
    else:
        owner = User.objects.create_superuser(email, password or generated)
    organization = begin_organization(owner=owner, name="First organization")
    project = create_project(actor=owner, organization=organization, name="Welcome", description="To try things on.")
    Repository(project.pk).create(SAMPLE_FILES, author_name=owner.display_name, author_email=owner.email)
    create_chat(
        user=owner, organization=organization.pk, project=project.pk, title="Welcome", archetype="project_navigator"
    )
    return First(owner, generated, is_new=True)


def _generated_password() -> str:
    return "-".join(get_random_string(4, EASY_TO_READ) for _ in range(4))
