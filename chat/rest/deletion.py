"""REST for deleting oneself."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import refuse
from accounts.http.fields import Closed, Email, Text
from accounts.http.rest import caller, documented, read, shown
from accounts.models import User
from accounts.organizations import rest as accounts
from accounts.sign_in.cookies import forget_cookie
from accounts.sign_in.passwords import has_password, require_password
from chat.services import people, stores


class WhatGoesSerializer(serializers.Serializer[Any]):
    """What is deleted with the caller, by kind; kinds of which there is none are left out."""

    counts = serializers.DictField(child=serializers.IntegerField())


class DeletionBody(Closed):
    password = Text(max_length=1024, trim_whitespace=False, required=False, allow_blank=True)
    email = Email(
        max_length=254,
        required=False,
        allow_blank=True,
        help_text="in place of a password, for who has none here or may not use it",
    )


class ErasedSerializer(serializers.Serializer[Any]):
    """What was found of the caller and is out of every answer now; and of every store, at the latest then."""

    stores = serializers.DictField(child=serializers.IntegerField(), help_text="By store; docs/deletion.md has them.")
    erased_by = serializers.DateTimeField()


class Me(accounts.Me):
    """The caller, who may also go."""

    @documented("users_me_destroy", body=DeletionBody, answer=ErasedSerializer, conflicts=True)
    def delete(self, request: Request) -> Response:
        """Delete the caller with all that is theirs, at once and for good; the answer says what there was, by store.

        The body says what that of POST `deletion/` says, and the same refuses it.
        """
        user, body = caller(request), read(DeletionBody, request.data)
        there = stores.found(user.pk)
        delete_oneself(request._request, user, body.get("password", ""), body.get("email", ""))
        until = timezone.now() + timedelta(seconds=settings.ERASE_WITHIN_S)
        response = shown(request, ErasedSerializer, {"stores": there, "erased_by": until})
        forget_cookie(response)
        return response


class Deletion(APIView):
    """The end of the caller's account."""

    @documented("users_me_deletion_retrieve", answer=WhatGoesSerializer)
    def get(self, request: Request) -> Response:
        """What would be deleted with the caller, in numbers. Nothing is changed."""
        return shown(request, WhatGoesSerializer, {"counts": people.what_goes(caller(request))})

    @documented("users_me_deletion_create", body=DeletionBody, answer=WhatGoesSerializer, conflicts=True)
    def post(self, request: Request) -> Response:
        """Delete the caller with all that is theirs, at once and for good; the answer says what went.

        409 `last_owner`: an organization would be left without one. 409 `run_open`: a run of theirs is not over.
        409 `protected`: rows of an own app keep the person; the text names its tables.
        """
        user, body = caller(request), read(DeletionBody, request.data)
        counts = delete_oneself(request._request, user, body.get("password", ""), body.get("email", ""))
        response = shown(request, WhatGoesSerializer, {"counts": counts})
        forget_cookie(response)
        return response


def delete_oneself(request: HttpRequest, user: User, password: str, email: str) -> people.Counts:
    """Delete the person who asks, once they have shown that it is them. Raises Invalid, Conflict."""
    if has_password(user):
        require_password(request, user, password)
    elif email.strip().lower() != user.email:
        raise refuse("email", "Expected your own address.")
    counts = people.delete_oneself(user)
    logout(request)
    return counts
