"""Every page by itself: readable for everyone, on a phone, in the dark, without script errors."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.processes]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
IN_THE_DARK = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}  # all else is the same
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def submit_empty(page):
    page.get_by_role("main").get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert").first).to_be_visible()


def tick_everything(page):
    """All of a macro's parts, and what is wrong with each that was left empty."""
    main = page.get_by_role("main")
    for tick in main.locator(".auto-tick").get_by_role("checkbox").all():
        tick.check()
    submit_empty(page)


def choose_a_variable(page):
    """Two comments, a preview that fails, and the list of variables."""
    page.get_by_role("checkbox", name="Add Comment").check()
    page.get_by_role("button", name="Add another: Add Comment").click()
    texts = page.get_by_role("textbox", name="Comment")
    texts.first.fill("{{ payload.issue }}")
    page.get_by_role("button", name="Preview").first.click()
    expect(page.get_by_text("there is no payload.issue")).to_be_visible()
    page.get_by_role("checkbox", name="Set a Form Field").check()
    page.get_by_role("button", name="Add another: Set a Form Field").click()
    page.get_by_role("combobox", name="Form field").last.select_option(label="Severity")
    page.get_by_role("combobox", name="Value").select_option(label="High")
    texts.last.fill("{{ ")
    expect(page.get_by_role("listbox", name="Variables")).to_be_visible()


def check_query(page):
    page.get_by_label("The query in").fill('project = "X" ANDlabels = a AND status changed to Done')
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("runs two words together")).to_be_visible()


def make_link(page):
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("heading", name="The link")).to_be_visible()


def fill_listener(page):
    """With every part open, a row in its table, and the outcome of a try."""
    for part in page.locator("#listener-form summary").all():
        part.click()
    page.get_by_role("button", name="Add a row").click()
    page.get_by_role("textbox", name="Body", exact=True).fill('{"issue": {"key": "SANDBOX-12"}}')
    page.get_by_role("textbox", name="Condition").fill("a..b")
    page.get_by_role("button", name="Try").click()
    expect(page.locator("#trial-outcome")).to_contain_text("BUG-0001")


def submit_empty_field(page):
    page.get_by_role("main").get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Give at least one choice.")).to_be_visible()
    expect(page.get_by_text("This field is required.")).to_be_visible()


def set_several(page):
    page.get_by_role("checkbox", name="Set a Form Field").check()
    page.get_by_role("combobox", name="Form field").select_option(label="My platform")
    page.get_by_role("group", name="Value").get_by_role("checkbox", name="iOS").check()
    page.get_by_role("button", name="Add another: Set a Form Field").click()
    page.get_by_role("combobox", name="Form field").last.select_option(label="My platform")
    page.get_by_role("button", name="Write a text with variables").last.click()


def save_key(page):
    page.get_by_label("Name").fill("Shown")
    page.get_by_label("Prefix").fill("shown")
    page.get_by_label("Read by REST").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="The whole key")).to_be_visible()


def show_what_it_would_do(page):
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Show what it would do").click()
    expect(page.get_by_text("Nothing of this stayed")).to_be_visible()


def run_in_bulk(page):
    page.get_by_role("radio").last.check()
    page.get_by_role("button", name="Show what it would do").click()
    page.get_by_role("button", name=re.compile("^Run “")).click()
    expect(page.get_by_role("progressbar")).to_be_visible()


def undo_in_bulk(page):
    run_in_bulk(page)
    page.get_by_role("link", name="Undo …").click()
    expect(page.get_by_role("button", name="Take it back")).to_be_visible()


def try_first(page):
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Try it first").click()
    expect(page.get_by_text("Nothing of this stayed")).to_be_visible()


def rehearse_it(page):
    page.get_by_role("button", name="What would happen now?").click()
    expect(page.get_by_text("nothing of this stayed")).to_be_visible()


