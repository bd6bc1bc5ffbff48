"""What an API key opens. Addresses, because accounts knows no doors; what is not named here no key opens.

Administration (changing members, projects, organizations, characters), signing in and tickets need a person's token.
"""

from collections.abc import Iterable

LLM = ("/v1/", "/api/llm/")
CHAT = (
    *LLM,
    "/agent/",
    "/api/agui",
    "/api/archetypes/",
    "/api/capabilities/",
    "/api/chat",  # the UI message stream and the sessions
    "/api/chats/",
    "/api/editorChat/",
    "/api/messages/",
    "/api/models/",
    "/api/runs/",
    "/api/tasks/",
    "/api/trpc/",
    "/chat/",
    "/trpc/",
    "/ws/",
)
LOOK_UP = ("/api/characters/", "/api/organizations/", "/api/projects/", "/api/users/me/")

# The names that a key may carry, each with what it is for.
SCOPES = {
    "llm": "The OpenAI-compatible doors: /v1 and /api/llm",
    "chat": "Chats, messages and runs, at every door; looking up projects and members",
    "read": "Reading what the scope chat reaches, and changing nothing",
}


def opens(names: Iterable[str], path: str, *, only_reads: bool) -> bool:
    """Whether one of the scopes opens this address to such a request."""
    return any(_opens(name, path, only_reads) for name in names)


def _opens(name: str, path: str, only_reads: bool) -> bool:
    match name:
        case "llm":
            return path.startswith(LLM)
        case "chat":
            return path.startswith(CHAT) or (only_reads and path.startswith(LOOK_UP))
        case "read":
            return only_reads and path.startswith(CHAT + LOOK_UP)
        case _:
            return False  # a scope of an older version
