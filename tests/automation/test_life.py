"""A delivery's life: once, in order, again if it heals, and never beyond its own ticket."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from automation import key_use, queue, retention
from automation.actions.adjust_workflow import AdjustWorkflow
from automation.models import Delivery, Execution, ExternalListener, MacroAction
from feedback.furnishing import create_project
from feedback.models import Comment, SavedFilter, TicketChange
from feedback.services import change_ticket, link_ticket, submit_ticket
from tests.conftest import (
    closing_macro,
    link_to_jira,
    make_beta,
    make_key,
    make_listener,
    narrow_listener,
)

NOON = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC
REPEATED = {"X-Atlassian-Webhook-Identifier": "a1"}


def moved(after="Done", *, at=None, key="SANDBOX-12", issue="10012", before="To Do", **fields):
    """Jira's body for a change of status, ``at`` seconds after noon."""
    body = {
        "webhookEvent": "jira:issue_updated",
        "issue": {"key": key, "id": issue, "fields": {"status": {"name": after}}},
        "changelog": {"items": [{"field": "status", "fromString": before, "toString": after}]},
    }
    return body | ({} if at is None else {"timestamp": NOON + at * 1000}) | fields


def commented(**fields):
    return {"webhookEvent": "comment_created", "comment": {"body": "Look"}} | fields


def status_of(ticket) -> str:
    ticket.refresh_from_db()
    return ticket.status.name


def endings() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("reason", flat=True))


def let_time_pass() -> None:
    """As if whatever waits for another attempt had waited long enough."""
    Delivery.objects.update(next_attempt_at=timezone.now(), claimed_at=None)


@pytest.fixture
def trouble(monkeypatch):
    """Let *Adjust Workflow* meet these errors, one a run, after it did its work."""
    apply = AdjustWorkflow.apply

    def meet(*errors, only=None):
        errors = list(errors)

        def apply_and_fail(self, ticket, *args, **options):
            record = apply(self, ticket, *args, **options)
            error = errors.pop(0) if errors and only in (None, ticket) else None
            if error is not None:
                raise error
            return record

        monkeypatch.setattr(AdjustWorkflow, "apply", apply_and_fail)

    return meet


@pytest.fixture
def second(beta):
    return submit_ticket(beta.bugs, summary="The strap tears", submitter=beta.ada)


@pytest.fixture
def reopening(beta):
    macro = closing_macro(beta, name="Open ticket", status=beta.open)
    return make_listener(beta, macro, name="Jira open", key="jiraopen")


# Once


def test_the_repeat_of_a_delivery_id_has_no_effect_and_answers_with_the_first(post, beta, listener):
    answers = [post(listener, moved(), find="BUG-0001", headers=REPEATED) for _ in range(2)]
    queue.settle_all()

    first, repeat = Delivery.objects.order_by("pk")
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json() == {
        "delivery": first.public_id,
        "status": "duplicate",
        "detail": f"The sender repeated a request that was already kept as {first.public_id}.",
        "url": answers[0].json()["url"],
    }
    assert endings() == ["applied", "duplicate"]
    assert (repeat.duplicate_of, repeat.attempts) == (first, 0)
    assert Execution.objects.count() == 1


