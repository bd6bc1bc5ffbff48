"""The page from day to day: finding and beginning chats, looking into an answer, sharing, a server that is gone."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.steps import Open, answer, box, gated, script, send, state
from tests.live import PASSWORD, Server
from tests.upstream import ScriptedCall, Turn, Upstream

pytestmark = [pytest.mark.browser, pytest.mark.live]


@pytest.fixture
def project(server: Server) -> str:
    """The name of a project of Alice's that nobody else has used."""
    token, name = server.token(), f"Atlas {uuid4().hex[:6]}"
    organization = server.call("GET", "/api/organizations/", token=token).body["results"][0]["id"]
    made = server.call("POST", "/api/projects/", {"organization": organization, "name": name}, token=token)
    assert made.status == 201, made.body
    return name


def begin(page: Page, upstream: Upstream, project: str, text: str) -> None:
    """A new chat of that project, and its first answer."""
    page.goto("/")
    page.wait_for_selector("body.ready")
    page.locator("#project").select_option(label=project)
    send(page, f"{text} {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")


def test_a_new_chat_has_the_project_agent_and_model_that_were_chosen(
    open_page: Open, server: Server, upstream: Upstream, project: str
) -> None:
    page, _ = open_page(server)
    sign_in(page)
    page.locator("#project").select_option(label=project)
    page.locator("#archetype").select_option("project_navigator")
    model = page.locator("#model option:not(:checked)").first.get_attribute("value")
    page.locator("#model").select_option(model)
    send(page, f"Where is it? {script(upstream, Turn(text='Here.'))}")
    expect(answer(page)).to_contain_text("Here.")
    expect(answer(page)).to_contain_text("tokens")
    chat = server.call("GET", f"/api/chats/{page.url.split('/')[4]}/", token=server.token()).body
    assert (chat["archetype"], chat["model"]) == ("project_navigator", model)
    assert chat["project"] is not None
    section = page.locator("#nav section").filter(has=page.get_by_role("heading", name=project))
    expect(section.get_by_role("list").get_by_role("link")).to_have_count(1)


