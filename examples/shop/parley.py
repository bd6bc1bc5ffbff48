"""What Parley learns of this app: its tools, and the agent that has them. Found at the start, as admin.py is."""

from pathlib import Path
from typing import Any, Literal

from django.db.models import Sum

from accounts.db import db
from agents.own import Archetype, Command, register, register_command
from shop.models import Order
from shop.views import OrderViewSet
from tools import ToolContext, from_viewset, tool

# shop_orders_list and shop_orders_retrieve: the viewset answers, as it would answer the person.
orders = from_viewset(OrderViewSet, actions=["list", "retrieve"], name="shop_orders")


@tool
async def sum_shop_orders(ctx: ToolContext, status: Literal["open", "sent", "returned"]) -> dict[str, Any]:
    """Add up the orders of one status: how many there are, and their total in euros.

    Only orders of the person you work for count.

    Arguments:
        status: which orders
    """
    return await db(_sum, ctx, status)


def _sum(ctx: ToolContext, status: str) -> dict[str, Any]:
    found = Order.objects.visible_to(ctx.user_id).filter(status=status)
    total = found.aggregate(total=Sum("total"))["total"] or 0
    return {"count": found.count(), "total": f"{total:.2f}"}


register(
    Archetype(
        name="shop",
        purpose="Answers questions about the shop's orders.",
        prompt=Path(__file__).parent / "prompts" / "shop.md",
        tools=(*orders, sum_shop_orders),
        examples=("Which orders are open?", "What was sent to Miller?", "What is the total of what came back?"),
    )
)
register_command(Command("shop-open", "Open orders of the shop", "Which orders are open? ", archetype="shop"))