@pytest.mark.parametrize(
    ("sender", "one", "other", "same"),
    [
        ("jira", {"body": moved(at=1)}, {"body": moved(at=1)}, True),
        ("jira", {"body": moved(at=1)}, {"body": moved(at=2)}, False),
        ("jira", {"body": moved(at=1)}, {"body": moved(at=1), "find": "SANDBOX-12"}, False),
        ("jira", {"body": moved()}, {"body": moved()}, False),
        ("jira", {"body": moved(changelog={"id": "7"})}, {"body": moved(changelog={"id": "7"})}, 1),
        ("jira", {}, {}, False),
        ("jira", {"headers": REPEATED}, {"headers": REPEATED, "body": moved(at=1)}, True),
        (
            "jira",
            {"headers": {"X-Atlassian-Webhook-Identifier": "a1"}, "body": moved(at=1)},
            {"headers": {"X-Atlassian-Webhook-Identifier": "a2"}, "body": moved(at=1)},
            False,
        ),
        (
            "jira",
            {"headers": {"X-Atlassian-Webhook-Identifier": "a" * 250 + "1"}},
            {"headers": {"X-Atlassian-Webhook-Identifier": "a" * 250 + "2"}},
            False,
        ),
        ("generic", {"body": moved(at=1)}, {"body": moved(at=1)}, False),
        (
            "generic",
            {"headers": {"Idempotency-Key": "k"}, "body": {"a": 1}},
            {"headers": {"idempotency-key": " k "}, "body": {"a": 2}},
            True,
        ),
        ("generic", {"headers": {"Idempotency-Key": ""}}, {"headers": {"Idempotency-Key": ""}}, 0),
        ("generic", {"headers": REPEATED}, {"headers": REPEATED}, False),
    ],
)
def test_what_counts_as_a_repeat(post, beta, close, sender, one, other, same):
    listener = make_listener(beta, close, sender=sender)

    answers = [post(listener, **({"find": "BUG-0001"} | options)) for options in (one, other)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert (answers[1].json()["status"] == "duplicate") is bool(same)


def test_the_same_id_to_another_listener_is_another_request(send, listener, reopening):
    reasons = [
        send(each, find="BUG-0001", headers=REPEATED).reason for each in (listener, reopening)
    ]

    assert reasons == ["applied", "applied"]


def test_what_was_skipped_may_be_sent_again(send, beta, listener):
    before = send(listener, find="SANDBOX-12", headers=REPEATED)
    link_to_jira(beta.ticket)

    again = send(listener, find="SANDBOX-12", headers=REPEATED)

    assert (before.reason, again.reason) == ("ticket_not_found", "applied")


def test_what_failed_may_be_sent_again(send, beta, listener, close):
    right = close.actions.get().params
    MacroAction.objects.update(params={})
    before = send(listener, find="BUG-0001", headers=REPEATED)
    MacroAction.objects.update(params=right)

    again = send(listener, find="BUG-0001", headers=REPEATED)

    assert (before.reason, again.reason) == ("macro_broken", "applied")


def test_what_was_refused_may_be_sent_again(post, send, beta, listener):
    post(listener, b"{", find="BUG-0001", headers=REPEATED)

    again = send(listener, b"{}", find="BUG-0001", headers=REPEATED)

    assert again.reason == "applied"


def test_the_repeat_of_one_that_waits_for_another_attempt_is_a_duplicate(
    post, beta, listener, trouble
):
    trouble(OperationalError("lost"))
    post(listener, find="BUG-0001", headers=REPEATED)
    queue.settle_all()

    post(listener, find="BUG-0001", headers=REPEATED)
    let_time_pass()
    queue.settle_all()

    assert endings() == ["applied", "duplicate"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_the_same_request_from_many_clients_at_once_one_counts(on_postgres):
    beta = make_beta()
    make_listener(beta, closing_macro(beta))
    key = make_key()
    start = Barrier(8)
    told = []

    def call():
        start.wait()
        answer = Client().post(
            "/api/v1/projects/beta/feedbackListeners/jiraclosed",
            b"{}",
            content_type="application/json",
            query_params={"find": "BUG-0001", "apiKey": key.secret},
            headers=REPEATED,
        )
        told.append((answer.json()["status"], answer.json()["delivery"]))
        connection.close()

    threads = [Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.settle_all()

    assert sorted(status for status, _ in told) == ["duplicate"] * 7 + ["received"]
    assert len({delivery for _, delivery in told}) == 1
    assert sorted(endings()) == ["applied"] + ["duplicate"] * 7


# In order


def test_an_older_status_of_the_same_item_is_late(send, beta, listener):
    link_to_jira(beta.ticket)
    send(listener, moved("Done", at=60))
    change_ticket(beta.ticket, actor="ada", status=beta.new)

    delivery = send(listener, moved("To Do", at=0))

    assert (delivery.status, delivery.reason) == ("skipped", "late")
    assert status_of(beta.ticket) == "New"


def test_of_two_that_wait_the_older_that_came_later_is_late(post, beta, listener):
    link_to_jira(beta.ticket)
    post(listener, moved("Done", at=60))
    post(listener, moved("To Do", at=0))

    queue.settle_all()

    assert endings() == ["applied", "late"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (moved("To Do", at=60), "it is of the same moment"),
        (moved("To Do", at=61), "it is newer"),
        (moved("To Do"), "it has no time"),
        (moved("To Do", at=0, issue="10013"), "it is another item"),
        (commented(timestamp=NOON, issue={"key": "SANDBOX-12", "id": "10012"}), "it is a comment"),
        (moved(at=0, changelog={"items": [{"field": "summary"}]}), "the status did not change"),
    ],
)
def test_what_is_not_late(send, beta, listener, body, why):
    link_to_jira(beta.ticket)
    send(listener, moved("Done", at=60))

    delivery = send(listener, body)

    assert delivery.status == "done", why


def test_what_came_to_another_listener_makes_nothing_late(send, beta, listener, reopening):
    link_to_jira(beta.ticket)
    send(listener, moved("Done", at=60))

    delivery = send(reopening, moved("To Do", at=0))

    assert delivery.reason == "applied"


def test_a_newer_one_without_effect_makes_nothing_late(send, beta, listener):
    link_to_jira(beta.ticket)
    narrow_listener(listener, "Open", status=[beta.open.pk])
    skipped = send(listener, moved("Done", at=60))
    listener.filter = None
    listener.save()

    delivery = send(listener, moved("To Do", at=0))

    assert (skipped.reason, delivery.reason) == ("outside_filter", "applied")


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"find": "BUG-0001"}, {"find": "bug-1"}),
        ({"find": "BUG-0001"}, {"find": "SANDBOX-12"}),
        ({"find": "SANDBOX-12"}, {"find": "BUG-0001"}),
        ({"find": "BUG-0001"}, {"body": moved(key="MOVED-1")}),
        ({"body": moved(key="MOVED-1")}, {"find": "sandbox-12"}),
        ({"find": "MOVED-1", "body": moved(key="MOVED-1")}, {"find": "BUG-0001"}),
        ({"find": "10012"}, {"body": moved()}),
    ],
)
def test_a_later_request_waits_for_an_earlier_one_about_its_ticket(
    post, beta, listener, reopening, trouble, first, then
):
    link_to_jira(beta.ticket)
    trouble(OperationalError("lost"))
    post(reopening, **first)
    post(listener, **then)
    queue.settle_all()
    waiting = endings()

    let_time_pass()
    queue.settle_all()

    assert waiting == ["", ""]
    assert endings() == ["applied", "applied"]
    moves = beta.ticket.changes.filter(field="status").order_by("pk")
    assert [change.after_text for change in moves] == ["Open", "Closed"]


