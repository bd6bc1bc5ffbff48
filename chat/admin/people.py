"""People, organizations and projects, as accounts shows them: what goes when one is deleted, and handing chats over."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin import OrganizationAdmin, PersonAdmin, ProjectAdmin
from accounts.admin_audit import CHANGED, DELETED, Noted
from accounts.errors import RequestError
from accounts.models import Organization, Project, User
from accounts.organizations.services import delete_place
from chat.admin import theirs
from chat.admin.content import REASON_MAX_CHARS
from chat.admin.interventions import keep
from chat.models import Chat
from chat.services import people

DELETE = "accounts.delete_user"
OF_NO_TABLE = (gettext_lazy("chats that others see"),)  # of the kinds that go; the others are called as their tables


class SaysWhatGoes(Noted):
    """A table whose rows take much along: the page that asks before a deletion says how much, by kind."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """As its owner does it: what a hold keeps is put away."""
        with transaction.atomic():
            self.note(request, obj, DELETED, [])
            delete_place(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One after the other."""
        for row in queryset:
            self.delete_model(request, row)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Lines to show, counts, the permissions that are missing, and what keeps it from being deleted."""
        lines, counts, protected = [], dict[Any, int](), []
        for row in objs:
            goes = {_(kind): count for kind, count in people.what_goes(row).items()}
            lines += [f"{capfirst(row._meta.verbose_name)}: {row}", [f"{count} {kind}" for kind, count in goes.items()]]
            for kind, count in [(row._meta.verbose_name_plural, 1), *goes.items()]:
                counts[kind] = counts.get(kind, 0) + count
            protected += list(self.reasons(row))
        return lines, counts, set(), protected

    def reasons(self, row: Any) -> Iterable[str]:
        """Why it cannot be deleted now."""
        return ()


class HandOverForm(forms.Form):
    """To whom, where, and why."""

    to = forms.EmailField(
        label=gettext_lazy("To"), help_text=gettext_lazy("The address of somebody who may write there.")
    )
    organization = forms.ModelChoiceField(
        Organization.objects.none(),
        required=False,
        label=gettext_lazy("organization"),
        empty_label=gettext_lazy("All of them"),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=REASON_MAX_CHARS,
        help_text=gettext_lazy("It is kept with your name in the log of interventions."),
    )

    def __init__(self, person: User, data: Any) -> None:
        super().__init__(data)
        there = Chat.objects.filter(user=person, deleted_at=None).order_by().values("organization")
        self.fields["organization"].queryset = Organization.objects.filter(pk__in=there)  # type: ignore[attr-defined]

    def clean_to(self) -> User:
        """The person of that address."""
        found = User.objects.filter(email=self.cleaned_data["to"].lower(), is_active=True).first()
        if found is None:
            raise ValidationError(_("Nobody signs in with this address."))
        return found


admin.site.unregister((User, Organization, Project))


@admin.register(User)
class WholePersonAdmin(SaysWhatGoes, PersonAdmin):
    actions = (*PersonAdmin.actions, "deactivate", "hand_over_chats")  # type: ignore[assignment]  # a longer tuple
    row_actions = ("deactivate", "sign_out_everywhere")
    readonly_fields = (*PersonAdmin.readonly_fields, "theirs")  # type: ignore[assignment]  # the same
    fieldsets = (  # type: ignore[assignment]  # the same
        *PersonAdmin.fieldsets[:1],
        (None, {"fields": ("theirs",)}),
        *PersonAdmin.fieldsets[1:],
    )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The person, with links to what is theirs."""
        person = super().get_object(request, object_id, from_field)
        if person is not None:
            person.links = theirs.links(person, request)
        return person

    @admin.display(description=gettext_lazy("Theirs"))
    def theirs(self, person: Any) -> SafeString:
        """Links to the lists of what is theirs."""
        return person.links  # type: ignore[no-any-return]

    @admin.action(description=gettext_lazy("Deactivate"), permissions=["change"])
    def deactivate(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        """Let these people in no more. Whoever asks stays, and who may do more than they."""
        by: Any = request.user
        people = chosen.filter(is_active=True).exclude(pk=by.pk)
        count = 0
        for person in people if by.is_superuser else people.filter(is_superuser=False):
            with transaction.atomic():
                person.is_active = False
                person.save(update_fields=["is_active"])
                self.note(request, person, CHANGED, ["is_active"])
            count += 1
        told = ngettext("%(count)s person was deactivated.", "%(count)s people were deactivated.", count)
        self.message_user(request, told % {"count": count}, messages.SUCCESS if count else messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the page that hands chats over."""
        page = self.admin_site.admin_view(self.hand_over)
        return [path("<uuid:id>/hand-over/", page, name="accounts_user_hand_over"), *super().get_urls()]

    def has_hand_over_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete people."""
        return request.user.has_perm(DELETE)

    @admin.action(description=gettext_lazy("Hand over chats …"), permissions=["hand_over"])
    def hand_over_chats(self, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
        """From a list to the page that asks."""
        ids = list(chosen.values_list("pk", flat=True)[:2])
        if len(ids) == 1:
            return HttpResponseRedirect(reverse("admin:accounts_user_hand_over", args=ids))
        self.message_user(request, _("Choose one person at a time."), messages.ERROR)
        return None

    def hand_over(self, request: HttpRequest, id: UUID) -> HttpResponse:
        """Ask to whom; then do it, logged."""
        if not self.has_hand_over_permission(request):
            raise PermissionDenied
        person = User.objects.filter(pk=id, deleted_at=None).first()
        if person is None:
            raise Http404
        form = HandOverForm(person, request.POST or None)
        if request.method == "POST" and form.is_valid() and self._handed_over(request, person, form):
            return HttpResponseRedirect(reverse("admin:accounts_user_change", args=[id]))
        count = person.chats.filter(deleted_at=None).count()
        context = {"title": _("Hand over chats"), "person": person, "form": form, "count": count}
        shown = {**self.admin_site.each_context(request), **context, "opts": self.opts}
        return TemplateResponse(request, "admin/accounts/user/hand_over.html", shown)

    def _handed_over(self, request: HttpRequest, person: User, form: HandOverForm) -> bool:
        given = form.cleaned_data
        by: Any = request.user
        try:
            with transaction.atomic():
                count = people.hand_over(
                    source=person, to=given["to"], by=by, organization=given["organization"], is_operator=True
                )
                if given["reason"]:
                    keep(request, person, "Handed over", given["reason"])
        except RequestError as error:
            form.add_error("to", error.message)
            return False
        self.message_user(request, _("Chats handed over: %(count)s.") % {"count": count}, messages.SUCCESS)
        return True

    def reasons(self, row: Any) -> Iterable[str]:
        """A run that is not over: it is stopped first. An own app's rows that keep a person."""
        for require in (people.require_at_rest, people.require_unprotected):
            try:
                with transaction.atomic():
                    require(row)
            except RequestError as error:
                yield error.message

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """The service does, without the address."""

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        """As the service does it: what others need stays."""
        people.delete_person(obj, by=request.user)  # type: ignore[arg-type]  # staff, so a User


@admin.register(Organization)
class WholeOrganizationAdmin(SaysWhatGoes, OrganizationAdmin):
    """With all that is in it."""


@admin.register(Project)
class WholeProjectAdmin(SaysWhatGoes, ProjectAdmin):
    """With all that is in it."""
