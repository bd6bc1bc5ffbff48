"""From permissions back to a role."""

import pytest

from accounts.models import Role
from accounts.permissions import NOTHING, PERMISSIONS, Permission, role_with


@pytest.mark.parametrize(
    ("permissions", "role"),
    [
        (set(NOTHING), None),
        ({"read"}, Role.VIEWER),
        ({"read", "write"}, Role.EDITOR),
        (set(PERMISSIONS[Role.EDITOR]), Role.EDITOR),
        (set(PERMISSIONS[Role.ADMIN]), Role.ADMIN),
        (set(PERMISSIONS[Role.OWNER]), Role.ADMIN),
    ],
)
def test_the_least_role_that_includes_them(permissions: set[Permission], role: Role | None) -> None:
    assert role_with(frozenset(permissions)) == role
