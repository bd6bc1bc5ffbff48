"""What an API key opens. Addresses, because accounts knows no doors; what is not named here no key opens.

Administration (changing members, projects, organizations, characters), signing in and tickets need a person's token.
"""

import re
from collections.abc import Iterable

LLM = ("/v1/", "/api/llm/")
CHAT = (
    *LLM,
    "/agent/",
    "/api/agui",
    "/api/archetypes/",
    "/api/attachments/",
    "/api/capabilities/",
    "/api/chat",  # the UI message stream and the sessions
    "/api/chats/",
    "/api/commands/",
    "/api/editorChat/",
    "/api/messages/",
    "/api/models/",
    "/api/pulls/",
    "/api/runs/",
    "/api/schedules/",
    "/api/search/",
    "/api/tasks/",
    "/api/trpc/",
    "/chat/",
    "/trpc/",
    "/ws/",
)
LOOK_UP = ("/api/characters/", "/api/organizations/", "/api/plans/", "/api/projects/", "/api/usage/")
# What people and agents work on in a project, as in its chats.
WORKED_ON = re.compile(r"/api/projects/[^/]+/(document|knowledge)/")
AUDIT = re.compile(r"/api/organizations/[^/]+/audit/")  # which looking an organization up does not reach
WEBHOOKS = re.compile(r"/api/organizations/[^/]+/webhooks/")  # nor these, which no key opens
ME = "/api/users/me/"  # itself; what is below it, such as keys and sign-ins, is the person's alone
PEOPLE = "/api/users/"
APPS = "/apps/"  # of own apps
MCP = "/mcp"
KNOWN = "/api/me/"  # what a person lets models know of them

# The names that a key may carry, each with what it is for.
SCOPES = {
    "llm": "The OpenAI-compatible doors: /v1 and /api/llm",
    "chat": (
        "Chats, runs, schedules, documents, knowledge, pull requests, at every door; looking up projects and members"
    ),
    "read": "Reading what the scope chat reaches, and changing nothing",
    "people": "Making, reading and deactivating people, and links for their first password: by operators and admins",
    "apps": "The addresses of own apps: /apps",
    "mcp": "What agents elsewhere may read and ask, over the Model Context Protocol: /mcp",
    "audit": "Reading and exporting an organization's audit log: by its admins",
    "me": "One's own preferences, and what is remembered of oneself: /api/me",
}
FOR_ADMINS = frozenset({"people", "audit"})  # that only an operator's or an organization admin's key may carry


def opens(names: Iterable[str], path: str, *, only_reads: bool) -> bool:
    """Whether one of the scopes opens this address to such a request."""
    return any(_opens(name, path, only_reads) for name in names)


def _opens(name: str, path: str, only_reads: bool) -> bool:
    is_chat = path.startswith(CHAT) or bool(WORKED_ON.match(path))
    is_audit = bool(AUDIT.match(path))
    is_apart = is_audit or bool(WEBHOOKS.match(path))
    looks_up = only_reads and not is_apart and (path.startswith(LOOK_UP) or path == ME)
    match name:
        case "llm":
            return path.startswith(LLM)
        case "chat":
            return is_chat or looks_up
        case "read":
            return looks_up or (only_reads and is_chat)
        case "people":
            return path.startswith(PEOPLE) and not path.startswith(ME)
        case "apps":
            return path.startswith(APPS)
        case "mcp":
            return path == MCP
        case "audit":
            return only_reads and is_audit
        case "me":
            return path.startswith(KNOWN)
        case _:
            return False  # a scope of an older version
