"""Deliveries and executions: what came, and what became of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automation.models import Delivery, Execution, ExternalListener
from feedback.models import FeedbackType
from feedback.services import submit_ticket
from tests.conftest import closing_macro, make_listener


@pytest.fixture
def sent(send, post, listener):
    """One that closed BUG-0001, and one that found no ticket."""
    done = send(listener, {"issue": {"key": "SANDBOX-12"}}, find="bug-1")
    skipped = send(listener, find="BUG-0099")
    return [done.public_id, skipped.public_id]


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_a_delivery_tells_what_came_and_what_became_of_it(call, beta, listener, sent, api_key):
    shown = call("GET", f"deliveries/{sent[0]}/").json()

    told = {
        "id": sent[0],
        "project": "beta",
        "listener": listener.pk,
        "listener_key": "jiraclosed",
        "api_key": "jira",
        "method": "POST",
        "status_code": 200,
        "status": "done",
        "reason": "applied",
        "find": "bug-1",
        "tickets": [beta.ticket.pk],
        "refs": ["BUG-0001"],
        "executions": [Execution.objects.get(delivery__public_id=sent[0]).public_id],
        "duplicate_of": None,
    }
    assert told.items() <= shown.items()
    assert "SANDBOX-12" in shown["references"]
    assert shown["body"] == '{\n  "issue": {\n    "key": "SANDBOX-12"\n  }\n}'
    assert "Content-Type" in shown["headers"]
    assert api_key.secret.partition("-")[2] not in str(shown)


def test_a_skipped_one_says_why_and_what_to_do(call, sent):
    shown = call("GET", f"deliveries/{sent[1]}/").json()

    assert (shown["status"], shown["reason"]) == ("skipped", "ticket_not_found")
    assert "BUG-0099" in shown["sentence"]
    assert shown["cause"]
    assert shown["next_step"]
    assert shown["executions"] == []


def test_the_list_is_newest_first_and_has_no_bodies(call, sent):
    with CaptureQueriesContext(connection) as queries:
        answer = call("GET", "deliveries/")

    assert ids(answer) == sent[::-1]
    assert not {"body", "headers"} & {*answer.json()["results"][0]}
    read = [query["sql"] for query in queries if '"body"' in query["sql"]]
    assert read == []


def test_a_list_of_executions_reads_no_bodies_either(call, sent):
    with CaptureQueriesContext(connection) as queries:
        answer = call("GET", "executions/")

    assert answer.json()["count"] == 1
    assert [query["sql"] for query in queries if '"body"' in query["sql"]] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"project": "BETA"}, [1, 0]),
        ({"project": "gamma"}, []),
        ({"listener_key": "JiraClosed"}, [1, 0]),
        ({"listener_key": "other"}, []),
        ({"status": "done"}, [0]),
        ({"reason": "ticket_not_found"}, [1]),
        ({"ref": "BUG-1"}, [0]),
        ({"ref": "bug-0099"}, [1]),
        ({"find": "BUG-1"}, [0]),
        ({"received_after": "2000-01-01T00:00:00Z"}, [1, 0]),
        ({"received_before": "2000-01-01T00:00:00+02:00"}, []),
        ({"received_after": "2999-01-01"}, []),
        ({"ordering": "id"}, [0, 1]),
        ({"ordering": "-received_at"}, [1, 0]),
    ],
)
def test_deliveries_are_narrowed(call, gamma, sent, query, found):
    answer = call("GET", "deliveries/", **query)

    assert ids(answer) == [sent[number] for number in found]


def test_a_time_is_a_time_of_the_day(call, sent):
    Delivery.objects.filter(public_id=sent[0]).update(
        received_at=timezone.now() - timedelta(hours=2)
    )
    hour_ago = (timezone.now() - timedelta(hours=1)).isoformat()

    before = call("GET", "deliveries/", received_before=hour_ago)
    after = call("GET", "deliveries/", received_after=hour_ago)

    assert [ids(before), ids(after)] == [sent[:1], sent[1:]]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"status": "gone"}, "Select a valid choice. gone is not one of the available choices."),
        ({"reason": "luck"}, "Select a valid choice. luck is not one of the available choices."),
        ({"listener": "jiraclosed"}, "“jiraclosed” is no id: give a number."),
        ({"listener": "9" * 19}, f"“{'9' * 19}” is no id: give a number."),
        (
            {"received_after": "yesterday"},
            "“yesterday” is no time such as 2026-11-23T09:30:00Z.",
        ),
        (
            {"received_after": "2026-02-30T00:00:00Z"},
            "“2026-02-30T00:00:00Z” is no time such as 2026-11-23T09:30:00Z.",
        ),
        (
            {"received_after": "0001-01-01T00:00:00+14:00"},
            "“0001-01-01T00:00:00+14:00” is no time such as 2026-11-23T09:30:00Z.",
        ),
        (
            {"received_before": "9999-12-31T23:59:59-14:00"},
            "“9999-12-31T23:59:59-14:00” is no time such as 2026-11-23T09:30:00Z.",
        ),
        ({"find": "x" * 501}, "Ensure this value has at most 500 characters (it has 501)."),
        ({"ref": "a\0"}, "Null characters are not allowed."),
        ({"listner": "x"}, "There is no parameter “listner” here. Did you mean “listener”?"),
    ],
)
def test_a_filter_that_is_not_understood_is_refused(call, sent, query, problem):
    answer = call("GET", "deliveries/", **query)

    assert answer.status_code == 400
    assert [*answer.json()] == [*query]
    assert answer.json()[next(iter(query))][0].startswith(problem[:40])


def test_what_was_refused_is_there_too(call, post, listener):
    post(listener, find="BUG-0001", key="nonsense-nonsense")

    (shown,) = call("GET", "deliveries/", status="refused").json()["results"]

    assert (shown["reason"], shown["status_code"]) == ("key_unknown", 401)
    assert shown["executions"] == []


def test_a_repeat_points_at_the_first(call, send, listener):
    headers = {"X-Atlassian-Webhook-Identifier": "w1"}
    first = send(listener, find="BUG-0001", headers=headers)
    again = send(listener, find="BUG-0001", headers=headers)

    shown = call("GET", f"deliveries/{again.public_id}/").json()

    assert (shown["reason"], shown["duplicate_of"]) == ("duplicate", first.public_id)


def test_a_manager_sees_those_of_the_managed_projects_alone(signed_in, call, gamma, sent, send):
    bugs = FeedbackType.objects.get(project=gamma, prefix="BUG")
    macro = call(
        "POST",
        "macros/",
        {
            "feedback_type": bugs.pk,
            "name": "Note",
            "actions": [{"kind": "add_comment", "params": {"body": "x", "exposure": "public"}}],
        },
    ).json()
    made = call(
        "POST",
        "listeners/",
        {"feedback_type": bugs.pk, "name": "G", "key": "g", "macro": macro["id"], "when": "any"},
    ).json()
    hidden = send(ExternalListener.objects.get(pk=made["id"]), find="BUG-0001")
    manager = signed_in("manager")

    assert ids(manager("GET", "deliveries/")) == sent[::-1]
    assert manager("GET", "deliveries/", project="gamma").json()["count"] == 0
    assert manager("GET", "executions/").json()["count"] == 1
    assert manager("GET", f"deliveries/{hidden.public_id}/").status_code == 404
    run = hidden.executions.get().public_id
    assert manager("GET", f"executions/{run}/").status_code == 404


@pytest.mark.parametrize("role", ["support", "observer", "participant"])
def test_only_who_manages_sees_them(signed_in, sent, role):
    person = signed_in(role)

    assert person("GET", "deliveries/").json()["count"] == 0
    assert person("GET", f"deliveries/{sent[0]}/").status_code == 404
    assert person("GET", "executions/").json()["count"] == 0


def test_an_execution_tells_all_that_it_changed(call, beta, close, sent):
    (run,) = call("GET", "executions/", delivery=sent[0]).json()["results"]

    assert run == call("GET", f"executions/{run['id']}/").json()
    assert (run["delivery"], run["macro"], run["ticket"], run["ref"]) == (
        sent[0],
        close.pk,
        beta.ticket.pk,
        "BUG-0001",
    )
    assert run["changes"] == [
        {"field": "team", "before": "Project Managers", "after": "Beta Support"},
        {"field": "status", "before": "New", "after": "Closed"},
    ]
    assert [step["kind"] for step in run["steps"]] == ["adjust_workflow"]
    history = call("GET", f"tickets/{beta.ticket.pk}/history/").json()["results"]
    assert {change["cause"] for change in history} == {run["id"]}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"project": "beta"}, 2),
        ({"macro": "close ticket"}, 1),
        ({"ref": "bug-2"}, 1),
        ({"status": "done"}, 2),
        ({"reason": "applied"}, 2),
        ({"created_before": "2000-01-01"}, 0),
        ({"delivery": "0" * 32}, 0),
    ],
)
def test_executions_are_narrowed(call, beta, send, sent, query, count):
    submit_ticket(beta.bugs, summary="Tears", submitter=beta.ada)
    reopen = make_listener(beta, closing_macro(beta, "Open", beta.open), name="O", key="o")
    send(reopen, find="BUG-0002")

    answer = call("GET", "executions/", **query)

    assert answer.json()["count"] == count
