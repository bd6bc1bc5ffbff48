"""REST for taking along what is one's own, before one goes."""

from typing import Any

from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.fields import Closed
from accounts.http.rest import documented, read


class NewExport(Closed):
    """What is to be exported."""

    what = serializers.ChoiceField(choices=[("me", "All that is the caller's own")])


class ExportSerializer(serializers.Serializer[Any]):
    """Where it is fetched."""

    url = serializers.CharField(help_text="The same as in the header Location.")


class Exports(APIView):
    """Exports."""

    @documented("create_export", body=NewExport, answer=ExportSerializer, status=303)
    def post(self, request: Request) -> Response:
        """Say what is to be exported; a GET of where the answer leads to writes and sends it."""
        read(NewExport, request.data)
        url = reverse("export")
        return Response({"url": url}, status=303, headers={"Location": url})
