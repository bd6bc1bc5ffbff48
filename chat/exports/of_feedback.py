"""An organization's feedback as a dataset, as chat.feedback.datasets writes it."""

from collections.abc import Iterator, Mapping
from typing import Any

from rest_framework import serializers

from accounts.http.fields import Closed, Id
from accounts.models import Organization, User
from accounts.organizations.rest import found
from accounts.organizations.services import require_admin
from chat.exports.writing import Place, Writing, put
from chat.feedback import datasets

FORMATS: dict[str, tuple[str, str]] = dict.fromkeys(datasets.FORMATS, ("application/x-ndjson", "jsonl"))


class OfFeedback(Closed):
    """Whose feedback, and whether it says who gave it."""

    organization = Id()
    without_people = serializers.BooleanField(
        required=False, default=True, help_text="false: with names, and ids that lead back"
    )


def place(user: User, asked: Mapping[str, Any], format: str) -> Place:
    """One that they are an admin of."""
    organization = found(Organization.objects.visible_to(user), asked["organization"])
    require_admin(user, organization)
    return Place(organization.pk, name=f"feedback-{organization.pk}")


def write(writing: Writing) -> Iterator[int]:
    """Line by line; how many there are is known at the end."""
    organization = Organization.objects.get(pk=writing.asked["organization"])
    format = next(each for each in datasets.FORMATS if each == writing.format)
    done = 0
    with writing.path.open("wb") as file:
        for line in datasets.lines(organization, format, writing.asked["without_people"]):
            put(file, f"{line}\n")
            done += 1
            yield done
    writing.total = done
