"""System checks: what an installation that is not for development must not have."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

KEY_MIN_BYTES = 32


@register(Tags.security)
def check_security(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Errors that stop every command, and so the server, in production."""
    if settings.PARLEY_ENV == "development":
        return list(_origins())
    return [*_keys(), *_exposure(), *_origins()]


def _keys() -> Iterator[CheckMessage]:
    keys = {"SECRET_KEY": settings.SECRET_KEY, "JWT_SIGNING_KEY": settings.SIMPLE_JWT["SIGNING_KEY"]}
    keys |= {f"SECRETS_KEYS, number {number}": key for number, key in enumerate(settings.SECRETS_KEYS, 1)}
    keys |= {f"ACTING_KEYS, number {number}": key for number, key in enumerate(settings.ACTING_KEYS, 1)}
    if settings.JWT_PREVIOUS_KEY:
        keys["JWT_PREVIOUS_KEY"] = settings.JWT_PREVIOUS_KEY
    hint = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(48))"'
    for name, key in keys.items():
        if len(str(key).encode()) < KEY_MIN_BYTES or len(set(str(key))) < 8:
            yield Error(
                f"{name} is too easy to guess: it needs {KEY_MIN_BYTES} random bytes.", hint, id="accounts.E001"
            )
    signing = {settings.SECRET_KEY, settings.SIMPLE_JWT["SIGNING_KEY"]}
    if shared := set(settings.SECRETS_KEYS) & {*signing, *settings.ACTING_KEYS}:
        told = f"{len(shared)} of SECRETS_KEYS signs something too: who learns it has both."
        yield Error(told, hint, id="accounts.E002")
    if shared := set(settings.ACTING_KEYS) & signing:
        told = f"{len(shared)} of ACTING_KEYS signs something of ours too: who learns it has both."
        yield Error(told, hint, id="accounts.E002")
    if keys["SECRET_KEY"] == keys["JWT_SIGNING_KEY"]:
        yield Error("SECRET_KEY and JWT_SIGNING_KEY are the same: who learns one has both.", hint, id="accounts.E002")


def _exposure() -> Iterator[CheckMessage]:
    if settings.DEBUG:
        told = "It shows settings and code to everybody. Leave it unset, or set PARLEY_ENV=development."
        yield Error("DEBUG is on.", told, id="accounts.E003")
    if "*" in settings.ALLOWED_HOSTS:
        yield Error("ALLOWED_HOSTS takes any host.", "Name the hosts that people use.", id="accounts.E004")


def _origins() -> Iterator[CheckMessage]:
    is_open = getattr(settings, "CORS_ALLOW_ALL_ORIGINS", False) or getattr(settings, "CORS_ALLOWED_ORIGIN_REGEXES", [])
    if settings.CORS_ALLOW_CREDENTIALS and (is_open or "*" in settings.CORS_ALLOWED_ORIGINS):
        hint = "Name each origin in CORS_ALLOWED_ORIGINS."
        yield Error(
            "Any web page may act as whoever looks at it: CORS takes credentials from everywhere.",
            hint,
            id="accounts.E005",
        )
