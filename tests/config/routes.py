"""Routes for the tests: views of each kind that authenticate, fail, stream."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import authenticate
from accounts.db import db
from accounts.errors import Conflict, TooMany
from accounts.http.parsing import read_json
from config import urls

SECRET = "swordfish"
DONE: list[str] = []  # what views have done that should not be done for just anybody
ERRORS: dict[str, Callable[[], Exception]] = {
    "conflict": lambda: Conflict("Not now.", code="busy", fields={"name": ["taken"]}),
    "too-many": lambda: TooMany(retry_after_s=7),
    "operational": lambda: OperationalError(SECRET),
    "interface": lambda: InterfaceError(SECRET),
    "bug": lambda: RuntimeError(SECRET),
    "missing": lambda: Http404(SECRET),
    "denied": lambda: PermissionDenied(SECRET),
    "suspicious": lambda: SuspiciousOperation(SECRET),
}


class Rest(APIView):
    def get(self, request: Request) -> Response:
        return Response({"email": request.user.email})

    def post(self, request: Request) -> Response:
        DONE.append(str(request.user))
        return Response({"got": request.data})


class RestFailing(APIView):
    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, name: str) -> Response:
        raise ERRORS[name]()


@csrf_exempt
async def door(request: HttpRequest) -> HttpResponse:
    user = await db(authenticate, request)
    if request.method == "POST":
        DONE.append(str(user))
        return JsonResponse({"got": await db(read_json, request)})
    return JsonResponse({"email": user.email})


async def failing(request: HttpRequest, name: str) -> HttpResponse:
    raise ERRORS[name]()


def sync_failing(request: HttpRequest, name: str) -> HttpResponse:
    raise ERRORS[name]()


@csrf_exempt
@require_POST
def only_post(request: HttpRequest) -> HttpResponse:
    return JsonResponse({})


async def stream(request: HttpRequest) -> StreamingHttpResponse:
    async def body() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"

    return StreamingHttpResponse(body(), content_type="text/event-stream")


Routes = list[Any]
urlpatterns: Routes = [
    path("api/test/rest", Rest.as_view()),
    path("api/test/door", door),
    path("api/test/rest/fails/<name>", RestFailing.as_view()),
    path("api/test/door/fails/<name>", failing),
    path("api/test/sync/fails/<name>", sync_failing),
    path("page/fails/<name>", sync_failing),
    path("api/test/only-post", only_post),
    *(path(f"{prefix}/test/stream", stream) for prefix in ("api", "v1", "trpc", "chat", "agent")),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
