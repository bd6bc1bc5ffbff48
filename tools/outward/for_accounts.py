"""The way out for accounts, which stands below and is handed it: identity providers are asked through the one gate."""

from collections.abc import Mapping

from accounts.sso.errors import ProviderDown
from accounts.sso.outgoing import Way
from tools.errors import OutwardError
from tools.outward.checking import check_url
from tools.outward.fetching import fetch


async def ask(
    url: str, *, method: str, headers: Mapping[str, str], body: bytes, max_bytes: int, timeout_s: float
) -> tuple[int, bytes]:
    """The status and body of one request. Raises ProviderDown."""
    try:
        answer = await fetch(url, method=method, headers=headers, body=body, max_bytes=max_bytes, timeout_s=timeout_s)
    except OutwardError as error:
        raise ProviderDown(str(error)) from error
    return answer.status, answer.body


def fault(url: str) -> str:
    """Why this address may not be asked; empty where it may."""
    try:
        check_url(url)
    except OutwardError as error:
        return str(error)
    return ""


def hand_down() -> None:
    """From now on accounts asks by these. Once in a process."""
    Way.ask, Way.fault = ask, fault
