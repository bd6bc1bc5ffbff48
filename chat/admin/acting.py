"""Intervening in runs: a page says what will happen and what may happen twice; confirmed, a service does it, logged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import audit
from accounts.admin_lists import Lookups, as_uuid
from accounts.errors import RequestError
from chat.admin.content import REASON_MAX_CHARS
from chat.admin.interventions import keep
from chat.models import Run, RunStatus, ToolCall
from chat.services import operating

PERMISSION = "chat.operate_run"
MAX_RUNS = 100  # at once


@dataclass(frozen=True)
class Verb:
    """One thing that can be done to a run."""

    title: Any  # translated as it is shown
    button: Any
    done: Callable[[int], str]
    logged: str
    action: str  # in the audit log
    applies: Callable[[Run], bool]
    will: Callable[[Run, operating.Calls], list[str]]
    do: Callable[[HttpRequest, Run], Run | None]


class ConfirmForm(forms.Form):
    """The reason, where one wants to give it; for a poisonous run one must."""

    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=REASON_MAX_CHARS,
                             widget=forms.TextInput(attrs={"size": 60, "autocomplete": "off"}))  # fmt: skip

    def __init__(self, data: Any, *, is_required: bool) -> None:
        super().__init__(data)
        self.fields["reason"].required = is_required
        self.fields["reason"].help_text = (
            _("These runs took their processes down. Say why this time will be different.") if is_required
            else _("It is kept with your name in the log of interventions.")
        )  # fmt: skip


def ask(runs: Lookups, request: HttpRequest, verb: str, chosen: QuerySet[Run]) -> HttpResponse | None:
    """From a list to the page that asks about the chosen runs."""
    ids = list(chosen.order_by().values_list("pk", flat=True)[: MAX_RUNS + 1])
    if len(ids) > MAX_RUNS:
        runs.message_user(request, _("At most %(count)s at once.") % {"count": MAX_RUNS}, messages.ERROR)
        return None
    return HttpResponseRedirect(_address(verb, ids))


def act(runs: Lookups, request: HttpRequest, verb: str) -> HttpResponse:
    """The page that asks; and what it asks about, when it is confirmed."""
    if not request.user.has_perm(PERMISSION) or not runs.has_view_permission(request):
        raise PermissionDenied
    if verb not in VERBS:
        raise Http404
    chosen = _chosen(request)
    concerned = [run for run in chosen if VERBS[verb].applies(run)]
    is_poison = verb == "redrive" and any(run.error_code == "poison" for run in concerned)
    form = ConfirmForm(request.POST if request.method == "POST" else None, is_required=is_poison)
    if request.method == "POST" and concerned and form.is_valid():
        return _do(runs, request, VERBS[verb], concerned, form.cleaned_data["reason"])
    context = {
        "title": VERBS[verb].title,
        "verb": VERBS[verb],
        "form": form,
        "plans": [_plan(VERBS[verb], run) for run in concerned],
        "left_out": [run for run in chosen if run not in concerned],
    }
    return TemplateResponse(request, "admin/chat/run/act.html", {**runs.admin_site.each_context(request), **context})


def verbs(runs: Lookups, request: HttpRequest, run: Run) -> list[tuple[Any, str]]:
    """(title, address) of what can be done to this run now by who looks at it."""
    if not request.user.has_perm(PERMISSION):
        return []
    return [(verb.title, _address(name, [run.pk])) for name, verb in VERBS.items() if verb.applies(run)]


def _address(verb: str, ids: Iterable[UUID]) -> str:
    return f"{reverse('admin:chat_run_act', args=[verb])}?{urlencode([('id', id) for id in ids])}"


def _chosen(request: HttpRequest) -> list[Run]:
    """The runs that the address names, oldest first. Raises Http404 if there is none."""
    ids = [id for text in request.GET.getlist("id")[:MAX_RUNS] if (id := as_uuid(text))]
    found = Run.objects.filter(pk__in=ids).select_related("chat", "user").defer("request", "options")
    chosen = list(found.order_by("created_at"))
    if not chosen:
        raise Http404
    return chosen


def _plan(verb: Verb, run: Run) -> dict[str, Any]:
    return {"run": run, "will": verb.will(run, operating.calls_of(run))}


def _do(runs: Lookups, request: HttpRequest, verb: Verb, concerned: list[Run], reason: str) -> HttpResponse:
    new: Run | None = None
    count = 0
    for run in concerned:
        try:
            with transaction.atomic():
                new = verb.do(request, run)
                keep(request, run, f"{verb.logged} as run {new.pk}" if new else verb.logged, reason)
                _note(request, verb, run, new)
            count += 1
        except RequestError as error:
            words = " ".join([error.message, *(text for texts in error.fields.values() for text in texts)])
            runs.message_user(request, f"{run.pk}: {words}", messages.ERROR)
    if count:
        runs.message_user(request, verb.done(count), messages.SUCCESS)
    if len(concerned) == 1:
        return HttpResponseRedirect(reverse("admin:chat_run_change", args=[(new or concerned[0]).pk]))
    return HttpResponseRedirect(reverse("admin:chat_run_changelist"))


def _note(request: HttpRequest, verb: Verb, run: Run, new: Run | None) -> None:
    place = run.chat.organization_id if run.chat else run.organization_id
    audit.record(
        verb.action, actor=audit.operator(request.user), organization_id=place, object_type="run", object_id=run.pk,
        detail={"run": new.pk} if new else {},
    )  # fmt: skip


def _names(calls: Iterable[ToolCall]) -> str:
    """read_file, write_file (2 times)."""
    counts: dict[str, int] = {}
    for call in calls:
        counts[call.name] = counts.get(call.name, 0) + 1
    return ", ".join(
        name if count == 1 else _("%(name)s (%(count)s times)") % {"name": name, "count": count}
        for name, count in counts.items()
    )


def _will_stop(run: Run, calls: operating.Calls) -> list[str]:
    said = [_("What it has said so far stays, marked as stopped. The person sees that it was stopped, and by whom.")]
    if run.status == RunStatus.RUNNING:
        said.append(_("The request to the model is closed within a second."))
    if calls.in_flight:
        said.append(_("Running now, and may or may not take effect: %(tools)s.") % {"tools": _names(calls.in_flight)})
    if run.status == RunStatus.WAITING:
        said.append(_("What waits for approval is not run."))
    return [*said, _("What waits in the same chat goes on with the next message.")]


def _will_redrive(run: Run, calls: operating.Calls) -> list[str]:
    said = [
        _("A new run answers the same message, beside the old answer; nothing of the old run changes."),
        _("It acts for %(person)s with their rights of now, and its tokens are counted to them.")
        % {"person": run.user},
    ]
    if calls.effects:
        tools = _names(calls.effects)
        said.append(
            _("It decides anew which tools to call. These may run a second time: %(tools)s.") % {"tools": tools}
        )
    else:
        said.append(_("The old run changed nothing that could be changed twice."))
    if run.error_code == "poison":
        said.append(
            _("The old run ended its process %(count)s times. This one may do so too.") % {"count": run.crashes}
        )
    return said


def _will_release(run: Run, calls: operating.Calls) -> list[str]:
    loses = _("Its process loses it at once. Another, or the same one, goes on within seconds as attempt %(number)s.")
    said = [loses % {"number": run.attempt + 1}]
    said.append(_("A turn that is half said is taken back and said again; it is paid for twice."))
    unknown = [each for each in calls.in_flight if each not in calls.repeatable]
    if calls.repeatable:
        said.append(_("Running now, and will run a second time: %(tools)s.") % {"tools": _names(calls.repeatable)})
    if unknown:
        said.append(_("Running now, not repeated, and reported as unknown: %(tools)s.") % {"tools": _names(unknown)})
    return said


def _stop(request: HttpRequest, run: Run) -> None:
    operating.stop_run(operator=request.user, run=run)  # type: ignore[arg-type]  # staff, so a User


def _redrive(request: HttpRequest, run: Run) -> Run:
    return operating.redrive_run(run=run)


def _release(request: HttpRequest, run: Run) -> None:
    operating.release_run(run=run)


def _stopped(count: int) -> str:
    return ngettext("%(count)s run was asked to stop.", "%(count)s runs were asked to stop.", count) % {"count": count}


def _redriven(count: int) -> str:
    return ngettext("%(count)s run was re-driven.", "%(count)s runs were re-driven.", count) % {"count": count}


def _released(count: int) -> str:
    return ngettext("%(count)s lease was released.", "%(count)s leases were released.", count) % {"count": count}


VERBS = {
    "stop": Verb(
        gettext_lazy("Stop"),
        gettext_lazy("Stop it"),
        _stopped,
        "Stopped",
        "run.stopped",
        lambda run: run.is_open,
        _will_stop,
        _stop,
    ),
    "redrive": Verb(
        gettext_lazy("Re-drive"),
        gettext_lazy("Answer it again"),
        _redriven,
        "Re-driven",
        "run.redriven",
        lambda run: run.is_answer and not run.is_open,
        _will_redrive,
        _redrive,
    ),
    "release": Verb(
        gettext_lazy("Release lease"),
        gettext_lazy("Release it"),
        _released,
        "Lease released",
        "run.released",
        lambda run: run.status == RunStatus.RUNNING and run.owner is not None,
        _will_release,
        _release,
    ),
}
