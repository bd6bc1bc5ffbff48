"""The models on the page: compared and chosen, how much they reason, what they cannot see, and who answered."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.acts import SCREENS, WAYS, Acts, Way
from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, box, script, send, state, submit
from tests.browser.test_files_and_choices import chips
from tests.live import Server
from tests.streams import client
from tests.upstream import Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]
GIF = (  # two frames of one dot
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    + b"\x21\xf9\x04\x00\x0a\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00" * 2
    + b"\x3b"
)


@pytest.fixture(scope="module")
def several(upstream: Upstream) -> Iterator[Server]:
    """A server with models of several vendors; those of xAI answer, and reason as much as they are asked to."""
    server = Server(
        OPENAI_BASE_URL=upstream.url, OPENAI_API_KEY="none", ANTHROPIC_API_KEY="none", GEMINI_API_KEY="none",
        XAI_BASE_URL=upstream.url, XAI_API_KEY="none",
    )  # fmt: skip
    yield server.start()
    server.close()


def run_of(server: Server, page: Page) -> Any:
    """The newest run of the chat."""
    chat = page.url.split("/")[4]
    return server.call("GET", f"/api/runs/?chat={chat}", token=server.token()).body["results"][0]


@pytest.mark.parametrize("way", WAYS)
def test_a_model_is_compared_and_chosen_and_told_how_much_to_reason(
    open_page: Open, several: Server, upstream: Upstream, way: Way
) -> None:
    page, _ = open_page(several, **SCREENS[way])
    sign_in(page)
    acts = Acts(page, way)
    page.locator("#model").select_option("gpt-4.1-mini")
    expect(page.locator("#effort")).to_be_hidden()  # of a model that has none
    acts.press(page.get_by_role("button", name="Abilities and prices"))
    dialog = page.get_by_role("dialog", name="Abilities and prices")
    expect(dialog.get_by_role("radio", name="gpt-4.1-mini")).to_be_checked()
    grok = dialog.get_by_role("radio", name="grok-4.3")
    expect(grok).to_have_accessible_name("grok-4.3 Pro")
    expect(grok).to_have_accessible_description(
        "sees pictures, reasons before it answers, uses tools, Reads up to 1,000,000 tokens, about 1,500 "
        "pages. A million tokens cost $1.25 to read and $2.50 to write."
    )
    acts.choose(grok)
    acts.press(dialog.get_by_role("button", name="Use this model"))
    expect(page.locator("#model")).to_have_value("grok-4.3")
    effort = page.get_by_label("Reasoning")
    expect(effort).to_be_in_viewport(ratio=1)
    assert effort.locator("option:enabled").all_inner_texts() == [
        "Usual reasoning", "Little reasoning", "Medium reasoning", "Much reasoning",
    ]  # fmt: skip
    effort.select_option("high")
    mark = script(upstream, Turn(text="Yes."))
    submit(page, f"Hello {mark}")
    expect(answer(page)).to_contain_text("tokens")
    sent = next(each.body for each in upstream.requests() if mark in str(each.messages))
    assert sent["reasoning_effort"] == "high" and "temperature" not in sent
    run = run_of(several, page)
    assert (run["model"], run["effort"], run["temperature"]) == ("grok-4.3", "high", None)
    page.reload()
    expect(effort).to_have_value("high")
    effort.select_option("")
    submit(page, f"Again {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    assert run_of(several, page)["effort"] is None


def test_a_model_that_the_plan_does_not_have_is_shown_and_says_why(
    open_page: Open, several: Server, upstream: Upstream
) -> None:
    alice = client(several)
    organization = alice.get("/api/projects/")["results"][0]["organization"]
    page, watch = open_page(several)
    watch.allowed = ("403",)
    sign_in(page)
    page.locator("#model").select_option("grok-4.7")
    submit(page, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    several.quickly("set_plan", organization, "BASIC")
    try:
        submit(page, "And now?")  # this page was there before
        expect(page.locator("#gone")).to_contain_text(
            "grok-4.7 is not in the organization's plan. Choose another model"
        )
        expect(box(page)).to_have_value("And now?")
        page.reload()
        expect(page.locator("#gone")).to_contain_text(
            "grok-4.7 is not in the organization's plan. Choose another model"
        )
        option = page.locator("#model option[value='grok-4.7']")
        expect(option).to_be_disabled()
        expect(option).to_have_text("grok-4.7, not in the plan BASIC")
        page.get_by_role("button", name="Abilities and prices").click()
        grok = page.get_by_role("radio", name="grok-4.7")
        expect(grok).to_be_disabled()
        expect(grok).to_have_accessible_name("grok-4.7 Max not in the plan BASIC")
        page.get_by_role("button", name="Cancel").click()
        page.locator("#model").select_option("gpt-4.1-mini")
        expect(page.locator("#gone")).to_be_hidden()
        submit(page, f"Again {script(upstream, Turn(text='Of course.'))}")
        expect(answer(page)).to_contain_text("Of course.")
    finally:
        several.quickly("set_plan", organization, "ENTERPRISE")


def test_leaving_the_list_of_models_chooses_none(open_page: Open, several: Server) -> None:
    page, _ = open_page(several)
    sign_in(page)
    page.locator("#model").select_option("gpt-4.1-mini")
    page.get_by_role("button", name="Abilities and prices").click()
    page.get_by_role("radio", name="grok-4.7").check()
    page.keyboard.press("Escape")
    expect(page.locator("#model")).to_have_value("gpt-4.1-mini")
    expect(page.get_by_role("button", name="Abilities and prices")).to_be_focused()


def test_a_picture_is_refused_where_the_model_sees_none(open_page: Open, several: Server, tmp_path: Path) -> None:
    page, _ = open_page(several)
    sign_in(page)
    make_blind(page, "grok-4.7")
    (tmp_path / "cat.gif").write_bytes(GIF)
    page.get_by_label("Attach files").set_input_files([tmp_path / "cat.gif"])
    expect(chips(page)).to_have_count(1)
    page.locator("#model").select_option("grok-4.7")
    expect(state(page)).to_contain_text("grok-4.7 does not see pictures: it is told in words that there are some.")
    page.get_by_role("button", name="Remove cat.gif").click()
    page.get_by_label("Attach files").set_input_files([tmp_path / "cat.gif"])
    expect(state(page)).to_contain_text("cat.gif was not attached: grok-4.7 does not see pictures. Choose a model")
    expect(chips(page)).to_have_count(0)


def make_blind(page: Page, model: str) -> None:
    """As if this model saw no pictures."""
    can = re.compile(rf'("{re.escape(model)}": {{"label": "[^"]*", "abilities": \[)"images", ')

    def changed(route: Route) -> None:
        reply = route.fetch()
        html, count = can.subn(r"\1", reply.text())
        assert count == 1
        route.fulfill(response=reply, body=html)

    page.route(page.url, changed)
    page.reload()
    page.wait_for_selector("body.ready")


def test_a_chat_whose_model_is_gone_offers_its_successor(
    open_page: Open,
    new_server,  # type: ignore[no-untyped-def]
    upstream: Upstream,
) -> None:
    server = new_server(OPENAI_MODELS="gpt-4o,gpt-6-luna", AGENTS_DEFAULT_MODEL="gpt-4o").start()
    page, watch = open_page(server)
    watch.allowed = ("400", "WebSocket", "net::ERR_", "503")
    sign_in(page)
    send(page, f"Hello {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    gone = page.locator("#gone")
    expect(gone).to_be_hidden()
    server.stop()
    server.settings |= {"OPENAI_MODELS": "gpt-6-luna", "AGENTS_DEFAULT_MODEL": "gpt-6-luna"}
    server.start_process()
    send(page, "Still there?")  # from a page of before
    expect(gone).to_contain_text("gpt-4o is not offered any more. Choose another model for this chat.")
    expect(box(page)).to_have_value("Still there?")
    page.reload()
    page.wait_for_selector("body.ready")
    expect(gone).to_contain_text("gpt-4o is not offered any more.")
    gone.get_by_role("button", name="Go on with gpt-6-luna").click()
    expect(gone).to_be_hidden()
    expect(box(page)).to_be_focused()
    box(page).fill(f"Now? {script(upstream, Turn(text='Here I am.'))}")
    box(page).press("Enter")
    expect(answer(page)).to_contain_text("Here I am.")
    expect(answer(page)).to_contain_text("tokens")
    assert run_of(server, page)["model"] == "gpt-6-luna"


def test_a_trouble_says_what_one_can_do_and_leads_to_another_model(
    open_page: Open, several: Server, upstream: Upstream
) -> None:
    page, _ = open_page(several)
    sign_in(page)
    send(page, f"Hello {script(upstream, Turn(fault='400', body={'error': {'code': 'odd', 'message': 'No.'}}))}")
    why = answer(page).locator(".why")
    told = "The model provider refused the request. Ask in another way, or choose another model. upstream_invalid"
    for _ in range(2):
        expect(why).to_contain_text(told)
        why.get_by_role("button", name="Choose another model").click()
        expect(page.get_by_role("dialog", name="Abilities and prices")).to_be_visible()
        page.keyboard.press("Escape")
        page.reload()
        page.wait_for_selector("body.ready")


ANOTHER = """async () => {
  const { emptyAnswer, reduce } = await import("/static/chat/reducer.js");
  const { endInWords, leftOutInWords, phaseInWords } = await import("/static/chat/words.js");
  const place = { attempt: 1, at: 10, turn: 1 };
  const model = "gpt-4.1-mini";
  const events = [
    { type: "run.queued", model }, { type: "run.started" }, { type: "turn.started", model },
    { type: "retry.scheduled", failed_attempt: 1, max_attempts: 3, delay_s: 0, model, next_model: "grok-4.3" },
    { type: "text.delta", text: "Yes." },
    { type: "reply.completed", model: "grok-4.3", usage: {}, left_out: ["effort", "seed"] },
    { type: "run.completed", reason: "stop", at: 12 },
  ];
  let answer = emptyAnswer();
  const said = [];
  events.forEach((event, seq) => {
    answer = reduce(answer, { ...place, ...event, seq: seq + 1 });
    said.push(phaseInWords(answer, 10));
  });
  return [said[3], endInWords(answer, { user: {} }), leftOutInWords(answer.leftOut, answer.model)];
}"""


def test_another_model_that_answers_is_named_while_it_is_asked_and_when_it_has(page: Page) -> None:
    asks, end, left_out = page.evaluate(ANOTHER)
    assert asks == "gpt-4.1-mini did not answer. Asking grok-4.3"
    assert end == "2.0 s · grok-4.3 in place of gpt-4.1-mini"
    assert left_out == "grok-4.3 does not take this, so it was left out: how much it reasons, seed."


def test_what_the_provider_would_not_take_is_told_once(open_page: Open, several: Server, upstream: Upstream) -> None:
    page, _ = open_page(several)
    sign_in(page)
    page.locator("#model").select_option("grok-4.7")
    page.get_by_label("Reasoning").select_option("low")
    body = {"error": {"message": "Unsupported parameter: 'reasoning_effort'.", "param": "reasoning_effort"}}
    send(page, f"Hello {script(upstream, Turn(fault='400', body=body), Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("Yes.")
    told = "grok-4.7 does not take this, so it was left out: how much it reasons."
    expect(state(page)).to_contain_text(told)
    send(page, f"Again {script(upstream, Turn(text='Yes, again.'))}")
    expect(answer(page)).to_contain_text("tokens")
    expect(state(page)).not_to_contain_text("left out")
