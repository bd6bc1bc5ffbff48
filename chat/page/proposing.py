"""The button that puts a chat's changes forward as a pull request. Async: a forge may take a minute to answer."""

from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.errors import NotFound, RequestError
from accounts.models import User
from chat.access import get_chat
from chat.models import PullRequest
from chat.services.pull_requests import open_pull_request, wish_of
from tools.models import Forge


@require_POST
@login_required
async def propose(request: HttpRequest, id: UUID) -> HttpResponseRedirect:
    """POST /chats/ID/changes/pull/: leads to the pull request, or back with the code of why there is none."""
    user = await request.auser()
    assert isinstance(user, User)  # login_required let nobody else through
    await sync_to_async(get_chat)(user, id, "deploy")  # who may not gets a page that says so
    try:
        opened = await open_pull_request(user=user, chat_id=id, wish=wish_of())
    except NotFound:
        raise
    except RequestError as error:
        return HttpResponseRedirect(f"{reverse('page-changes', args=[id])}?{urlencode({'said': error.code})}")
    return HttpResponseRedirect(address_of(opened.pull))


def address_of(pull: PullRequest) -> str:
    """Our page of it; of one at a forge the project's list, which leads there: a form may not lead to other hosts."""
    if pull.forge == Forge.NONE:
        return reverse("page-pull", args=[pull.project_id, pull.number])
    return reverse("page-pulls", args=[pull.project_id])
