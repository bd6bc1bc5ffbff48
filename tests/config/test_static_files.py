"""Static files come from this process, and nothing else waits for them."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.test import AsyncClient, Client

from config import static_files
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
    assert answer["Vary"] == "Accept-Encoding, origin"
    assert int(answer["Content-Length"]) == len(answer.content)
    assert (gzip.decompress(answer.content) if is_packed else answer.content) == source[
        : 10 if "range" in headers else None
    ]
    head = client.head(path, headers=headers)
    for each in (head, answer):
        assert each.headers.pop("X-Request-Id")
    assert head.headers == answer.headers and head.content == b""


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("held", ["gzip", "identity"])
def test_a_copy_that_is_held_is_not_sent_again_however_it_was_packed(held: str, accepted: str, client: Client) -> None:
    etag = client.get(SCRIPT, headers={"accept-encoding": held})["ETag"]
    again = client.get(SCRIPT, headers={"accept-encoding": accepted, "if-none-match": etag})
    assert again.status_code == 304 and again.content == b"" and "Content-Encoding" not in again
    assert again["ETag"].startswith("W/") == (accepted == "gzip") and again["Vary"] == "Accept-Encoding, origin"


def test_what_is_no_text_is_not_packed(client: Client) -> None:
    answer = client.get(
        "/static/drf_spectacular_sidecar/swagger-ui-dist/favicon-32x32.png", headers={"accept-encoding": "gzip"}
    )
    assert answer.status_code == 200 and "Content-Encoding" not in answer and answer["Vary"] == "origin"


def test_a_text_is_packed_once_and_anew_when_it_is_another() -> None:
    packed = _kept("/static/a.js", b"a" * 100)
    assert _kept("/static/a.js", b"a" * 100) is packed
    assert gzip.decompress(_kept("/static/a.js", b"b")) == b"b"


# --- Names with a version ---------------------------------------------------------------------------------------------


def test_a_file_named_with_its_version_is_kept_and_another_versions_is_asked_for_again(client: Client) -> None:
    named, plain = static("chat/app.js"), client.get(SCRIPT)
    assert named == f"/static/v-{static_files.version()}/chat/app.js"
    answer = client.get(named)
    assert answer.content == plain.content and "immutable" in answer["Cache-Control"]
    assert client.get(named, headers={"if-none-match": answer["ETag"]}).status_code == 304
    for other in (SCRIPT, "/static/v-000000000000/chat/app.js"):
        answer = client.get(other)
        assert answer.status_code == 200 and answer["Cache-Control"] == "max-age=0, public"


@pytest.mark.parametrize(
    "path",
    [
        "v-%s/none.js",
        "v-%s/../../manage.py",
        "v-%s/%%2e%%2e/manage.py",
        "v-%s/v-%s/chat/app.js",
        "v-%s/",
        "v-0/chat/app.js",
    ],
)
async def test_a_version_leads_to_no_other_files(path: str, async_client: AsyncClient, db: None) -> None:
    named = path.replace("%s", static_files.version()).replace("%%", "%")
    assert (await async_client.get(f"/static/{named}")).status_code == 404


def test_another_file_is_another_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However its bytes are spread over name and content."""
    seen = set()
    for name, content in (("a.js", "1"), ("a.js", "2"), ("b.js", "1"), ("a.js1", ""), ("a.j", "s1")):
        (tmp_path / name).write_text(content)
        monkeypatch.setattr(static_files, "_files", lambda name=name: {name: str(tmp_path / name)})
        seen.add(static_files.version.__wrapped__())
    assert len(seen) == 5


def test_names_have_no_version_while_files_are_worked_on(settings: Any) -> None:
    settings.DEBUG = True
    assert static("chat/app.js") == SCRIPT


ORIGIN = "https://app.example"


@pytest.mark.parametrize("path", ["/static/parley.js", "/static/chat/reducer.js", "/static/chat/page.css"])
def test_a_listed_origin_may_read_static_files_and_no_other(path: str, client: Client, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    allowed = client.get(path, headers={"origin": ORIGIN})
    assert allowed["Access-Control-Allow-Origin"] == ORIGIN and "origin" in allowed["Vary"]
    for other in ("https://evil.example", "null", ORIGIN + ".evil.example"):
        assert "Access-Control-Allow-Origin" not in client.get(path, headers={"origin": other})