def rehearse_days(page):
    page.get_by_label("Days").fill("30")
    page.get_by_role("button", name="Rehearse them").click()
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible()


def run_it(page):
    page.get_by_role("radio").first.check()
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("Public id")).to_be_visible()


def run_and_undo(page):
    run_it(page)
    if page.get_by_role("link", name="Undo …").count():
        page.get_by_role("link", name="Undo …").click()
        expect(page.get_by_role("button", name="Take it back")).to_be_visible()


def save_and_compare(page):
    """It keeps its name: the walks know it by that."""
    own = page.get_by_label("Name").first.input_value()
    address = page.url
    for name in ("Close the ticket", own):
        page.goto(address)
        page.get_by_label("Name").first.fill(name)
        page.get_by_role("button", name="Submit").click()
        expect(page.get_by_text(f"Macro “{name}” was saved.")).to_be_visible()
    page.goto("/admin/projects/beta/BUG/macros/1/versions/?before=1&after=2")
    expect(page.get_by_role("region", name="Lines of the comparison")).to_be_visible()


# An address, or an address and what to do there first.
PAGES = {
    "pm": [
        "",
        "projects/beta/",
        "projects/beta/settings/",
        "projects/beta/BUG/tickets/",
        "projects/beta/BUG/tickets/?status=1&search=upside",
        "projects/beta/BUG/tickets/?status=nonsense",
        "projects/beta/BUG/submit/",
        "projects/beta/ticket/BUG-0001/?edit&link",
        "projects/beta/people/2/",
        "projects/beta/BUG/fields/",
        "projects/beta/BUG/fields/add/?kind=platform",
        ("projects/beta/BUG/fields/add/?kind=choice", submit_empty_field),
        "projects/beta/BUG/fields/1/",
        "projects/empty/BUG/fields/",
        "projects/beta/BUG/filters/",
        "projects/beta/BUG/filters/save/?status=1",
        "projects/beta/BUG/resources/",
        "projects/beta/BUG/resources/deleted/",
        "projects/beta/BUG/macros/add/",
        ("projects/beta/BUG/macros/add/", submit_empty),
        ("projects/beta/BUG/macros/add/", tick_everything),
        ("projects/beta/BUG/macros/add/", set_several),
        ("projects/beta/BUG/macros/add/", choose_a_variable),
        "projects/beta/BUG/macros/1/",
        "projects/beta/BUG/macros/1/delete/",
        "projects/beta/BUG/macros/1/versions/",
        "projects/beta/BUG/macros/1/versions/?before=9&after=10",
        ("projects/beta/BUG/macros/1/", save_and_compare),
        "projects/beta/BUG/automation/",
        "projects/beta/BUG/listeners/add/",
        ("projects/beta/BUG/listeners/add/", submit_empty),
        "projects/beta/BUG/listeners/1/",
        "projects/beta/BUG/listeners/1/setup/",
        "projects/beta/BUG/listeners/1/setup/?way=automation&after=999999",
        ("projects/beta/BUG/listeners/1/setup/", check_query),
        ("projects/beta/BUG/listeners/1/setup/", make_link),
        "projects/beta/BUG/listeners/1/setup/?right=done",
        ("projects/beta/BUG/listeners/1/", fill_listener),
        "projects/beta/BUG/listeners/1/log/",
        "projects/beta/BUG/starts/",
        "projects/nosuch/",
        "projects/beta/BUG/triggers/add/",
        ("projects/beta/BUG/triggers/add/", submit_empty),
        "projects/beta/BUG/schedules/add/",
        "projects/beta/BUG/runs/",
        "projects/beta/BUG/runs/?created_after=nonsense&macro=x",
        "projects/beta/BUG/run/",
        ("projects/beta/BUG/run/", show_what_it_would_do),
        ("projects/beta/BUG/run/?search=Picture+39", undo_in_bulk),
        ("projects/beta/BUG/run/?search=Picture+39", run_in_bulk),  # nothing is left to do
        "deliveries/done/",
        ("deliveries/done/", rehearse_it),
        ("projects/beta/BUG/listeners/1/rehearse/", rehearse_days),
        "deliveries/skipped/",
        "projects/beta/ticket/BUG-0001/run/",
        ("projects/beta/ticket/BUG-0002/run/", try_first),
        ("projects/beta/ticket/BUG-0002/run/", run_it),
        ("projects/beta/ticket/BUG-0002/run/", run_and_undo),
        "projects/beta/outbox/",
        "projects/beta/outbox/?status=nonsense",
        "projects/beta/outbox/call/",
        "projects/beta/outbox/mail/",
        "projects/empty/outbox/",
        "projects/empty/",
        "projects/empty/BUG/tickets/",
        "projects/empty/BUG/resources/",
        "projects/empty/BUG/automation/",
        "feedback/workflow/1/change/",
        "feedback/team/1/change/",
    ],
    "cm": [
        "community/",
        "apikeys/apikey/",
        "apikeys/apikey/add/",
        ("apikeys/apikey/add/", save_key),
        "key-log/1/",
        "key-log/1/calls/",
        "key-log/2/calls/",
        "deliveries/done/",
        "key-log/none/",
        "key-log/none/calls/",
        "/api/docs/",
        "/api/docs/tickets/",
        "/api/docs/deliveries/",
        "/api/v1/",
        "/api/v1/tickets/?project=beta",
        "/api/v1/macros/1/",
        "/api/v1/tickets/9999/",
        "feedback/project/",
        "feedback/project/add/",
        "auth/user/",
        "auth/user/add/",
    ],
    "sue": [
        "projects/beta/",
        "projects/beta/BUG/tickets/?status=1",
        "projects/beta/BUG/submit/",
        "projects/beta/ticket/BUG-0001/?edit&link",
    ],
    "olga": [
        "projects/beta/",
        "projects/beta/BUG/tickets/?status=1",
        "projects/beta/ticket/BUG-0001/",
    ],
    "ada": [
        "",
        "projects/beta/",
        "projects/beta/BUG/tickets/",
        "projects/beta/BUG/submit/",
        "projects/beta/ticket/BUG-0001/",
    ],
}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_readable_for_everyone_in_the_dark_and_on_a_phone(sign_in, name):
    page = sign_in(name, color_scheme="light", reduced_motion="reduce", viewport=DESK)
    page.evaluate("""localStorage.adminTheme = '"light"'""")

    found = {}
    for place in PAGES[name]:
        address, do = place if isinstance(place, tuple) else (place, None)
        page.goto(urljoin("/admin/", address))
        if do:
            do(page)
        problems = problems_of(page)
        if problems:
            found[address, do and do.__name__] = problems

    assert found == {}


@pytest.mark.parametrize("address", ["/api/docs/", "/api/docs/listeners/", "/api/v1/tickets/"])
def test_what_is_about_the_api_is_readable_when_signed_out_too(chromium, hub, address):
    page = chromium.new_page(base_url=hub.url, color_scheme="light", viewport=DESK)
    page.add_init_script("""localStorage.adminTheme = '"light"'""")
    page.goto(address)

    assert problems_of(page) == []
    page.close()


def problems_of(page) -> list:
    """What is wrong with the page that is open, which stays open and becomes light again."""
    problems = violations(page, RULES)
    switch_theme(page, "dark")
    problems += violations(page, IN_THE_DARK)
    switch_theme(page, "light")
    page.set_viewport_size(PHONE)
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.set_viewport_size(DESK)
    return [*problems, f"{over} px wider than a phone"] if over > 0 else problems


def switch_theme(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.keyboard.press("Control+e")  # an open page does not follow the system's choice
    expect(page.locator("html")).to_have_class(re.compile(rf"\b{scheme}\b"))


def violations(page, rules) -> list:
    found = Axe().run(page, options=rules).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