def test_one_that_comes_while_an_earlier_one_waits_is_held_back_too(
    post, beta, listener, reopening, trouble
):
    trouble(OperationalError("lost"))
    post(reopening, find="BUG-0001")
    queue.settle_all()

    post(listener, find="BUG-0001")
    queue.settle_all()

    earlier, later = Delivery.objects.order_by("pk")
    assert endings() == ["", ""]
    assert (later.attempts, later.behind) == (0, earlier.pk)


def test_other_tickets_do_not_wait(post, beta, listener, second, trouble):
    trouble(OperationalError("lost"))
    post(listener, find="BUG-0001")
    post(listener, find="BUG-0002")

    queue.settle_all()

    assert endings() == ["", "applied"]


def test_whoever_waited_goes_on_when_the_earlier_one_gave_up(
    post, beta, listener, reopening, trouble
):
    trouble(*[OperationalError("lost")] * queue.MOST_ATTEMPTS)
    post(reopening, find="BUG-0001")
    post(listener, find="BUG-0001")

    for _ in range(queue.MOST_ATTEMPTS):
        queue.settle_all()
        let_time_pass()

    assert endings() == ["gave_up", "applied"]
    assert status_of(beta.ticket) == "Closed"


# Again, and whole or not at all


def test_trouble_with_the_database_is_tried_again_ever_later_and_then_given_up(
    post, beta, listener, trouble
):
    trouble(*[OperationalError("lost")] * 10)
    post(listener, find="BUG-0001")
    waits = []

    for _ in range(queue.MOST_ATTEMPTS - 1):
        queue.settle_all()
        delivery = Delivery.objects.get()
        waits.append(round((delivery.next_attempt_at - timezone.now()).total_seconds()))
        assert (delivery.status, delivery.reason) == ("received", "")
        let_time_pass()
    queue.settle_all()

    delivery = Delivery.objects.get()
    assert waits == [5, 10, 20, 40, 80]
    assert (delivery.status, delivery.reason) == ("failed", "gave_up")
    assert status_of(beta.ticket) == "New"
    assert not TicketChange.objects.exists()


def test_a_connection_that_broke_is_tried_again_too(post, beta, listener, trouble):
    trouble(InterfaceError("the connection is closed"))
    post(listener, find="BUG-0001")
    queue.settle_all()
    let_time_pass()

    queue.settle_all()

    delivery = Delivery.objects.get()
    assert (delivery.reason, delivery.attempts) == ("applied", 2)


def test_what_waits_is_not_looked_at_before_its_time(post, beta, listener, trouble):
    trouble(OperationalError("lost"))
    post(listener, find="BUG-0001")
    queue.settle_all()

    queue.settle_all()

    assert Delivery.objects.get().attempts == 1


