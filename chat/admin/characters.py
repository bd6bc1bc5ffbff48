"""Characters of the agent door: one of two tables of chats' that are edited here."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin_lists import Lookups
from agents.archetypes import registry
from chat.admin import filters
from chat.models import Character
from chat.services.characters import outsiders

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[Character]
else:
    ModelForm = forms.ModelForm


class CharacterForm(ModelForm):
    """Archetypes to choose from, and users who are in the organization."""

    archetype = forms.ChoiceField(choices=lambda: [(name, name) for name in registry.names()])

    class Meta:
        model = Character
        fields = ("number", "organization", "name", "archetype", "users")

    def clean(self) -> dict[str, Any]:
        """The values. Users from outside are refused, naming them."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        place = values.get("organization")
        if place and (strangers := outsiders(place.pk, [user.pk for user in values.get("users", ())])):
            self.add_error(
                "users",
                _("Not in this organization: %(people)s") % {"people": ", ".join(each.email for each in strangers)},
            )
        return values


@admin.register(Character)
class CharacterAdmin(Lookups):
    form = CharacterForm
    list_display = ("number", "name", "organization", "archetype", "updated_at")
    list_filter = (filters.Archetype, "updated_at")
    list_select_related = ("organization",)
    search_fields = ("=number", "^name", "^organization__name")
    search_help_text = _("A number, the id of an organization, or the beginning of a name")
    id_fields = ("organization_id",)
    autocomplete_fields = ("organization", "users")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """The number stays what it is: sessions are bound to it."""
        return ("number", "organization") if obj else ()
