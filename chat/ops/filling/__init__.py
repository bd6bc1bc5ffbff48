"""Filling a database with as many rows as a year leaves, to measure with: `manage.py fill`. Sync.

What is made agrees with itself as what people make does: logs fold to their messages, usage by day is that of its
records, and the audit log's chains hold. It is poured past the product's services, so nobody is told of any of it.
"""

from chat.ops.filling.filling import Made, Order, fill

__all__ = ["Made", "Order", "fill"]
