from __future__ import annotations

from automation.models import Delivery
from tests.conftest import link_to_jira, narrow_listener


def test_a_request_closes_the_ticket_it_names(send, beta, listener):
    delivery = send(listener, find="bug-0001")

    beta.ticket.refresh_from_db()
    assert (delivery.status, delivery.reason) == ("done", "applied")
    assert (beta.ticket.status, beta.ticket.team) == (beta.closed, beta.support)
    assert delivery.sentence == (
        "Macro “Close ticket” ran on BUG-0001: "
        "team Project Managers → Beta Support, status New → Closed."
    )


def test_history_says_which_request_listener_and_macro_did_it(send, beta, listener):
    delivery = send(listener, find="BUG-0001")

    execution = delivery.executions.get()
    changes = beta.ticket.changes.all()
    assert {change.cause for change in changes} == {execution.public_id}
    assert {change.actor for change in changes} == {"Jira closed → Close ticket"}


def test_outside_the_filter_nothing_moves(send, beta, listener):
    narrow_listener(listener, "Closed", status=[beta.closed.pk])

    send(listener, find="bug-0001")

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == ("skipped", "outside_filter")
    assert delivery.sentence == "BUG-0001 is outside the filter “Closed”: its status is New."


def test_a_linked_jira_issue_is_found_by_its_key(send, beta, listener):
    link_to_jira(beta.ticket)

    delivery = send(listener, find="sandbox-12")

    assert delivery.reason == "applied"
