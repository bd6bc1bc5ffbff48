"""The admin's view of accounts. Hashes, tokens and stored answers are not shown."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import admin as auth
from django.contrib.auth import forms as auth_forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import audit, plans
from accounts.admin_audit import CHANGED, DELETED, MADE, Noted
from accounts.admin_fields import Words
from accounts.admin_lists import Lookups, ReadOnly, StillThere, View
from accounts.counts import require_room
from accounts.errors import Conflict, Invalid
from accounts.models import (
    ApiKey,
    EndedSignIn,
    IdempotencyKey,
    Invitation,
    Membership,
    Organization,
    Project,
    ProjectMember,
    ProjectSecret,
    SignIn,
    Ticket,
    User,
)
from accounts.organizations import (
    audit_admin,  # noqa: F401  # registers its own
    noting,
)
from accounts.organizations.services import AT_BEGINNING, CHECKS
from accounts.sign_in import keys
from accounts.sign_in.noting import home_of, password_changed, sign_out_everywhere
from accounts.sign_in.resetting import link_for
from accounts.sign_in.scopes import SCOPES
from accounts.sso import admin as sso  # noqa: F401  # the same

if TYPE_CHECKING:  # generic for the type checker only
    TabularInline = admin.TabularInline[Any, Any]
    ModelForm = forms.ModelForm[User]
    NewKeyModelForm = forms.ModelForm[ApiKey]
    OrganizationModelForm = forms.ModelForm[Organization]
    UserAdmin = auth.UserAdmin[User]
    AdminUserCreationForm = auth_forms.AdminUserCreationForm[User]
    UserChangeForm = auth_forms.UserChangeForm[User]
else:
    TabularInline, ModelForm = admin.TabularInline, forms.ModelForm
    NewKeyModelForm = OrganizationModelForm = forms.ModelForm
    UserAdmin = auth.UserAdmin
    AdminUserCreationForm, UserChangeForm = auth_forms.AdminUserCreationForm, auth_forms.UserChangeForm


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ("organization", "user")


class ProjectMemberInline(TabularInline):
    model = ProjectMember
    extra = 0
    autocomplete_fields = ("user",)


class Memberships(Noted):
    """Pages on which roles are given: of each membership and each role in a project it is told what became of it."""

    def note(self, request: HttpRequest, row: Any, change: str, fields: list[str]) -> None:
        """Of a row that is a role itself."""
        self.note_beside(request, row, change, fields)

    def note_beside(self, request: HttpRequest, row: Model, change: str, fields: list[str]) -> None:
        """Its giving, change or end."""
        by = audit.operator(request.user)
        match row, change:
            case ProjectMember(), _:
                noting.project_role_changed(row, by=by, role=None if change == DELETED else row.role, before=None)
            case Membership(), _ if change == MADE:
                noting.joined(row, by=by)
            case Membership(), _ if change == DELETED:
                noting.left(row, by=by)
            case Membership(), _:
                noting.role_changed(row, "", by=by)


class LowerCaseEmail(ModelForm):
    """One address is one person, however it is written."""

    def clean_email(self) -> str:
        """The address in lower case."""
        return str(self.cleaned_data["email"]).lower()


class NewPersonForm(LowerCaseEmail, AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class PersonForm(LowerCaseEmail, UserChangeForm):
    organizations_made = forms.IntegerField(
        min_value=0,
        required=False,
        label=gettext_lazy("Organizations made"),
        help_text=gettext_lazy("Ever, also those that were deleted. Lower it to let them make more."),
    )

    class Meta:
        model = User
        fields = "__all__"  # the admin picks from them

    def clean_organizations_made(self) -> int:
        """How many; left empty, as many as before."""
        made = self.cleaned_data["organizations_made"]
        return self.instance.organizations_made if made is None else int(made)


@admin.register(User)
class PersonAdmin(Memberships, StillThere, Lookups, UserAdmin):
    """People. Setting a password, like the action below, ends all their tokens and sessions."""

    change_list_template = Lookups.change_list_template
    views = (
        View(gettext_lazy("Staff"), "is_staff__exact=1"),
        View(gettext_lazy("Deactivated"), "is_active__exact=0"),
        View(gettext_lazy("Guests"), "is_guest__exact=1"),
    )

    form = PersonForm
    add_form = NewPersonForm
    list_display = ("email", "name", "is_active", "is_staff", "last_login", "created_at")
    list_filter = ("is_active", "is_staff", "is_superuser", "is_guest")
    search_fields = ("^email", "^name")
    search_help_text = gettext_lazy("An id, or the beginning of an e-mail address or a name")
    ordering = ("email",)
    readonly_fields = ("id", "token_version", "last_login", "created_at", "organization")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("id", "email", "name", "password")}),
        (
            gettext_lazy("What they may do"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (gettext_lazy("Organizations"), {"fields": ("organization", "organizations_made")}),
        (gettext_lazy("Times"), {"fields": ("last_login", "created_at", "token_version")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)
    inlines = (MembershipInline,)
    actions = ("sign_out_everywhere", "make_reset_link")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Store what was changed and nothing else, so that a token_version raised meanwhile stays."""
        if change and form.changed_data:
            obj.save(update_fields=[name for name in form.changed_data if name in CHANGEABLE])
            self.note(request, obj, CHANGED, sorted(form.changed_data))
        elif not change:
            obj.save()
            self.note(request, obj, MADE, [])

    def note(self, request: HttpRequest, row: User, change: str, fields: list[str]) -> None:
        """Of the person."""
        by = audit.operator(request.user)
        if change == MADE:
            noting.made_person(row, by=by, organization_id=None)
        elif change == CHANGED:
            noting.person_changed(row, fields, by=by, organization_id=home_of(row.pk))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set a password; that it was set is told with it."""
        with transaction.atomic():
            return super().user_change_password(request, id, form_url)

    def log_change(self, request: HttpRequest, object: Any, message: Any) -> Any:
        """The same as ever; the page that sets a password says so by this alone."""
        if request.resolver_match and request.resolver_match.url_name == "auth_user_password_change":
            password_changed(object, by=audit.operator(request.user))
        return super().log_change(request, object, message)

    @admin.action(description=gettext_lazy("Sign out everywhere"), permissions=["change"])
    def sign_out_everywhere(self, request: HttpRequest, people: Any) -> None:
        """End all tokens and sessions of these people."""
        for person in people:
            sign_out_everywhere(person, by=audit.operator(request.user))
        self.message_user(request, _("They are signed out everywhere."))

    @admin.action(description=gettext_lazy("Make a link for a new password …"), permissions=["change"])
    def make_reset_link(self, request: HttpRequest, people: Any) -> HttpResponse | None:
        """The page that shows one person's link, this once. No message has it: those are in a cookie."""
        chosen, by = list(people[:2]), cast(User, request.user)
        if len(chosen) != 1:
            self.message_user(request, _("Choose one person."), messages.ERROR)
            return None
        if not chosen[0].is_active or (chosen[0].is_superuser and not by.is_superuser):
            told = _("This person is deactivated, or may do more than you: there is no link for them.")
            self.message_user(request, told, messages.ERROR)
            return None
        shown = {
            "title": _("A link for a new password"),
            "person": chosen[0],
            "link": link_for(chosen[0], by=by, is_operator=True),
        }
        context = {**self.admin_site.each_context(request), **shown, "opts": self.opts}
        return TemplateResponse(request, "admin/accounts/user/reset_link.html", context)


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(Lookups, auth.GroupAdmin):
    """What people may do in the admin, under a name."""

    change_list_template = Lookups.change_list_template
    search_fields = ("^name",)
    search_help_text = gettext_lazy("The beginning of a name")
    id_fields = ()


