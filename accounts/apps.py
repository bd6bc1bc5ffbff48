"""Django app: accounts."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Register the system checks, what is noted when a browser signs in or out, and whose passwords are closed.

        The logo's bytes are taken now: its file may be gone later.
        """
        from accounts import checks, look  # noqa: F401
        from accounts.sign_in import passwords, sessions
        from accounts.sso.providers import may_use_password

        look.version()
        sessions.watch()
        passwords.close_for(lambda user: not may_use_password(user))
