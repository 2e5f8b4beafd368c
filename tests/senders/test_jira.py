"""What bites in Jira's bodies, beside what the recorded ones show."""

from __future__ import annotations

import copy

import pytest

from automation import samples
from automation.models import Delivery
from automation.senders import SENDERS
from tests.conftest import closing_macro, link_to_jira

JIRA = SENDERS["jira"]


def body_of(name):
    return copy.deepcopy(samples.load("jira", name).payload)


def headers_of(name):
    sent = samples.load("jira", name).headers
    return {each: text for each, text in sent.items() if each != "Content-Type"}


@pytest.fixture
def waiting(beta, listener):
    """A listener that waits for a change of status; BUG-0001 is linked to SANDBOX-12."""
    link_to_jira(beta.ticket)
    listener.when = "status_changed"
    listener.save()
    return listener


def reasons():
    return [delivery.reason for delivery in Delivery.objects.order_by("pk")]


# Automation and workflows: no event is named


@pytest.mark.parametrize("name", ["automation_rule", "automation_rule_alone", "post_function"])
def test_a_rule_of_jiras_own_fires_what_waits_for_a_changed_status(send, waiting, name):
    delivery = send(waiting, body_of(name))

    assert (delivery.reason, delivery.status_after) == ("applied", "Done")


@pytest.mark.parametrize(
    ("statuses", "reason"), [("Done", "applied"), ("Closed, In Progress", "event_not_wanted")]
)
@pytest.mark.parametrize("name", ["automation_rule", "automation_rule_alone", "post_function"])
def test_its_status_is_compared_where_one_is_waited_for(send, waiting, name, statuses, reason):
    waiting.when, waiting.when_status = "status_changed_to", statuses
    waiting.save()

    assert send(waiting, body_of(name)).reason == reason


def test_the_log_says_that_the_issue_came_without_an_event(send, waiting):
    waiting.when, waiting.when_status = "status_changed_to", "Closed"
    waiting.save()

    assert send(waiting, body_of("automation_rule")).sentence == (
        "Listener “Jira closed” waits for a change of status to Closed; this was an item in status "
        "Done."
    )


@pytest.mark.parametrize("name", ["automation_rule", "automation_rule_alone", "post_function"])
def test_its_status_chooses_a_row_of_the_table(send, beta, waiting, name):
    waiting.status_rows.create(order=0, status="In Progress", macro=None)
    waiting.status_rows.create(
        order=1, status="Done", macro=closing_macro(beta, "Open it", beta.open)
    )

    assert "row 2 of the status table" in send(waiting, body_of(name)).sentence


@pytest.mark.parametrize(
    "more",
    [
        {"webhookEvent": "jira:issue_updated"},
        {"issue_event_type_name": "issue_updated"},
        {"timestamp": 1794824504512},
        {"changelog": {"items": []}},
        {"comment": {"id": "1"}},
    ],
)
def test_an_issue_of_a_webhook_is_not_trusted_like_one_of_a_rule(send, waiting, more):
    body = body_of("automation_rule") | more

    assert send(waiting, body).reason == "event_not_wanted"


@pytest.mark.parametrize(
    "body", [{}, [], '"text"', 5, {"issue": None}, {"issue": {}}, {"ok": True}]
)
def test_a_body_without_an_issue_is_not_trusted(send, waiting, body):
    assert send(waiting, body, find="BUG-0001").reason == "event_not_wanted"


def test_a_rules_issue_that_changed_since_is_late(send, waiting):
    send(waiting, body_of("automation_rule"))
    older = body_of("automation_rule")
    older["issue"]["fields"]["updated"] = "2026-11-16T09:00:00.000+0000"

    assert send(waiting, older).reason == "late"


def test_a_transition_tells_its_new_status_and_not_the_issues_old_one():
    event = JIRA.read({}, body_of("post_function"))

    assert (event.status_before, event.status_after) == ("In Progress", "Done")
    assert event.category == ""


def test_a_transition_without_a_comment_is_no_comment():
    event = JIRA.read({}, body_of("post_function") | {"comment": ""})

    assert (event.kinds, event.comment) == (("status_changed",), None)


def test_without_a_timestamp_the_issue_or_comment_tells_the_time():
    done, said = body_of("issue_done"), body_of("comment_created_data_center")
    del done["timestamp"], said["timestamp"]

    times = [JIRA.read({}, body).occurred_at for body in (done, said)]

    assert [f"{moment:%H:%M:%S.%f}" for moment in times] == ["10:21:44.512000", "10:21:44.500000"]


# A status by its category


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ("category:done", "applied"),
        ("Erledigt, Category:Done", "applied"),
        ("category:new, category:indeterminate", "event_not_wanted"),
        ("category:", "event_not_wanted"),
        ("done", "event_not_wanted"),
    ],
)
@pytest.mark.parametrize("name", ["issue_done", "automation_rule"])
def test_a_category_stands_for_a_status_in_any_language(send, waiting, name, wanted, reason):
    waiting.when, waiting.when_status = "status_changed_to", wanted
    waiting.save()
    body = body_of(name)
    body["issue"]["fields"]["status"]["name"] = "Fertig"
    for item in body.get("changelog", {}).get("items", []):
        item["toString"] = "Fertig"

    assert send(waiting, body).reason == reason


