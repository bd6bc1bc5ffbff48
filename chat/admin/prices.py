"""Prices that a person has accepted: written as vendors write them, of a million tokens; none is changed afterwards."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts.admin_lists import Lookups
from agents.installation import info_of
from agents.prices import nanos
from chat.metering import catalog
from chat.metering.prices import amount
from chat.models import Price
from chat.models.prices import RATES

if TYPE_CHECKING:  # generic for the type checker only
    ModelForm = forms.ModelForm[Price]
else:
    ModelForm = forms.ModelForm


class PriceForm(ModelForm):
    """A new price, with its rates in the currency."""

    input = forms.DecimalField(min_value=0, max_digits=15, decimal_places=9)
    cached_input = forms.DecimalField(
        min_value=0, max_digits=15, decimal_places=9, required=False, help_text=gettext_lazy("Empty: as other input.")
    )
    cache_write = forms.DecimalField(
        min_value=0, max_digits=15, decimal_places=9, required=False, help_text=gettext_lazy("Empty: as other input.")
    )
    output = forms.DecimalField(min_value=0, max_digits=15, decimal_places=9)

    class Meta:
        model = Price
        fields = ("model", "valid_from", "above", *RATES, "source")

    def clean(self) -> dict[str, Any]:
        """The rates in nanos, as the table has them."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        rates = {each: values[each] for each in RATES if isinstance(values.get(each), Decimal)}
        return {**values, **{name: nanos(rate) for name, rate in rates.items()}}


@admin.register(Price)
class PriceAdmin(Lookups):
    form = PriceForm
    list_display = ("model", "valid_from", "above", "rates", "source", "accepted_by")
    list_filter = ("vendor", "valid_from")
    search_fields = ("^model",)
    search_help_text = gettext_lazy("The beginning of a model's name")
    id_fields = ()
    ordering = ("model", "-valid_from", "above")
    spoken_by = ("model", "valid_from")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Costs were counted by it: another price is another row."""
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None deletes many: those that something was counted with stay."""
        return {}

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Accepted by whoever saves it; this process knows it at once."""
        obj.vendor = info_of(obj.model).provider[:30]
        obj.currency = str(settings.OPENAI_PRICES_CURRENCY)[:10]
        obj.accepted_by = request.user.get_username()[:200]
        super().save_model(request, obj, form, change)
        catalog.changed()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """One that nothing was counted with; it counts no more."""
        super().delete_model(request, obj)
        catalog.changed()

    @admin.display(description=gettext_lazy("price"))
    def rates(self, row: Price) -> str:
        """input / cached / written / output, of a million tokens."""
        shown = ((each if each is not None else row.input) for each in (getattr(row, name) for name in RATES))
        return f"{' / '.join(f'{amount(each).normalize():f}' for each in shown)} {row.currency}"

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Of one that is there: what it says, and by whose word."""
        return (
            ("model", "vendor", "valid_from", "above", "rates", "source", "accepted_by")
            if obj
            else PriceForm.Meta.fields
        )
