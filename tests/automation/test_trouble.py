"""Trouble with one ticket is its own: it is kept with a reason, and all others go on."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Thread

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connections
from django.utils import timezone

from automation import bulk, runs, schedules, tasks, triggers
from automation.models import BulkRun, BulkTicket, Execution, Schedule, Trigger
from automation.trouble import MOST_ATTEMPTS
from feedback.models import Standing, Ticket, TicketEvent
from feedback.services import change_ticket, submit_ticket
from tests.automation.actions import make_macro
from tests.conftest import closing_macro


@pytest.fixture
def meets(beta, monkeypatch):
    """Let every run on BUG-0001 meet this error, after it did its work."""
    leave = runs.leave

    def meets(error):
        def leave_or_fail(execution, steps):
            if error and execution.ticket_id == beta.ticket.pk:
                raise error
            return leave(execution, steps)

        monkeypatch.setattr(runs, "leave", leave_or_fail)

    return meets


def let_time_pass():
    BulkTicket.objects.update(next_attempt_at=timezone.now())
    TicketEvent.objects.update(next_attempt_at=timezone.now())


def test_a_mistake_on_one_ticket_ends_its_run_alone(beta, close, many, meets):
    meets(ValueError("un\0foreseen"))
    run = bulk.start_bulk(close, many, chosen="All", actor="pam")

    bulk.work_off()

    run.refresh_from_db()
    assert (run.state, run.executions.filter(reason="applied").count()) == ("done", 6)
    failed = run.executions.get(reason="action_failed")
    assert failed.sentence == (
        "“The run” of macro “Close ticket” failed on BUG-0001: ValueError: unforeseen. "
        "Nothing was changed."
    )
    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.new


def test_trouble_that_heals_lets_one_ticket_wait_and_no_other(beta, close, many, meets):
    meets(OperationalError("deadlock detected"))
    run = bulk.start_bulk(close, many, chosen="All", actor="pam")

    assert bulk.work_off()
    assert (run.executions.count(), run.waiting.get().attempts) == (6, 1)

    meets(None)
    let_time_pass()
    bulk.work_off()
    run.refresh_from_db()
    assert (run.state, run.executions.filter(reason="applied").count()) == ("done", 7)


def test_trouble_that_does_not_heal_has_an_end(beta, close, meets):
    meets(OperationalError("deadlock detected"))
    run = bulk.start_bulk(close, Ticket.objects.all(), chosen="All", actor="pam")

    for _ in range(MOST_ATTEMPTS + 1):
        bulk.work_off()
        let_time_pass()
    bulk.work_off()

    run.refresh_from_db()
    assert (run.state, run.executions.get().reason) == ("done", "gave_up")


def test_a_later_bulk_run_waits_for_its_turn_on_each_ticket(beta, close, many, meets):
    meets(OperationalError("deadlock detected"))
    reopen = closing_macro(beta, "Reopen", beta.open)
    bulk.start_bulk(close, many, chosen="All", actor="pam")
    later = bulk.start_bulk(reopen, many, chosen="All", actor="pam")

    bulk.work_off()
    assert later.executions.count() == 6

    meets(None)
    let_time_pass()
    bulk.work_off()
    own = Execution.objects.filter(ticket=beta.ticket).order_by("pk")
    assert [each.macro.name for each in own] == ["Close ticket", "Reopen"]


def test_a_mistake_of_one_trigger_stops_no_other(beta, on, meets):
    meets(ValueError("unforeseen"))
    on("modified")
    other = submit_ticket(beta.bugs, summary="Another", submitter=beta.ada)
    for ticket in (beta.ticket, other):
        change_ticket(ticket, actor="sam", blocking=True)

    for _ in range(2):
        triggers.fire()

    assert Execution.objects.get(ticket=beta.ticket).reason == "action_failed"
    assert "applied" in Execution.objects.filter(ticket=other).values_list("reason", flat=True)
    assert not beta.ticket.events.exists()


def test_what_happened_waits_where_the_trouble_may_heal(beta, on, meets):
    meets(OperationalError("deadlock detected"))
    on("modified", field="blocking")
    other = submit_ticket(beta.bugs, summary="Another", submitter=beta.ada)
    for ticket in (beta.ticket, other):
        change_ticket(ticket, actor="sam", blocking=True)

    triggers.fire()
    triggers.fire()
    assert Execution.objects.get().ticket == other
    assert beta.ticket.events.get().attempts == 1

    for _ in range(MOST_ATTEMPTS):
        let_time_pass()
        triggers.fire()
    assert Execution.objects.get(ticket=beta.ticket).reason == "gave_up"
    assert not beta.ticket.events.exists()


@pytest.fixture
def due(beta, close):
    """Two schedules that are due."""
    soon = timezone.now() + timedelta(hours=1)
    for name in ("First", "Second"):
        schedules.save_schedule(
            Schedule(feedback_type=beta.bugs, name=name, macro=close, every="day", starts_at=soon)
        )
    Schedule.objects.update(next_run_at=timezone.now())


@pytest.mark.parametrize(
    ("error", "problem"),
    [(ValueError("unforeseen"), "ValueError: unforeseen."), (OperationalError("gone"), None)],
)
def test_a_schedule_that_fails_stops_no_other(due, monkeypatch, error, problem):
    begin = schedules.start_bulk

    def start_bulk(*args, schedule, **options):
        if schedule.name == "First":
            raise error
        return begin(*args, schedule=schedule, **options)

    monkeypatch.setattr(schedules, "start_bulk", start_bulk)

    schedules.start_due()

    assert BulkRun.objects.filter(schedule__name="Second", state="running").exists()
    first = BulkRun.objects.filter(schedule__name="First").first()
    assert (first.problem if first else None) == problem


def test_what_stops_schedules_stops_neither_triggers_nor_bulk_runs(beta, close, monkeypatch):
    def start_due():
        raise OperationalError("gone")

    monkeypatch.setattr(schedules, "start_due", start_due)
    run = bulk.start_bulk(close, Ticket.objects.all(), chosen="All", actor="pam")

    tasks.start_by_itself()

    run.refresh_from_db()
    assert run.state == "done"


def test_a_schedule_whose_last_time_was_missed_is_over_and_says_so(due):
    hours = [timezone.now() - timedelta(hours=count) for count in (3, 2)]
    Schedule.objects.filter(name="First").update(next_run_at=hours[0], ends_at=hours[1])

    schedules.start_due()

    run = BulkRun.objects.get(schedule__name="First")
    assert (run.state, run.total, run.schedule.next_run_at) == ("cancelled", 0, None)
    assert run.problem.startswith("Its time was missed, and no run may come after ")


def test_the_last_run_may_come_at_the_last_moment(due):
    moment = timezone.now() - timedelta(seconds=4)
    Schedule.objects.filter(name="First").update(next_run_at=moment, ends_at=moment)

    schedules.start_due()

    run = BulkRun.objects.get(schedule__name="First")
    assert (run.state, run.problem) == ("running", "")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_give_points_to_the_same_people_without_waiting_in_a_circle(
    on_postgres, beta, monkeypatch
):
    bob = User.objects.create_user("bob")
    for person in (bob, bob, beta.ada):
        submit_ticket(beta.bugs, summary="Another", submitter=person)
    give = make_macro(beta.bugs, ("adjust_score", {"points_how": "add", "points": 5}))
    run = bulk.start_bulk(give, Ticket.objects.all(), chosen="All", actor="pam")
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    carry_out, together = bulk.carry_out_alone, Barrier(2)

    def carry_out_together(*args, **options):
        """Both have a person each, before either wants the next."""
        execution = carry_out(*args, **options)
        with suppress(BrokenBarrierError):
            together.wait(1)
        return execution

    monkeypatch.setattr(bulk, "carry_out_alone", carry_out_together)

    def work():
        try:
            bulk.work_off()
        finally:
            connections.close_all()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert run.executions.filter(reason="applied").count() == 4
    assert set(Standing.objects.values_list("points", flat=True)) == {10}


def test_trouble_with_one_event_takes_no_other_events_run_back(beta, close, monkeypatch):
    internal = make_macro(beta.bugs, ("set_exposure", {"exposure": "internal"}), name="Hide")
    own = {"feedback_type": beta.bugs, "event": "modified"}
    triggers.save_trigger(Trigger(name="Shut", field="blocking", macro=close, **own))
    triggers.save_trigger(Trigger(name="Hide", field="summary", macro=internal, **own))
    leave = runs.leave

    def leave_or_fail(execution, steps):
        if execution.macro == internal:
            raise OperationalError("deadlock detected")
        return leave(execution, steps)

    monkeypatch.setattr(runs, "leave", leave_or_fail)
    change_ticket(Ticket.objects.get(), actor="sam", blocking=True)
    change_ticket(Ticket.objects.get(), actor="sam", summary="Other words")

    for _ in range(2 * MOST_ATTEMPTS + 4):
        triggers.fire()
        let_time_pass()

    reasons = dict(Execution.objects.values_list("macro__name", "reason"))
    assert reasons == {"Close ticket": "applied", "Hide": "gave_up"}
