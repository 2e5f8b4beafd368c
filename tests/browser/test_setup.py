"""From a listener to a tracker's administrator and back: guide, link, light."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_every_page import DESK, IN_THE_DARK, PHONE, RULES, violations

pytestmark = [pytest.mark.browser, pytest.mark.processes]

GUIDE = "/admin/projects/beta/BUG/listeners/1/setup/"
JQL = 'project = "Sandbox" ANDlabels = delta AND resolution changed to (Fixed, Done)'


@pytest.fixture
def hand_over(sign_in):
    """A link that the project manager, or somebody else, just made and copied."""

    def hand_over(name="pm", **chosen):
        page = sign_in(name)
        page.goto(GUIDE)
        for label in chosen:
            page.get_by_label(label).check()
        page.get_by_role("button", name="Make a link").click()
        page.get_by_role("button", name="Copy").first.click()
        return page.evaluate("navigator.clipboard.readText()")

    return hand_over


@pytest.fixture
def stranger(chromium, hub):
    """Somebody without an account; an error in the page's scripts fails the test."""
    context = chromium.new_context(viewport=DESK, color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(15_000)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors


def test_an_administrator_without_an_account_sets_it_up_and_sees_that_it_works(
    hub, hand_over, stranger, sign_in
):
    link = hand_over("cm", **{"Make an API key": True})
    guide = sign_in("pm")
    guide.goto(f"{GUIDE}?after=999999")
    expect(guide.get_by_role("main")).to_contain_text("Waiting for the next request …")

    stranger.goto(link)
    main = stranger.get_by_role("main")
    expect(main).to_contain_text("Waiting for the first request …")
    stranger.get_by_role("button", name="Show the secrets").click()
    key = stranger.locator("#the-key").inner_text()
    url = stranger.get_by_text("find=${issue.key}").first.inner_text()
    assert url.endswith(f"&apiKey={key}")
    hub.post("shut", url.partition("?")[2].replace("${issue.key}", "BUG-0005"))
    expect(main).to_contain_text("It works A request has come and was taken.")

    stranger.reload()
    stranger.goto("about:blank")
    stranger.goto(link)
    expect(main).to_contain_text("If that was not you")
    assert key not in stranger.content()


def test_the_light_goes_on_by_itself_and_asks_whether_that_is_right(hub, sign_in):
    page = sign_in("pm")
    main = page.get_by_role("main")
    page.goto(GUIDE)
    page.get_by_role("link", name="Wait for the next").click()
    expect(main).to_contain_text("Waiting for the next request …")
    page.evaluate("window.isTheSamePage = true")

    hub.post("shut", f"find=BUG-0006&apiKey={hub.key}")

    expect(main).to_contain_text("Macro “Shut” ran on BUG-0006", timeout=15_000)
    assert page.evaluate("window.isTheSamePage")
    page.get_by_text("No …").click()
    expect(main).to_contain_text("It hit the wrong ticket.")
    page.get_by_role("link", name="Yes, that is right").click()
    expect(main).to_contain_text("Good: the way from Jira to its outcome works.")


def test_a_query_is_checked_where_it_stands(sign_in):
    page = sign_in("pm")
    page.goto(GUIDE)
    page.evaluate("window.isTheSamePage = true")

    page.get_by_label("The query in “Issue related events”").fill(JQL)
    page.get_by_role("button", name="Check", exact=True).click()

    expect(page.get_by_text("“ANDlabels” runs two words together")).to_be_visible()
    expect(page.locator("#safer-2")).to_have_text(
        'project = "Sandbox" AND labels = delta AND resolution in (Fixed, Done)'
    )
    assert page.evaluate("window.isTheSamePage")


def test_the_link_opens_a_page_that_everybody_can_read(hand_over, stranger):
    places = [hand_over(), f"{hand_over()}x".replace("handover", "overhand"), "/hand-over/"]
    found = {}
    for place in places:
        stranger.goto("about:blank")
        stranger.goto(place if place.startswith("http") else places[0].partition("#")[0])
        stranger.wait_for_load_state("networkidle")
        problems = violations(stranger, RULES)
        stranger.emulate_media(color_scheme="dark")
        problems += violations(stranger, IN_THE_DARK)
        stranger.emulate_media(color_scheme="light")
        stranger.set_viewport_size(PHONE)
        over = stranger.evaluate("document.documentElement.scrollWidth - innerWidth")
        stranger.set_viewport_size(DESK)
        if problems or over > 0:
            found[stranger.title()] = (problems, over)

    assert found == {}


@pytest.mark.parametrize("shell", [True, False], ids=["in the shell", "handed over"])
def test_paper_shows_the_steps_alone_black_on_white(sign_in, hand_over, stranger, shell):
    page = sign_in("pm", color_scheme="dark") if shell else stranger
    page.goto(GUIDE if shell else hand_over())
    expect(page.get_by_role("heading", name="Set up")).to_be_visible()

    page.emulate_media(media="print", color_scheme="dark")

    step = page.get_by_text("Fill in the form, from top to bottom.")
    expect(step).to_be_visible()
    assert step.evaluate("element => getComputedStyle(element).color") == "rgb(0, 0, 0)"
    ground = "element => getComputedStyle(element).backgroundColor"
    assert page.locator("body").evaluate(ground) == "rgb(255, 255, 255)"
    for hidden in ("nav", ".setup-light", "button", ".hub-header"):
        for element in page.locator(hidden).all():
            expect(element).to_be_hidden()
