"""Files that were uploaded before, as a message's attachments: by their id, or by the address that we gave for them.

Who may name which of them is asked where the message is stored (chat.attachments): here nothing is looked up.
"""

import re
from typing import Any
from uuid import UUID

from accounts.errors import refuse

ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
# As GET /api/attachments/{id}/ says it: the path alone, or behind the name that this server has for its client.
OURS = re.compile(rf"(?:https?://[^/?#\\@]+)?/api/attachments/({ID})/content", re.ASCII)


def by_id(kind: str, value: Any, field: str) -> dict[str, Any]:
    """The attachment that a `file_id` names. Raises Invalid for what is no id of one."""
    if not isinstance(value, str) or not re.fullmatch(ID, value, re.ASCII):
        raise refuse(field, "Expected the id of a file that was uploaded: by POST /v1/files or POST /api/attachments/.")
    return {"type": kind, "id": str(UUID(value))}


def by_address(kind: str, url: str) -> dict[str, Any] | None:
    """The attachment whose content is at this address, where it is one of ours."""
    found = OURS.fullmatch(url)
    return {"type": kind, "id": str(UUID(found[1]))} if found else None
