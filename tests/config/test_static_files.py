"""Static files come from this process, and nothing else waits for them."""

import gzip

import pytest
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client

from config.middleware.static import StaticFilesMiddleware, _kept

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


SCRIPT = "/static/chat/app.js"
ACCEPTED = [
    (SCRIPT, {"accept-encoding": "gzip, deflate, br"}, True),
    (SCRIPT, {"accept-encoding": "br;q=1, GZIP;q=0.1"}, True),
    (SCRIPT, {"accept-encoding": "*"}, True),
    (SCRIPT, {"accept-encoding": "gzip;q=0, *"}, False),
    (SCRIPT, {"accept-encoding": "gzip; q=0.000"}, False),
    (SCRIPT, {"accept-encoding": "identity"}, False),
    (SCRIPT, {}, False),
    (SCRIPT, {"accept-encoding": "gzip", "range": "bytes=0-9"}, False),
]


@pytest.mark.parametrize(("path", "headers", "is_packed"), ACCEPTED)
def test_a_text_comes_in_gzip_where_that_is_accepted(
    path: str, headers: dict[str, str], is_packed: bool, client: Client
) -> None:
    source = (settings.BASE_DIR / "static/chat/app.js").read_bytes()
    answer = client.get(path, headers=headers)
    assert ("Content-Encoding" in answer) == answer["ETag"].startswith("W/") == is_packed
    assert answer["Vary"] == "Accept-Encoding"
    assert int(answer["Content-Length"]) == len(answer.content)
    assert (gzip.decompress(answer.content) if is_packed else answer.content) == source[
        : 10 if "range" in headers else None
    ]
    head = client.head(path, headers=headers)
    assert head.headers == answer.headers and head.content == b""


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("held", ["gzip", "identity"])
def test_a_copy_that_is_held_is_not_sent_again_however_it_was_packed(held: str, accepted: str, client: Client) -> None:
    etag = client.get(SCRIPT, headers={"accept-encoding": held})["ETag"]
    again = client.get(SCRIPT, headers={"accept-encoding": accepted, "if-none-match": etag})
    assert again.status_code == 304 and again.content == b"" and "Content-Encoding" not in again
    assert again["ETag"].startswith("W/") == (accepted == "gzip") and again["Vary"] == "Accept-Encoding"


def test_what_is_no_text_is_not_packed(client: Client) -> None:
    answer = client.get(
        "/static/drf_spectacular_sidecar/swagger-ui-dist/favicon-32x32.png", headers={"accept-encoding": "gzip"}
    )
    assert answer.status_code == 200 and "Content-Encoding" not in answer and "Vary" not in answer


def test_a_text_is_packed_once_and_anew_when_it_is_another() -> None:
    packed = _kept("/static/a.js", b"a" * 100)
    assert _kept("/static/a.js", b"a" * 100) is packed
    assert gzip.decompress(_kept("/static/a.js", b"b")) == b"b"
