"""The AG-UI door."""

from django.urls import path

from chat.doors.agui import dialect, openapi, views
from chat.doors.door import Door

AGUI = Door(
    "agui",
    dialects=(dialect.NAME,),
    urls=(path("api/agui", views.run, name="agui"),),
    openapi=(openapi,),
)