def test_an_exception_ends_its_own_delivery_and_leaves_its_ticket_as_it_was(
    post, beta, listener, second, trouble
):
    third = submit_ticket(beta.bugs, summary="The box leaks", submitter=beta.ada)
    trouble(IntegrityError("no"), only=second)
    for ticket in (beta.ticket, second, third):
        post(listener, find=ticket.ref)

    queue.settle_all()

    assert endings() == ["applied", "action_failed", "applied"]
    assert [status_of(ticket) for ticket in (beta.ticket, second, third)] == [
        "Closed",
        "New",
        "Closed",
    ]
    assert not second.changes.exists()
    failed = Execution.objects.get(ticket=second)
    assert (failed.status, failed.reason, failed.steps.count()) == ("failed", "action_failed", 0)


def test_a_macro_applies_whole_or_not_at_all(send, beta, listener, close, monkeypatch):
    MacroAction.objects.create(
        macro=close, kind="add_comment", params={"body": "Done.", "exposure": "public"}, order=1
    )
    monkeypatch.setattr("feedback.services.add_comment", lambda *args, **options: 1 / 0)

    delivery = send(listener, find="BUG-0001")

    assert delivery.reason == "action_failed"
    assert status_of(beta.ticket) == "New"
    assert not Comment.objects.exists()


def test_a_mistake_of_ours_ends_its_own_delivery_alone(post, beta, listener, second, monkeypatch):
    wanted = ExternalListener.wanted_statuses
    listener.when, listener.when_status = "status_changed_to", "Done"
    listener.save()
    errors = [RuntimeError("a mistake")]

    def mistaken(self):
        if errors:
            raise errors.pop()
        return wanted(self)

    monkeypatch.setattr(ExternalListener, "wanted_statuses", mistaken)
    for ticket in (beta.ticket, second):
        post(listener, moved(), find=ticket.ref)

    queue.settle_all()

    first = Delivery.objects.order_by("pk").first()
    assert endings() == ["action_failed", "applied"]
    assert "RuntimeError: a mistake." in first.sentence


def test_what_was_tried_before_is_claimed_alone(post, beta, listener):
    for _ in range(4):
        post(listener, find="BUG-0001")
    rows = list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    Delivery.objects.filter(pk=rows[2]).update(attempts=1)

    claims = [queue.claim(10), queue.claim(10), queue.claim(10), queue.claim(10)]

    assert claims == [rows[:2], [rows[2]], [rows[3]], []]


def test_a_delivery_whose_workers_die_with_it_is_given_up(post, beta, listener):
    post(listener, find="BUG-0001")

    for _ in range(queue.MOST_ATTEMPTS):
        assert len(queue.claim(10)) == 1
        assert queue.claim(10) == []
        Delivery.objects.update(claimed_at=timezone.now() - queue.CLAIM_HOLDS * 2)
    queue.settle_all()

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == ("failed", "gave_up")
    assert delivery.sentence.endswith("The worker died each time.")
    assert status_of(beta.ticket) == "New"


def test_a_claim_is_limited(post, beta, listener):
    for _ in range(3):
        post(listener, find="BUG-0001")

    claimed = queue.claim(2)

    assert len(claimed) == 2


def test_a_key_was_used_when_its_newest_request_came_refused_or_not(send, post, listener, api_key):
    send(listener, find="BUG-0001")
    refused = post(listener, path="/api/v1/projects/beta/feedbackListeners/unknown")

    key_use.note_uses()

    api_key.row.refresh_from_db()
    assert refused.status_code == 404
    assert api_key.row.last_used_at == Delivery.objects.latest("pk").received_at


def test_the_tickets_of_a_batch_are_looked_up_at_once(post, beta, listener):
    counts = []

    for size in (1, 5):
        for number in range(size):
            post(listener, find=f"BUG-{number + 100}")
        with CaptureQueriesContext(connection) as queries:
            assert queue.settle_batch() == size
        counts.append(len(queries))

    one, five = counts
    assert five - one == 4 * 4  # each: its savepoint, back to it, its release, its end


# Which ticket


def test_every_ticket_linked_to_an_item_is_settled(send, beta, listener, second):
    for ticket in (beta.ticket, second):
        link_to_jira(ticket)

    delivery = send(listener, find="SANDBOX-12")

    assert delivery.reason == "applied"
    assert [status_of(ticket) for ticket in (beta.ticket, second)] == ["Closed", "Closed"]
    assert [(run.ticket, run.reason) for run in delivery.executions.all()] == [
        (beta.ticket, "applied"),
        (second, "applied"),
    ]


