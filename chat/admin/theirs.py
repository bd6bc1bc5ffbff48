"""From a person to what is theirs: a link to each list, already narrowed to them."""

from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from accounts.audit.models import AuditEntry
from accounts.models import ApiKey, SignIn, User
from chat.admin.markup import EMPTY, link_to_list
from chat.models import Chat, Run, UsageDay, UsageRecord

BY_PERSON: tuple[type[Model], ...] = (Chat, Run, UsageDay, UsageRecord, ApiKey, SignIn, AuditEntry)


def links(person: User, request: HttpRequest) -> SafeString:
    """Those that this operator may see."""
    shown = [
        (link_to_list(model, capfirst(str(model._meta.verbose_name_plural)), **_narrowed(model, person)),)
        for model in BY_PERSON
        if request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
    ]
    return format_html_join(" · ", "{}", shown) if shown else format_html("{}", EMPTY)


def _narrowed(model: type[Model], person: User) -> dict[str, object]:
    """Entries of the audit log are found by whatever id stands in them."""
    return {"q": person.pk} if model is AuditEntry else {"user__id__exact": person.pk}
