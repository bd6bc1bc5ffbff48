"""A viewset that takes its time: other calls of such tools wait for it, and nothing else does."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Q
from rest_framework.permissions import BasePermission

from accounts.db import db
from accounts.models import User
from tests.tools.acting.shop.models import Order
from tests.tools.acting.shop.viewsets import OrderViewSet
from tools.acting.queryset import from_queryset
from tools.acting.viewset import from_viewset
from tools.base import Tool, ToolContext
from tools.executor import execute

WAIT_S = 10.0


class Gate:
    """Holds each call that comes, until it is open; the threads they came in."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.threads: set[str] = set()

    def __call__(self) -> bool:
        self.threads.add(threading.current_thread().name)
        return self.is_open.wait(WAIT_S)

    def viewset(self) -> Tool:
        gate = self

        class Slow(BasePermission):
            def has_permission(self, request: Any, view: Any) -> bool:
                return gate()

        class SlowViewSet(OrderViewSet):
            permission_classes: Sequence[Any] = [*OrderViewSet.permission_classes, Slow]

        return from_viewset(SlowViewSet, actions=["list"])[0]

    def rows(self) -> Tool:
        def visible(user: User) -> Q:
            self()
            return Q(owner=user)

        return from_queryset(Order.objects, fields=["number"], visible=visible)[0]


@pytest.mark.parametrize("kind", ["viewset", "rows"])
async def test_it_holds_up_its_own_threads_alone(kind: str, as_alice: ToolContext) -> None:
    gate = Gate()
    slow: Tool = getattr(gate, kind)()
    count = settings.DB_THREADS + settings.DB_TOOL_THREADS
    calls = [asyncio.ensure_future(execute(slow, as_alice, {})) for _ in range(count)]
    try:
        await asyncio.sleep(0.1)  # they have all been begun, or wait
        assert await asyncio.wait_for(db(Order.objects.count), WAIT_S / 2) == 6
        assert not any(each.done() for each in calls)
    finally:
        gate.is_open.set()
        done = await asyncio.gather(*calls)
    assert {each.outcome for each in done} == {"returned"}
    assert len(gate.threads) <= settings.DB_TOOL_THREADS and all(each.startswith("db-tool") for each in gate.threads)
