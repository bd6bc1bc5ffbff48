"""Pictures of the admin for the docs, with a team's month in it.

python -m tests.browser.admin_pictures            writes those of docs/images again
python -m tests.browser.admin_pictures FOLDER     writes them there, in light and dark, wide and on a phone
"""

import sys
from pathlib import Path

from tests import environment

if __name__ == "__main__":
    environment.prepare()

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.pictures import IMAGES, SCHEMES, SIZES, chromium
from tests.browser.test_admin import Busy
from tests.upstream import Upstream

# Those that the documentation shows: scheme, and how much of the page, in pixels.
SHOWN = {"admin": ("light", (1280, 910)), "admin-run": ("light", (1280, 1100)), "admin-usage": ("dark", (1280, 900))}


def addresses(busy: Busy) -> dict[str, str]:
    """Where each of them is."""
    return {
        "admin": "/admin/",
        "admin-run": f"/admin/chat/run/{busy.run}/change/",
        "admin-usage": "/admin/chat/usageday/",
    }


def visit(browser: Browser, busy: Busy, scheme: str, size: tuple[int, int], address: str) -> Page:
    """The page, opened as its superuser."""
    width, height = size
    viewport = {"width": width, "height": height}
    context = browser.new_context(
        base_url=busy.server.url,
        storage_state=busy.cookies,
        viewport=viewport,
        color_scheme=scheme,
        locale="en-GB",  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


def main(folder: str = "") -> None:
    upstream = Upstream().start()
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        busy = Busy(upstream, browser, runs=600, others=0)
        for name, address in addresses(busy).items():
            scheme, size = SHOWN[name]
            if not folder:
                visit(browser, busy, scheme, size, address).screenshot(path=IMAGES / f"{name}.png")
                continue
            for each in SCHEMES:
                for window in ("wide", "phone"):
                    path = Path(folder) / f"{name}-{window}-{each}.png"
                    visit(browser, busy, each, SIZES[window], address).screenshot(path=path, full_page=True)
        busy.server.close()
    upstream.close()
    environment.clean()


if __name__ == "__main__":
    main(*sys.argv[1:])