def test_of_several_tickets_one_that_fails_does_not_undo_the_other(
    send, beta, listener, second, trouble
):
    for ticket in (beta.ticket, second):
        link_to_jira(ticket)
    trouble(ValueError("no"), only=beta.ticket)

    delivery = send(listener, find="SANDBOX-12")

    assert delivery.reason == "applied"
    assert [status_of(ticket) for ticket in (beta.ticket, second)] == ["New", "Closed"]
    assert [run.reason for run in delivery.executions.all()] == ["action_failed", "applied"]


def test_of_several_tickets_each_has_its_own_reason(send, beta, listener, second):
    for ticket in (beta.ticket, second):
        link_to_jira(ticket)
    change_ticket(second, actor="ada", status=beta.open)
    narrow_listener(listener, "Open", status=[beta.open.pk])

    delivery = send(listener, find="SANDBOX-12")

    assert delivery.reason == "applied"
    assert [run.reason for run in delivery.executions.all()] == ["outside_filter", "applied"]


def test_trouble_with_one_of_several_tickets_lets_all_wait(send, beta, listener, second, trouble):
    for ticket in (beta.ticket, second):
        link_to_jira(ticket)
    trouble(OperationalError("lost"), only=second)
    before = send(listener, find="SANDBOX-12")
    at_first = [status_of(ticket) for ticket in (beta.ticket, second)]

    let_time_pass()
    queue.settle_all()

    assert before.status == "received"
    assert at_first == ["New", "New"]
    assert [status_of(ticket) for ticket in (beta.ticket, second)] == ["Closed", "Closed"]
    assert Execution.objects.count() == 2


def test_of_tickets_of_several_types_those_of_the_listeners_own_are_settled(send, beta, listener):
    suggestion = submit_ticket(beta.suggestions, summary="Fly", submitter=beta.ada)
    for ticket in (suggestion, beta.ticket):
        link_to_jira(ticket)

    delivery = send(listener, find="SANDBOX-12")

    assert [run.ticket for run in delivery.executions.all()] == [beta.ticket]
    assert status_of(suggestion) == "New"


def test_a_ticket_of_another_type_is_not_found_and_the_sentence_says_so(send, beta, listener):
    submit_ticket(beta.suggestions, summary="Fly", submitter=beta.ada)

    delivery = send(listener, find="SUG-0001")

    assert delivery.reason == "ticket_not_found"
    assert delivery.sentence == (
        "No ticket of Bugs goes by SUG-0001. SUG-0001 is one of Suggestions."
    )


def test_a_link_in_the_senders_system_goes_before_our_own_id(send, beta, listener, second):
    link_to_jira(second, remote_key="BUG-1", remote_id="7")

    delivery = send(listener, find="BUG-1")

    assert [run.ticket for run in delivery.executions.all()] == [second]
    assert status_of(beta.ticket) == "New"


@pytest.mark.parametrize("body", [moved(key="BUG-1"), moved(key="BUG-0001", issue="BUG-1")])
def test_a_key_of_jira_never_hits_our_own_ids_by_itself(send, beta, listener, body):
    delivery = send(listener, body)

    assert delivery.reason == "ticket_not_found"
    assert status_of(beta.ticket) == "New"


def test_an_items_id_never_hits_our_own_ids_behind_find(send, beta, listener):
    delivery = send(listener, moved(issue="BUG-1"), find="SANDBOX-12")

    assert delivery.reason == "ticket_not_found"
    assert status_of(beta.ticket) == "New"


def test_a_link_in_another_system_does_not_count_for_jira(send, beta, listener, second):
    link_ticket(second, actor="ada", system="rally", remote_key="BUG-1")

    delivery = send(listener, find="BUG-1")

    assert [run.ticket for run in delivery.executions.all()] == [beta.ticket]


def test_a_project_knows_its_own_tickets_only(send, beta, listener):
    bugs = create_project("gamma", "Gamma").feedback_types.get(prefix="BUG")
    elsewhere = [submit_ticket(bugs, summary="Elsewhere", submitter=beta.ada) for _ in range(2)]
    link_to_jira(elsewhere[0])

    reasons = [send(listener, find=find).reason for find in ("SANDBOX-12", "BUG-0002")]

    assert reasons == ["ticket_not_found", "ticket_not_found"]


