from __future__ import annotations

from feedback.models import Ticket


def test_a_ticket_is_found_by_its_project_and_ref(call, beta):
    answer = call("GET", "tickets/", project="beta", ref="bug-1")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["count"], body["next"], body["previous"]) == (1, None, None)
    (ticket,) = body["results"]
    assert (ticket["id"], ticket["ref"], ticket["project"]) == (beta.ticket.pk, "BUG-0001", "beta")
    assert (ticket["status"], ticket["team"]) == (beta.new.pk, beta.managers.pk)


def test_a_new_ticket_has_all_that_it_was_given(call, beta):
    answer = call(
        "POST",
        "tickets/",
        {
            "project": "beta",
            "feedback_type": beta.bugs.pk,
            "summary": "The strap tears",
            "submitter": "ada",
            "status": beta.open.pk,
            "team": beta.support.pk,
            "tags": ["strap"],
        },
    )

    assert answer.status_code == 201, answer.content
    ticket = Ticket.objects.get(pk=answer.json()["id"])
    assert (ticket.ref, ticket.submitter, ticket.status) == ("BUG-0002", beta.ada, beta.open)
    assert [change.field for change in ticket.changes.all()] == ["team", "status", "tags"]
    assert {change.actor for change in ticket.changes.all()} == {"API key “Scripts”"}
