"""Models: by vendor, with what each can do and costs and who says so; offered or not, and edited, here."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin_fields import NONE, Words
from accounts.admin_lists import Lookups, View
from agents import installation
from agents.model_info import ABILITIES, TIERS, ModelInfo
from agents.options import EFFORTS
from agents.prices import Price
from agents.providers.apis import APIS
from agents.vendors import VENDORS
from chat.admin.markup import table
from chat.figures.words import count
from chat.metering import catalog, origins
from chat.models import LanguageModel
from chat.services import language_models

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[LanguageModel]
else:
    ModelForm = forms.ModelForm

SAYS = {
    origins.ROW: gettext_lazy("this row"),
    origins.SETTINGS: gettext_lazy("the settings"),
    origins.CODE: gettext_lazy("the catalog"),
    origins.PACKAGE: "genai-prices",
    origins.ELSE: gettext_lazy("nobody: assumed"),
}
WHAT = {
    "context_tokens": gettext_lazy("window"),
    "max_output_tokens": gettext_lazy("longest answer"),
    "price": gettext_lazy("price"),
    "tier": gettext_lazy("tier"),
    "abilities": gettext_lazy("abilities"),
    "efforts": gettext_lazy("efforts"),
    "fallbacks": gettext_lazy("fallbacks"),
    "ends_at": gettext_lazy("ends at"),
    "successor": gettext_lazy("successor"),
    "note": gettext_lazy("note"),
}


def _choices(*names: str) -> Any:
    return [("", "-"), *((each, each) for each in names)]


class LanguageModelForm(ModelForm):
    """A row; what it leaves empty falls through to what its page shows."""

    vendor = forms.ChoiceField(choices=lambda: [(each.name, each.title) for each in VENDORS])
    api = forms.ChoiceField(required=False, choices=lambda: _choices(*APIS))
    tier = forms.ChoiceField(required=False, choices=lambda: _choices(*TIERS))
    abilities = Words(help_text=", ".join(ABILITIES))
    efforts = Words(help_text=", ".join(EFFORTS))
    fallbacks = Words(help_text=gettext_lazy("Models that answer where this one cannot, in order."))

    class Meta:
        model = LanguageModel
        exclude = ("source", "updated_at")

    def clean(self) -> dict[str, Any]:
        """The values, once nothing is wrong with the row that they make."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            row = LanguageModel(**{"id": self.instance.pk, **values})
            for field, text in language_models.faults(row).items():
                self.add_error(field, text)
        return values


@admin.register(LanguageModel)
class LanguageModelAdmin(Lookups):
    form = LanguageModelForm
    list_display = ("id", "vendor", "tier", "is_enabled", "is_offered", "can", "costs", "window", "ends_at", "source")
    list_filter = ("vendor", "tier", "is_enabled")
    search_fields = ("^id", "^name")
    search_help_text = gettext_lazy("The beginning of a model's name")
    id_fields = ()
    ordering = ("vendor", "id")
    spoken_by = ("id",)
    actions = ("enable", "disable")
    views = tuple(View(vendor.title, f"vendor={vendor.name}") for vendor in VENDORS[:4])

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Chats store its id; and what holds is shown, with who says so."""
        return ("id", "as_it_is", "source", "updated_at") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """One that ships or that the settings name would be back with the next start: it is switched off.

        So is one with a server of its own: without the row nobody knows that its chats are for no other server.
        """
        is_kept = isinstance(obj, LanguageModel) and (obj.source != catalog.Source.OPERATOR or obj.base_url != "")
        return super().has_delete_permission(request, obj) and not is_kept

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without that of deleting many: see above."""
        return {name: each for name, each in super().get_actions(request).items() if name != "delete_selected"}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """By the service."""
        language_models.save(obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """And no longer offered."""
        super().delete_model(request, obj)
        catalog.changed()

    @admin.action(permissions=["change"], description=gettext_lazy("Offer"))
    def enable(self, request: HttpRequest, chosen: QuerySet[LanguageModel]) -> None:
        """Offer the chosen ones."""
        self._switch(request, chosen, True)

    @admin.action(permissions=["change"], description=gettext_lazy("Offer no longer"))
    def disable(self, request: HttpRequest, chosen: QuerySet[LanguageModel]) -> None:
        """Offer them no longer: chats that have them say so, and name the successor."""
        self._switch(request, chosen, False)

    def _switch(self, request: HttpRequest, chosen: QuerySet[LanguageModel], is_enabled: bool) -> None:
        rows = list(chosen)
        number = language_models.enable([row.pk for row in rows], is_enabled)
        for row in rows:
            self.log_change(request, row, "Offered" if is_enabled else "Not offered any more")
        said = ngettext("%(count)s model was changed.", "%(count)s models were changed.", number) % {"count": number}
        self.message_user(request, said, messages.SUCCESS)

    @admin.display(description=gettext_lazy("offered"), boolean=True)
    def is_offered(self, row: LanguageModel) -> bool:
        """Whether people can choose it now: on, and its server configured."""
        return installation.has_model(row.id)

    @admin.display(description=gettext_lazy("abilities"))
    def can(self, row: LanguageModel) -> str:
        """What it can do, and who says so."""
        model = _known(row)
        return _said(", ".join(each for each in ABILITIES if model.has(each)) or NONE, row, "abilities")

    @admin.display(description=gettext_lazy("price"))
    def costs(self, row: LanguageModel) -> str:
        """Of a million tokens, and who says so."""
        return _said(_price(_known(row).price), row, "price")

    @admin.display(description=gettext_lazy("window"))
    def window(self, row: LanguageModel) -> str:
        """Tokens of its context, and who says so."""
        return _said(count(_known(row).context_tokens), row, "context_tokens")

    @admin.display(description=gettext_lazy("As it is"))
    def as_it_is(self, row: LanguageModel) -> SafeString:
        """Each value that holds, and who says so."""
        model, said = _known(row), origins.origins_of(row)
        values = [(words, _value(model, name), SAYS[said[name]]) for name, words in WHAT.items()]
        server = f"{model.server.api} {model.server.shown}"
        return table((_("What"), _("Value"), _("Said by")), [*values, (_("server"), server, "")])


def _known(row: LanguageModel) -> ModelInfo:
    return installation.the_catalog().all.get(row.id) or ModelInfo(row.id, row.vendor)


def _said(text: str, row: LanguageModel, field: str) -> str:
    return f"{text} ({SAYS[origins.origins_of(row)[field]]})"


def _value(model: ModelInfo, name: str) -> str:
    value = _price(model.price) if name == "price" else getattr(model, name)
    if isinstance(value, frozenset | tuple):
        value = ", ".join(sorted(value) if isinstance(value, frozenset) else value)
    return count(value) if isinstance(value, int) else str(value or NONE)


def _price(price: Price | None) -> str:
    """input / cached / output; a dash where nobody knows."""
    if price is None:
        return NONE
    numbers = " / ".join(f"{each.normalize():f}" for each in (price.input, price.cached, price.output))
    return f"{numbers} {price.currency}"
