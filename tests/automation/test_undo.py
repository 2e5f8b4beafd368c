"""Runs taken back: what counts as newer work, and what an undo says of itself."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction

from access.callers import Caller
from automation import bulk, triggers
from automation.by_hand import run_by_hand, undo, undoing
from automation.models import Execution, Trigger
from automation.runs import locked
from feedback.models import SavedFilter, Status, Team, Ticket
from feedback.saved_filters import save_filter
from feedback.services import change_ticket
from tests.automation.actions import make_macro, run, take_back
from tests.automation.test_comment_listeners import commenting, link_to_github, told

PAM = Caller("pam")


def status_of(ticket) -> str:
    return Ticket.objects.get(pk=ticket.pk).status.name


def said(execution) -> list[str]:
    return [step.sentence for step in execution.steps.all()]


@pytest.fixture
def closed(beta, close):
    """A run that closed the ticket."""
    return run_by_hand(close, beta.ticket, PAM)


def test_who_made_the_same_of_it_decided_so_too(beta, closed):
    change_ticket(beta.ticket, actor="sam", status=beta.open)
    change_ticket(beta.ticket, actor="sam", status=beta.closed)

    undone = take_back(closed)

    assert status_of(beta.ticket) == "Closed"
    assert "it is “Closed” now, and was “New” before the run" in " ".join(said(undone))


def test_a_row_that_was_renamed_is_the_same_row(beta, closed):
    Status.objects.filter(pk=beta.closed.pk).update(name="Finished")
    Team.objects.filter(pk=beta.support.pk).update(name="Helpers")

    undone = take_back(closed)

    assert undone.reason == "applied"
    assert status_of(beta.ticket) == "New"


def test_a_run_that_was_taken_back_takes_no_newer_run_back(beta, close, closed):
    take_back(closed)
    again = run_by_hand(close, beta.ticket, PAM)

    second = take_back(closed)

    assert (again.reason, second.reason) == ("applied", "not_taken_back")
    assert status_of(beta.ticket) == "Closed"


def test_a_bulk_undo_leaves_alone_what_was_taken_back_by_itself(beta, close):
    whole = bulk.start_bulk(close, Ticket.objects.all(), chosen="All", actor="pam")
    bulk.work_off()
    take_back(whole.executions.get())
    change_ticket(beta.ticket, actor="sam", status=beta.closed)

    bulk.undo_bulk(whole, by="pam")
    bulk.work_off()

    assert status_of(beta.ticket) == "Closed"


def test_what_was_left_alone_can_be_chosen_later(beta, closed):
    change_ticket(beta.ticket, actor="sam", status=beta.open)
    take_back(closed)

    assert [part.field for part in undoing(closed, PAM)] == ["status"]
    take_back(closed, even=["status"])

    assert status_of(beta.ticket) == "New"


def test_a_link_that_somebody_made_meanwhile_is_not_ours_to_take_away(beta):
    item = {"system": "jira", "remote_key": "A-1"}
    done = run(beta, ("link", item))
    undone = take_back(done.execution)
    run(beta, ("link", item), name="By somebody else")

    take_back(done.execution)
    take_back(take_back(undone))

    assert beta.ticket.links.get().remote_key == "A-1"


def test_what_a_tracker_told_stays_and_is_named(beta, send):
    link_to_github(beta.ticket)
    send(commenting(beta), told())

    undone = take_back(Execution.objects.get())

    assert said(undone) == [
        "Comment: cannot be taken back. What a tracker told stays as it was told."
    ]
    assert beta.ticket.comments.exists()


def test_a_trigger_does_not_do_again_what_was_taken_back(beta, close):
    new = save_filter(
        SavedFilter(feedback_type=beta.bugs, name="New", groups=[{"status": [beta.new.pk]}])
    )
    trigger = Trigger(
        feedback_type=beta.bugs, name="Shut", event="modified", macro=close, filter=new
    )
    triggers.save_trigger(trigger)
    change_ticket(Ticket.objects.get(), actor="sam", blocking=True)
    for _ in range(2):  # also what the first run changed
        triggers.fire()
    closed = Execution.objects.get(reason="applied")

    take_back(closed)
    triggers.fire()

    assert status_of(beta.ticket) == "New"
    stopped = Execution.objects.get(reason="loop_stopped")
    assert (
        "(Shut → Close ticket → pam → Undo of “Close ticket” → Shut → Close ticket)"
        in stopped.sentence
    )


def test_who_has_a_long_name_undoes_as_often_as_anybody(beta, close):
    close.name = "C" * 100
    close.save()
    somebody = Caller("n" * 150)
    done = run_by_hand(close, beta.ticket, somebody)

    for _ in range(6):
        done = undo(done, somebody)

    assert done.actor.startswith(f"{'n' * 150} → Undo of the undo of the undo of")
    assert len(done.actor) == 300


def test_a_run_whose_undo_was_taken_back_is_taken_back_as_before(page, beta):
    words = ("add_comment", {"body": "Hello", "exposure": "public"})
    done = run(beta, words, ("add_note", {"body": "Kind"})).execution
    again = take_back(take_back(done))

    assert "comment: there again" in again.sentence
    assert "Taken back by" not in page.get(done.get_absolute_url()).content.decode()
    assert said(take_back(done)) == ["Note: taken back.", "Comment: taken back."]
    assert not beta.ticket.comments.exists()


def test_a_field_that_the_run_set_back_itself_is_no_part_of_it(beta):
    unblock = make_macro(beta.bugs, ("set_blocking", {"blocking": False}), name="Unblock")
    block = ("set_blocking", {"blocking": True})
    done = run(beta, block, ("run_macro", {"macro": unblock.pk})).execution

    assert undoing(done, PAM) == []


def test_once_per_ticket_looks_at_what_stands(beta):
    mail = {"to": ["submitter"], "subject": "Hi", "text": "Hello", "sending": "each"}
    macro = make_macro(beta.bugs, ("add_tags", {"names": "hot"}), ("send_email", mail))
    macro.once_per_ticket = True
    macro.save()
    first = run_by_hand(macro, beta.ticket, PAM)
    undone = take_back(first)
    take_back(undone)

    assert run_by_hand(macro, beta.ticket, PAM).reason == "ran_before"
    take_back(first)
    assert run_by_hand(macro, beta.ticket, PAM).reason == "applied"


def test_the_page_of_an_undo_says_what_is_there_now_and_then(page, closed):
    shown = page.get(f"/admin/runs/{closed.public_id}/undo/").content.decode()

    for heading, text in {"What": "Status", "Now": "Closed", "After the undo": "New"}.items():
        assert f'data-label="{heading}">{text}<' in shown


def test_a_runs_page_leads_to_what_it_sent(page, beta):
    mail = {"to": ["submitter"], "subject": "Hi there", "text": "Hello", "sending": "each"}
    done = run(beta, ("send_email", mail)).execution

    shown = page.get(done.get_absolute_url()).content.decode()

    assert f'href="{done.outgoing.get().get_absolute_url()}">Hi there</a>' in shown


def test_an_undo_that_took_nothing_back_is_not_named_on_the_run(page, beta, closed):
    for field in ({"status": beta.open}, {"team": None}):
        change_ticket(beta.ticket, actor="sam", **field)
    take_back(closed)

    assert "Taken back by" not in page.get(closed.get_absolute_url()).content.decode()


# On PostgreSQL, while somebody else has the ticket


def while_somebody_changes(ticket, act, **fields):
    """What ``act`` returns that waits for another transaction, which then commits."""
    has = threading.Event()

    def change():
        try:
            with transaction.atomic():
                own = Ticket.objects.select_for_update().get(pk=ticket.pk)
                has.set()
                time.sleep(0.3)
                change_ticket(own, actor="sam", **fields)
        finally:
            connections.close_all()

    other = threading.Thread(target=change)
    other.start()
    has.wait()
    try:
        return act()
    finally:
        other.join()


@pytest.mark.django_db(transaction=True)
def test_a_run_waits_for_who_moves_the_ticket(on_postgres, beta):
    macro = make_macro(beta.bugs, ("set_blocking", {"blocking": True}))

    done = while_somebody_changes(
        beta.ticket, lambda: run_by_hand(macro, beta.ticket, PAM), status=beta.open
    )

    assert (done.reason, status_of(beta.ticket)) == ("applied", "Open")


@pytest.mark.django_db(transaction=True)
def test_a_run_knows_the_team_that_was_given_meanwhile(on_postgres, beta):
    def look():
        with transaction.atomic():
            return locked(beta.ticket.pk).team

    assert while_somebody_changes(beta.ticket, look, team=beta.support) == beta.support


@pytest.mark.django_db(transaction=True)
def test_of_several_undos_at_once_one_takes_it_back(on_postgres, beta, close):
    User.objects.create_user("pam")
    closed = run_by_hand(close, beta.ticket, PAM)
    reasons = []

    def act():
        try:
            reasons.append(str(undo(closed, PAM).reason))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(reasons) == ["applied", *["not_taken_back"] * 3]
    assert status_of(beta.ticket) == "New"