CHANGEABLE = ("email", "name", "is_active", "is_staff", "is_superuser", "organizations_made")


class FewInlines(Lookups):
    """A page with its people in a form; where there are many, with a link to their list."""

    people: str  # the relation to those people

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """None where the form would be too large to use."""
        return () if obj and self._count(obj) > SHOWN_INLINE else super().get_inlines(request, obj)

    @admin.display(description=gettext_lazy("people"))
    def members(self, row: Any) -> SafeString | str:
        """How many, with a link to their list."""
        if row.pk is None:
            return "-"
        count, meta = self._count(row), getattr(row, self.people).model._meta
        address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        shown = ngettext("%(count)s person", "%(count)s people", count) % {
            "count": number_format(count, force_grouping=True)
        }
        return format_html('<a href="{}?{}__id__exact={}">{}</a>', address, row._meta.model_name, row.pk, shown)

    def _count(self, row: Any) -> int:
        return int(getattr(row, self.people).count())


SHOWN_INLINE = 50


class OrganizationForm(OrganizationModelForm):
    fallbacks = Words(
        label=gettext_lazy("Fallbacks"),
        help_text=gettext_lazy(
            "Models that answer where the chosen one cannot, in order. Empty: each model's own. -: none."
        ),
    )

    plan = forms.ChoiceField(
        label=gettext_lazy("Plan"),
        choices=lambda: [(plans.UNCHOSEN, "-"), *((each.name, each.name) for each in plans.every())],
        help_text=gettext_lazy("-: nobody has chosen one, and PLANS_DEFAULT holds."),
    )

    class Meta:
        model = Organization
        fields = "__all__"  # the admin picks from them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = {each.name for each in plans.every()}
        if self.instance.plan not in known:  # what was written before there were plans is as good as none
            self.initial["plan"] = plans.UNCHOSEN

    def clean_fallbacks(self) -> Any:
        """As the API takes them."""
        try:
            return CHECKS["fallbacks"](self.cleaned_data["fallbacks"])
        except Invalid as error:
            raise forms.ValidationError(error.fields["fallbacks"]) from None

    def clean_timezone(self) -> Any:
        """As the API takes it."""
        try:
            return CHECKS["timezone"](self.cleaned_data["timezone"])
        except Invalid as error:
            raise forms.ValidationError(error.fields["timezone"]) from None


