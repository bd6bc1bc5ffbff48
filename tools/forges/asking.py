"""One request to a forge's API, and what its refusals mean: the same for all of them."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tools.cleaning import clean
from tools.credentials import BY_FORM, BY_NAME, without
from tools.errors import ForgeError
from tools.forges.base import Pull, State
from tools.git.remote.address import Remote
from tools.outward import Answer, fetch

TOLD_CHARS = 200  # of what the forge says of a refusal
NUMBER_MAX = 2**31 - 1
RETRY_MAX_S = 3600
URL_MAX_CHARS = 1_000


@dataclass(frozen=True)
class Said:
    """A forge's answer that is no general refusal: a success, or one of the statuses that the caller looks at."""

    status: int
    value: Any  # JSON

    @property
    def text(self) -> str:
        """All that it says, for looking for words in it."""
        return json.dumps(self.value, ensure_ascii=False).lower()


@dataclass(frozen=True)
class Api:
    """Where a forge is asked, and as whom."""

    remote: Remote
    base: str
    headers: Mapping[str, str]

    async def ask(
        self,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        also: tuple[int, ...] = (),
    ) -> Said:
        """The answer; `also` are statuses that are no refusal here. Raises ForgeError, OutwardError."""
        sent = dict(self.headers) | ({"Content-Type": "application/json"} if body is not None else {})
        answer = await fetch(
            f"{self.base}{path}{f'?{urlencode(query)}' if query else ''}",
            method=method,
            headers=sent,
            body=json.dumps(body).encode() if body is not None else b"",
            has_secret=bool(self.remote.token),
        )
        if not 200 <= answer.status < 300 and answer.status not in also:
            raise self._refusal(answer)
        return Said(answer.status, self._json(answer))

    def wrong(self, said: Said) -> ForgeError:
        """For a refusal of `also` that turned out to be none of those that are meant."""
        return ForgeError("forge_invalid", f"{self.remote.host} refused the pull request{self._told(said.value)}")

    def strange(self) -> ForgeError:
        """For an answer of another shape than documented."""
        text = f"{self.remote.host} did not answer as its API does. Look at the project's forge and remote_url."
        return ForgeError("forge_unavailable", text)

    def pull(self, value: Any, number: str, url: str, state: Callable[[dict[str, Any]], State], page: str) -> Pull:
        """The pull request of this JSON: what its number and url are called there, and its page by its number."""
        found = value.get(number) if isinstance(value, dict) else None
        if isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= NUMBER_MAX:
            raise self.strange()
        said = value.get(url)
        own = f"{self.remote.web}/{self.remote.quoted_path()}{page}{found}"
        is_theirs = (
            isinstance(said, str) and said.isascii() and len(said) <= URL_MAX_CHARS and _is_at(said, self.remote.web)
        )
        return Pull(found, said if is_theirs else own, state(value), value.get("draft") is True)

    def _json(self, answer: Answer) -> Any:
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            if answer.status >= 400:
                return None
            raise self.strange() from None

    def _refusal(self, answer: Answer) -> ForgeError:
        host, told = self.remote.host, self._told(self._json(answer) if answer.status >= 400 else None)
        wait = _wait_s(answer)
        match answer.status:
            case 429 | 403 if answer.status == 429 or wait is not None:
                text = f"{host} takes no more requests for now. Try again later."
                return ForgeError("forge_rate_limited", text, retry_after_s=wait or 60)
            case 401:
                return ForgeError("forge_auth", f"{host} does not know the project's token. Set a new one.")
            case 403:
                text = f"{host} does not let the project's token do this. It must write pull requests{told}"
                return ForgeError("forge_forbidden", text)
            case 404:
                text = f"{host} has no repository {self.remote.path}, or the project's token may not see it."
                return ForgeError("forge_not_found", text)
            case 301 | 302 | 303 | 307 | 308:
                text = f"{self.remote.path} has moved at {host}. Set the remote_url and forge_path that it has now."
                return ForgeError("forge_moved", text)
            case status if status < 500:
                return ForgeError("forge_invalid", f"{host} refused the pull request{told}")
        return ForgeError("forge_unavailable", f"{host} answered {answer.status}. Try again later.")

    def _told(self, value: Any) -> str:
        """What it said, as the end of a sentence: cut, and without what could be a credential."""
        said = self.remote.hides("; ".join(_sentences(value)))
        text = without(clean(said), (*BY_FORM, BY_NAME), "***")
        return f": {' '.join(text.split())[:TOLD_CHARS]}" if text else "."


def _is_at(url: str, web: str) -> bool:
    try:
        found, meant = urlsplit(url), urlsplit(web)
        return (found.scheme, found.netloc) == (meant.scheme, meant.netloc)
    except ValueError:
        return False


def _wait_s(answer: Answer) -> int | None:
    """For how long it takes no more requests; None where it does not say that it has had too many."""
    after = answer.headers.get("Retry-After", "")
    if after.isascii() and after.isdigit():
        return min(int(after[:9]), RETRY_MAX_S)
    if answer.headers.get("X-RateLimit-Remaining") == "0":
        reset = answer.headers.get("X-RateLimit-Reset", "")
        left = math.ceil(int(reset[:12]) - time.time()) if reset.isascii() and reset.isdigit() else 60
        return min(max(left, 1), RETRY_MAX_S)
    return 60 if after else None


def _sentences(value: Any) -> list[str]:
    """GitHub: `message` and `errors[].message`. GitLab: `message`, a text, a list or an object. Forgejo: `message`."""
    if not isinstance(value, dict):
        return []
    errors = value.get("errors")
    more = [each.get("message") for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    said = value.get("message", value.get("error"))
    first = said if isinstance(said, list) else [said if isinstance(said, str) or said is None else json.dumps(said)]
    return [each for each in (*first, *more) if isinstance(each, str) and each]


def part(value: dict[str, Any], side: str, name: str) -> Any:
    """What the head or the base of a pull request says; None where it says nothing."""
    found = value.get(side)
    return found.get(name) if isinstance(found, dict) else None
