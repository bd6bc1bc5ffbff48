"""The admin's view of identity providers: set by operators; secrets go in and never come out."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import plans
from accounts.admin_audit import Noted, record
from accounts.admin_lists import Lookups, ReadOnly
from accounts.errors import Invalid, NotAllowed
from accounts.models import ExternalIdentity, IdentityProvider, UsedAssertion
from accounts.secrets import hint, seal
from accounts.sso.reading import SECRET_MIN_BYTES, SHARED
from accounts.sso.rules import check

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[IdentityProvider]
else:
    ModelForm = forms.ModelForm

KEPT = ("new_secret", "new_assertion_secret")


def secret_field(label: Any) -> forms.CharField:
    """A field for a new secret; left empty, the one that is stored stays."""
    widget = forms.PasswordInput(attrs={"autocomplete": "off"})
    told = _("Left empty, the one that is stored stays.")
    return forms.CharField(label=label, required=False, max_length=4_000, strip=True, widget=widget, help_text=told)


class ProviderForm(ModelForm):
    """A provider's row, and new secrets for it."""

    new_secret = secret_field(_("New client secret"))
    new_assertion_secret = secret_field(_("New shared secret (HS256)"))

    class Meta:
        model = IdentityProvider
        fields = "__all__"  # the admin picks from them
        help_texts: ClassVar[dict[str, Any]] = {
            "issuer": _("As its tokens say it, letter by letter. Of a backend: any text."),
            "client_id": _("Of the sign-in by browser. Empty: there is none."),
            "audience": _("What its tokens and assertions are for. Empty: this server's public address."),
            "public_keys": _("As PEM or JSON Web Key Set. Empty: they are fetched."),
            "domains": _("Of e-mail addresses that it may vouch for, as a list."),
            "trusts_email": _("Its addresses count as proven although it does not say so."),
            "closes_passwords": _("For people of these domains, but operators."),
            "groups": _("Which group gives which role."),
            "default_role": _("Of who is in none of these groups. Empty: no role."),
            "provision": _("Off: people who have an account. Members: everybody it names."),
            "session_s": _("How many seconds a sign-in lasts."),
        }

    def clean(self) -> dict[str, Any]:
        """The values, right."""
        values: dict[str, Any] = super().clean() or {}
        if self.errors:
            return values
        self._check_plan(values)
        for name in KEPT:
            if not values[name].isascii() or not values[name].isprintable():
                raise ValidationError({name: _("Expected letters, digits and signs of ASCII, on one line.")})
        new = values["new_assertion_secret"].encode()
        if new and len(new) < SECRET_MIN_BYTES:
            raise ValidationError({"new_assertion_secret": _("Expected at least 32 bytes.")})
        try:
            check({**values, "has_secret": bool(new or self.instance.assertion_secret)})
        except Invalid as error:
            raise ValidationError(dict(error.fields)) from error
        return values

    def _check_plan(self, values: dict[str, Any]) -> None:
        """Of one that is made, or switched on again: those that are at work stay so, as people would be locked out."""
        was_active = IdentityProvider.objects.filter(pk=self.instance.pk, is_active=True).exists()
        if values["is_active"] and not was_active:
            try:
                plans.require_feature(values["organization"].pk, "sso")
            except NotAllowed as error:
                raise ValidationError({"organization": error.message}) from error


@admin.register(IdentityProvider)
class IdentityProviderAdmin(Noted, Lookups):
    """Who vouches for people of an organization."""

    form = ProviderForm
    list_display = ("name", "slug", "organization", "is_active", "provision", "keys_fetched_at")
    list_filter = ("is_active", "provision", "accepts_bearer", "accepts_assertions")
    list_select_related = ("organization",)
    search_fields = ("^name", "^slug", "^organization__name")
    search_help_text = _("An id (of a provider or organization), or the beginning of a name")
    id_fields = ("id", "organization_id")
    autocomplete_fields = ("organization",)
    ordering = ("name", "id")
    readonly_fields = ("id", "secret_hint", "assertion_secret_hint", "keys_fetched_at", "keys_tried_at", "created_at")
    fieldsets = (
        (None, {"fields": ("id", "organization", "name", "slug", "issuer", "is_active", "is_shown")}),
        (_("Sign-in by browser"), {"fields": ("client_id", "secret_hint", "new_secret", "session_s")}),
        (
            _("Tokens and assertions"),
            {
                "fields": (
                    "accepts_bearer", "accepts_assertions", "audience", "algorithms", "public_keys", "jwks_url",
                    "assertion_secret_hint", "new_assertion_secret", "keys_fetched_at", "keys_tried_at",
                )
            },
        ),
        (
            _("People"),
            {
                "fields": (
                    "provision", "domains", "trusts_email", "closes_passwords", "groups_claim", "groups",
                    "default_role", "created_at",
                )
            },
        ),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: IdentityProvider, form: Any, change: bool) -> None:
        """Store it; what is typed as a new secret is sealed. Keys that were fetched are fetched anew."""
        if secret := form.cleaned_data["new_secret"]:
            obj.secret = seal(secret)
        if secret := form.cleaned_data["new_assertion_secret"]:
            obj.assertion_secret = seal(secret)
        if SHARED not in obj.algorithms:
            obj.assertion_secret = ""
        if {"issuer", "jwks_url", "client_id"} & set(form.changed_data):
            obj.jwks, obj.metadata, obj.keys_fetched_at, obj.keys_tried_at = {}, {}, None, None
        super().save_model(request, obj, form, change)

    def note(self, request: HttpRequest, row: Any, change: str, fields: list[str]) -> None:
        """Which fields, and not what they are."""
        record(request, "sso.changed", row, row.organization_id, kind="provider", change=change, fields=fields)

    @admin.display(description=_("Client secret"))
    def secret_hint(self, provider: IdentityProvider) -> str:
        """How it ends."""
        return _told(provider.secret)

    @admin.display(description=_("Shared secret (HS256)"))
    def assertion_secret_hint(self, provider: IdentityProvider) -> str:
        """How it ends."""
        return _told(provider.assertion_secret)


@admin.register(ExternalIdentity)
class ExternalIdentityAdmin(ReadOnly):
    list_display = ("subject", "provider", "user", "last_sign_in_at", "signed_out_at", "created_at")
    list_filter = ("last_sign_in_at",)
    list_select_related = ("provider", "user")
    search_fields = ("^user__email", "=subject", "^provider__slug")
    search_help_text = _("An id (of a person, provider or identity), a subject, or the beginning of an e-mail or slug")
    id_fields = ("id", "user_id", "provider_id")
    spoken_by = ("subject", "provider", "user")
    ordering = ("-created_at", "-id")


@admin.register(UsedAssertion)
class UsedAssertionAdmin(ReadOnly):
    is_plumbing = True
    list_display = ("id", "provider", "expires_at")
    list_select_related = ("provider",)
    id_fields = ("provider_id",)
    search_fields = ("^provider__slug",)
    spoken_by = ("id",)
    ordering = ("-id",)
    exclude = ("assertion_hash",)


def _told(sealed: str) -> str:
    return (hint(sealed) or "...") if sealed else "-"
