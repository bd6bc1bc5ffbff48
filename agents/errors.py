"""What goes wrong in an agent.

AgentError
+-- ProviderError     the model's service failed; carries code, retryable and retry_after_s
+-- LimitReached      a limit of the run was met; carries its name
+-- WorkFailed        work that answers nothing has come to nothing; carries code and retryable
+-- OutputInvalid     the answer is not what was asked for; carries what is wrong
+-- QuotaExceeded     no budget that holds covers the next turn
+-- NoRights          whom the run acts for may not do this any more
+-- Waiting           a tool call waits for a person
+-- UnknownArchetype  there is no archetype of that name
"""

# Every `code` a run.failed event can carry, with the sentence people read. Closed: dialects map these.
CODES = {
    "upstream_auth": "The model provider refused our credentials. An operator must check its key.",
    "upstream_credit": "The account at the model provider has no credit left. An operator must add some.",
    "upstream_invalid": "The model provider refused the request.",
    "upstream_context": "The conversation is longer than the model can read. "
    "Begin a new chat, or choose a model that reads more.",
    "upstream_tools": "This model cannot use tools. Choose another model.",
    "upstream_moderation": "The model provider's content filter refused the request. Say it in other words.",
    "upstream_not_found": "The model provider does not know this model. Choose another model.",
    "upstream_rate_limited": "The model provider is receiving too many requests. Try again later.",
    "upstream_overloaded": "The model provider has too much to do. Try again later, or choose another model.",
    "upstream_unavailable": "The model provider is not available. Try again later.",
    "upstream_timeout": "The model provider did not answer in time.",
    "upstream_interrupted": "The connection to the model provider broke off.",
    "upstream_incomplete": "The model provider ended its answer before it was complete.",
    "upstream_malformed": "The model provider sent something that could not be understood.",
    "upstream_error": "The model provider reported an error.",
    "no_rights": "Whom the run acts for may not do this here any more.",
    "output_invalid": "The model's answer does not fit the schema that was asked for.",
    "remote_auth": "The git server asks for a token, or does not take this one.",
    "remote_not_found": "There is no such repository or branch at the git server.",
    "remote_refused": "This repository may not be fetched.",
    "remote_unavailable": "The git server cannot be reached, or broke off. Try again later.",
    "remote_too_large": "The repository is larger than is taken.",
    "remote_invalid": "What the git server sent is no history that can be taken.",
    "diverged": "The branch has commits here that it has not there, and the other way round.",
    "build_failed": "The component was not built, and nothing was written.",
    "document_gone": "The document was deleted meanwhile.",
    "document_unreadable": "The document cannot be read.",
    "document_too_large": "The document is longer than is taken. Divide it.",
    "knowledge_full": "The project has as many documents or passages as it may.",
    "mcp_sign_in": "Sign in at the MCP server first, or again.",
    "mcp_auth": "The MCP server asks for a token, or does not take this one.",
    "mcp_refused": "This MCP server may not be asked.",
    "mcp_unavailable": "The MCP server cannot be reached, or broke off. Try again later.",
    "mcp_invalid": "What the MCP server answered cannot be taken.",
    "embeddings_failed": "The server of the embeddings did not do its part. Try again later.",
    "tool_missing": "The step of the workflow needs a tool that its agent does not have here.",
    "plan_model": "The organization's plan does not include this model.",
    "quota_exceeded": "The budget does not cover the next turn.",
    "limit": "The run met one of its limits.",
    "poison": "The run ended its process three times and is not tried again.",
    "storage": "The run's events could not be stored.",
    "internal": "Something went wrong on our side.",
}


class AgentError(Exception):
    """The root of this tree."""


# Of a run that fails by one of these before a word was said: the provider took no request, so nothing was used.
UNUSED = frozenset(
    {
        "upstream_auth",
        "upstream_credit",
        "upstream_invalid",
        "upstream_context",
        "upstream_tools",
        "upstream_moderation",
    }
    | {"upstream_not_found", "upstream_rate_limited", "upstream_overloaded", "upstream_unavailable", "upstream_error"}
    | {"no_rights", "plan_model", "quota_exceeded"}
)


class ProviderError(AgentError):
    """The provider failed. `message` is safe to show: it never holds a key or an upstream body.

    `detail` is for who operates the installation only: status, code, type, param and message as the provider gave them,
    without credentials. `pictures` are the origins of those that it could not read.
    """

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        retryable: bool = False,
        retry_after_s: float | None = None,
        detail: dict[str, str | int] | None = None,
    ) -> None:
        super().__init__(message or CODES[code])
        self.code = code
        self.message = message or CODES[code]
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.detail = detail or {}
        self.pictures: tuple[str, ...] = ()


class LimitReached(AgentError):
    """A limit was met: `name` is the field of Limits."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class WorkFailed(AgentError):
    """Work that answers nothing has come to nothing; `message` is for people, and says more than its code."""

    def __init__(self, code: str, message: str = "", *, retryable: bool = False) -> None:
        super().__init__(message or CODES[code])
        self.code = code
        self.retryable = retryable


class OutputInvalid(AgentError):
    """The answer is not JSON of the schema that was asked for; `faults` say what is wrong."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__(f"{CODES['output_invalid']} {' '.join(faults)}")
        self.faults = faults


class QuotaExceeded(AgentError):
    """A budget, or the run's own cap, does not cover the next turn. What has been said stays."""


class NoRights(AgentError):
    """Whom the run acts for may not do this any more: its provider is not asked."""


class Waiting(AgentError):
    """A tool call waits for a person; the run goes on from its log once they have decided."""


class UnknownArchetype(AgentError):
    """No archetype of that name; `names` are those there are."""

    def __init__(self, name: str, names: list[str]) -> None:
        super().__init__(f"Unknown archetype {name!r}; there are: {', '.join(names)}.")
        self.names = names
