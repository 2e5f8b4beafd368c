"""Macros that run in bulk, on triggers and on schedules; what holds them, and what ends a loop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from automation import bulk, queue, schedules, triggers
from automation.models import BulkRun, Delivery, Execution, Schedule, Trigger
from automation.pauses import go_on, pause
from feedback.form_fields import delete_form_field, save_form_field
from feedback.models import SavedFilter, Ticket, TicketEvent
from feedback.saved_filters import save_filter
from feedback.services import change_ticket, submit_ticket
from tests.conftest import add_field, closing_macro, make_listener
from tests.test_architecture import ROOT


def names_of_statuses(tickets):
    return sorted(set(tickets.values_list("status__name", flat=True)))


def filter_of(beta, name="New", **group):
    return save_filter(SavedFilter(feedback_type=beta.bugs, name=name, groups=[group]))


def test_a_bulk_run_does_every_ticket_once(beta, close, many):
    run = bulk.start_bulk(close, many, chosen="All bugs", actor="pam")

    assert bulk.work_off()

    run.refresh_from_db()
    assert (run.state, run.total, run.executions.count()) == ("done", 7, 7)
    assert names_of_statuses(many) == ["Closed"]
    assert {each.start for each in run.executions.all()} == {"bulk"}


def test_a_bulk_run_that_was_interrupted_goes_on(beta, close, many, monkeypatch):
    run = bulk.start_bulk(close, many, chosen="All bugs", actor="pam")
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    bulk._work_off_some()
    assert run.executions.count() == 2

    bulk.work_off()

    assert run.executions.count() == 7
    assert run.executions.values("ticket").distinct().count() == 7


def test_a_cancelled_bulk_run_leaves_the_rest_alone(beta, close, many, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    run = bulk.start_bulk(close, many, chosen="All bugs", actor="pam")
    bulk._work_off_some()

    bulk.cancel(run)
    bulk.work_off()

    run.refresh_from_db()
    assert (run.state, run.executions.count(), run.waiting.count()) == ("cancelled", 2, 0)


def test_a_bulk_run_is_taken_back_but_for_newer_work(beta, close, many):
    run = bulk.start_bulk(close, many, chosen="All bugs", actor="pam")
    bulk.work_off()
    change_ticket(many.first(), actor="sam", status=beta.open)

    undo = bulk.undo_bulk(run, by="pam")
    bulk.work_off()

    undo.refresh_from_db()
    assert (undo.state, undo.total) == ("done", 7)
    assert names_of_statuses(many) == ["New", "Open"]


def test_too_many_tickets_are_refused_with_a_sentence(beta, close, many, monkeypatch):
    monkeypatch.setattr(bulk, "MOST_TICKETS", 3)

    with pytest.raises(ValidationError, match="more than 3 tickets, the most of one bulk run"):
        bulk.start_bulk(close, many, chosen="All bugs", actor="pam")

    assert not BulkRun.objects.exists()


def test_a_macro_that_is_off_does_nothing_and_says_so(beta, close):
    close.enabled = False
    close.save()
    bulk.start_bulk(close, Ticket.objects.all(), chosen="All", actor="pam")
    bulk.work_off()

    assert Execution.objects.get().sentence == (
        "Macro “Close ticket” is switched off: BUG-0001 was left as it is."
    )


def test_once_per_ticket_is_once(send, beta, listener, close):
    close.once_per_ticket = True
    close.save()
    send(listener, find="BUG-0001")
    change_ticket(beta.ticket, actor="sam", status=beta.open)

    again = send(listener, find="BUG-0001")

    assert (again.status, again.reason) == ("skipped", "ran_before")
    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.open


def test_what_nobody_waits_for_is_not_noted(beta):
    change_ticket(beta.ticket, actor="sam", status=beta.open)

    assert not TicketEvent.objects.exists()


def test_a_trigger_runs_on_a_ticket_that_is_submitted(beta, on):
    on("submitted")
    ticket = submit_ticket(beta.bugs, summary="New one", submitter=beta.ada)

    triggers.fire()

    ticket.refresh_from_db()
    assert ticket.status == beta.closed
    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.new
    run = Execution.objects.get()
    assert (run.start, run.trigger.name, run.actor) == (
        "trigger",
        "On submitted",
        "On submitted → Close ticket",
    )


def test_a_trigger_may_wait_for_one_field(beta, on):
    on("modified", field="blocking")
    change_ticket(beta.ticket, actor="sam", summary="Other words")
    triggers.fire()
    assert not Execution.objects.exists()

    change_ticket(beta.ticket, actor="sam", blocking=True)
    triggers.fire()

    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.closed


def test_a_trigger_may_wait_for_a_form_field(beta, on):
    add_field(beta.bugs, "Severity")
    on("modified", field="values.severity")

    change_ticket(beta.ticket, actor="sam", values={"severity": "High"})
    triggers.fire()

    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.closed


def test_a_form_field_that_a_trigger_waits_for_is_not_deleted(page, beta, on):
    severity = add_field(beta.bugs, "Severity", "choice", choices=["Low", "High"])
    on("modified", field="values.severity")

    assert delete_form_field(severity) == ["Trigger “On modified”"]
    asked = page.get(f"/admin/projects/beta/BUG/fields/{severity.pk}/").content.decode()
    assert "Trigger “On modified”" in asked

    severity.choices = ["Low"]
    save_form_field(severity)
    trigger = Trigger.objects.get()
    trigger.field = "blocking"
    triggers.save_trigger(trigger)

    assert delete_form_field(severity) == []


def test_a_field_that_is_gone_is_not_taken_for_any_field(page, beta, on):
    on("modified", field="values.severity")
    address = Trigger.objects.get().get_absolute_url()
    form = page.get(address).context["form"]

    assert ("values.severity", "values.severity, which is no longer there") in form[
        "field"
    ].field.choices
    given = {name: form[name].value() or "" for name in form.fields}
    refused = page.post(address, given | {"name": "Renamed"}).context["form"]

    assert refused.errors == {
        "field": ["“values.severity” is no longer there: choose another field."]
    }


def test_what_triggers_and_texts_named_before_is_kept(beta, on, close):
    severity = add_field(beta.bugs, "Severity")
    beta.bugs.__dict__.pop("fields", None)
    on("modified", field="values.severity")
    body = "{{ ticket.values.severity }} {{ payload.ticket.values.x }}"
    close.actions.create(kind="add_comment", params={"body": body, "exposure": "public"})
    Trigger.objects.update(form_field=None)

    [file] = (ROOT / "automation" / "migrations").glob("*_form_fields_named_before.py")
    import_module(f"automation.migrations.{file.stem}").keep_named(apps, None)

    assert delete_form_field(severity) == ["Macro “Close ticket”", "Trigger “On modified”"]


def test_a_ticket_comes_within_the_filter_once(beta, on):
    blocking = filter_of(beta, "Blocking", blocking=["true"])
    on("entered", filter=blocking)
    change_ticket(beta.ticket, actor="sam", blocking=True)
    triggers.fire()
    change_ticket(beta.ticket, actor="sam", status=beta.open)
    triggers.fire()
    assert Execution.objects.count() == 1

    for blocks in (False, True):
        change_ticket(beta.ticket, actor="sam", blocking=blocks)
        triggers.fire()

    assert Execution.objects.count() == 2


def test_what_is_within_the_filter_already_has_not_just_come(beta, on):
    change_ticket(beta.ticket, actor="sam", blocking=True)
    on("entered", filter=filter_of(beta, "Blocking", blocking=["true"]))
    change_ticket(beta.ticket, actor="sam", summary="Other words")

    triggers.fire()

    assert not Execution.objects.exists()


def test_triggers_that_lead_back_to_themselves_are_stopped_with_their_path(beta, on, close):
    reopen = closing_macro(beta, "Reopen", beta.open)
    on("modified", name="Shut", filter=filter_of(beta, "Open", status=[beta.open.pk]))
    closed = filter_of(beta, "Closed", status=[beta.closed.pk])
    on("modified", macro=reopen, name="Open again", filter=closed)
    change_ticket(beta.ticket, actor="sam", status=beta.open)

    for _ in range(5):
        triggers.fire()

    stopped = Execution.objects.get(reason="loop_stopped")
    assert stopped.sentence == (
        "Macro “Close ticket” was stopped on BUG-0001: it leads back to itself (Shut → Close "
        "ticket → Open again → Reopen → Shut → Close ticket)."
    )
    assert Execution.objects.filter(reason="applied").count() == 2
    assert not TicketEvent.objects.exists()


FIRST = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "after", "comes"),
    [
        ("once", FIRST - timedelta(days=1), FIRST),
        ("once", FIRST, None),
        ("hour", FIRST + timedelta(minutes=61), FIRST + timedelta(hours=2)),
        ("day", FIRST, FIRST + timedelta(days=1)),
        ("week", FIRST + timedelta(days=8), FIRST + timedelta(weeks=2)),
        ("month", FIRST, datetime(2026, 2, 28, 9, 0, tzinfo=UTC)),
        ("month", datetime(2026, 2, 28, 9, 0, tzinfo=UTC), datetime(2026, 3, 31, 9, 0, tzinfo=UTC)),
        ("day", FIRST + timedelta(days=400), None),
    ],
)
def test_a_schedule_knows_its_next_time(beta, close, every, after, comes):
    schedule = Schedule(
        macro=close, every=every, starts_at=FIRST, ends_at=FIRST + timedelta(days=365)
    )

    assert schedules.next_time(schedule, after) == comes


def test_the_hour_on_the_clock_stays_over_a_change_of_summer_time(settings, beta, close):
    with timezone.override("Europe/Berlin"):
        start = timezone.make_aware(datetime(2026, 3, 28, 9, 0))
        schedule = Schedule(macro=close, every="day", starts_at=start)

        following = schedules.next_time(schedule, start)

        assert timezone.localtime(following).hour == 9
        assert following.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=23)


@pytest.fixture
def daily(beta, close):
    schedule = schedules.save_schedule(
        Schedule(
            feedback_type=beta.bugs,
            name="Every night",
            macro=close,
            every="day",
            starts_at=timezone.now() + timedelta(hours=1),
        )
    )
    Schedule.objects.update(next_run_at=timezone.now() - timedelta(days=3))
    return schedule


def test_a_schedule_that_is_due_runs_once_however_late_the_beat(beta, daily, many):
    assert schedules.start_due() == 1
    assert schedules.start_due() == 0
    bulk.work_off()

    daily.refresh_from_db()
    assert daily.next_run_at > timezone.now()
    assert names_of_statuses(many) == ["Closed"]
    assert {run.start for run in Execution.objects.all()} == {"schedule"}


def test_a_schedule_whose_filter_broke_says_so(beta, daily):
    broken = filter_of(beta, status=[beta.new.pk])
    SavedFilter.objects.filter(pk=broken.pk).update(groups=[{"statuses": [1]}])
    Schedule.objects.update(filter=broken)

    schedules.start_due()

    run = BulkRun.objects.get()
    assert (run.state, run.total) == ("cancelled", 0)
    assert "There is no field “statuses” to filter by" in run.problem


def test_a_pause_holds_everything_and_drains_in_order(post, beta, close, listener, daily, on, many):
    first, second, *_ = many.order_by("pk")
    reopen = make_listener(
        beta, closing_macro(beta, "Reopen", beta.open), name="Jira open", key="jiraopen"
    )
    on("modified", field="blocking")
    change_ticket(first, actor="sam", blocking=True)
    run = bulk.start_bulk(close, many.filter(pk=second.pk), chosen="One", actor="pam")
    pause(beta.project, User.objects.create_superuser("root"))

    for each in (listener, reopen, listener, reopen):
        post(each, find=first.ref)
        post(each, find=second.ref)
    queue.settle_all()
    assert (schedules.start_due(), triggers.fire(), bulk.work_off()) == (0, True, True)
    assert not Execution.objects.exists()
    assert set(Delivery.objects.values_list("status", flat=True)) == {"received"}

    go_on(beta.project)
    queue.settle_all()

    order = Execution.objects.order_by("pk").values_list("delivery", flat=True)
    assert list(order) == list(Delivery.objects.order_by("pk").values_list("pk", flat=True))
    assert {each.reason for each in Delivery.objects.all()} == {"applied"}
    assert names_of_statuses(many.filter(pk__in=[first.pk, second.pk])) == ["Open"]

    triggers.fire()
    bulk.work_off()
    schedules.start_due()
    bulk.work_off()

    later = Execution.objects.exclude(start="listener").order_by("pk")
    assert [each.start for each in later] == ["trigger", "bulk", *["schedule"] * 7]
    assert run.executions.get().ticket == second
    assert names_of_statuses(many) == ["Closed"]


def test_a_pause_of_everything_holds_every_project(post, beta, listener):
    pause(None, User.objects.create_superuser("root"))
    post(listener, find="BUG-0001")

    queue.settle_all()

    assert Delivery.objects.get().status == "received"
