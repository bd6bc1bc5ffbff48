"""What all views share that OpenAI's clients call: their methods, and errors in OpenAI's form."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.errors import RequestError
from chat.doors.errors import View, told_by
from chat.doors.openai import errors as openai_errors


class MethodNotAllowed(RequestError):
    status = 405
    code = "method_not_allowed"
    message = "This address does not take this method; the Allow header says which it takes."


def say(error: RequestError) -> HttpResponse:
    """An error in OpenAI's form."""
    return JsonResponse({"error": openai_errors.error(error)}, status=error.status)


def door(*methods: str) -> Callable[[View], View]:
    """Decorate an async view that takes these methods, by token: what it refuses is said as OpenAI says it."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        async def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in methods:
                return await view(request, *args, **kwargs)
            refused = say(MethodNotAllowed())
            refused["Allow"] = ", ".join(methods)
            return refused

        return csrf_exempt(told_by(say)(checked))

    return decorate