@pytest.mark.parametrize(
    "options",
    [
        {"find": "MOVED-1", "body": moved(key="MOVED-1")},
        {"find": "no such thing", "body": moved(key="MOVED-1")},
        {"body": moved(key="MOVED-1")},
        {"find": "MOVED-1", "body": commented(comment={"self": "x/issue/10012/comment/7"})},
        {"body": commented(comment={"self": "https://jira/rest/api/2/issue/10012/comment/7"})},
        {
            "body": moved(
                key="MOVED-1",
                issue="",
                changelog={
                    "items": [{"field": "Key", "fromString": "SANDBOX-12", "toString": "MOVED-1"}]
                },
            )
        },
    ],
)
def test_a_moved_issue_is_still_found(send, beta, listener, options):
    link_to_jira(beta.ticket)

    delivery = send(listener, **options)

    assert delivery.reason == "applied"


def test_find_goes_before_the_body(send, beta, listener, second):
    link_to_jira(second)

    delivery = send(listener, moved(), find="BUG-0001")

    assert [run.ticket for run in delivery.executions.all()] == [beta.ticket]


@pytest.mark.parametrize(
    "find",
    ["${issue.key}", "{{issue.key}}", "{issue.key}", "VALUE", "<key>", "[key]", "%issue.key%"],
)
def test_a_placeholder_is_never_looked_past(send, beta, listener, find):
    link_to_jira(beta.ticket)

    delivery = send(listener, moved(), find=find)

    assert (delivery.status, delivery.reason) == ("skipped", "placeholder_not_replaced")
    assert delivery.sentence == f"No ticket goes by {find}: Jira did not fill it in."
    assert status_of(beta.ticket) == "New"


@pytest.mark.parametrize("find", ["VALUE-1", "A{b}", "100%", "BUG-0001 [x]", "<a", "ticket"])
def test_what_only_resembles_a_placeholder_is_a_name(send, beta, listener, find):
    delivery = send(listener, find=find)

    assert delivery.reason == "ticket_not_found"


@pytest.mark.parametrize("find", ["BUG-0001", "bug-0001", "Bug-1", " BUG - 00001 ", "BUG-1\t"])
def test_a_tickets_own_id_is_found_however_it_is_written(send, beta, listener, find):
    delivery = send(listener, find=find)

    assert delivery.reason == "applied"


@pytest.mark.parametrize(
    "find", ["BUG1", "BUG-0", "BUG-1.0", "1", "BUG-99999999999", "BUG-\u0661", "-"]
)
def test_what_is_no_id_finds_nothing(send, beta, listener, find):
    delivery = send(listener, find=find)

    assert delivery.reason == "ticket_not_found"


@pytest.mark.parametrize(
    ("expression", "body", "reason"),
    [
        ("issue.fields.customfield_10042", {"customfield_10042": "BUG-0001"}, "applied"),
        ("issue.fields.refs", {"refs": [None, "NOPE-1", {"a": 1}, "bug-1"]}, "applied"),
        ("issue.fields.refs[].id", {"refs": [{"id": "NOPE-1"}, {"id": "BUG-1"}]}, "applied"),
        ("issue.fields.item", {"item": 10012}, "applied"),
        ("issue.fields.item", {"item": True}, "no_reference"),
        ("issue.fields.item", {}, "no_reference"),
        ("issue.fields.item", {"item": ""}, "no_reference"),
        ("issue.fields.item", {"item": {"key": "BUG-1"}}, "no_reference"),
        ("ceil(issue.fields.item)", {"item": "x"}, "no_reference"),
        ("ceil(issue.fields.item)", {"item": float("inf")}, "no_reference"),
    ],
)
def test_a_listeners_own_expression_finds_the_reference(
    send, beta, close, expression, body, reason
):
    link_to_jira(beta.ticket)
    listener = make_listener(beta, close, reference_expression=expression)

    delivery = send(listener, {"issue": {"fields": body}})

    assert delivery.reason == reason


def test_find_goes_before_a_listeners_own_expression(send, beta, close, second):
    listener = make_listener(beta, close, reference_expression="ref")

    delivery = send(listener, {"ref": "BUG-0002"}, find="BUG-0001")

    assert [run.ticket for run in delivery.executions.all()] == [beta.ticket]


# When


CREATED = {"webhookEvent": "jira:issue_created", "issue": {"key": "SANDBOX-12"}}
EDITED = {"webhookEvent": "jira:issue_updated", "issue": {"fields": {"status": {"name": "Done"}}}}
DONE = moved("Done")
CLOSED_WITH_COMMENT = moved("Closed", comment={"created": "2026-01-01", "updated": "2026-01-01"})
OLD_COMMENT = EDITED | {"comment": {"created": "2026-01-01", "updated": "2026-01-02"}}


