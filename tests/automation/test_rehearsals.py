"""What would happen: told by the real path, the same as what then happens, and without a trace."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from access.callers import Caller
from automation import bulk, queue, rehearsals
from automation.actions import ACTIONS
from automation.actions.add_comment import AddComment
from automation.bulk_rehearsals import try_in_bulk
from automation.by_hand import run_by_hand
from automation.models import Delivery, Macro, Outgoing
from automation.rehearsals import rehearse, rehearse_days, whole
from automation.runs import rehearsal
from automation.shown_runs import shown_runs
from feedback.models import Exposure, Ticket
from feedback.services import change_ticket, link_ticket, submit_ticket, tags_named
from tests.automation.actions import make_macro
from tests.conftest import add_field, link_to_jira, make_listener, narrow_listener
from tests.senders.test_salesforce import SOAP, message, notification, record_id

DONE = {
    "webhookEvent": "jira:issue_updated",
    "issue": {"id": "10012", "key": "SANDBOX-12", "fields": {"summary": "Lens"}},
    "changelog": {"items": [{"field": "status", "fromString": "Open", "toString": "Done"}]},
    "timestamp": 1700000000000,
}
COMMENT = {"id": "10100", "author": {"displayName": "Dana"}, "created": "2026-01-01T12:00:00Z"}
MAIL = {"to": ["submitter"], "addresses": "", "subject": "Hi", "text": "Hello", "sending": "each"}
CALL = {"method": "POST", "url": "https://a.example/", "headers": "", "body": "", "keep": ""}
EVERYTHING = Caller("pam", runs_community=True)


OURS = ("feedback", "automation")  # a call by REST leaves its own record in apikeys
ALL = ("auth", "admin", "apikeys", "rest", *OURS)


def everything(*labels: str) -> dict:
    """All rows of all tables of these apps, or of ours, those between two tables too."""
    return {
        model.__name__: [*model._default_manager.order_by("pk").values()]
        for label in labels or OURS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    }


@contextmanager
def taken_back():
    """For the next example everything is as it was."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def told(ended, runs) -> dict:
    """What people read, without ids of rows that are made anew each time."""
    return {
        "outcome": ended and (ended.status, ended.reason, ended.sentence),
        "runs": [
            {
                "outcome": (shown.run.ticket.ref, shown.run.status, shown.run.reason),
                "sentence": shown.run.sentence,
                "macro": shown.run.macro_id,
                "steps": [(step.kind, step.sentence) for step in shown.run.steps.all()],
                "changes": [(each.field, each.before, each.after) for each in shown.changes],
                "leaving": [
                    (each.row.kind, each.row.destination, each.row.content)
                    for each in shown.leaving
                ],
            }
            for shown in runs
        ],
    }


def really(delivery) -> dict:
    """What becomes of it once a worker has looked at it."""
    queue.settle_all()
    delivery.refresh_from_db()
    return told(delivery, shown_runs(delivery.executions.order_by("pk"), EVERYTHING))


def rehearsed(delivery) -> dict:
    request = whole(delivery.pk)
    assert request is not None
    found = rehearse(request, EVERYTHING)
    return told(found.ended, found.runs)


# A rehearsal agrees with the run, and leaves no trace

TEXTS = some.sampled_from(
    [
        "Fixed.",
        "{{ ticket.ref }} is {{ ticket.status }}",
        "{{ payload.issue.key }}: {{ event.status_after }}",
        "{{ payload.nothing.there }}",
        "{{ actor.name }} <b>",
    ]
)
# Some become a number, some do not.
NUMBERS = ["{{ ticket.score }}", "{{ event.status_after }}", "{{ payload.nothing|default('') }}"]


