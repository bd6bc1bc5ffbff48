"""Only pages have a language and say so; what follows in the same thread, or on the same loop, speaks none of it."""

import pytest
from django.test import AsyncClient, Client
from django.utils import translation

GERMAN = {"accept-language": "de"}


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/chats/", "/v1/models", "/healthz", "/static/chat/page.css"])
def test_what_programs_ask_has_none(path: str, client: Client) -> None:
    answer = client.get(path, headers=GERMAN)
    assert "Content-Language" not in answer
    assert "Accept-Language" not in answer.get("Vary", "")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/login/", "/nowhere"])
async def test_it_depends_on_header_and_cookie_and_ends_with_the_answer(path: str, async_client: AsyncClient) -> None:
    answer = await async_client.get(path, headers=GERMAN)
    assert answer["Content-Language"] == "de" and 'lang="de"' in answer.content.decode()
    assert {"Accept-Language", "Cookie"} <= set(answer["Vary"].split(", "))
    assert translation.get_language() == "en"
    assert 'lang="en"' in (await async_client.get(path)).content.decode()