@pytest.mark.parametrize(
    ("when", "statuses", "body", "wanted"),
    [
        ("any", "", CREATED, True),
        ("any", "", {}, True),
        ("any", "", {"webhookEvent": "jira:issue_deleted"}, True),
        ("status_changed", "", DONE, True),
        ("status_changed", "", EDITED, False),
        ("status_changed", "", CREATED, False),
        ("status_changed", "", commented(), False),
        ("status_changed", "", {}, False),
        ("status_changed_to", "Done", DONE, True),
        ("status_changed_to", "done", DONE, True),
        ("status_changed_to", "Resolved, Done", DONE, True),
        ("status_changed_to", "Resolved ,Done,", DONE, True),
        ("status_changed_to", "Done", EDITED, False),
        ("status_changed_to", "Done", moved("Done 2"), False),
        ("status_changed_to", "Done", moved("To Do", before="Done"), False),
        ("status_changed_to", "Done,", EDITED, False),
        ("status_changed_to", "", EDITED, False),
        ("status_changed_to", "Done", {"transition": {"to_status": "Done"}}, True),
        ("created", "", CREATED, True),
        ("created", "", DONE, False),
        ("commented", "", commented(), True),
        ("commented", "", CLOSED_WITH_COMMENT, True),
        ("status_changed", "", CLOSED_WITH_COMMENT, True),
        ("commented", "", OLD_COMMENT, False),
        ("commented", "", {"webhookEvent": "comment_updated"}, False),
        ("commented", "", {"webhookEvent": "comment_deleted"}, False),
    ],
)
def test_a_listener_acts_when_it_was_told_to(send, beta, close, when, statuses, body, wanted):
    listener = make_listener(beta, close, when=when, when_status=statuses)

    delivery = send(listener, body, find="BUG-0001")

    assert delivery.reason == ("applied" if wanted else "event_not_wanted")


@pytest.mark.parametrize("when", ExternalListener.When.values)
def test_a_request_without_a_body_is_trusted(send, beta, close, when):
    listener = make_listener(beta, close, when=when, when_status="Done")

    delivery = send(listener, find="BUG-0001")

    assert delivery.reason == "applied"


def test_a_condition_over_the_body_is_not_met_without_one(send, beta, close):
    listener = make_listener(beta, close, condition="issue.fields.priority.name == 'High'")

    delivery = send(listener, find="BUG-0001")

    assert delivery.reason == "event_not_wanted"


def test_every_value_of_when_has_its_case():
    mark = next(
        mark
        for mark in test_a_listener_acts_when_it_was_told_to.pytestmark
        if mark.name == "parametrize"
    )

    assert {(case[0], case[3]) for case in mark.args[1]} >= {
        (when, wanted)
        for when in ExternalListener.When.values
        for wanted in (True, False)
        if (when, wanted) != ("any", False)
    }


@pytest.mark.parametrize(
    ("condition", "wanted"),
    [
        ("issue.key == 'SANDBOX-12'", True),
        ("issue.fields.status.name == 'Done' && issue.key", True),
        ("issue.key == 'SANDBOX-13'", False),
        ("issue.nothing", False),
        ("abs(issue.key)", False),
        ("issue.key ==", False),
        ("ceil(huge)", False),
    ],
)
def test_a_condition_over_the_body_must_hold(send, beta, close, condition, wanted):
    listener = make_listener(beta, close, condition=condition)

    delivery = send(listener, moved(huge=float("inf")), find="BUG-0001")

    assert delivery.reason == ("applied" if wanted else "event_not_wanted")


def test_the_first_thing_in_the_way_is_the_reason(send, beta, listener, close, second):
    link = link_to_jira(beta.ticket)
    send(listener, moved(at=100))
    link.delete()
    right = close.actions.get().params
    saved = narrow_listener(listener, "New", status=[beta.new.pk])
    SavedFilter.objects.filter(pk=saved.pk).update(groups=[])
    MacroAction.objects.update(params={})
    ExternalListener.objects.update(enabled=False, when="created")
    at = 50
    reasons = []

    def newer():
        nonlocal at
        at = 200

    for mend in (
        lambda: None,
        lambda: ExternalListener.objects.update(enabled=True),
        lambda: ExternalListener.objects.update(when="any"),
        lambda: link_to_jira(beta.ticket),
        newer,
        lambda: SavedFilter.objects.update(groups=[{"status": [beta.new.pk]}]),
        lambda: change_ticket(beta.ticket, actor="ada", status=beta.new),
        lambda: MacroAction.objects.update(params=right),
    ):
        mend()
        reasons.append(send(listener, moved(at=at)).reason)

    assert reasons == [
        "listener_off",
        "event_not_wanted",
        "ticket_not_found",
        "late",
        "filter_broken",
        "outside_filter",
        "macro_broken",
        "applied",
    ]