def actions(beta) -> some.SearchStrategy:
    """Any action with settings that can be saved; what it does may fail all the same."""
    statuses = some.sampled_from([beta.new.pk, beta.open.pk, beta.closed.pk])
    teams = some.sampled_from([beta.support.pk, beta.managers.pk])
    systems = some.sampled_from(["jira", "github"])
    hows, numbers = some.sampled_from(["add", "subtract", "set"]), some.integers(0, 3)
    severity = add_field(beta.bugs, "Severity", "number")
    inner = make_macro(
        beta.bugs,
        ("add_comment", {"body": "{{ ticket.score }} {{ ticket.status }}", "exposure": "public"}),
        ("call_webhook", CALL | {"body": "{{ ticket.ref }}"}),
        name="Inner",
    )
    once = make_macro(beta.bugs, ("add_tags", {"names": "hot"}), name="Once")
    Macro.objects.filter(pk=once.pk).update(once_per_ticket=True)
    made = {
        "adjust_workflow": some.fixed_dictionaries({"status": statuses}, optional={"team": teams}),
        "set_blocking": some.fixed_dictionaries({"blocking": some.booleans()}),
        "set_exposure": some.fixed_dictionaries({"exposure": some.sampled_from(Exposure.values)}),
        "add_comment": some.fixed_dictionaries(
            {"body": TEXTS, "exposure": some.sampled_from(Exposure.values)}
        ),
        "add_note": some.fixed_dictionaries({"body": TEXTS}),
        "add_tags": some.fixed_dictionaries({"names": TEXTS}),
        "remove_tags": some.fixed_dictionaries({"names": some.sampled_from(["hot", "cold"])}),
        "adjust_score": some.fixed_dictionaries(
            {"points_how": hows, "points": numbers, "score_how": hows, "score": numbers}
        ),
        "adjust_team_membership": some.fixed_dictionaries(
            {
                "change": some.sampled_from(["add", "remove"]),
                "team": some.sampled_from([beta.support.pk, beta.participants.pk]),
            }
        ),
        "link": some.fixed_dictionaries({"system": systems, "remote_key": TEXTS}),
        "unlink": some.fixed_dictionaries({"system": systems}),
        "send_email": some.builds(
            lambda text, to, sending: (
                MAIL | {"text": text, "to": to, "addresses": "qa@example.com", "sending": sending}
            ),
            TEXTS,
            some.lists(some.sampled_from(["submitter", "team"]), unique=True),
            some.sampled_from(["each", "digest"]),
        ),
        "call_webhook": some.builds(lambda text: CALL | {"body": text}, TEXTS),
        "set_field": some.fixed_dictionaries(
            {
                "field": some.just(severity.pk),
                "value": some.sampled_from(["", "1", "3", *NUMBERS]),
            }
        ),
        "run_macro": some.fixed_dictionaries({"macro": some.sampled_from([inner.pk, once.pk])}),
    }
    assert made.keys() == ACTIONS.keys()
    kinds = some.sets(some.sampled_from(sorted(made)), min_size=1, max_size=4).map(sorted)
    return kinds.flatmap(
        lambda chosen: some.tuples(*(some.tuples(some.just(kind), made[kind]) for kind in chosen))
    )


REQUESTS = some.fixed_dictionaries(
    {
        "find": some.sampled_from(["", "SANDBOX-12", "BUG-0002", "BUG-99", "${issue.key}"]),
        "status": some.sampled_from(["Done", "In Progress", ""]),
        "twice": some.booleans(),
        "body": some.booleans(),
        "comment": some.sampled_from([None, "It melts.", "<b>It</b> melts"]),
    }
)
LISTENERS = some.fixed_dictionaries(
    {
        "when": some.sampled_from(["any", "status_changed", "commented"]),
        "type": some.sampled_from(["macro", "macro", "comment", "custom_data"]),
        "comment_exposure": some.sampled_from(Exposure.values),
        "within": some.booleans(),
        "most_tickets": some.sampled_from([200, 0, 1]),
    }
)
TICKETS = some.fixed_dictionaries(
    {
        "status": some.sampled_from(["new", "open", "closed"]),
        "tags": some.lists(some.sampled_from(["hot", "cold"]), unique=True),
        "second_linked": some.booleans(),
    }
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=some.data())
def test_a_rehearsal_agrees_with_the_run_and_leaves_no_trace(post, beta, data):
    with taken_back():
        delivery = recorded(post, beta, data)
        before = everything(*ALL)

        expected = rehearsed(delivery)

        assert everything(*ALL) == before
        assert really(delivery) == expected


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=some.data())
def test_trying_a_macro_by_hand_agrees_with_running_it(beta, data):
    with taken_back():
        prepare(beta, data.draw(TICKETS))
        macro = make_macro(beta.bugs, *data.draw(actions(beta)))
        before = everything(*ALL)

        with rehearsal():
            tried = run_by_hand(macro, beta.ticket, EVERYTHING)
            expected = told(tried, shown_runs([tried], EVERYTHING))

        assert everything(*ALL) == before
        ran = run_by_hand(macro, beta.ticket, EVERYTHING)
        assert told(ran, shown_runs([ran], EVERYTHING)) == expected


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=some.data())
def test_the_preview_of_a_bulk_run_agrees_with_the_run(beta, data):
    with taken_back():
        prepare(beta, data.draw(TICKETS))
        macro = make_macro(beta.bugs, *data.draw(actions(beta)))
        Macro.objects.filter(pk=macro.pk).update(once_per_ticket=data.draw(some.booleans()))
        macro.refresh_from_db()
        tickets = Ticket.objects.filter(feedback_type=beta.bugs)
        before = everything(*ALL)

        tried = try_in_bulk(macro, tickets, EVERYTHING)

        assert everything(*ALL) == before
        run = bulk.start_bulk(macro, tickets, chosen="All", actor=f"{EVERYTHING.name} → {macro}")
        bulk.work_off()
        ran = shown_runs(run.executions.order_by("pk"), EVERYTHING)
        assert told(None, ran) == told(None, tried.runs)
        mails = Outgoing.objects.filter(execution=None).order_by("pk")
        assert [mail.content for mail in mails] == [mail.content for mail in tried.digests]