@admin.register(Organization)
class OrganizationAdmin(Memberships, StillThere, FewInlines):
    form = OrganizationForm
    list_display = ("name", "plan", "created_at")
    list_filter = ("created_at",)
    search_fields = ("^name",)
    search_help_text = gettext_lazy("An id, or the beginning of a name")
    readonly_fields = ("id", "members", "created_at")
    ordering = ("-created_at", "-id")
    inlines = (MembershipInline,)
    people = "memberships"

    def save_model(self, request: HttpRequest, obj: Organization, form: Any, change: bool) -> None:
        """Store it; a new one begins as every other does."""
        super().save_model(request, obj, form, change)
        for begin in () if change else AT_BEGINNING:
            begin(obj)

    def note(self, request: HttpRequest, row: Organization, change: str, fields: list[str]) -> None:
        """Of the organization."""
        by, more = audit.operator(request.user), {"fields": fields} if change == CHANGED else {}
        noting.organization_told(f"organization.{change}", row, by=by, **more)


@admin.register(Invitation)
class InvitationAdmin(ReadOnly):
    list_display = ("email", "organization", "role", "invited_by", "expires_at", "accepted_at", "revoked_at")
    list_filter = ("role", "expires_at")
    list_select_related = ("organization", "invited_by")
    search_fields = ("^email", "^organization__name")
    search_help_text = gettext_lazy(
        "An id (of an invitation, organization or person), or the beginning of an e-mail or name"
    )
    id_fields = ("id", "organization_id", "invited_by_id")
    spoken_by = ("email", "organization", "role")
    ordering = ("-created_at", "-id")
    exclude = ("token_hash",)


