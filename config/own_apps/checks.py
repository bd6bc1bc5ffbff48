"""System check: what is wrong with an own app."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from config.own_apps.loading import FAULTS


@register()
def check_own_apps(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """An error for each own app that cannot be used as it is, which stops every command and so the server."""
    return [Error(fault.text, fault.hint, id="own_apps.E001") for fault in FAULTS]
