"""The vendor guide's three walks, as named there, and then the request that closes the ticket."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.processes]

DONE = {
    "timestamp": 1700000000000,
    "webhookEvent": "jira:issue_updated",
    "issue": {"id": "10012", "key": "SANDBOX-12", "fields": {"status": {"name": "Done"}}},
    "changelog": {
        "id": "1",
        "items": [{"field": "status", "fromString": "To Do", "toString": "Done"}],
    },
}


LEAVE = "Leave as it is"
OF_DEFAULT = ["New", "Open", "In Progress", "Logged to Jira", "Fixed", "Closed"]
NONE, SOME = "0 tickets would match", re.compile("^[1-9][0-9]* tickets would match$")
PLACEHOLDERS = "?find=${issue.key}&apiKey=prefix-community_API_key"


def create_api_key(page) -> str:
    """The first walk; returns the key, which is shown this once."""
    page.get_by_role("link", name="All Community Tools").first.click()
    page.get_by_role("main").get_by_role("link", name="API Keys").click()
    page.get_by_role("link", name="Add API key").first.click()
    page.get_by_label("Name").fill("Jira of the walk")
    page.get_by_label("Prefix").fill("walk")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Copy").first.click()
    return page.evaluate("navigator.clipboard.readText()")


def create_macro(page) -> None:
    """The second walk, from the project home."""
    page.goto("/admin/projects/beta/")
    page.get_by_role("main").get_by_role("link", name="Bugs").first.click()
    page.get_by_role("button", name="Switch to Advanced View").click()
    page.get_by_role("link", name="Feedback Resources").last.click()
    page.get_by_role("link", name="Create a Macro").click()
    page.get_by_role("textbox", name="Name").fill("Close ticket")
    expect(page.get_by_role("combobox", name="Status")).to_be_hidden()
    page.get_by_role("checkbox", name="Adjust Workflow").check()
    page.get_by_role("combobox", name="Team").select_option(label="Beta Support")
    workflow = page.get_by_role("combobox", name="Workflow")
    status = page.get_by_role("combobox", name="Status")
    expect(status.get_by_role("option")).to_have_text([LEAVE, *OF_DEFAULT, "Done at once"])
    workflow.select_option(label="Fast track")
    expect(status.get_by_role("option")).to_have_text([LEAVE, "Done at once"])
    workflow.select_option(label="Default")
    expect(status.get_by_role("option")).to_have_text([LEAVE, *OF_DEFAULT])
    status.select_option(label="Closed")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("main")).to_contain_text("Close ticket")


def create_listener(page, endpoints) -> str:
    """The third walk, from Feedback Resources; returns the copied endpoint URL."""
    page.get_by_role("link", name="Feedback Automation").last.click()
    page.get_by_role("link", name="Create an External Listener").click()
    page.get_by_role("textbox", name="Name").fill("Jira closed")
    url = page.get_by_role("status", name="API Endpoint URL")
    expect(url).to_have_text(f"{endpoints}listener_key{PLACEHOLDERS}")
    key = page.get_by_role("textbox", name="Key")
    key.press_sequentially("Jira")
    expect(url).to_have_text(f"{endpoints}jira{PLACEHOLDERS}")
    key.press_sequentially("closed")
    expect(url).to_have_text(f"{endpoints}jiraclosed{PLACEHOLDERS}")
    page.get_by_role("combobox", name="Listener Type").select_option(label="Macro Execution")
    page.get_by_role("combobox", name="Feedback Macro").select_option(label="Close ticket")
    page.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("main")).to_contain_text("Jira closed")
    return copied


def test_the_guides_three_walks_end_with_a_closed_ticket(hub, sign_in):
    manager, project_manager = sign_in("cm"), sign_in("pm")
    endpoints = f"{hub.url}/api/v1/projects/beta/feedbackListeners/"

    key = create_api_key(manager)
    create_macro(project_manager)
    endpoint = create_listener(project_manager, endpoints)
    assert endpoint == f"{endpoints}jiraclosed{PLACEHOLDERS}"

    ticket = project_manager
    ticket.goto("/admin/projects/beta/ticket/BUG-0001/")
    expect(ticket.get_by_role("main")).to_contain_text("New")
    query = endpoint.partition("?")[2].replace("${issue.key}", "SANDBOX-12")
    answer = hub.post("jiraclosed", query.replace("prefix-community_API_key", key), DONE)

    ticket.goto(answer["url"])
    expect(ticket.get_by_role("main")).to_contain_text("status New → Closed", timeout=15_000)
    ticket.goto("/admin/projects/beta/ticket/BUG-0001/")
    expect(ticket.get_by_role("main")).to_contain_text("Jira closed → Close ticket")

    manager.goto("/admin/community/")
    manager.get_by_role("main").get_by_role("link", name="API Keys").click()
    row = manager.get_by_role("row").filter(has_text="Jira of the walk")
    row.hover()
    row.get_by_role("link", name="Log").click()
    expect(manager.get_by_role("main")).to_contain_text("jiraclosed")
    expect(manager.get_by_role("main")).to_contain_text("BUG-0001")
    assert key not in manager.content()


def test_the_page_of_a_waiting_request_follows_by_itself(hub, sign_in):
    page = sign_in("pm")
    main = page.get_by_role("main")

    with hub.without_worker():
        answer = hub.post("shut", f"find=BUG-0003&apiKey={hub.key}")
        page.goto(answer["url"])
        expect(main).to_contain_text("It waits, and its page says for what.")
        page.evaluate("window.isTheSamePage = true")

    expect(main).to_contain_text("Macro “Shut” ran on BUG-0003", timeout=15_000)
    expect(main).to_contain_text("status New → Closed")
    expect(main).not_to_contain_text("It waits, and its page says for what.")
    assert page.evaluate("window.isTheSamePage")


def test_another_sender_changes_the_placeholder_and_the_events_on_offer(sign_in):
    page = sign_in("pm")
    page.goto("/admin/projects/beta/BUG/listeners/add/")
    url = page.get_by_role("status", name="API Endpoint URL")
    sender = page.get_by_role("combobox", name="Sender")
    when = page.get_by_role("combobox", name="When")
    expect(url).to_contain_text("find=${issue.key}&")
    expect(when).to_have_value("status_changed")

    sender.select_option(label="Anything that can POST")
    expect(url).to_contain_text("find=VALUE&")
    expect(when).to_have_value("any")
    expect(when.get_by_role("option")).to_have_text(["Any event"])

    sender.select_option(label="Jira")
    expect(url).to_contain_text("find=${issue.key}&")
    expect(when).to_have_value("status_changed")


def test_what_the_ticket_list_shows_is_saved_as_a_filter_for_listeners(sign_in):
    page = sign_in("pm")
    main = page.get_by_role("main")
    page.goto("/admin/projects/beta/BUG/tickets/")
    page.get_by_role("button", name="Switch to Advanced View").click()

    statuses = page.get_by_role("group", name="Status is", exact=True)
    statuses.get_by_role("checkbox", name="In Progress").check()
    expect(page.get_by_role("search").get_by_role("status")).to_have_text(NONE)
    statuses.get_by_role("checkbox", name="New").check()
    expect(page.get_by_role("search").get_by_role("status")).to_have_text(SOME)
    would_match = page.get_by_role("search").get_by_role("status").inner_text()
    page.get_by_role("button", name="Search", exact=True).click()
    expect(main).to_contain_text(would_match.replace(" would match", ": Status is"))
    page.get_by_role("link", name="Save as filter").click()
    page.get_by_role("textbox", name="Name").fill("Not yet fixed")
    main.get_by_role("button", name="Submit", exact=True).click()
    expect(main).to_contain_text("Status is New or In Progress")

    page.goto("/admin/projects/beta/BUG/listeners/add/")
    page.get_by_role("combobox", name="Filter").select_option(label="Not yet fixed")


def test_a_macro_can_be_made_with_the_keyboard_alone(sign_in):
    page = sign_in("pm")
    page.goto("/admin/projects/beta/BUG/macros/add/")

    type_into(page, page.get_by_role("textbox", name="Name"), "By hand")
    type_into(page, page.get_by_role("checkbox", name="Adjust Workflow"), " ")
    type_into(page, page.get_by_role("combobox", name="Team"), "Beta")
    type_into(page, page.get_by_role("combobox", name="Workflow"), "Fast")
    type_into(page, page.get_by_role("combobox", name="Status"), "Done")
    type_into(page, page.get_by_role("button", name="Submit"), "\n")

    row = page.get_by_role("row").filter(has_text="By hand")
    expect(row).to_contain_text("Move to “Done at once” in Fast track, owned by Beta Support")


def test_actions_are_ordered_repeated_and_previewed_with_the_keyboard_alone(sign_in):
    page = sign_in("pm")
    page.goto("/admin/projects/beta/BUG/macros/add/")
    chosen, live = page.get_by_role("region", name="What it does"), page.locator("#hub-live")
    ticks, texts = chosen.get_by_role("checkbox"), page.get_by_role("textbox", name="Comment")

    type_into(page, page.get_by_role("textbox", name="Name"), "In order")
    type_into(page, page.get_by_role("checkbox", name="Set Blocking"), " ")
    expect(page.get_by_role("checkbox", name="Set Blocking")).to_be_focused()
    type_into(page, page.get_by_role("checkbox", name="Add Comment"), " ")
    expect(live).to_have_text("Add Comment is 2 of 2.")
    type_into(page, texts, "About {{ ref")
    choices = page.get_by_role("listbox", name="Variables").get_by_role("option")
    expect(choices.first).to_contain_text("ticket.ref")
    page.keyboard.press("Enter")
    page.keyboard.type(", {{ event.st")
    expect(choices).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(choices).to_have_count(0)
    expect(texts).to_have_value("About {{ ticket.ref }}, {{ event.status_after }}")
    page.keyboard.type(".")
    expect(page.locator("[data-on]").first).to_have_text(re.compile(r"^BUG-\d+, no request$"))
    type_into(page, page.get_by_role("button", name="Preview"), "\n")
    expect(page.get_by_role("status", name="Preview of Comment")).to_have_text(
        re.compile(r"On (BUG-\d+): About \1, \.")
    )

    type_into(page, page.get_by_role("button", name="Add another: Add Comment"), "\n")
    expect(texts.nth(1)).to_be_focused()
    type_into(page, page.get_by_role("button", name="Insert a variable").nth(1), "\n")
    page.keyboard.type("proj")
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox", name="Variables")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(texts.nth(1)).to_have_value(re.compile(r"^\{\{ project\.\w+ \}\}$"))
    type_into(page, page.get_by_role("combobox", name="Who sees it").nth(1), "I")
    up = page.get_by_role("button", name="Move Add Comment (2) up")
    type_into(page, up, "\n")
    expect(live).to_have_text("Add Comment (2) is 2 of 3.")
    expect(up).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(live).to_have_text("Add Comment (2) is 1 of 3.")
    labels = ["Add Comment (2)", "Set Blocking", "Add Comment"]
    expect(chosen.locator(".auto-tick > label")).to_have_text(labels)
    type_into(page, page.get_by_role("button", name="Submit"), "\n")

    row = page.get_by_role("row").filter(has_text="In order")
    expect(row.get_by_role("listitem").nth(1)).to_contain_text("locking")
    row.get_by_role("link", name="In order").click()
    expect(ticks).to_have_count(3)
    expect(texts).to_have_count(0)
    for sentence in chosen.locator("summary").all():
        type_into(page, sentence, "\n")
    expect(texts.nth(1)).to_have_value("About {{ ticket.ref }}, {{ event.status_after }}.")

    drag(page, chosen.locator(".auto-handle").nth(2), chosen.locator("[data-part]").first)
    expect(chosen.locator(".auto-tick > label").first).to_have_text("Add Comment (2)")
    page.get_by_role("button", name="Remove Add Comment (2)").click()
    expect(ticks).to_have_count(2)
    page.get_by_role("checkbox", name="Set Blocking").uncheck()
    expect(ticks).to_have_count(1)
    page.get_by_role("button", name="Submit").click()
    expect(row.get_by_role("listitem")).to_have_count(1)


def test_a_status_table_is_filled_and_put_in_order_with_the_keyboard_alone(sign_in):
    page = sign_in("pm")
    page.goto("/admin/projects/beta/BUG/listeners/add/")
    rows = page.get_by_role("table", name="Status table").locator("tbody tr")
    statuses = page.get_by_role("textbox", name="Status over there")

    type_into(page, page.get_by_role("textbox", name="Name"), "Follows Jira")
    type_into(page, page.get_by_role("textbox", name="Key"), "follows")
    type_into(page, page.locator("#status-table summary"), "\n")
    type_into(page, page.get_by_role("button", name="Add a row"), "\n")
    expect(statuses).to_be_focused()
    page.keyboard.type("In Progress")
    type_into(page, page.get_by_role("button", name="Add a row"), "\n")
    expect(statuses.nth(1)).to_be_focused()
    page.keyboard.type("Done")
    type_into(page, rows.nth(1).get_by_role("combobox", name="Macro"), "Shut")
    up = rows.nth(1).get_by_role("button", name="Move the row up")
    type_into(page, up, "\n")

    expect(statuses.nth(0)).to_have_value("Done")
    expect(rows.nth(0).get_by_role("button", name="Move the row up")).to_be_focused()
    expect(page.locator("#hub-live")).to_have_text("Now row 1 of 2.")
    type_into(page, page.get_by_role("button", name="Submit"), "\n")
    expect(page.get_by_role("heading", name="Set up “Follows Jira” in Jira")).to_be_visible()

    page.goto("/admin/projects/beta/BUG/automation/")
    card = page.get_by_role("article", name="Follows Jira")
    expect(card.get_by_role("listitem")).to_have_text(["Done: macro Shut", "In Progress: nothing"])
    card.get_by_role("link", name="Edit").click()
    type_into(page, rows.nth(0).get_by_role("button", name="Remove the row"), "\n")
    expect(rows).to_have_count(1)
    expect(rows.nth(0).get_by_role("button", name="Remove the row")).to_be_focused()


def test_a_form_is_tried_on_a_request_that_came(hub, sign_in):
    hub.post("shut", f"find=BUG-0005&apiKey={hub.key}", DONE)
    page = sign_in("pm")
    page.goto("/admin/projects/beta/BUG/automation/")
    page.get_by_role("article", name="Shut by Jira").get_by_role("link", name="Edit").click()
    page.locator("#expressions summary").click()
    outcome = page.locator("#trial-outcome")

    page.get_by_role("button", name=re.compile("jira:issue_updated")).first.click()
    expect(outcome).to_contain_text("BUG-0005")
    expect(outcome).to_contain_text("To Do → Done")

    page.get_by_role("textbox", name="Condition").fill("issue.key == 'OTHER-1'")
    page.get_by_role("button", name="Try").click()
    expect(outcome).to_contain_text("so it is not met")

    page.get_by_role("textbox", name="Body", exact=True).fill('{"issue": }')
    page.get_by_role("button", name="Try").click()
    expect(outcome).to_contain_text("line 1, column 11")


def test_each_listener_type_asks_for_its_own(sign_in):
    page = sign_in("pm")
    page.goto("/admin/projects/beta/BUG/listeners/add/")
    kind = page.get_by_role("combobox", name="Listener Type")
    macro, when = (page.get_by_role("combobox", name=name) for name in ("Feedback Macro", "When"))
    exposure = page.get_by_role("combobox", name="Comments are")
    kept_as = page.get_by_role("textbox", name="Kept as")
    shown = {
        "Macro Execution": (macro, when),
        "Comment": (exposure,),
        "Custom data": (kept_as, when),
    }

    for name, fields in shown.items():
        kind.select_option(label=name)
        for field in (macro, when, exposure, kept_as):
            expect(field).to_be_visible(visible=field in fields)


def test_a_form_field_is_added_moved_by_keyboard_and_set_by_a_macro(sign_in):
    page = sign_in("pm")
    main = page.get_by_role("main")
    page.goto("/admin/projects/beta/SUG/resources/")
    main.get_by_role("link", name="Add a form field").click()
    for kind, label in (("Choice", "Worth"), ("Date", "Wanted by")):
        main.get_by_role("link", name=kind, exact=True).click()
        page.get_by_label(re.compile("^Label")).fill(label)
        if kind == "Choice":
            page.get_by_label("Choices").fill("Much\nLittle")
        main.get_by_role("button", name="Submit").click()

    up = page.get_by_role("button", name="Up Wanted by")
    type_into(page, up, "\n")
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("Wanted by")

    page.goto("/admin/projects/beta/SUG/macros/add/")
    page.get_by_role("textbox", name="Name").fill("Praise")
    page.get_by_role("checkbox", name="Set a Form Field").check()
    expect(page.get_by_role("textbox", name="Value")).to_be_visible()
    field = page.get_by_role("combobox", name="Form field")
    field.select_option(label="Wanted by")
    expect(page.get_by_label("Value", exact=True)).to_have_attribute("type", "date")
    field.select_option(label="Worth")
    value = page.get_by_role("combobox", name="Value")
    expect(value.get_by_role("option")).to_have_text(["Choose …", "Much", "Little"])
    value.select_option(label="Much")
    page.get_by_role("button", name="Submit").click()
    expect(main).to_contain_text("Set “Worth” to “Much”")

    page.get_by_role("link", name="Praise").click()
    page.get_by_text("Set “Worth” to “Much”").click()
    expect(page.get_by_role("combobox", name="Value")).to_have_value("Much")

    type_into(page, page.get_by_role("button", name="Write a text with variables"), "\n")
    text = page.get_by_role("textbox", name="Value", exact=True)
    expect(text).to_be_focused()
    expect(text).to_have_value("Much")
    text.fill("")
    text.press_sequentially("{{ ticket.su")
    page.get_by_role("option", name="ticket.summary").click()
    page.get_by_role("button", name="Submit").click()
    expect(main).to_contain_text("Set “Worth” to “{{ ticket.summary }}”")

    page.get_by_role("link", name="Praise").click()
    page.get_by_text("Set “Worth” to “{{ ticket.summary }}”").click()
    expect(text).to_have_value("{{ ticket.summary }}")
    page.get_by_role("button", name="Choose a value instead").click()
    value.select_option(label="Little")
    page.get_by_role("button", name="Submit").click()
    expect(main).to_contain_text("Set “Worth” to “Little”")


def test_a_file_is_chosen_without_an_error_of_the_themes_script(sign_in):
    page = sign_in("pm")
    for address in ("BUG/import/", "rules/"):
        page.goto(f"/admin/projects/beta/{address}", wait_until="load")
        file = {"name": "some.csv", "mimeType": "text/csv", "buffer": b"summary"}
        page.locator("input[type=file]").set_input_files(file)


def test_a_phone_shows_the_tab_of_its_page_and_never_scrolls_sideways(sign_in):
    page = sign_in("pm", viewport={"width": 390, "height": 844})
    wide = "document.documentElement.scrollWidth - innerWidth"

    page.goto("/admin/projects/beta/BUG/fields/")
    tab = page.get_by_role("navigation", name="Bugs").get_by_role("link", name="Form fields")
    expect(tab).to_be_in_viewport(ratio=0.9)

    page.goto("/admin/projects/beta/ticket/BUG-0001/")
    long = "x" * 60
    page.evaluate("text => document.querySelector('.hub-badge').append(text)", long)
    page.evaluate("text => document.querySelector('.hub-button').append(text)", long)
    assert page.evaluate(wide) == 0


def drag(page, handle, target) -> None:
    """In front of ``target``."""
    handle.scroll_into_view_if_needed()
    x, y = middle(handle)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 6, steps=3)
    expect(page.locator("[data-dragging]")).to_be_attached()
    x, y = middle(target)
    page.mouse.move(x, y - 12, steps=5)
    page.mouse.up()


def middle(element) -> tuple[float, float]:
    box = element.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def type_into(page, target, text) -> None:
    """Go on to ``target`` by the Tab key, then type."""
    for _ in range(100):
        if target.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    expect(target).to_be_focused()
    page.keyboard.type(text)