@pytest.mark.parametrize("wanted", ["category:", "category: , category:"])
def test_no_category_is_not_a_category(send, waiting, wanted):
    waiting.when, waiting.when_status = "status_changed_to", wanted
    waiting.save()

    assert send(waiting, body_of("post_function")).reason == "event_not_wanted"


def test_a_row_of_the_table_takes_a_category_too(send, waiting):
    waiting.status_rows.create(order=0, status="category:done", macro=waiting.macro)
    waiting.macro = None
    waiting.save()

    assert send(waiting, body_of("issue_done")).reason == "applied"


@pytest.mark.parametrize("status", [{"id": "7", "name": "Reopened"}, None])
def test_the_category_of_another_status_is_not_taken_for_that_of_the_new_one(status):
    body = body_of("issue_done")
    category = body["issue"]["fields"]["status"]["statusCategory"]
    body["issue"]["fields"]["status"] = status and status | {"statusCategory": category}

    assert JIRA.read({}, body).category == ""


# Comments


TWICE = ("comment_created_data_center", "issue_commented_data_center")


@pytest.fixture
def commented(waiting):
    waiting.when = "commented"
    waiting.save()
    return waiting


def test_both_requests_about_a_comment_tell_the_same_one():
    first, second = (JIRA.read(headers_of(name), body_of(name)) for name in TWICE)

    assert first.comment == second.comment
    assert first.delivery_id != second.delivery_id


@pytest.mark.parametrize("when", ["commented", "any"])
@pytest.mark.parametrize("order", [TWICE, TWICE[::-1]])
def test_a_comment_told_twice_runs_the_macro_once(send, commented, order, when):
    commented.when = when
    commented.save()

    for name in order:
        delivery = send(commented, body_of(name), headers=headers_of(name))

    assert reasons() == ["applied", "duplicate"]
    assert delivery.duplicate_of == Delivery.objects.order_by("pk").first()
    assert delivery.duplicate_of.public_id in delivery.sentence


@pytest.mark.parametrize("name", TWICE)
def test_either_request_is_enough(send, commented, name):
    assert send(commented, body_of(name), headers=headers_of(name)).reason == "applied"


def test_the_second_request_counts_where_the_first_found_no_ticket(send, beta, commented):
    beta.ticket.links.update(remote_id="")

    for name in TWICE:
        send(commented, body_of(name), headers=headers_of(name))

    assert reasons() == ["ticket_not_found", "applied"]


def test_another_comment_runs_the_macro_again(send, commented):
    for number in ("10031", "10032"):
        body = body_of(TWICE[0])
        body["comment"]["id"] = number
        send(commented, body)

    assert reasons() == ["applied", "unchanged"]


def test_each_edit_of_a_comment_counts_once(send, commented):
    commented.when = "any"
    commented.save()
    for moment in ("10:30", "10:30", "10:40"):
        body = body_of("comment_edited")
        body["comment"]["updated"] = f"2026-11-16T{moment}:00.000+0000"
        body["timestamp"] = len(reasons())  # or an equal body were a repeat
        send(commented, body)

    assert reasons() == ["applied", "duplicate", "unchanged"]


def test_a_comment_made_with_a_transition_does_not_hide_the_status(send, waiting):
    body = body_of("issue_done")
    body["comment"] = body_of(TWICE[0])["comment"]
    waiting.when = "any"
    waiting.save()

    send(waiting, body_of(TWICE[0]))
    send(waiting, body)

    assert reasons() == ["applied", "unchanged"]


@pytest.mark.parametrize("prefix", ["", "/jira", "/issue/9/comment"])
def test_a_comments_issue_is_read_from_its_address_under_any_path(prefix):
    body = body_of("comment_created_data_center")
    body["comment"]["self"] = f"https://x{prefix}/rest/api/2/issue/10012/comment/10031"

    assert JIRA.read({}, body).references == ("10012",)


@pytest.mark.parametrize(
    ("more", "readers"),
    [
        ({}, ""),
        ({"jsdPublic": True}, ""),
        ({"jsdPublic": False}, "internal"),
        ({"visibility": {"type": "role", "value": "Administrators"}}, "Administrators"),
    ],
)
def test_who_alone_may_read_a_comment_is_told(more, readers):
    body = body_of("comment_created")
    body["comment"] |= more

    assert JIRA.read({}, body).comment.restricted == readers


# Moved issues


def test_a_moved_issue_is_found_by_its_old_key(send, beta, listener):
    link_to_jira(beta.ticket, remote_id="")

    assert send(listener, body_of("issue_moved")).reason == "applied"


def test_with_its_new_key_in_find_it_is_found_by_its_id(send, beta, listener):
    link_to_jira(beta.ticket)

    assert send(listener, body_of("issue_moved"), find="DELTA-3").reason == "applied"
