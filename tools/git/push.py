"""A branch pushed by hand, over the one way out. https://git-scm.com/docs/http-protocol, /docs/pack-protocol

libgit2 would follow a redirect to another host with the token, and tells what went wrong in one text. Never by force:
the server moves its branch only from where we saw it, and only forward.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pygit2
from django.conf import settings

from tools.cleaning import clean
from tools.errors import ForgeError
from tools.git.bare import default_branch, open_bare, tip_of
from tools.git.packing import commits_among, pack_of
from tools.git.pktline import FLUSH, NoPackets, packet, packets
from tools.git.remote.address import Remote
from tools.git.repository import Repository
from tools.outward import Answer, fetch

SERVICE = "git-receive-pack"
NOTHING = "0" * 40
LINE = re.compile(rb"([0-9a-f]{40}) ([^\x00-\x20\x7f]+)")
TOLD_CHARS = 200  # of what the server says of a refusal
PROTECTED = ("protected", "pre-receive", "hook declined", "not allowed", "denied", "prohibited")
MOVED = ("failed to update ref", "cannot lock ref", "reference already exists", "non-fast-forward", "fetch first")


@dataclass(frozen=True)
class Pushed:
    """What a push did."""

    branch: str
    commit: str  # where the branch is at the remote now, hex
    is_changed: bool  # False: it was there already


@dataclass(frozen=True)
class Advertised:
    """What the remote has."""

    refs: dict[str, str] = field(default_factory=dict)  # name -> commit, hex
    capabilities: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()  # commits that it has without a branch, as of what it is a fork of


async def push(repository: Repository, remote: Remote, branch: str, commit: str, *, onto: str = "") -> Pushed:
    """Move the remote's branch of that name forward to the commit; it is made where there is none. `onto`: only from
    this commit, in hex. Once more is the same. Raises ForgeError, OutwardError.
    """
    name = f"refs/heads/{branch}"
    has = await advertised(remote)
    old = has.refs.get(name, NOTHING)
    if old == commit:
        return Pushed(branch, commit, is_changed=False)
    if onto and old != onto:
        raise _moved(branch)
    assumed = await asyncio.to_thread(_assumed, repository, has)
    fault = await _sent(repository, remote, has, name, old, commit, assumed)
    if assumed and (fault.startswith("unpack ") or "missing" in fault):  # it has not got what it was thought to have
        fault = await _sent(repository, remote, has, name, old, commit, [])
    if fault and (await advertised(remote)).refs.get(name) != commit:  # else somebody pushed the same at that moment
        raise _refused(remote, branch, fault)
    return Pushed(branch, commit, is_changed=True)


async def _sent(
    repository: Repository, remote: Remote, has: Advertised, name: str, old: str, new: str, assumed: list[pygit2.Oid]
) -> str:
    """Why the server did not take it, in its words; empty where it did. Raises ForgeError, OutwardError."""
    body = await asyncio.to_thread(_request, repository, has, name, old, new, assumed)
    return _fault(await _asked(remote, SERVICE, method="POST", body=body, kind="request"), name)


async def advertised(remote: Remote) -> Advertised:
    """The remote's branches and tags, and what its server can do. Raises ForgeError, OutwardError."""
    answer = await _asked(remote, f"info/refs?service={SERVICE}", kind="advertisement")
    try:
        return _read(answer.body)
    except NoPackets:
        raise _garbage(remote) from None


def _read(body: bytes) -> Advertised:
    lines = packets(body)
    if next(lines, b"") != b"# service=git-receive-pack" or next(lines, b"") is not None:
        raise NoPackets
    refs: dict[str, str] = {}
    capabilities: frozenset[str] = frozenset()
    others: set[str] = set()
    for number, line in enumerate(_until_flush(lines)):
        said, _, more = line.partition(b"\0")
        if number == 0:
            capabilities = frozenset(more.decode(errors="replace").split())
        found = LINE.fullmatch(said)
        if found is None:
            raise NoPackets
        if found[2] == b".have":
            others.add(found[1].decode())
        elif found[2] != b"capabilities^{}":
            refs[found[2].decode(errors="replace")] = found[1].decode()
    return Advertised(refs, capabilities, frozenset(others))


def _until_flush(lines: Iterator[bytes | None]) -> Iterator[bytes]:
    for line in lines:
        if line is None:
            return
        yield line
    raise NoPackets  # it was cut