def prepare(beta, state) -> None:
    Ticket.objects.filter(pk=beta.ticket.pk).update(status=getattr(beta, state["status"]))
    beta.ticket.refresh_from_db()
    change_ticket(beta.ticket, actor="ada", tags=tags_named(beta.project, state["tags"]))
    link_to_jira(beta.ticket)
    second = submit_ticket(beta.bugs, summary="A second", submitter=beta.ada)
    if state["second_linked"]:
        link_ticket(second, actor="ada", system="jira", remote_key="SANDBOX-12", remote_id="")


def recorded(post, beta, data) -> Delivery:
    """A request that came to a listener, and at which nobody has looked yet."""
    prepare(beta, data.draw(TICKETS))
    macro = make_macro(beta.bugs, *data.draw(actions(beta)))
    options, request = data.draw(LISTENERS), data.draw(REQUESTS)
    within = options.pop("within")
    listener = make_listener(beta, macro, several="all", **options)
    if within:
        narrow_listener(listener, "New ones", status=[beta.new.pk])
    body = json.loads(json.dumps(DONE))
    body["changelog"]["items"][0]["toString"] = request["status"]
    for number in range(1 + request["twice"]):  # the first of two is settled before
        body["timestamp"] += number
        if request["comment"]:
            body["webhookEvent"] = "comment_created"
            body["comment"] = COMMENT | {"body": request["comment"]}
        answer = post(listener, body if request["body"] else None, find=request["find"])
        assert answer.status_code == 200
        if not number and request["twice"]:
            queue.settle_all()
    return Delivery.objects.latest("pk")


# One request


@pytest.fixture
def writing(beta):
    """A macro that closes, comments, writes a mail and makes a call with a secret."""
    secret = {"headers": "Authorization: Bearer {{ secret }}", "secret": "zebra/fish"}
    body = '{"key": {{ secret|json }}, "ref": {{ ticket.ref|json }}}'
    return make_macro(
        beta.bugs,
        ("adjust_workflow", {"status": beta.closed.pk}),
        ("send_email", MAIL | {"to": ["submitter"], "subject": "{{ ticket.ref }} is closed"}),
        ("call_webhook", CALL | secret | {"url": CALL["url"] + "{{ secret }}", "body": body}),
    )


@pytest.fixture
def came(beta, send, writing):
    """A request that came while the listener was off."""
    link_to_jira(beta.ticket)
    return send(make_listener(beta, writing, enabled=False), DONE)


def shown_at(page, delivery):
    return " ".join(page.post(delivery.get_absolute_url()).content.decode().split())


def test_the_page_of_a_request_shows_what_would_happen_now(page, beta, came):
    before = everything()

    shown = shown_at(page, came)

    assert everything() == before
    assert "What would happen now" in shown
    assert "ran on BUG-0001: status New → Closed" in shown
    assert "<del>New</del> → <ins>Closed</ins>" in shown
    assert "Mail to <strong>ada@example.com</strong>: BUG-0001 is closed" in shown
    assert "this is how it would be with the listener on" in shown