@admin.register(Membership)
class MembershipAdmin(Memberships, Lookups):
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role", "created_at")
    list_select_related = ("user", "organization")
    search_fields = ("^user__email", "^organization__name")
    search_help_text = gettext_lazy("An id (of a person or organization), or the beginning of an e-mail or name")
    id_fields = ("id", "user_id", "organization_id")
    autocomplete_fields = ("user", "organization")
    spoken_by = ("user", "organization", "role")
    readonly_fields = ("id", "created_at")
    ordering = ("-created_at", "-id")


@admin.register(Project)
class ProjectAdmin(Memberships, StillThere, FewInlines):
    list_display = ("name", "organization", "created_at")
    list_filter = ("created_at",)
    list_select_related = ("organization",)
    search_fields = ("^name", "^organization__name")
    search_help_text = gettext_lazy("An id (of a project or organization), or the beginning of a name")
    id_fields = ("id", "organization_id")
    autocomplete_fields = ("organization",)
    readonly_fields = ("id", "members", "created_at")
    ordering = ("-created_at", "-id")
    inlines = (ProjectMemberInline,)
    people = "members"

    def note(self, request: HttpRequest, row: Project, change: str, fields: list[str]) -> None:
        """Of the project."""
        if change != CHANGED:
            noting.project_told(f"project.{change}", row, by=audit.operator(request.user))


@admin.register(ProjectMember)
class ProjectMemberAdmin(Memberships, Lookups):
    list_display = ("user", "project", "role", "created_at")
    list_filter = ("role", "created_at")
    list_select_related = ("user", "project")
    search_fields = ("^user__email", "^project__name")
    search_help_text = gettext_lazy("An id (of a person or project), or the beginning of an e-mail or name")
    id_fields = ("id", "user_id", "project_id")
    autocomplete_fields = ("user", "project")
    spoken_by = ("user", "project", "role")
    readonly_fields = ("id", "created_at")
    ordering = ("-created_at", "-id")


