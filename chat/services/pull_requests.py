"""Pull requests: a chat's branch put forward, at the forge of its project's remote or here; merged and closed here.

Each step may be done again: push, find, create or update, and the row last. Who dies in between leaves a branch or a
pull request at the forge, which the next time is found. No request goes out within a transaction.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.db import db
from accounts.errors import Conflict, NotAllowed, NotFound, RequestError, Unavailable, refuse
from accounts.models import Project, User
from accounts.permissions import Permission, permissions_in, require
from chat.access import get_chat
from chat.models import Chat, PullRequest, PullState
from chat.services.messages import lock_chat
from chat.services.remotes import elsewhere, push_once, remote_in, repository_of, require_active
from chat.services.rules import check_storable, check_title
from tools.base import ToolContext
from tools.errors import ForgeError, RepositoryBusy, ToolError
from tools.forges import Forge, Pull, Wanted, forge_of
from tools.git.bare import BranchMoved
from tools.git.joining import TooLargeToMerge
from tools.git.merging import Conflicted, Gone, Merge, finish_merge, prepare_merge
from tools.git.proposals import Proposal, propose
from tools.git.remote.address import Remote
from tools.git.repository import Repository
from tools.git.review import Review, review
from tools.models import Forge as Kind
from tools.pull_requests import open_here


@dataclass(frozen=True)
class Wish:
    """What the caller said of it; None leaves it as it is, or to us."""

    title: str | None = None
    body: str | None = None
    is_draft: bool | None = None


@dataclass(frozen=True)
class Plan:
    """All that is known before anything goes out."""

    user: User
    chat: Chat
    project_id: UUID
    repository: Repository
    remote: Remote | None
    proposal: Proposal
    wish: Wish
    title: str
    number: int | None  # of the one that is open, at the forge of now

    @property
    def branch(self) -> str:
        return self.chat.branch_name()


@dataclass(frozen=True)
class Opened:
    """A pull request that was opened, or renewed."""

    pull: PullRequest
    review: Review
    proposal: Proposal
    is_new: bool
    is_pushed: bool


@dataclass(frozen=True)
class AtForge:
    """What is at the forge: the pull request, and what became of an earlier one that our row still calls open."""

    pull: Pull
    earlier: str = ""


def wish_of(title: Any = None, body: Any = None, draft: Any = None) -> Wish:
    """The wish, checked. Raises Invalid."""
    if draft is not None and not isinstance(draft, bool):
        raise refuse("draft", "Expected true or false.")
    said = None if title is None else check_title(title)
    return Wish(said or None, None if body is None else _check_body(body), draft)


async def open_pull_request(*, user: User, chat_id: UUID, wish: Wish) -> Opened:
    """Put the chat's branch forward, or renew what was put forward of it. Needs deploy.

    Raises Conflict (`nothing_to_propose`, `branch_moved` and others), BadGateway (`forge_...`), TooMany.
    """
    plan = await db(_plan, user, chat_id, wish)
    if plan.remote is not None:
        with elsewhere():
            await push_once(plan.repository, plan.remote, plan.branch, plan.proposal.head)
    forge = forge_of(plan.remote) if plan.remote else None
    found = await _at_forge(plan, forge) if forge else None
    return await db(_kept, plan, found)


async def merge_pull_request(*, user: User, pull_id: UUID, head: str = "") -> PullRequest:
    """Merge it into the default branch, at a remote without a forge too. Needs admin; `head` is what was looked at.

    Raises Conflict: `conflicts`, `too_large_to_merge`, `base_moved`, `head_moved`, `not_open`, `at_forge` or
    `branch_gone`.
    """
    pull, merge, remote = await db(_to_merge, user, pull_id, head)
    if remote is not None and not merge.is_done:
        with elsewhere():
            try:
                await push_once(Repository(pull.project_id), remote, merge.base, merge.commit, onto=merge.onto)
            except ForgeError as error:
                raise _base_moved(merge) if error.code == "branch_moved" else error from error
    return await db(_merged, user, pull, merge)


def close_pull_request(*, user: User, pull: PullRequest) -> PullRequest:
    """Close it without merging; its branch stays. Needs deploy. Raises Conflict: `not_open`, `at_forge`. Sync."""
    _require(user, pull, "deploy")
    _require_ours(pull)
    return _ended(pull, PullState.CLOSED, user)


def get_pull_request(user: User, id: UUID) -> PullRequest:
    """The one of this id, if the user sees its project. Raises NotFound."""
    found = PullRequest.objects.visible_to(user).filter(pk=id).select_related("project", "author", "closed_by").first()
    if found is None:
        raise NotFound
    return found


def review_of(pull: PullRequest, *, has_patches: bool = False) -> Review | None:
    """What it brings, or brought; None where its commits are gone. Sync."""
    return review(Repository(pull.project_id), pull.head, merged_as=pull.merged_as, has_patches=has_patches)


def page_of(pull: PullRequest) -> str:
    """The address that people open: the forge's, else of our own page."""
    return pull.url or f"{settings.PARLEY_PUBLIC_URL}/projects/{pull.project_id}/pulls/{pull.number}/"


