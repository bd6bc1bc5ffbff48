"""What the model was given to read, as the page says it: from which message on, which files it was not shown."""

from base64 import b64decode

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import answer, script, send
from tests.browser.test_long_chat import FILL
from tests.live import OWNER, Server
from tests.media import PDF, url
from tests.pictures import DOT
from tests.streams import client
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
REFUSAL = {"error": {"code": "invalid_image_format", "message": "The image is not valid."}}


def test_an_answer_links_to_the_message_that_the_model_read_from(
    page: Page, server: Server, upstream: Upstream
) -> None:
    send(page, f"Begin {script(upstream, Turn(text='Begun.'))}")
    expect(answer(page)).to_contain_text("tokens")
    expect(answer(page).locator(".read-from")).to_be_hidden()
    chat = page.url.removesuffix("/").rpartition("/")[2]
    server.quickly("shell", "-v", "0", "-c", FILL.format(owner=OWNER, chat=chat, count=160))
    page.goto("about:blank")
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    send(page, f"Go on {script(upstream, Turn(text='Further.'))}")
    expect(answer(page)).to_contain_text("tokens")
    line = page.locator("details.compacted:not([hidden])")
    expect(line).to_have_count(1)
    expect(line.locator("p")).to_be_hidden()
    line.get_by_text("the model reads a summary of the 1").click()
    expect(line.locator("p")).to_contain_text("You said")
    send(page, f"And on {script(upstream, Turn(text='Further still.'))}")
    expect(answer(page)).to_contain_text("tokens")
    page.reload()
    page.wait_for_selector("body.ready")
    link = answer(page).get_by_role("link", name="The model read from this message on")
    target = page.locator(str(link.get_attribute("href")))
    expect(target).to_have_count(0)  # it is not on the page
    link.click()
    expect(target).to_be_in_viewport()
    expect(target).to_be_focused()
    page.reload()
    expect(answer(page).get_by_role("link", name="The model read from this message on")).to_be_visible()


def test_older_messages_are_summed_up_by_hand(page: Page, server: Server, upstream: Upstream) -> None:
    send(page, f"Begin {script(upstream, Turn(text='Begun.'))}")
    expect(answer(page)).to_contain_text("tokens")
    chat = page.url.removesuffix("/").rpartition("/")[2]
    server.quickly("shell", "-v", "0", "-c", FILL.format(owner=OWNER, chat=chat, count=20))
    page.goto("about:blank")
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    page.locator("#text").fill("/comp")
    page.get_by_role("option", name="/compact").click()
    line = page.locator("details.compacted:not([hidden])")
    expect(line).to_have_count(1)
    expect(line.locator("summary")).to_be_visible()


def test_a_picture_that_could_not_be_read_says_so_at_once_and_later(page: Page, upstream: Upstream) -> None:
    page.set_input_files(
        "input[type=file]", {"name": "photo.png", "mimeType": "image/png", "buffer": b64decode(DOT.partition(",")[2])}
    )
    send(page, f"See {script(upstream, Turn(fault='400', body=REFUSAL))}")
    told = page.locator("article.own").last.locator(".attachments")
    expect(answer(page)).to_contain_text("could not read a picture: photo.png")
    expect(told).to_have_text("photo.png: could not be read, and is not shown to the model")
    page.reload()
    expect(told).to_have_text("photo.png: could not be read, and is not shown to the model")


def test_a_file_that_a_model_was_not_shown_says_so_at_once_and_later(
    page: Page, server: Server, upstream: Upstream
) -> None:
    alice = client(server)
    chat = alice.chat()
    page.goto(f"/chats/{chat}/")
    page.wait_for_selector("body.ready")
    plan = {"type": "file", "name": "plan.pdf", "url": url("application/pdf", PDF)}
    alice.start(chat, f"See {script(upstream, Turn(text='What plan?'))}", attachments=[plan])
    told = page.locator("article.user .attachments")
    expect(told).to_have_text("plan.pdf: not shown to gpt-4.1-mini, which cannot take it")
    page.reload()
    expect(told).to_have_text("plan.pdf: not shown to gpt-4.1-mini, which cannot take it")
