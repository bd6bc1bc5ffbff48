"""axe-core, from its npm package, on a page as it is: under its Content-Security-Policy, without a request more."""

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tests.clients.node import installed

BAD = {"serious", "critical"}
RUN = "() => axe.run(document, { resultTypes: ['violations'], preload: false }).then(({ violations }) => violations)"


@cache
def source() -> str:
    """axe's own script; skips the test where npm could not install it."""
    return (installed() / "node_modules" / "axe-core" / "axe.min.js").read_text()


def complaints(page: Page, but: tuple[str, ...] = ()) -> list[str]:
    """What axe finds serious or critical beside the rules `but`, a line for each element."""
    page.evaluate(source())
    violations: list[dict[str, Any]] = page.evaluate(RUN)
    return [
        f"{each['impact']}: {each['id']}: {node['html'][:160]} ({node.get('failureSummary', '')[:200]})"
        for each in violations
        if each["impact"] in BAD and each["id"] not in but
        for node in each["nodes"]
    ]
