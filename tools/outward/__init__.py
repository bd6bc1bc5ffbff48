"""The one way out: whatever the product asks of a server that is not the operator's own goes through `fetch`.

Why it judges at the socket: docs/decisions/0055-one-way-out.md
"""

from tools.outward.fetching import Answer, fetch

__all__ = ["Answer", "fetch"]