def test_chats_are_listed_by_project_the_newest_first_found_renamed_and_deleted(
    page: Page, upstream: Upstream, project: str
) -> None:
    mark = uuid4().hex[:8]
    for name in ("Apples", "Pears"):
        begin(page, upstream, project, f"{name} {mark}")
    page.reload()
    section = page.locator("#nav section").filter(has=page.get_by_role("heading", name=project))
    links = section.get_by_role("list").get_by_role("link")
    expect(links).to_have_count(2)
    expect(links.first).to_contain_text("Pears")

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/search/" in request.url else None)
    page.get_by_role("searchbox").press_sequentially(f"Apples {mark}", delay=20)
    found = page.locator("#found").get_by_role("link")
    expect(found).to_have_count(1)
    assert len(asked) < 4, asked  # not one a key
    found.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Apples")

    page.get_by_role("button", name="Rename or delete this chat").click()
    page.get_by_role("button", name="Rename", exact=True).click()
    page.get_by_label("Title", exact=True).fill(f"Plums {mark}")
    page.get_by_label("Title", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Plums {mark}")
    expect(section.get_by_role("link", name=f"Plums {mark}")).to_be_visible()

    row = section.get_by_role("listitem").filter(has_text="Pears")
    row.hover()
    row.get_by_role("button").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(links).to_have_count(1)
    page.reload()
    expect(links).to_have_count(1)


def test_thoughts_are_folded_code_is_coloured_and_the_count_of_tokens_opens(page: Page, upstream: Upstream) -> None:
    gate = uuid4().hex
    think = Turn(reasoning=["First I look. ", "Then I write."], text=["Here:\n\n```python\nprint('x')\n```\n", "Done."])
    think.gate, think.gate_at = gate, 2
    send(page, f"Think {script(upstream, think)}")
    expect(state(page)).to_contain_text("Thinking")
    thoughts = answer(page).locator("details.reasoning")
    expect(thoughts).to_be_visible()
    expect(thoughts).not_to_have_attribute("open", "")
    upstream.release(gate)
    expect(answer(page)).to_contain_text("Done.")
    expect(answer(page).locator("pre span").filter(has_text="print")).to_be_visible()
    expect(thoughts).to_contain_text("Thought")
    expect(thoughts.get_by_text("Then I write.")).not_to_be_visible()
    thoughts.locator("summary").click()
    expect(thoughts.get_by_text("Then I write.")).to_be_visible()
    end = answer(page).locator("details.end")
    end.locator("summary").click()
    for name in ("Input", "Output"):
        expect(end.get_by_text(name, exact=True)).to_be_visible()


def test_the_state_line_names_the_tool_that_is_used(page: Page, upstream: Upstream) -> None:
    """A helper is a tool that takes as long as its own model does."""
    page.locator("#archetype").select_option("project_navigator")
    gate = uuid4().hex
    helper = script(upstream, gated(gate, ["It is "], "in src."))
    ask = ScriptedCall("content", {"task": f"Where? {helper}"})
    send(page, f"Look {script(upstream, Turn(tool_calls=[ask]), Turn(text='There.'))}")
    expect(state(page)).to_contain_text("Using content")
    card = answer(page).locator("details.tool")
    expect(card).to_have_attribute("data-status", "running")
    upstream.release(gate)
    expect(answer(page)).to_contain_text("There.")
    expect(card).to_have_attribute("data-status", "returned")


def newcomer(server: Server) -> str:
    email = f"ida-{uuid4().hex[:8]}@example.com"
    organization = server.call("GET", "/api/organizations/", token=server.token()).body["results"][0]["name"]
    arguments = ("--role", "editor", "--organization", organization)
    server.manage("create_user", email, *arguments, PARLEY_PASSWORD=PASSWORD)
    return email


def test_a_chat_is_shared_with_its_project_and_made_private_again(
    page: Page, open_page: Open, server: Server, upstream: Upstream, project: str
) -> None:
    begin(page, upstream, project, "For all of us")
    other, watch = open_page(server)
    watch.allowed = ("404", "WebSocket")
    sign_in(other, newcomer(server))
    other.goto(page.url)
    expect(other.get_by_role("article")).to_have_count(0)

    page.get_by_role("button", name="Private").click()
    page.get_by_label(f"Everyone in {project}").check()
    page.get_by_label("What they may do").select_option("write")
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#sharing")).to_have_text(f"Project: {project}")
    other.goto(page.url)
    expect(other.get_by_role("article")).to_have_count(2)
    expect(other.get_by_role("article").first).to_contain_text("alice")
    box(other).fill("and I was here")

    page.get_by_role("button", name=f"Project: {project}").click()
    page.get_by_label("Only its owner and the people named below").check()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#sharing")).to_have_text("Private")
    expect(state(other)).to_contain_text("you may no longer see it")
    expect(box(other)).to_have_value("and I was here")


def test_a_server_that_is_gone_is_said_and_what_was_sent_goes_out_when_it_is_back(
    open_page: Open, new_server: Callable[..., Server], upstream: Upstream
) -> None:
    server = new_server().start()
    page, watch = open_page(server)
    watch.allowed = ("net::ERR_", "WebSocket", "502", "503")
    sign_in(page)
    send(page, f"First {script(upstream, Turn(text='Yes.'))}")
    expect(answer(page)).to_contain_text("tokens")
    server.kill()
    send(page, f"Are you there? {script(upstream, Turn(text='I am.'))}")
    expect(state(page)).to_contain_text("The server does not answer. Your message waits here and is sent again.")
    expect(page.locator(".waits")).to_be_visible()
    server.start_process()
    expect(answer(page)).to_contain_text("I am.", timeout=40_000)
    expect(page.get_by_role("article")).to_have_count(4)
