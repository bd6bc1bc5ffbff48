"""What signing in takes and gives."""

from typing import Any

from rest_framework import serializers

from accounts.http.fields import Closed, Email, Text


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
