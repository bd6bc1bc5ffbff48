"""What is asked before a model is: whether the organization's plan has it, and whether more may begin now. Sync.

Every run passes here, whichever door it came by (`admit`, in chat.services.runs), and work that answers nothing
(`admit_work`). What may change while a run waits is asked again when a process takes it (`require_job`) and for each
model that it asks (`targets_in`): fallbacks, subagents, summaries.

A request's model is resolved before it is asked about: an agent's own model, the successor of one that is gone, and of
a model that is another one by a name of its own also that other.
"""

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from uuid import UUID

from django.conf import settings

from accounts import plans
from accounts.errors import NotAllowed
from accounts.plans import Terms, has_feature, require_feature
from agents import installation
from agents.archetypes import registry
from agents.archetypes.base import Archetype
from agents.errors import WorkFailed
from agents.loop import model_of
from agents.loop.target import Target
from agents.model_info import TIERS
from chat.metering import limits
from chat.models import Chat, Run

__all__ = ["admit", "has_feature", "require_feature"]

TIER = "tier:"


# --- Before something begins ------------------------------------------------------------------------------------------


def admit(chat: Chat, archetype: str, model: str) -> None:
    """Raise where the run of that agent and model may not begin: NotAllowed for what the plan does not have, TooMany.

    In this order: plan, rate, open runs; the budget follows, with the run's reservation. No query for the plan of a
    chat that is locked for a run. An empty model: none is asked.
    """
    plan = plan_of(chat)
    for each in models_asked(registry.get(archetype), model) if model else ():
        require_model(plan, each)
    limits.check_runs(chat.organization_id, limit(plan, "CHAT_RUNS_PER_ORGANIZATION"))


def admit_work(organization_id: UUID, chat: Chat | None, model: str) -> None:
    """The same of work that asks a model and answers nothing."""
    if model:
        require_model(plan_of(chat) if chat is not None else plans.plan_of(organization_id), model)


def require_model(plan: Terms, model: str, field: str = "model") -> None:
    """Raise NotAllowed where the plan does not have the model; `fields` says what it has."""
    if not allows(plan, model):
        told = refusal(plan, model)
        raise NotAllowed(told, code="plan_model", fields={field: [told]})


# --- While it is under way --------------------------------------------------------------------------------------------


def require_job(run: Run, archetype: Archetype) -> None:
    """Raise WorkFailed where the plan does not have a model of a run that this process has just taken."""
    plan = plan_at(run)
    for each in models_asked(archetype, run.model):
        _require(plan, each)


def targets_in(plan: Terms, fallbacks: list[str] | None) -> Callable[[str], tuple[Target, ...]]:
    """Who serves a model, and who does where that one cannot, as far as the plan has them: a fallback that it does not
    have is not asked. The function raises WorkFailed for a model that it does not have.
    """

    def asked(model: str) -> tuple[Target, ...]:
        _require(plan, model)
        first, *others = installation.targets(model, fallbacks)
        return (first, *(each for each in others if allows(plan, each.model.id)))

    return asked


def _require(plan: Terms, model: str) -> None:
    if not allows(plan, model):
        raise WorkFailed("plan_model", refusal(plan, model))


# --- Plans and models -------------------------------------------------------------------------------------------------


def plan_of(chat: Chat) -> Terms:
    """The plan of a chat's organization. No query for a chat that was read with its name, or its organization."""
    name = getattr(chat, "organization_plan", None)
    return plans.named(chat.organization.plan if name is None else name)


def plan_at(run: Run) -> Terms:
    """The plan where a run works."""
    if run.chat is not None:
        return plan_of(run.chat)
    assert run.organization is not None, "the database lets no run be nowhere"
    return plans.named(run.organization.plan)


def allows(plan: Terms, model: str) -> bool:
    """Whether the plan has this model: it is named, or what it is called and what it is both match."""
    return model in plan.models or all(any(_matches(each, face) for each in plan.models) for face in _faces(model))


def models_of(plan: Terms) -> list[str]:
    """The models of the plan that are offered here, in order."""
    return [each for each in installation.model_names() if allows(plan, each)]


def least_plan(model: str) -> str:
    """The plan with the fewest models of those that have this one; empty where none has it."""
    having = [each for each in plans.every() if allows(each, model)]
    return min(having, key=lambda each: len(models_of(each))).name if having else ""


def models_asked(archetype: Archetype, chosen: str) -> Iterator[str]:
    """What an agent is answered by, and the own models of those that it may ask."""
    yield model_of(archetype, chosen)
    for each in archetype.subagents:
        yield from models_asked(each, model_of(each, chosen))


def default_model(plan: Terms) -> str:
    """The model of a new chat: the installation's, else the first of the plan; of one without models, the former."""
    usual = installation.default_model()
    return usual if allows(plan, usual) else next(iter(models_of(plan)), usual)


def writing_model(plan: Terms, own: str) -> str:
    """What titles and summaries are written by: MEMORY_MODEL, where that is a model and the plan has it; else the
    chat's own.
    """
    named = str(settings.MEMORY_MODEL)
    return named if named not in ("", "chat") and allows(plan, named) else own


def limit(plan: Terms, name: str) -> int:
    """The setting of that name, as far as the plan does not lower it; 0: no limit."""
    most, own = int(getattr(settings, name)), int(plan.limits.get(name, 0))
    return min(most, own) if most and own else most or own


def refusal(plan: Terms, model: str) -> str:
    """What is said of a model that the plan does not have."""
    having = ", ".join(models_of(plan)) or "no model"
    return f"The plan {plan.name} does not include {model}. It includes: {having}."


def _faces(model: str) -> set[str]:
    """The model, and the one that it is under a name of its own, where that is known too."""
    known = installation.the_catalog().all
    name = known[model].name if model in known else ""
    return {model, name} if name in known else {model}


def _matches(pattern: str, model: str) -> bool:
    tier = pattern.removeprefix(TIER)
    if pattern.startswith(TIER) and tier in TIERS:
        return installation.info_of(model).is_seen_by(tier)
    return fnmatchcase(model, pattern)
