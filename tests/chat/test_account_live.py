"""On a real server: all that is one's own as a file, and a person whom the admin deletes."""

import io
import re
import urllib.parse
import urllib.request
import zipfile
from http.cookiejar import CookieJar

import pytest

from tests.doors.people import newcomer
from tests.live import OWNER, PASSWORD, Server

pytestmark = pytest.mark.live


def test_the_file_of_ones_own_arrives_whole(server: Server) -> None:
    ida = newcomer(server, organization="First organization", role="editor")
    chat = ida.chat()
    ida.wait(ida.start(chat, "[[n=3]] Planted words")["run"]["id"])
    request = urllib.request.Request(
        f"{server.url}/api/users/me/export/", headers={"Authorization": f"Bearer {ida.token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert archive.testzip() is None
    assert b"Planted words" in archive.read(f"chats/{chat}.jsonl")


def test_an_operator_deletes_a_person_in_the_admin(server: Server) -> None:
    ida = newcomer(server, organization="First organization", role="editor")
    chat = ida.chat()
    ida.wait(ida.start(chat, "[[n=3]] Hello")["run"]["id"])
    person = ida.get("/api/users/me/")["id"]
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    post(browser, f"{server.url}/admin/login/", username=OWNER, password=PASSWORD)
    address = f"{server.url}/admin/accounts/user/{person}/delete/"
    assert "1 Chat" in read(browser, address) or "1 chat" in read(browser, address)
    post(browser, address, post="yes")
    assert server.call("GET", "/api/users/me/", token=ida.token).status == 401
    assert f"user/{person}/change" not in read(browser, f"{server.url}/admin/accounts/user/?q={person}")


def read(browser: urllib.request.OpenerDirector, address: str) -> str:
    with browser.open(address, timeout=60) as answer:
        return str(answer.read().decode())


def post(browser: urllib.request.OpenerDirector, address: str, **sent: str) -> None:
    """The form of that page, sent as a browser does."""
    (token,) = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', read(browser, address)))
    body = urllib.parse.urlencode({**sent, "csrfmiddlewaretoken": token}).encode()
    with browser.open(urllib.request.Request(address, body, {"Referer": address}), timeout=60) as answer:
        assert answer.status == 200
