"""The vendor guide's three walks, as named there, and then the request that closes the ticket."""

from __future__ import annotations

import json
import urllib.request

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
    page.get_by_role("combobox", name="Workflow").select_option(label="Default")
    page.get_by_role("combobox", name="Status").select_option(label="Closed")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("main")).to_contain_text("Close ticket")


def create_listener(page) -> str:
    """The third walk, from Feedback Resources; returns the copied endpoint URL."""
    page.get_by_role("link", name="Feedback Automation").last.click()
    page.get_by_role("link", name="Create an External Listener").click()
    page.get_by_role("textbox", name="Name").fill("Jira closed")
    page.get_by_role("textbox", name="Key").fill("jiraclosed")
    page.get_by_role("combobox", name="Listener Type").select_option(label="Macro Execution")
    page.get_by_role("combobox", name="Feedback Macro").select_option(label="Close ticket")
    page.get_by_role("button", name="Copy").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("main")).to_contain_text("Jira closed")
    return copied


def test_the_guides_three_walks_end_with_a_closed_ticket(hub, sign_in):
    manager, project_manager = sign_in("cm"), sign_in("pm")

    key = create_api_key(manager)
    create_macro(project_manager)
    endpoint = create_listener(project_manager)
    assert endpoint == (
        f"{hub.url}/api/v1/projects/beta/feedbackListeners/jiraclosed"
        "?find=${issue.key}&apiKey=prefix-community_API_key"
    )

    ticket = project_manager
    ticket.goto("/admin/projects/beta/ticket/BUG-0001/")
    expect(ticket.get_by_role("main")).to_contain_text("New")
    address = endpoint.replace("${issue.key}", "SANDBOX-12").replace(
        "prefix-community_API_key", key
    )
    request = urllib.request.Request(
        address,
        json.dumps(DONE).encode(),
        {"Content-Type": "application/json", "X-Atlassian-Webhook-Identifier": "walk"},
    )
    answer = json.load(urllib.request.urlopen(request, timeout=10))

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