def test_secrets_of_calls_are_not_shown(page, came):
    shown = shown_at(page, came)

    assert "POST https://a.example/***" in shown
    assert "BUG-0001&quot;}" in shown
    assert "zebra" not in shown


def test_trying_a_macro_by_hand_shows_what_would_leave(page, beta, writing):
    answer = page.post(
        f"/admin/projects/beta/ticket/{beta.ticket.ref}/run/", {"macro": writing.pk, "try": "1"}
    )
    shown = " ".join(answer.content.decode().split())

    assert "Mail to <strong>ada@example.com</strong>: BUG-0001 is closed" in shown
    assert "zebra" not in shown
    assert not Outgoing.objects.exists()


def test_the_preview_of_a_bulk_run_shows_what_would_leave(page, beta, writing):
    answer = page.post("/admin/projects/beta/BUG/run/", {"macro": writing.pk, "try": "1"})

    assert "Mail to <strong>ada@example.com</strong>" in answer.content.decode()
    assert not Outgoing.objects.exists()


def test_a_request_is_read_anew_with_the_expressions_of_today(came):
    listener = came.listener
    listener.reference_expression = "issue.fields.bug"
    listener.save()

    found = rehearse(whole(came.pk), EVERYTHING)

    assert found.ended.reason == "no_reference"


def test_a_repeat_of_what_was_done_is_no_duplicate_in_a_rehearsal(send, beta, close):
    link_to_jira(beta.ticket)
    delivery = send(make_listener(beta, close), DONE)
    assert delivery.reason == "applied"

    assert rehearse(whole(delivery.pk), EVERYTHING).ended.reason == "unchanged"


def test_of_a_held_listener_it_is_told_what_its_requests_would_do(post, beta, close):
    listener = make_listener(beta, close, most_tickets=1, held_at=timezone.now())
    submit_ticket(beta.bugs, summary="A second", submitter=beta.ada)
    for ticket in Ticket.objects.all():
        link_to_jira(ticket, remote_id="")
    post(listener, DONE)

    found = rehearse(whole(Delivery.objects.get().pk), EVERYTHING)

    assert "it would wait until somebody lets it go on" in found.waits
    assert found.ended.status == "done"
    assert [run.run.reason for run in found.runs] == ["applied", "applied"]


def test_what_the_brake_would_hold_is_told_and_nothing_is_held(post, beta, close):
    for ticket in (beta.ticket, submit_ticket(beta.bugs, summary="B", submitter=beta.ada)):
        link_ticket(ticket, actor="ada", system="jira", remote_key="SANDBOX-12", remote_id="")
    listener = make_listener(beta, close, most_tickets=1)
    post(listener, DONE, find="SANDBOX-12")

    found = rehearse(whole(Delivery.objects.get().pk), EVERYTHING)

    assert found.sentence == rehearsals.BRAKE
    listener.refresh_from_db()
    assert listener.held_at is None


def test_trouble_with_the_database_is_not_taken_for_the_brake(post, beta, close, monkeypatch):
    post(make_listener(beta, close), find="BUG-0001")

    def deliver(*_):
        raise OperationalError("deadlock detected")

    monkeypatch.setattr(queue, "deliver", deliver)

    found = rehearse(whole(Delivery.objects.get().pk), EVERYTHING)

    assert found.sentence == (
        "The database is in trouble, and the request would be tried again later: "
        "OperationalError: deadlock detected."
    )


@pytest.fixture
def failing(beta):
    """A macro whose text asks for what no request has."""
    return make_macro(
        beta.bugs, ("add_comment", {"body": "{{ payload.nothing.there }}", "exposure": "public"})
    )


def test_what_fails_in_a_rehearsal_is_no_news_for_the_operator(
    post, beta, failing, caplog, monkeypatch
):
    post(make_listener(beta, failing), DONE, find="BUG-0001")
    caplog.clear()

    missing = rehearse(whole(Delivery.objects.get().pk), EVERYTHING)
    monkeypatch.setattr(AddComment, "apply", None)
    Macro.objects.get().actions.update(params={"body": "Hi", "exposure": "public"})
    broken = rehearse(whole(Delivery.objects.get().pk), EVERYTHING)

    assert {missing.ended.reason, broken.ended.reason} == {"action_failed"}
    assert "TypeError" in broken.sentence
    assert not caplog.records


