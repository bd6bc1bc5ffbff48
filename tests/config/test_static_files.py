"""Static files come from this process, and nothing else waits for them."""

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client

from config.static import StaticFilesMiddleware, lean

FILE = "/static/admin/css/base.css"


def test_a_file_is_served_whole_with_its_type(client: Client) -> None:
    answer = client.get(FILE)
    assert answer.status_code == 200 and b"{" in answer.content
    assert answer["Content-Type"].startswith("text/css")
    assert "Content-Disposition" not in answer


async def test_a_file_is_the_same_under_asgi(client: Client, async_client: AsyncClient) -> None:
    answer = await async_client.get(FILE)
    assert not answer.streaming and answer.content.startswith(b"/*")


async def test_an_unchanged_file_is_not_sent_again(async_client: AsyncClient) -> None:
    first = await async_client.get(FILE)
    again = await async_client.get(FILE, headers={"if-modified-since": first["Last-Modified"]})
    assert again.status_code == 304 and again.content == b""


@pytest.mark.parametrize("path", ["/static/none.css", "/static/../config/settings.py", "/static/%2e%2e/manage.py"])
async def test_what_is_no_file_is_404(path: str, async_client: AsyncClient, db: None) -> None:
    assert (await async_client.get(path)).status_code == 404


async def test_other_requests_pass_without_a_thread() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("here")

    middleware = StaticFilesMiddleware(view)
    assert iscoroutinefunction(middleware)
    request = HttpRequest()
    request.path_info = "/api/chats/"
    assert (await middleware(request)).content == b"here"  # type: ignore[misc]


SERVED = {
    "script": (
        ".js",
        '// A comment.\nimport { a } from "./a.js";\n\n/** Says. */\nexport function f(x) {\n'
        "  if (x === 1) return `// kept: ${a}\n  * kept`; // gone\n"
        "  return /a; [/] = (b)/.test(x) ? x + +1 - -1 : a / 2;\n}\n",
        'import{a}from"./a.js";\nexport function f(x){'
        "if(x===1)return`// kept: ${a}\n  * kept`;\nreturn/a; [/] = (b)/.test(x)?x + +1 - -1:a/2}\n",
    ),
    "style": (
        ".css",
        '/* A comment. */\n\na > b, a :is(c) {\n  margin: 0 calc(1px + 2px);\n  content: " ; ";\n}\n',
        'a > b,a :is(c){margin:0 calc(1px + 2px);content:" ; "}',
    ),
}


@pytest.mark.parametrize(("kind", "source", "served"), SERVED.values(), ids=SERVED)
def test_our_own_files_leave_without_comments_and_spaces_but_mean_the_same(kind: str, source: str, served: str) -> None:
    assert lean(kind, source.encode()).decode() == served
