"""What a caller can do wrong, or not have: each class is one HTTP answer, made in config.middleware.errors.

RequestError            carries status, code, message, fields
+-- Invalid             400  a field is missing, of the wrong kind or out of range
+-- NotAuthenticated    401  no credentials, or none that hold
+-- QuotaExceeded       402  a budget is used up; carries retry_after_s where it begins anew
+-- NotAllowed          403  visible, but the role does not include this
+-- NotFound            404  unknown, or not visible: the two look the same
+-- Conflict            409  the state of things does not allow it now
+-- Gone                410  it was here and is not kept any more
+-- KeyReused           422  the idempotency key was used with another body
+-- TooMany             429  a limit was met; carries retry_after_s
+-- BadGateway          502  a server elsewhere did not do its part; carries retry_after_s where it says so
+-- Unavailable         503  the database cannot answer; carries retry_after_s
"""

from collections.abc import Mapping, Sequence

Fields = Mapping[str, Sequence[str]]


class RequestError(Exception):
    """Becomes `{"error": {"code", "message", "fields"}}` with `status`."""

    status = 400
    code = "invalid"
    message = "The request is not valid."

    def __init__(
        self, message: str = "", *, code: str = "", fields: Fields | None = None, retry_after_s: int | None = None
    ) -> None:
        self.message = message or self.message
        super().__init__(self.message)
        self.code = code or self.code
        self.fields = {name: list(texts) for name, texts in (fields or {}).items()}
        self.retry_after_s = retry_after_s


class Invalid(RequestError):
    """`fields` says which field, what was expected and what to do."""


def refuse(field: str, expected: str) -> Invalid:
    """The error for one field; the sentence says what would be right."""
    return Invalid(f"{field}: {expected}", fields={field: [expected]})


class NotAuthenticated(RequestError):
    status = 401
    code = "not_authenticated"
    message = "Sign in first: send a bearer token or a session."


class QuotaExceeded(RequestError):
    status = 402
    code = "quota_exceeded"
    message = "Your organization's budget does not cover another answer."


class NotAllowed(RequestError):
    status = 403
    code = "not_allowed"
    message = "Your role does not include this."


class NotFound(RequestError):
    status = 404
    code = "not_found"
    message = "There is no such thing, or you may not see it."


class Conflict(RequestError):
    status = 409
    code = "conflict"
    message = "That cannot be done now."


class Gone(RequestError):
    status = 410
    code = "gone"
    message = "That is not kept any more."


class KeyReused(RequestError):
    status = 422
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another request. Make a new key for a new request."


class TooMany(RequestError):
    status = 429
    code = "too_many"
    message = "Too many at once. Try again later."


class BadGateway(RequestError):
    status = 502
    code = "bad_gateway"
    message = "A server elsewhere did not do its part."


class Unavailable(RequestError):
    status = 503
    code = "unavailable"
    message = "The service cannot reach its database. Try again in a moment."