def _assumed(place: Repository, has: Advertised) -> list[pygit2.Oid]:
    """What the remote most likely has though it does not say so: the default branch here, where its own have gone on
    to commits that are not here. Else one commit made there would have the whole history sent."""
    repository = open_bare(place.path)
    is_ahead = len(commits_among(repository, set(has.refs.values()))) < len(set(has.refs.values()))
    tip = tip_of(repository, default_branch(repository))
    return [tip.id] if is_ahead and tip is not None else []


def _request(place: Repository, has: Advertised, name: str, old: str, new: str, assumed: list[pygit2.Oid]) -> bytes:
    """What is posted: the command, and a pack of what the remote lacks. In a thread: it may take its time."""
    repository = open_bare(place.path)
    tip = pygit2.Oid(hex=new)
    if old != NOTHING and not _is_forward(repository, old, tip):
        raise _moved(name.removeprefix("refs/heads/"))
    if "report-status" not in has.capabilities:
        raise ForgeError("forge_invalid", "The remote's server does not say whether it took a push.")
    known = commits_among(repository, {*has.refs.values(), *has.others})
    pack = pack_of(repository, tip, [*known, *assumed], settings.PUSH_MAX_BYTES)
    return packet(f"{old} {new} {name}\0report-status agent=parley".encode()) + FLUSH + pack


def _is_forward(repository: pygit2.Repository, old: str, new: pygit2.Oid) -> bool:
    (known,) = commits_among(repository, [old]) or (None,)
    return known is not None and repository.descendant_of(new, known)


def _fault(answer: Answer, name: str) -> str:
    """Why the server did not move the branch, in its words; empty where it did. Raises ForgeError."""
    try:
        lines = [line.decode(errors="replace") for line in packets(answer.body) if line is not None]
    except NoPackets:
        lines = []
    if not lines or not lines[0].startswith("unpack "):
        raise ForgeError("forge_unavailable", "The remote's server did not say whether it took the push. Push again.")
    if lines[0] != "unpack ok":
        return lines[0]
    refused = [line for line in lines if line.startswith(f"ng {name} ")]
    if not refused and f"ok {name}" in lines:
        return ""
    return refused[0].removeprefix(f"ng {name} ") if refused else "it said nothing of the branch"


def _refused(remote: Remote, branch: str, fault: str) -> ForgeError:
    said = clean(remote.hides(fault))[:TOLD_CHARS]
    if any(each in fault for each in MOVED):
        return _moved(branch)
    if any(each in fault.lower() for each in PROTECTED):
        return ForgeError("branch_protected", f"The remote does not let {branch} be pushed: {said}")
    return ForgeError("forge_invalid", f"The remote did not take the push: {said}")


def _moved(branch: str) -> ForgeError:
    text = f"{branch} at the remote has commits that are not here, and nothing is overwritten. Fetch, or look there."
    return ForgeError("branch_moved", text)


async def _asked(remote: Remote, path: str, *, kind: str, method: str = "GET", body: bytes = b"") -> Answer:
    """A 200 of git's own kind. Raises ForgeError, OutwardError."""
    sent = remote.git_headers()
    if body:
        sent |= {"Content-Type": f"application/x-{SERVICE}-request", "Accept": f"application/x-{SERVICE}-result"}
    answer = await fetch(
        remote.git_url(path),
        method=method,
        headers=sent,
        body=body,
        timeout_s=settings.PUSH_TIMEOUT_S,
        has_secret=bool(remote.token),
    )
    _check_status(remote, answer.status)
    expected = f"application/x-{SERVICE}-{'result' if body else kind}"
    if answer.headers.get("Content-Type", "").partition(";")[0].strip() != expected:
        raise _garbage(remote)
    return answer


def _check_status(remote: Remote, status: int) -> None:
    host = remote.host
    match status:
        case 200:
            return
        case 401 if remote.token:
            raise ForgeError("forge_auth", f"{host} does not know the project's token. Set a new one.")
        case 401:
            raise ForgeError("forge_auth", f"{host} wants a token for the project's repository. Set one.")
        case 403:
            raise ForgeError(
                "forge_forbidden", f"{host} does not let the project's token push. It must write contents."
            )
        case 404:
            text = f"{host} has no repository at the project's remote_url, or the token may not see it."
            raise ForgeError("forge_not_found", text)
        case 301 | 302 | 303 | 307 | 308:
            text = f"{host} sends elsewhere, which is not followed. Set the remote_url that the repository has now."
            raise ForgeError("forge_moved", text)
    raise ForgeError("forge_unavailable", f"{host} answered {status}. Try again later.")


def _garbage(remote: Remote) -> ForgeError:
    return ForgeError("forge_unavailable", f"{remote.host} did not answer as a git server does at the remote_url.")
