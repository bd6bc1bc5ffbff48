"""How an API wants to be told who asks, and the header that tells it. No Django."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tools.openapi.arguments import is_ours, plain_header
from tools.openapi.operations import Operation
from tools.openapi.reading import Document, DocumentRefused
from tools.openapi.references import resolved

HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


@dataclass(frozen=True)
class Header:
    """The header that a credential goes in."""

    name: str
    before: str = ""  # what stands before the credential

    def of(self, credential: str) -> dict[str, str]:
        """The header with it."""
        return {self.name: f"{self.before}{credential}"}


BEARER = Header("Authorization", "Bearer ")


def header_of(document: Document, operation: Operation, *, has_secret: bool) -> Header | None:
    """In which header the credential goes; None for an operation that says it wants none.

    A person's token is a bearer token, whatever the file says. Raises DocumentRefused where a secret can go in none.
    """
    wanted = operation.value.get("security", document.get("security"))
    if isinstance(wanted, list) and not any(wanted):
        return None
    if not has_secret or wanted is None:
        return BEARER
    names = [name for each in wanted if isinstance(each, dict) for name in each]
    found = next(_headers(document, names, operation.place), None)
    if found is None:
        told = (
            f"no secret can be sent by {', '.join(names) or 'its security'}: a bearer token or an API key in a header"
        )
        raise DocumentRefused(f"{operation.place}: {told} can")
    return found


def key_headers(document: Document) -> frozenset[str]:
    """The headers of all API keys in the file, as `plain_header` has them: none of them is a model's to fill in."""
    schemes = _schemes(document)
    found = [resolved(document, each, "securitySchemes") for each in schemes.values()]
    headers = [each.get("name") for each in found if isinstance(each, dict) and each.get("in") == "header"]
    return frozenset(plain_header(str(each)) for each in headers)


def _schemes(document: Document) -> dict[str, Any]:
    components: Any = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    return schemes if isinstance(schemes, dict) else {}


def _is_free(header: str) -> bool:
    """Whether a credential may stand there: what a request is made of is not the file's to say."""
    return bool(HEADER.fullmatch(header)) and (header.lower() == "authorization" or not is_ours(header))


def _headers(document: Document, names: list[str], place: str) -> Iterator[Header]:
    schemes = _schemes(document)
    for name in names:
        scheme = resolved(document, schemes.get(name), place)
        match scheme:
            case {"type": "http", "scheme": str(kind)} if kind.lower() == "bearer":
                yield BEARER
            case {"type": "oauth2" | "openIdConnect"}:
                yield BEARER
            case {"type": "apiKey", "in": "header", "name": str(header)} if _is_free(header):
                yield Header(header)
            case _:
                pass
