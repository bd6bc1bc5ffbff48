"""Plans as people and operators meet them: which is whose, and giving an organization another. Sync."""

from uuid import UUID

from django.db import transaction

from accounts import audit, plans
from accounts.errors import NotFound, RequestError, refuse
from accounts.models import Organization, User
from accounts.organizations.choice import usual_organization
from accounts.plans import Terms
from chat import gate
from chat.models import Chat


def plans_for(user: User, organization: UUID | None = None) -> list[Terms]:
    """The plan of that organization; of none, of the one where their chats go that name none. While that is undecided
    all that are theirs, and of who is in none the one that nobody chose. Raises NotFound.
    """
    theirs = Organization.objects.visible_to(user)
    if organization is not None:
        found = theirs.filter(pk=organization).first()
        if found is None:
            raise NotFound(fields={"organization": ["There is no such organization, or you may not see it."]})
        return [plans.named(found.plan)]
    try:
        return [plans.named(usual_organization(user).plan)]
    except RequestError:
        names = set(theirs.order_by().values_list("plan", flat=True)) or {plans.UNCHOSEN}
        return [plans.named(each) for each in sorted(names)]


def is_available(model: str, among: list[Terms]) -> bool:
    """Whether one of these plans has the model."""
    return any(gate.allows(each, model) for each in among)


@transaction.atomic
def set_plan(organization: Organization, name: str) -> Terms:
    """Give the organization the plan of that name. Chats keep their models; runs ask. Raises Invalid."""
    known = {each.name: each for each in plans.every()}
    if name not in known:
        raise refuse("plan", f"Expected one of: {', '.join(known)}.")
    audit.record(
        "plan.changed", actor=audit.operator(), organization_id=organization.pk, object_type="organization",
        object_id=organization.pk, detail={"plan": name, "before": organization.plan},
    )  # fmt: skip
    Organization.objects.filter(pk=organization.pk).update(plan=name)
    organization.plan = name
    return known[name]


def chats_without(organization: Organization, plan: Terms) -> int:
    """How many chats of the organization have a model that this plan does not have."""
    chats = Chat.objects.filter(organization=organization, deleted_at=None)
    models = chats.order_by().values_list("model", flat=True).distinct()
    lost = [each for each in models if not gate.allows(plan, each)]
    return chats.filter(model__in=lost).count()
