"""Pages by cursor: each row once, whatever the size; a cursor that is not ours is refused by name."""

import base64
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import Membership, Organization, Role, User

Api = Callable[[User], APIClient]
PATH = "/api/organizations/"


@pytest.fixture
def many(alice: User) -> list[str]:
    names = ["Acme", *(f"Place {number}" for number in range(11))]
    for name in names[1:]:
        place = Organization.objects.create(name=name)
        Membership.objects.create(organization=place, user=alice, role=Role.VIEWER)
    return names


@pytest.mark.parametrize("size", [1, 2, 5, 11, 12, 200])
@pytest.mark.parametrize("ties", [False, True])
def test_the_pages_together_are_the_list(api: Api, alice: User, many: list[str], size: int, ties: bool) -> None:
    if ties:
        Organization.objects.update(created_at=Organization.objects.first().created_at)
    client, found = api(alice), []
    address: str | None = f"{PATH}?page_size={size}"
    while address:
        page = client.get(address).json()
        assert set(page) == {"next", "previous", "results"}
        assert len(page["results"]) <= size
        found += [row["name"] for row in page["results"]]
        address = page["next"]
    assert sorted(found) == sorted(many)
    if not ties:
        assert found == many


def cursor(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "bad",
    [
        "x",
        "%00",
        cursor("p=yesterday"),
        cursor("p=1 OR 1=1"),
        cursor("p=\x00"),
        cursor("o=-1"),
        cursor("o=abc"),
        cursor("r=1&p=%ff"),
        "é",
        "x" * 5000,
    ],
)
def test_a_cursor_that_we_did_not_make_is_400(api: Api, alice: User, many: list[str], bad: str) -> None:
    response = api(alice).get(PATH, {"cursor": bad})
    assert response.status_code == 400, response.content
    assert "cursor" in response.json()["error"]["fields"]


@pytest.mark.parametrize("size", ["0", "-1", "201", "x", "", "1e2", "٣", "9" * 5000])
def test_the_size_is_bounded(api: Api, alice: User, size: str) -> None:
    response = api(alice).get(PATH, {"page_size": size})
    assert response.status_code == 400
    assert "page_size" in response.json()["error"]["fields"]