# --- Opening ----------------------------------------------------------------------------------------------------------


def _plan(user: User, chat_id: UUID, wish: Wish) -> Plan:
    chat = get_chat(user, chat_id, "deploy")
    require_active(chat)
    repository = repository_of(chat)
    assert chat.project_id is not None  # repository_of
    remote = remote_in(chat.project_id)
    known = _open_one(chat)
    title = wish.title or (known.title if known else "") or chat.title or f"Chat {chat.pk}"
    try:
        proposal = propose(
            repository,
            chat.branch_name(),
            chat.pk.hex[:12],
            title=title,
            author_name=user.display_name,
            author_email=user.email,
        )
    except RepositoryBusy as error:
        raise Unavailable(str(error), retry_after_s=2) from None
    except ToolError as error:
        _finish(known)
        raise Conflict(str(error), code="nothing_to_propose") from None
    is_there = known is not None and remote is not None and _is_at(known, remote)
    number = known.number if known is not None and is_there else None
    return Plan(user, chat, chat.project_id, repository, remote, proposal, wish, title, number)


def _finish(known: PullRequest | None) -> None:
    """The row of a merge whose process died before it could write it: the branch has it, so it is merged."""
    seen = review_of(known) if known is not None and known.forge == Kind.NONE else None
    if known is not None and seen is not None and seen.is_merged:
        merge = prepare_merge(Repository(known.project_id), known.head, message="", author=("", ""))
        _end(known, PullState.MERGED, of=known.head, merged_as=merge.commit)


def _open_one(chat: Chat) -> PullRequest | None:
    return PullRequest.objects.filter(chat=chat, state=PullState.OPEN).first()


async def _at_forge(plan: Plan, forge: Forge) -> AtForge:
    base = plan.proposal.base
    with elsewhere(is_pushed=True, compare_url=forge.compare_url(plan.branch, base)):
        pull = await forge.find(plan.branch, base)
        if pull is None:
            pull = await _created(plan, forge)
        elif plan.wish.title is not None or plan.wish.body is not None:
            pull = await forge.update(pull, plan.wish.title, plan.wish.body)
        earlier = await forge.read(plan.number) if plan.number not in (None, pull.number) else None
    return AtForge(pull, earlier.state if earlier else "")


async def _created(plan: Plan, forge: Forge) -> Pull:
    wanted = Wanted(
        plan.branch, plan.proposal.base, plan.title, plan.wish.body or "", is_draft=bool(plan.wish.is_draft)
    )
    made = await forge.create(wanted)
    made = made or await forge.find(plan.branch, plan.proposal.base)  # somebody made it at that moment
    if made is None:
        raise ForgeError("forge_invalid", "The forge says that there is one already, and does not show it.")
    return made


def _kept(plan: Plan, found: AtForge | None) -> Opened:
    pull, is_new = _stored(plan, found)
    seen = review(plan.repository, pull.head, has_patches=False)
    if seen is None:
        raise Conflict("The chat was deleted meanwhile.", code="branch_gone")
    return Opened(pull, seen, plan.proposal, is_new, is_pushed=plan.remote is not None)


