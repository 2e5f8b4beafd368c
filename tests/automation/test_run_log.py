"""Every run on the tickets of a type: found again, and taken along."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from access.callers import Caller
from automation import bulk, run_log, schedules, triggers
from automation.by_hand import run_by_hand
from automation.models import BulkRun, Execution, Schedule, Trigger
from feedback.models import Ticket
from feedback.services import change_ticket, submit_ticket
from tests.automation.actions import make_macro
from tests.automation.test_starts import filter_of

RUNS = "/admin/projects/beta/BUG/runs/"


@pytest.fixture
def ran(beta, close, listener, send):
    """A run by each way to start one, known by its name."""
    second = submit_ticket(beta.bugs, summary="Die Kappe schmölze", submitter=beta.ada)
    send(listener, find="BUG-0001")
    talk = make_macro(
        beta.bugs,
        ("add_comment", {"body": "{{ ticket.ref }}, Grüße", "exposure": "public"}),
        name="Talk",
    )
    run_by_hand(talk, second, Caller("pam"))
    daily = schedules.save_schedule(
        Schedule(
            feedback_type=beta.bugs,
            name="Nightly",
            macro=talk,
            every="day",
            starts_at=timezone.now() + timedelta(hours=1),
            filter=filter_of(beta, "Closed", status=[beta.closed.pk]),
        )
    )
    Schedule.objects.update(next_run_at=timezone.now())
    schedules.start_due()
    bulk.work_off()
    on = Trigger(
        feedback_type=beta.bugs, name="On blocking", event="modified", macro=close, field="blocking"
    )
    triggers.save_trigger(on)
    second.refresh_from_db()
    change_ticket(second, actor="sam", blocking=True)
    triggers.fire()
    return {
        "listener": Execution.objects.get(start="listener"),
        "hand": Execution.objects.get(start="hand"),
        "schedule": Execution.objects.get(bulk__schedule=daily),
        "trigger": Execution.objects.get(trigger=on),
    }


NARROWED = {
    "start=hand": {"hand"},
    "listener={listener.listener_id}": {"listener"},
    "trigger={trigger.trigger_id}": {"trigger"},
    "schedule={schedule.bulk.schedule_id}": {"schedule"},
    "macro={hand.macro_id}": {"hand", "schedule"},
    "ref=bug-2": {"hand", "trigger"},
    "actor=PAM": {"hand"},
    "actor=nightly": {"schedule"},
    "search=bug-0001": {"listener", "schedule"},
    "search=schmölze": {"hand", "trigger"},
    "search=New → Closed": {"listener", "trigger"},
    "search=Grüße": {"hand", "schedule"},
    "search=nothing like this": set(),
    "actor=jira&search=talk": set(),
    "created_after=2100-01-01T00:00": set(),
    "created_before=2100-01-01T00:00&start=trigger": {"trigger"},
}


@pytest.mark.parametrize("query", NARROWED)
def test_the_page_and_programs_narrow_runs_alike(page, ran, query):
    asked = "&".join(query.format(**ran).split("&"))

    shown = page.get(f"{RUNS}?{asked}").context["log"].rows
    told = page.get(f"/api/v1/executions/?{asked}").json()["results"]

    expected = {ran[each].public_id for each in NARROWED[query]}
    assert {run.public_id for run in shown} == expected
    assert {run["id"] for run in told} == expected


def test_programs_are_told_the_listener(page, ran):
    run = page.get(f"/api/v1/executions/{ran['listener'].public_id}/").json()

    assert run["listener"] == ran["listener"].listener_id
    by_key = page.get("/api/v1/executions/?listener_key=JIRACLOSED").json()["results"]
    assert [each["id"] for each in by_key] == [run["id"]]


def test_a_text_is_searched_among_the_newest_runs(page, ran, monkeypatch):
    monkeypatch.setattr("automation.rest_filters.MOST_SEARCHED", 1)

    assert not page.get(f"{RUNS}?search=pam").context["log"].rows
    assert page.get(f"{RUNS}?search=pam&start=hand").context["log"].rows


@pytest.mark.parametrize(
    "query",
    [
        *("macro=999999999999999999999", "listener=x", "trigger=%00", "schedule=-1", "start=x"),
        *("created_after=yesterday", "created_before=2026-13-01T00:00", "search=%00"),
        f"search={'x' * 101}",
    ],
)
def test_what_cannot_be_understood_matches_nothing_and_says_so(page, ran, query):
    answer = page.get(f"{RUNS}?{query}")
    taken = page.get(f"{RUNS}?{query}&format=csv")

    assert "cannot be understood" in answer.content.decode()
    assert answer.context["log"].rows == []
    assert taken.status_code == 302
    assert "format" not in taken["Location"]
    assert page.get(f"/api/v1/executions/?{query}").status_code in (200, 400)


def taken_along(page, query=""):
    return b"".join(page.get(f"{RUNS}?{query}").streaming_content).decode()


def test_runs_are_taken_along_with_their_steps(page, ran):
    [told] = json.loads(taken_along(page, "format=json&start=hand"))
    [cells] = csv.DictReader(io.StringIO(taken_along(page, "format=csv&start=hand")))

    assert [each["kind"] for each in told["steps"]] == ["add_comment"]
    (step,) = told["steps"]
    (change,) = step["changes"]
    assert (change["field"], change["before"]) == ("Public comment", "")
    assert cells["steps"] == f"{step['sentence']} (Public comment:  → {change['after']})"
    assert "BUG-0002, Grüße" in cells["steps"]
    assert (told["who"], told["ticket"]) == ("pam → Talk", "BUG-0002")


def test_what_is_left_out_is_told_by_a_last_row(page, ran, monkeypatch):
    monkeypatch.setattr(run_log, "MOST_EXPORTED", 2)

    told = json.loads(taken_along(page, "format=json"))
    cells = list(csv.DictReader(io.StringIO(taken_along(page, "format=csv"))))

    assert [row["start"] for row in told] == ["trigger", "schedule", ""]
    assert told[-1].keys() == told[0].keys()
    assert told[-1]["sentence"] == cells[-1]["sentence"]
    assert "these are the newest 2" in told[-1]["sentence"]


def test_what_is_whole_has_no_last_row(page, ran, monkeypatch):
    monkeypatch.setattr(run_log, "MOST_EXPORTED", 4)

    assert all(row["start"] for row in json.loads(taken_along(page, "format=json")))


def test_a_schedule_that_did_not_begin_is_shown(page, ran):
    BulkRun.objects.create(
        macro=ran["hand"].macro, state="cancelled", actor="Weekly → Talk", problem="No such field."
    )

    shown = page.get(RUNS).content.decode()

    assert "Weekly → Talk: No such field." in shown
    assert "Did not begin" not in page.get(f"{RUNS}?start=hand").content.decode()


def test_the_page_takes_few_queries(page, ran, django_assert_max_num_queries):
    for _ in range(3):
        run_by_hand(ran["hand"].macro, Ticket.objects.first(), Caller("pam"))
    page.get(RUNS)

    with django_assert_max_num_queries(22):
        page.get(f"{RUNS}?search=talk")


def test_the_last_bulk_runs_are_found_again(page, beta, close):
    run = bulk.start_bulk(close, Ticket.objects.all(), chosen="All", actor="pam")
    bulk.cancel(run)

    shown = page.get(RUNS).content.decode()

    assert f'<a href="{run.get_absolute_url()}">' in shown
    assert "Cancelled: Close ticket on 1 ticket, pam" in shown