def test_only_what_nobody_expected_is_logged_with_its_traceback(beta, failing, caplog, monkeypatch):
    run_by_hand(failing, beta.ticket, EVERYTHING)
    assert not caplog.records

    monkeypatch.setattr(AddComment, "apply", None)
    failing.actions.update(params={"body": "Hi", "exposure": "public"})
    run_by_hand(failing, beta.ticket, EVERYTHING)

    [record] = caplog.records
    assert record.exc_info


def test_a_rehearsal_says_would(page, came, beta, close):
    assert "Would be done</span>" in shown_at(page, came)

    form = {"macro": close.pk, "try": "1"}
    for address in (f"ticket/{beta.ticket.ref}/run/", "BUG/run/"):
        answer = page.post(f"/admin/projects/beta/{address}", form)
        assert "Would be done</span>" in answer.content.decode()


def test_a_refused_request_is_not_rehearsed(page, post, listener):
    post(listener, DONE, key="nonsense")
    refused = Delivery.objects.get()
    Delivery.objects.update(project=listener.project)

    answer = page.post(refused.get_absolute_url())

    assert "reached no listener" in answer.content.decode()
    assert "What would happen now" not in answer.content.decode()


def test_a_part_of_a_request_is_rehearsed_alone(post, beta, close):
    listener = make_listener(beta, close, sender="salesforce")
    ids = [record_id(number) for number in range(2)]
    link_ticket(beta.ticket, actor="ada", system="salesforce", remote_id=ids[1])
    post(listener, message(*map(notification, ids, range(2))), content_type=SOAP)
    parts = [whole(each.pk) for each in Delivery.objects.order_by("pk")]

    reasons = [rehearse(each, EVERYTHING).ended.reason for each in parts]

    assert reasons == ["ticket_not_found", "applied"]


# The last days


@pytest.fixture
def requests(send, beta, close):
    """Of today, six days and two months ago, to a listener that is off; with a repeat."""
    link_to_jira(beta.ticket)
    listener = make_listener(beta, close, enabled=False)
    for days in (60, 6, 0):
        delivery = send(listener, DONE | {"timestamp": 1700000000000 + days}, find="SANDBOX-12")
        came = timezone.now() - timedelta(days=days)
        Delivery.objects.filter(pk=delivery.pk).update(received_at=came)
    return listener


def test_the_requests_of_the_last_days_are_rehearsed_oldest_first(page, beta, requests):
    before = everything()

    answer = page.post(f"/admin/projects/beta/BUG/listeners/{requests.pk}/rehearse/", {"days": "7"})

    assert everything() == before
    found = answer.context["rehearsed"]
    assert [each.ended.reason for each in found.rehearsed] == ["applied", "applied"]
    times = [each.request.received_at for each in found.rehearsed]
    assert times == sorted(times)
    assert "2 requests, the oldest first" in answer.content.decode()
    assert answer.content.decode().count("<ins>Closed</ins>") == 2


def test_of_more_requests_the_newest_are_taken(requests, monkeypatch):
    monkeypatch.setattr(rehearsals, "MOST_REQUESTS", 2)

    found = rehearse_days(requests, 90, EVERYTHING)

    newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True)[:2]
    assert [each.request.pk for each in found.rehearsed] == sorted(newest)
    assert (found.found, found.left) == (3, 1)


def test_older_requests_are_counted_not_read(requests, monkeypatch):
    monkeypatch.setattr(rehearsals, "MOST_REQUESTS", 1)

    with CaptureQueriesContext(connection) as queries:
        rehearse_days(requests, 90, EVERYTHING)

    ids = [each["sql"] for each in queries if each["sql"].startswith('SELECT "automation_delivery')]
    assert "LIMIT 1" in ids[0]


def test_it_stops_in_time(requests, monkeypatch):
    monkeypatch.setattr(rehearsals, "LONGEST", -1.0)

    assert rehearse_days(requests, 90, EVERYTHING).left == 3


@pytest.mark.parametrize("days", ["0", "31", "", "x", "9" * 30])
def test_days_are_1_to_30(page, requests, days):
    answer = page.post(
        f"/admin/projects/beta/BUG/listeners/{requests.pk}/rehearse/", {"days": days}
    )

    assert answer.status_code == 200
    assert answer.context["rehearsed"] is None
    assert answer.context["form"].errors["days"]
