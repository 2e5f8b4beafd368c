"""What would happen, as programs ask for it: mail and calls too, and nothing of it stays."""

from __future__ import annotations

import pytest

from automation.models import Delivery, Execution, Outgoing
from feedback.models import Ticket
from feedback.services import submit_ticket
from tests.automation.actions import make_macro
from tests.automation.test_rehearsals import CALL, MAIL, everything
from tests.conftest import make_listener


@pytest.fixture
def writing(beta):
    """A macro that closes, writes a mail and makes a call with a secret."""
    secret = {"headers": "Authorization: Bearer {{ secret }}", "secret": "zebra/fish"}
    url = CALL["url"] + "{{ secret }}"
    return make_macro(
        beta.bugs,
        ("adjust_workflow", {"status": beta.closed.pk}),
        ("send_email", MAIL | {"subject": "{{ ticket.ref }} is closed"}),
        ("call_webhook", CALL | secret | {"url": url, "body": '{"key": {{ secret|json }}}'}),
        name="Write",
    )


def leaving(run):
    return [(each["kind"], each["destination"], each["title"]) for each in run["leaving"]]


WRITTEN = [
    ("mail", "ada@example.com", "BUG-0001 is closed"),
    ("call", "a.example", "POST https://a.example/***"),
]
CLOSED = [{"field": "status", "before": "New", "after": "Closed"}]


def test_a_rehearsed_macro_tells_what_would_leave(call, beta, writing):
    before = everything()

    answer = call("POST", f"macros/{writing.pk}/rehearse/", {"ticket": beta.ticket.pk})

    assert everything() == before
    run = answer.json()
    assert (run["reason"], run["changes"], leaving(run)) == ("applied", CLOSED, WRITTEN)
    mail, request = (each["content"] for each in run["leaving"])
    assert (mail["to"], mail["text"]) == ("ada@example.com", "Hello")
    assert request["body"] == '{"key": "***"}'
    assert "zebra" not in answer.content.decode()


@pytest.fixture
def came(beta, send, writing):
    """A request that came while the listener was off."""
    return send(make_listener(beta, writing, enabled=False), find="BUG-0001")


def test_a_request_is_rehearsed(call, came):
    before = everything()

    told = call("POST", f"deliveries/{came.public_id}/rehearse/").json()

    assert everything() == before
    assert (told["delivery"], told["status"], told["reason"]) == (came.public_id, "done", "applied")
    [run] = told["runs"]
    assert (run["ref"], run["changes"], leaving(run)) == ("BUG-0001", CLOSED, WRITTEN)
    assert "id" not in run


def test_a_refused_request_is_not_rehearsed(call, post, listener):
    post(listener, key="nonsense")
    Delivery.objects.update(project=listener.project)

    answer = call("POST", f"deliveries/{Delivery.objects.get().public_id}/rehearse/")

    assert answer.status_code == 409
    assert "reached no listener" in answer.json()["detail"]


def test_the_last_days_of_a_listener_are_rehearsed(call, came, send):
    send(came.listener, find="BUG-77")
    before = everything()

    told = call("POST", f"listeners/{came.listener_id}/rehearse/", {"days": 7}).json()

    assert everything() == before
    assert (told["found"], told["left"]) == (2, 0)
    assert [each["reason"] for each in told["requests"]] == ["applied", "ticket_not_found"]
    assert leaving(told["requests"][0]["runs"][0]) == WRITTEN


@pytest.mark.parametrize("days", [0, 31, "7", None, True])
def test_days_are_1_to_30(call, came, days):
    answer = call("POST", f"listeners/{came.listener_id}/rehearse/", {"days": days})

    assert answer.status_code == 400
    assert answer.json()["days"]


def test_a_bulk_run_is_rehearsed_on_its_first_tickets(call, beta, writing):
    digest = make_macro(beta.bugs, ("send_email", MAIL | {"sending": "digest"}), name="Digest")
    for _ in range(6):
        submit_ticket(beta.bugs, summary="B", submitter=beta.ada)
    before = everything()

    told = call("POST", "bulk-runs/rehearse/", {"macro": digest.pk, "params": {}}).json()

    assert everything() == before
    assert (told["total"], len(told["runs"]), told["chosen"]) == (7, 5, "All Bugs")
    assert [run["start"] for run in told["runs"]] == ["bulk"] * 5
    assert not any(run["leaving"] for run in told["runs"])
    [mail] = told["digests"]
    assert (mail["destination"], mail["title"]) == ("ada@example.com", "Hi (5 times)")


def test_a_repeated_rehearsal_is_done_anew(call, beta, writing):
    body = {"macro": writing.pk, "params": {}}
    for total in (1, 2):
        told = call("POST", "bulk-runs/rehearse/", body, headers={"Idempotency-Key": "one"}).json()
        assert told["total"] == total
        submit_ticket(beta.bugs, summary="B", submitter=beta.ada)

    assert not Execution.objects.exists()
    assert not Outgoing.objects.exists()
    assert Ticket.objects.count() == 3


def test_the_days_of_a_listener_take_few_queries_for_each_request(
    call, came, send, django_assert_max_num_queries
):
    for _ in range(4):
        send(came.listener, find="BUG-77")

    with django_assert_max_num_queries(160):
        call("POST", f"listeners/{came.listener_id}/rehearse/", {"days": 7})
