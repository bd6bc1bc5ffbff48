"""Where a new chat begins and who answers in it: what the reader used last (docs/decisions/0064)."""

from dataclasses import dataclass

from django.conf import settings

from accounts import plans
from accounts.models import User
from accounts.plans import Terms
from agents.archetypes import registry
from agents.installation import info_of, model_names, successor_of
from chat import gate
from chat.models import Chat
from chat.page.contents import Place


@dataclass(frozen=True)
class Choices:
    """What the controls below the message show as chosen."""

    archetype: str
    model: str
    effort: str = ""
    place: Place | None = None  # of a chat that has not begun; None: there is none to write in

    @property
    def has_departed_archetype(self) -> bool:
        """Whether the archetype is not offered any more."""
        return self.archetype not in registry.names()

    @property
    def has_departed_model(self) -> bool:
        """Whether the model is not offered any more."""
        return self.model not in model_names()

    @property
    def efforts(self) -> tuple[str, ...]:
        """How the model can be asked to reason."""
        return info_of(self.model).efforts

    @property
    def successor(self) -> str:
        """The model to choose in its place; empty where nobody knows."""
        return successor_of(self.model) if self.has_departed_model else ""


def choices_of(chat: Chat) -> Choices:
    """Those of a chat that is there."""
    return Choices(chat.archetype, chat.model, chat.effort)


def choices_for_new(user: User, places: list[Place]) -> Choices:
    """Those of the user's own chat that something was said in last, as far as they are still offered. One query."""
    last = (
        Chat.objects.filter(user=user, origin="native", is_listed=True, deleted_at=None)
        .order_by("-last_activity_at", "-id")
        .first()
    )
    place = places[0] if places else None
    if last is None:
        return Choices(settings.AGENTS_DEFAULT_ARCHETYPE, gate.default_model(_plan_at(place)), place=place)
    used, place = choices_of(last), _place_of(last, places) or place
    plan = _plan_at(place)
    is_lost = used.has_departed_model or not gate.allows(plan, used.model)
    return Choices(
        settings.AGENTS_DEFAULT_ARCHETYPE if used.has_departed_archetype else used.archetype,
        gate.default_model(plan) if is_lost else used.model,
        used.effort,
        place,
    )


def _plan_at(place: Place | None) -> Terms:
    return plans.named(place.organization.plan if place else plans.UNCHOSEN)


def _place_of(chat: Chat, places: list[Place]) -> Place | None:
    ids = (chat.organization_id, chat.project_id)
    return next((each for each in places if (each.organization.pk, each.project and each.project.pk) == ids), None)