@transaction.atomic
def _stored(plan: Plan, found: AtForge | None) -> tuple[PullRequest, bool]:
    """The row, and whether it is new. One chat after the other, and in a project one number after the other."""
    lock_chat(plan.chat)
    Project.objects.select_for_update().filter(pk=plan.project_id).first()
    forge = plan.remote.forge if found and plan.remote else Kind.NONE
    row = PullRequest.objects.select_for_update().filter(chat=plan.chat, state=PullState.OPEN).first()
    if row is not None and not _is_same(row, plan.remote, found):
        is_merged = found is not None and found.earlier == "merged"
        _end(row, PullState.MERGED if is_merged else PullState.CLOSED)
        row = None
    row = row or _known(plan, forge, found)
    if row is None:
        return PullRequest.objects.create(**_first(plan, forge, found), **_now(plan, found)), True
    for name, value in _now(plan, found).items():
        setattr(row, name, value)
    row.save(update_fields=[*_now(plan, found), "updated_at"])
    return row, False


def _is_same(row: PullRequest, remote: Remote | None, found: AtForge | None) -> bool:
    if found is None or remote is None:
        return row.forge == Kind.NONE
    return _is_at(row, remote) and row.number == found.pull.number


def _is_at(row: PullRequest, remote: Remote) -> bool:
    """Whether its page is one of this repository: another remote at the same forge has numbers of its own."""
    page = f"{remote.web}/{remote.quoted_path()}/".lower()
    return row.forge == remote.forge and row.url.lower().startswith(page)


def _known(plan: Plan, forge: str, found: AtForge | None) -> PullRequest | None:
    """The row of the forge's number, where it was closed and is open again, or made by another chat."""
    if found is None or plan.remote is None:
        return None
    rows = PullRequest.objects.select_for_update().filter(project=plan.project_id, forge=forge)
    return next((each for each in rows.filter(number=found.pull.number) if _is_at(each, plan.remote)), None)


def _first(plan: Plan, forge: str, found: AtForge | None) -> dict[str, Any]:
    """What stays as it is."""
    return {
        "project_id": plan.project_id,
        "forge": forge,
        "number": found.pull.number if found else _next_number(plan.project_id),
        "author": plan.user,
    }


def _now(plan: Plan, found: AtForge | None) -> dict[str, Any]:
    """What is renewed."""
    said = {} if plan.wish.body is None else {"body": plan.wish.body}
    draft = found.pull.is_draft if found else plan.wish.is_draft
    return {
        "chat": plan.chat,
        "url": found.pull.url if found else "",
        "title": plan.title[:200],
        **said,
        **({} if draft is None else {"is_draft": draft}),
        "branch": plan.branch,
        "base": plan.proposal.base,
        "head": plan.proposal.head,
        "state": PullState.OPEN,
        "merged_as": "",
        "closed_by": None,
        "closed_at": None,
    }


def _next_number(project_id: UUID) -> int:
    own = PullRequest.objects.filter(project=project_id, forge=Kind.NONE)
    return int(own.aggregate(last=Max("number"))["last"] or 0) + 1


def _check_body(value: Any) -> str:
    most = settings.PULL_REQUEST_BODY_MAX_CHARS
    if not isinstance(value, str) or len(value) > most:
        raise refuse("body", f"Expected a text of at most {most} characters.")
    return check_storable(value, "body")


# --- Merging and closing ----------------------------------------------------------------------------------------------


def _to_merge(user: User, pull_id: UUID, head: str) -> tuple[PullRequest, Merge, Remote | None]:
    pull = get_pull_request(user, pull_id)
    if user.key is not None:
        raise NotAllowed("Merging needs a person's token, not an API key.", code="key_scope")
    _require(user, pull, "admin")
    _require_ours(pull)
    if head and head != pull.head:
        raise Conflict("It was renewed since you looked at it. Look again.", code="head_moved")
    message = f"Merge pull request #{pull.number}: {pull.title}\n\n{pull.branch}\n"
    try:
        merge = prepare_merge(
            Repository(pull.project_id), pull.head, message=message, author=(user.display_name, user.email)
        )
    except Conflicted as error:
        raise Conflict(str(error), code="conflicts", fields={"conflicts": list(error.paths)}) from None
    except TooLargeToMerge as error:
        raise Conflict(str(error), code="too_large_to_merge") from None
    except Gone as error:
        raise Conflict(str(error), code="branch_gone") from None
    return pull, merge, remote_in(pull.project_id)


