"""A chat on paper: all that is shown, over as many sheets as it takes, and nothing that is only to be pressed."""

import io

import pypdf
import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import answer, script, send
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
LINES = 150


def test_a_long_chat_is_printed_to_its_end(page: Page, upstream: Upstream) -> None:
    text = "\n\n".join(f"Line number {each}." for each in range(LINES))
    send(page, f"Count. {script(upstream, Turn(text=text))}")
    expect(answer(page)).to_contain_text("tokens")
    sheets = [each.extract_text() for each in pypdf.PdfReader(io.BytesIO(page.pdf(format="A4"))).pages]
    whole = "\n".join(sheets)
    assert len(sheets) > 3 and "Count." in sheets[0] and f"Line number {LINES - 1}." in sheets[-1]
    assert all(f"Line number {each}." in whole for each in range(LINES))
    assert "New chat" not in whole.replace("Count.", "") and "Send" not in whole
    page.emulate_media(media="print")
    width = page.evaluate("document.querySelector('.message').getBoundingClientRect().width / innerWidth")
    assert width > 0.9  # also where the screen has room for the list beside it
