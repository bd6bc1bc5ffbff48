"""Requests that people wait for, over HTTP at a running server: what they read by REST, and the admin's pages."""

import http.cookiejar
import re
import urllib.parse
import urllib.request
from collections.abc import Callable

from tests.bench.systems import Parley
from tests.live import OWNER, PASSWORD

MESSAGES = 50  # of the chat that is looked at, about
FORM = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
WORD, RARE = "invoice", "OPS-77123 "  # in one of ten messages, and in one of a hundred thousand


class Looking:
    """As the owner of the bench, by REST and in a browser."""

    def __init__(self, system: Parley) -> None:
        if not system.token:
            system.sign_in()
        self.system = system
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open
        self._sign_in()
        self.organization, self.chat = self._filled_chat()
        self.run = self._old_run()

    def all(self) -> dict[str, Callable[[], object]]:
        """Each by its name."""
        resumed = f"/api/runs/{self.run}/events?after={self.run}.1.2"
        page = {
            "resume of a stored run": resumed,
            "a page of 50 messages": f"/api/chats/{self.chat}/messages/?page_size=50",
            "list of chats": "/api/chats/",
            "list of runs": "/api/runs/",
            "search for a frequent word": f"/api/search/?q={WORD}",
            "search for a rare one": f"/api/search/?q={urllib.parse.quote(RARE)}",
            "usage": f"/api/usage/?organization={self.organization}",
        }
        looked = {"console": "/admin/", "console: runs": "/admin/chat/run/", "a chat's page": f"/chats/{self.chat}/"}
        return {name: self._reads(path) for name, path in page.items()} | {
            name: self._looks_at(path) for name, path in looked.items()
        }

    def _reads(self, path: str) -> Callable[[], object]:
        def read() -> bytes:
            head = {"authorization": f"Bearer {self.system.token}"}
            with urllib.request.urlopen(urllib.request.Request(self.system.server.url + path, headers=head)) as answer:
                return bytes(answer.read())

        return read

    def _looks_at(self, path: str) -> Callable[[], object]:
        return lambda: self._open(self.system.server.url + path).read()

    def _sign_in(self) -> None:
        address = f"{self.system.server.url}/admin/login/?next=/admin/"
        found = FORM.search(self._open(address).read().decode())
        assert found is not None, "the admin has no form to sign in by"
        fields = {"csrfmiddlewaretoken": found[1], "username": OWNER, "password": PASSWORD, "next": "/admin/"}
        request = urllib.request.Request(address, urllib.parse.urlencode(fields).encode(), {"Referer": address})
        with self._open(request) as answer:
            assert "/login" not in answer.url, "the owner of the bench could not sign in to the admin"

    def _filled_chat(self) -> tuple[str, str]:
        """A chat that was filled, as long at each size, with its organization."""
        here = self.system.where["organization"]
        chats = self.system.call("GET", "/api/chats/?page_size=100")["results"]
        filled = [each for each in chats if each["organization"] != here]
        chat = min(filled, key=lambda each: abs(self._messages(each["id"]) - MESSAGES))
        return chat["organization"], chat["id"]

    def _messages(self, chat: str) -> int:
        """How many messages the chat has, up to one page."""
        return len(self.system.call("GET", f"/api/chats/{chat}/messages/?page_size=100")["results"])

    def _old_run(self) -> str:
        found: str = self.system.call("GET", f"/api/runs/?chat={self.chat}")["results"][-1]["id"]
        return found
