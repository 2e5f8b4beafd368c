from __future__ import annotations

import pytest

from automation.models import ExternalListener
from feedback.services import add_comment, submit_ticket
from tests.conftest import closing_macro, link_to_jira


def transition(after, before="Open", resolution="", **extra):
    items = [{"field": "status", "fromString": before, "toString": after}]
    fields = {"status": {"name": after}, "resolution": {"name": resolution} if resolution else None}
    return {
        "webhookEvent": "jira:issue_updated",
        "issue": {"id": "10012", "key": "SANDBOX-12", "fields": fields},
        "changelog": {"items": items},
    } | extra


@pytest.fixture
def table(beta, listener):
    """In Progress opens a ticket, Done closes it, Cancelled does nothing; no other status does."""
    start = closing_macro(beta, "Start work", beta.open)
    for order, (status, macro) in enumerate(
        [("In Progress, Reopened", start), ("Done", listener.macro), ("Cancelled", None)]
    ):
        listener.status_rows.create(order=order, status=status, macro=macro)
    listener.macro = None
    listener.save()
    link_to_jira(beta.ticket)
    return listener


@pytest.mark.parametrize(
    ("status", "ends"), [("In Progress", "Open"), ("reopened", "Open"), ("Done", "Closed")]
)
def test_the_row_that_matches_chooses_the_macro(send, beta, table, status, ends):
    send(table, transition(status))

    beta.ticket.refresh_from_db()
    assert beta.ticket.status.name == ends


def test_the_log_names_the_row(send, table):
    delivery = send(table, transition("Done"))

    assert delivery.sentence == (
        "Macro “Close ticket” (row 2 of the status table, Done) ran on BUG-0001: "
        "team Project Managers → Beta Support, status New → Closed."
    )


@pytest.mark.parametrize(
    ("status", "why"),
    [("Cancelled", "row 3 of the status table, Cancelled does nothing"), ("Odd", "no row matches")],
)
def test_any_other_status_does_nothing_and_says_so(send, beta, table, status, why):
    delivery = send(table, transition(status))

    assert (delivery.status, delivery.reason) == ("skipped", "event_not_wanted")
    assert delivery.sentence == (
        "Listener “Jira closed” waits for a status of its table (In Progress, Reopened, Done, "
        f"Cancelled); this was {status}, where {why}."
    )


def test_the_first_row_that_matches_wins(send, beta, table):
    table.status_rows.create(order=0, status="", macro=closing_macro(beta, "Any", beta.open))
    table.status_rows.filter(status="Done").update(order=9)

    delivery = send(table, transition("Done"))

    assert delivery.sentence.startswith("Macro “Any” (row 2 of the status table, any status) ran")


def test_without_a_row_that_matches_the_listeners_own_macro_runs(send, beta, table):
    table.macro = closing_macro(beta, "Otherwise", beta.open)
    table.save()

    delivery = send(table, transition("Odd"))

    assert delivery.sentence.startswith("Macro “Otherwise” ran on BUG-0001")


def test_out_of_a_protected_status_nothing_is_moved(send, beta, listener):
    listener.protected_statuses.add(beta.new)

    delivery = send(listener, find="BUG-0001")

    beta.ticket.refresh_from_db()
    assert (delivery.status, delivery.reason) == ("skipped", "status_protected")
    assert beta.ticket.status == beta.new
    assert not beta.ticket.changes.exists()


def test_what_does_not_move_a_ticket_out_of_its_protected_status_is_done(send, beta, listener):
    listener.protected_statuses.add(beta.closed)
    beta.ticket.status = beta.closed
    beta.ticket.save()

    assert send(listener, find="BUG-0001").reason == "applied"  # the team


def test_a_listener_may_stop_at_several_tickets(send, beta, listener):
    other = submit_ticket(beta.bugs, summary="Two", submitter=beta.ada)
    link_to_jira(beta.ticket)
    link_to_jira(other)
    listener.several = ExternalListener.Several.STOP
    listener.save()

    delivery = send(listener, find="SANDBOX-12")

    assert delivery.reason == "several_tickets"
    assert delivery.sentence == "SANDBOX-12 stands for several tickets: BUG-0001, BUG-0002."


@pytest.mark.parametrize("find", ["jira:SANDBOX-12", "JIRA: sandbox-12"])
def test_a_reference_may_name_its_system(send, beta, listener, find):
    other = submit_ticket(beta.bugs, summary="Two", submitter=beta.ada)
    link_to_jira(beta.ticket)
    other.links.create(system="rally", remote_key="SANDBOX-12")
    listener.sender = "generic"
    listener.save()

    delivery = send(listener, find=find)

    assert [each.ticket for each in delivery.executions.all()] == [beta.ticket]
    assert delivery.reason == "applied"


def test_a_systems_name_alone_finds_no_item_of_another_system(send, beta, listener):
    link_to_jira(beta.ticket)

    assert send(listener, find="rally:SANDBOX-12").reason == "ticket_not_found"


@pytest.fixture
def own_words(listener):
    """A listener for a system of one's own, which says what happened in its own places."""
    listener.sender, listener.when = "generic", "status_changed_to"
    listener.when_status = "done"
    listener.reference_expression = "ticket.id"
    listener.status_expression = "ticket.state"
    listener.save()
    return listener


def test_expressions_read_reference_and_status(send, own_words):
    delivery = send(own_words, {"ticket": {"id": "BUG-0001", "state": "Done"}})

    assert (delivery.reason, delivery.status_after) == ("applied", "Done")
    assert send(own_words, {"ticket": {"id": "BUG-0001", "state": "Odd"}}).status == "skipped"


@pytest.mark.parametrize(
    ("body", "kinds", "name"),
    [
        ({"action": "created"}, ["created"], "created"),
        ({"action": "Commented"}, ["commented"], "Commented"),
        ({"action": "exploded"}, ["other"], "exploded"),
        ({}, ["other"], ""),
    ],
)
def test_an_expression_reads_what_happened(send, own_words, body, kinds, name):
    own_words.event_expression = "action"
    own_words.save()

    delivery = send(own_words, body)

    assert (delivery.kinds, delivery.event) == (kinds, name)


def test_a_comment_of_an_outsider_does_not_confuse_the_table(send, beta, table):
    add_comment(beta.ticket, body="Hm.", actor="ada")

    delivery = send(table, {"webhookEvent": "comment_created", "issue": {"key": "SANDBOX-12"}})

    assert delivery.reason == "event_not_wanted"
    assert "this was an event that tells no status, where no row matches" in delivery.sentence