class NewKeyForm(NewKeyModelForm):
    """What its maker chooses; the person is whoever is signed in."""

    scopes = forms.MultipleChoiceField(
        choices=[(name, gettext_lazy(use)) for name, use in SCOPES.items()], widget=forms.CheckboxSelectMultiple
    )
    person: Any  # who makes it

    class Meta:
        model = ApiKey
        fields = ("name", "organization", "scopes", "expires_at")

    def clean(self) -> dict[str, Any]:
        """The choices, right."""
        chosen: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                keys.check(chosen["scopes"], chosen["name"], chosen["expires_at"])
                require_room(self.person.keys.live(), "API_KEYS_PER_PERSON", "API keys", "person")
            except Invalid as error:
                raise ValidationError(dict(error.fields)) from error
            except Conflict as error:
                raise ValidationError(error.message) from error
        return chosen


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnly):
    """Programs' keys. Whoever makes one here makes it for themselves: nobody gets another person's rights by a key."""

    form = NewKeyForm
    list_display = ("prefix", "name", "user", "organization", "scope", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("revoked_at", "expires_at", "last_used_at")
    list_select_related = ("user", "organization")
    search_fields = ("^prefix", "^name", "^user__email", "^organization__name")
    search_help_text = gettext_lazy("An id (of a key, person or organization), or how the key, a name or e-mail begins")
    id_fields = ("id", "user_id", "organization_id")
    actions = row_actions = ("revoke",)
    views = (
        View(gettext_lazy("Good"), "revoked_at__isnull=True"),
        View(gettext_lazy("Revoked"), "revoked_at__isnull=False"),
        View(gettext_lazy("Mine"), "user__id__exact={user}"),
    )

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Of a new key what is chosen, of another all but its hash."""
        chosen = ("name", "organization", "scopes", "expires_at")
        return (*chosen, "prefix", "user", "created_at", "last_used_at", "revoked_at") if obj else chosen

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whoever may add keys, for themselves."""
        return request.user.has_perm("accounts.add_apikey")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may change keys."""
        return request.user.has_perm("accounts.change_apikey")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows who fills it in."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.person = request.user
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A year, unless something else is chosen."""
        return {"expires_at": timezone.now() + keys.LIFETIME}

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Of the organizations, those that the person is in."""
        if db_field.name == "organization":
            kwargs["queryset"] = Organization.objects.visible_to(cast(User, request.user))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key. Its text stays with this request only."""
        made, token = keys.create_key(
            user=cast(User, request.user), by=audit.operator(request.user), **form.cleaned_data
        )
        obj.__dict__.update(made.__dict__)
        request.new_key = token  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: Any = None) -> HttpResponse:
        """The page that shows the key: neither a message, which would be in a cookie, nor an address to go back to."""
        token = request.new_key  # type: ignore[attr-defined]
        context = {**self.admin_site.each_context(request), "title": _("The new API key"), "key": obj, "token": token}
        return TemplateResponse(request, "admin/accounts/apikey/created.html", {**context, "opts": self.opts})

    @admin.display(description=gettext_lazy("scopes"))
    def scope(self, key: ApiKey) -> str:
        """Its names, in a line."""
        return ", ".join(key.scopes)

    @admin.action(description=gettext_lazy("Revoke, at once and for good"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: Any) -> None:
        """End these keys."""
        count = keys.revoke(list(chosen), by=audit.operator(request.user))
        self.message_user(
            request, ngettext("%(count)s key was revoked.", "%(count)s keys were revoked.", count) % {"count": count}
        )


@admin.register(Ticket)
class TicketAdmin(ReadOnly):
    is_plumbing = True
    list_display = ("id", "user", "run_id", "chat_id", "origin", "expires_at", "used_at")
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    id_fields = ("id", "run_id", "chat_id", "user_id")
    spoken_by = ("id",)
    exclude = ("token_hash",)


@admin.register(SignIn)
class SignInAdmin(ReadOnly):
    """Where people are signed in. To end all of a person's: their action "Sign out everywhere"."""

    list_display = ("user", "user_agent", "created_at", "last_seen_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("^user__email",)
    id_fields = ("id", "user_id")
    spoken_by = ("user",)
    ordering = ("-last_seen_at", "-id")
    exclude = ("session_key",)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A row that is deleted ends nothing."""
        return False


@admin.register(ProjectSecret)
class ProjectSecretAdmin(ReadOnly):
    """Which secrets projects have; no page shows one. Who administers a project stores them by REST."""

    list_display = ("name", "project", "created_at", "updated_at")
    list_select_related = ("project",)
    search_fields = ("^name",)
    id_fields = ("id", "project_id")
    ordering = ("-created_at", "-id")


@admin.register(EndedSignIn)
class EndedSignInAdmin(ReadOnly):
    is_plumbing = True
    list_display = ("id", "expires_at")
    search_fields = ("=id",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnly):
    is_plumbing = True
    list_display = ("key", "user", "route", "status", "created_at")
    list_select_related = ("user",)
    search_fields = ("=key", "^user__email", "^route")
    id_fields = ("run_id", "user_id")
    ordering = ("-id",)
    exclude = ("answer", "body_hash")  # an answer holds what was said in a chat


admin.site.unregister(OutstandingToken)
admin.site.unregister(BlacklistedToken)


@admin.register(OutstandingToken)
class RefreshTokenAdmin(ReadOnly):
    is_plumbing = True
    list_display = ("jti", "user", "created_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("=jti", "^user__email")
    id_fields = ("user_id",)
    ordering = ("-id",)
    exclude = ("token",)


@admin.register(BlacklistedToken)
class UsedRefreshTokenAdmin(ReadOnly):
    is_plumbing = True
    list_display = ("token", "blacklisted_at")
    list_select_related = ("token__user",)
    search_fields = ("=token__jti", "^token__user__email")
    id_fields = ("token__user_id",)
    ordering = ("-id",)