def test_a_macro_that_runs_on_and_on_is_stopped_until_some_minutes_passed(
    send, beta, listener, reopening, settings
):
    settings.LOOP_LIMIT = 2
    for _ in range(2):
        for each in (reopening, listener):
            send(each, find="BUG-0001")

    stopped = send(reopening, find="BUG-0001")
    Execution.objects.update(created_at=timezone.now() - timedelta(minutes=11))
    later = send(reopening, find="BUG-0001")

    assert (stopped.status, stopped.reason) == ("failed", "loop_stopped")
    assert later.reason == "applied"


def test_runs_that_change_nothing_are_no_loop(send, beta, listener, settings):
    settings.LOOP_LIMIT = 2

    reasons = [send(listener, find="BUG-0001").reason for _ in range(4)]

    assert reasons == ["applied", "unchanged", "unchanged", "unchanged"]


# The end


def test_what_is_past_its_time_is_deleted_and_the_tickets_keep_their_history(
    post, send, beta, listener, settings
):
    settings.RETENTION_DAYS = 30
    old = timezone.now() - timedelta(days=31)
    first = send(listener, find="BUG-0001", headers=REPEATED)
    repeat = send(listener, find="BUG-0001", headers=REPEATED)
    post(listener, b"{")
    young = send(listener, find="BUG-0001")
    Delivery.objects.exclude(pk__in=[repeat.pk, young.pk]).update(received_at=old)
    post(listener, find="BUG-0001")
    unsettled = Delivery.objects.order_by("pk").last()
    Delivery.objects.filter(pk=unsettled.pk).update(received_at=old)
    cause = first.executions.get().public_id

    deleted = retention.prune()

    assert deleted == 2
    assert set(Delivery.objects.values_list("pk", flat=True)) == {
        repeat.pk,
        young.pk,
        unsettled.pk,
    }
    assert Execution.objects.get(public_id=cause).delivery is None
    assert {change.cause for change in beta.ticket.changes.all()} == {cause}


def test_nothing_is_deleted_where_requests_are_kept_for_ever(send, beta, listener, settings):
    settings.RETENTION_DAYS = 0
    send(listener, find="BUG-0001")
    Delivery.objects.update(received_at=timezone.now() - timedelta(days=9999))

    deleted = retention.prune()

    assert deleted == 0
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_delivery_whose_connection_breaks_waits_before_it_is_tried_again(
    on_postgres, post, beta, listener, monkeypatch
):
    post(listener, find="BUG-0001")
    apply = AdjustWorkflow.apply

    def breaking(*arguments, **options):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(AdjustWorkflow, "apply", breaking)
    assert queue.settle_batch() == 0
    monkeypatch.setattr(AdjustWorkflow, "apply", apply)

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts) == ("received", 1)
    assert delivery.next_attempt_at > timezone.now()
    assert "OperationalError" in delivery.evidence["why"]
    Delivery.objects.update(next_attempt_at=None)
    queue.settle_all()
    assert Delivery.objects.get().reason == "applied"


@pytest.mark.parametrize("expression", ["a < b", "max_by(@, &a)", "ceil(a)", "sort(c)"])
def test_an_expression_that_does_not_suit_the_body_finds_nothing(send, beta, close, expression):
    body = {"a": "x", "b": 1, "c": [1, "x"]}
    listener = make_listener(
        beta, close, sender="generic", condition=expression, reference_expression=expression
    )

    delivery = send(listener, body, find="BUG-0001")

    assert (delivery.reason, delivery.references) == ("event_not_wanted", [])


def test_the_history_of_a_deleted_request_still_says_what_ran(send, beta, listener, client):
    cause = send(listener, find="BUG-0001").executions.get().public_id
    Delivery.objects.all().delete()
    client.force_login(User.objects.create_superuser("root"))

    page = client.get(f"/admin/causes/{cause}/", follow=True)

    assert page.redirect_chain[-1][0] == f"/admin/runs/{cause}/"
    assert "past its time, and deleted" in page.content.decode()
    assert "Macro “Close ticket” ran on BUG-0001" in page.content.decode()


def test_a_listener_key_in_capitals_is_refused_by_the_database(beta, listener):
    with pytest.raises(IntegrityError, match="listener_key_is_lower_case"):
        ExternalListener.objects.update(key="JiraClosed")
