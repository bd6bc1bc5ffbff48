"""What those were called that the ledger names and that are deleted. Sync."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models.signals import pre_delete

from accounts.models import ApiKey, Organization, Project, User
from chat.models import UsageName


def watch() -> None:
    """From now on organizations, projects and keys leave their names behind. Once in a process."""
    for table in (Organization, Project, ApiKey):
        pre_delete.connect(_going, sender=table)


def _going(instance: Any, **more: Any) -> None:
    # People name a key by what is theirs: of one its beginning stays.
    name = instance.prefix if isinstance(instance, ApiKey) else instance.name
    UsageName.objects.update_or_create(pk=instance.pk, defaults={"name": name[:200]})


TABLES = {"project": (Project, "name"), "user": (User, "email"), "key": (ApiKey, "prefix")}


def names_of(kind: str, ids: Iterable[UUID]) -> dict[UUID, str]:
    """What these are called, or were; people who are gone have no name."""
    wanted = set(ids)
    table, field = TABLES[kind]
    gone = dict(UsageName.objects.filter(pk__in=wanted).values_list("pk", "name")) if kind != "user" else {}
    there = table._default_manager.order_by().filter(pk__in=wanted).values_list("pk", field)
    return gone | dict(there)
