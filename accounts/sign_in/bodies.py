"""What signing in takes and gives."""

from typing import Any

from rest_framework import serializers

from accounts.http.fields import Closed, Email, Id, Text
from accounts.models import ApiKey, SignIn
from accounts.sign_in.scopes import SCOPES


class TokensSerializer(serializers.Serializer[Any]):
    """A bearer token, and what to get the next one with."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class CredentialsBody(Closed):
    email = Email(max_length=254)
    password = Text(max_length=1024, trim_whitespace=False)


class RefreshBody(Closed):
    refresh = Text(max_length=4096)


class SignOutBody(Closed):
    refresh = Text(max_length=4096, required=False)


class PasswordBody(Closed):
    current = Text(max_length=1024, trim_whitespace=False, help_text="the password of now")
    password = Text(max_length=1024, trim_whitespace=False, help_text="the new one")


class AskResetBody(Closed):
    email = Email(max_length=254)


class ResetBody(Closed):
    token = Text(max_length=200, help_text="from the link")
    password = Text(max_length=1024, trim_whitespace=False, help_text="the new one")


class SignInSerializer(serializers.ModelSerializer[SignIn]):
    """Where the caller is signed in."""

    by = serializers.SerializerMethodField(help_text="`session` of a browser, or `token`")
    is_current = serializers.SerializerMethodField(help_text="whether it is the one of this request")

    class Meta:
        model = SignIn
        fields = ("id", "by", "user_agent", "created_at", "last_seen_at", "expires_at", "is_current")
        read_only_fields = fields

    def get_by(self, row: SignIn) -> str:
        """By what."""
        return "session" if row.session_key else "token"

    def get_is_current(self, row: SignIn) -> bool:
        """Whether the caller came by it."""
        return bool(row.pk == self.context["request"].user.sign_in)


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    """One of the caller's API keys; its text is not kept."""

    scopes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = ApiKey
        fields = (
            "id", "prefix", "name", "organization", "scopes",
            "created_at", "last_used_at", "expires_at", "revoked_at",
        )  # fmt: skip
        read_only_fields = fields


class NewApiKeySerializer(ApiKeySerializer):
    """The same with its text, this once."""

    key = serializers.CharField(allow_null=True, read_only=True, help_text="null where the request is repeated")

    class Meta:
        model = ApiKey
        fields = (*ApiKeySerializer.Meta.fields, "key")
        read_only_fields = fields


class NewApiKeyBody(Closed):
    name = Text(max_length=150)
    organization = Id()
    scopes = serializers.ListField(child=serializers.ChoiceField(sorted(SCOPES)), min_length=1, max_length=len(SCOPES))
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="null: never; in a year unless given"
    )
