"""How confidential a document is, and up to which level a role reads. No tables here."""

from accounts.models import Role

PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED = range(4)
_LEVELS = {Role.VIEWER: INTERNAL, Role.EDITOR: CONFIDENTIAL, Role.ADMIN: RESTRICTED, Role.OWNER: RESTRICTED}


def level_of(role: str) -> int:
    """The highest level that this role reads."""
    return _LEVELS[Role(role)]
