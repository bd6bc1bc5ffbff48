"""What OpenAI's clients call a model: one of the catalog, bare, or an agent with its tools, `parley/<archetype>`."""

from accounts.errors import NotFound
from agents.archetypes import registry
from agents.installation import has_model, model_names, successor_of

OURS = "parley/"
BARE = "model"  # the archetype that adds nothing


def names() -> list[str]:
    """Every name a request may send as its model."""
    return [*model_names(), *(OURS + name for name in registry.names())]


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
