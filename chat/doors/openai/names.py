"""What OpenAI's clients call a model: one of the catalog, bare, or an agent with its tools, `parley/<archetype>`."""

from accounts.errors import NotFound
from accounts.plans import Terms
from agents.archetypes import registry
from agents.installation import has_model, model_names, successor_of
from chat import gate

OURS = "parley/"
BARE = "model"  # the archetype that adds nothing


def names() -> list[str]:
    """Every name a request may send as its model."""
    return [*model_names(), *(OURS + name for name in registry.names())]


def available(among: list[Terms]) -> list[str]:
    """Of these, the names that one of the plans allows."""
    return [each for each in names() if any(_allows(plan, each) for plan in among)]


def require_available(name: str, among: list[Terms]) -> None:
    """Raise NotAllowed for a name that none of the plans allows."""
    if not any(_allows(plan, name) for plan in among):
        for model in _asked(among[0], name):
            gate.require_model(among[0], model)


def _allows(plan: Terms, name: str) -> bool:
    return all(gate.allows(plan, each) for each in _asked(plan, name))


def _asked(plan: Terms, name: str) -> list[str]:
    """The models that a request by that name asks; where it leaves that open, those of a new chat."""
    archetype, model = resolve(name)
    return list(gate.models_asked(registry.get(archetype), model or gate.default_model(plan)))


def resolve(name: str) -> tuple[str, str | None]:
    """The archetype of that name and the model it runs on; None: the chat's own. Raises NotFound: model_not_found."""
    if has_model(name):
        return BARE, name
    archetype = name.removeprefix(OURS)
    if name.startswith(OURS) and archetype in registry.names():
        return archetype, None
    successor = successor_of(name)
    gone = (
        f"The model {name} is not offered any more; its successor is {successor}"
        if successor
        else "There is no such model"
    )
    raise NotFound(
        f"{gone}. There are: {', '.join(names())}.",
        code="model_not_found",
        fields={"model": ["Expected one of those that GET /v1/models lists."]},
    )