def _merged(user: User, pull: PullRequest, merge: Merge) -> PullRequest:
    try:
        finish_merge(Repository(pull.project_id), merge)
    except BranchMoved:
        raise _base_moved(merge) from None
    except RepositoryBusy as error:
        raise Unavailable(str(error), retry_after_s=2) from None
    return _told_merged(user, pull, merge)


def _told_merged(user: User, pull: PullRequest, merge: Merge) -> PullRequest:
    """The row of what was merged, though somebody closed it meanwhile. One that was renewed meanwhile stays open with
    what is new, and the caller is told. Raises Conflict."""
    rows = PullRequest.objects.filter(pk=pull.pk, head=pull.head).exclude(state=PullState.MERGED)
    now = timezone.now()
    merged = {"state": PullState.MERGED, "merged_as": merge.commit, "closed_by": user, "closed_at": now}
    if rows.update(**merged, updated_at=now):
        return get_pull_request(user, pull.pk)
    if get_pull_request(user, pull.pk).head == pull.head:  # somebody else was quicker
        raise _not_open()
    raise Conflict(
        f"What you looked at was merged, as {merge.commit[:8]}. It was renewed meanwhile, and stays open.",
        code="head_moved",
        fields={"merged_as": [merge.commit]},
    )


def _base_moved(merge: Merge) -> RequestError:
    return Conflict(f"{merge.base} has moved. Fetch where it comes from elsewhere, then try again.", code="base_moved")


def _require(user: User, pull: PullRequest, needs: Permission) -> None:
    require(permissions_in(user, organization=pull.project.organization_id, project=pull.project_id), needs)


def _require_ours(pull: PullRequest) -> None:
    if pull.forge != Kind.NONE:
        raise Conflict(f"It is at the forge: {pull.url}. Merge or close it there.", code="at_forge")
    if pull.state != PullState.OPEN:
        raise _not_open()


def _not_open() -> Conflict:
    return Conflict("It is not open any more.", code="not_open")


def _ended(pull: PullRequest, state: PullState, user: User) -> PullRequest:
    """As it is then. Raises Conflict where somebody else was quicker."""
    if not _end(pull, state, closed_by=user):
        raise _not_open()
    return get_pull_request(user, pull.pk)


def _end(pull: PullRequest, state: PullState, *, of: str = "", **more: Any) -> bool:
    """Whether it was open until now; with `of`, with this head."""
    rows = PullRequest.objects.filter(pk=pull.pk, state=PullState.OPEN, **({"head": of} if of else {}))
    now = timezone.now()
    return bool(rows.update(state=state, closed_at=now, updated_at=now, **more))


# --- For the tool -----------------------------------------------------------------------------------------------------


async def _by_tool(ctx: ToolContext, title: str, body: str) -> dict[str, Any]:
    user = await db(User.objects.filter(pk=ctx.user_id, is_active=True).first)
    if user is None or ctx.chat_id is None:
        raise ToolError("There is no chat here that the person you act for can see.")
    try:
        opened = await open_pull_request(user=user, chat_id=ctx.chat_id, wish=wish_of(title, body or None))
    except RequestError as error:
        at = "".join(f" A person can open it by hand: {url}" for url in error.fields.get("compare_url", ()))
        raise ToolError(f"{error.message}{at}") from error
    pull, seen = opened.pull, opened.review
    return {
        "url": page_of(pull),
        "number": pull.number,
        "title": pull.title,
        "branch": pull.branch,
        "base": pull.base,
        "done": "opened" if opened.is_new else "renewed",
        "pushed": opened.is_pushed,
        "conflicts": list(seen.conflicts),
        "files": [each.path for each in seen.files][:50],
    }


def hand_down() -> None:
    """From now on the tool opens pull requests by these. Once in a process."""
    open_here.fill(_by_tool)
