"""The installation's name, logo and accent in templates; built in, as every page has them, those of errors too."""

from django import template
from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import look

register = template.Library()


@register.simple_tag
def product_name() -> str:
    """What people call this installation."""
    return look.name()


@register.simple_tag
def logo_url() -> str:
    """Where its logo is, in this version."""
    return f"{reverse('logo')}?v={look.version()}"


@register.simple_tag
def icon_link() -> SafeString:
    """The element that names the logo as the page's icon."""
    return format_html('<link rel="icon" href="{}" type="{}">', logo_url(), look.logo().media_type)


@register.simple_tag
def accent_link() -> SafeString:
    """The element that brings the accent, behind the page's own style sheets; nothing where the usual one holds."""
    if not settings.PARLEY_ACCENT:
        return SafeString("")
    return format_html('<link rel="stylesheet" href="{}?v={}">', reverse("look"), look.version())
