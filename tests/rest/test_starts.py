"""Triggers, schedules and bulk runs by REST."""

from __future__ import annotations

import pytest

from automation import bulk
from automation.models import BulkRun, Schedule, Trigger
from automation.triggers import save_trigger
from feedback.models import FeedbackType, SavedFilter, Ticket
from feedback.saved_filters import save_filter
from feedback.services import change_ticket, submit_ticket
from tests.conftest import closing_macro


@pytest.fixture
def new(beta, close):
    """The fields that triggers and schedules need."""
    return {"feedback_type": beta.bugs.pk, "name": "Mine", "macro": close.pk}


@pytest.fixture
def foreign(beta):
    """A filter of suggestions."""
    saved = SavedFilter(feedback_type=beta.suggestions, name="Ideas", groups=[{"search": "x"}])
    return save_filter(saved)


def test_a_trigger_is_made_changed_and_deleted(call, beta, new):
    body = new | {"event": "modified", "field": "blocking"}

    made = call("POST", "triggers/", body)
    assert made.status_code == 201, made.content
    assert FeedbackType.objects.get(pk=beta.bugs.pk).watched
    pk = made.json()["id"]
    off = call("PATCH", f"triggers/{pk}/", {"enabled": False}).json()
    assert (off["enabled"], off["field"], off["event"]) == (False, "blocking", "modified")
    assert not FeedbackType.objects.get(pk=beta.bugs.pk).watched
    call("PATCH", f"triggers/{pk}/", {"enabled": True})
    assert call("DELETE", f"triggers/{pk}/").status_code == 204
    assert not FeedbackType.objects.get(pk=beta.bugs.pk).watched


def test_a_trigger_that_waits_within_a_filter_knows_who_is_there(call, beta, new):
    saved = SavedFilter(feedback_type=beta.bugs, name="New", groups=[{"status": [beta.new.pk]}])
    body = new | {"event": "entered", "filter": save_filter(saved).pk}

    pk = call("POST", "triggers/", body).json()["id"]

    assert Trigger.objects.get(pk=pk).members.count() == 1


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"event": "entered"}, {"filter": ["Choose the filter that tickets come within."]}),
        ({"event": "melted"}, {"event": ['"melted" is not a valid choice.']}),
        (
            {"field": "lens"},
            {"field": ["Select a valid choice. lens is not one of the available choices."]},
        ),
        ({"name": "TAKEN"}, {"name": ["There already is a trigger “TAKEN”. Choose another name."]}),
    ],
)
def test_what_is_wrong_with_a_trigger_is_told_by_field(call, beta, close, new, change, problems):
    save_trigger(Trigger(feedback_type=beta.bugs, name="Taken", event="submitted", macro=close))

    answer = call("POST", "triggers/", new | {"event": "modified"} | change)

    assert (answer.status_code, answer.json()) == (400, problems)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("triggers", {"event": "submitted"}),
        ("schedules", {"every": "day", "starts_at": "2100-01-01T12:00:00Z"}),
    ],
)
def test_what_belongs_to_another_type_is_refused(call, beta, new, foreign, name, body):
    answer = call("POST", f"{name}/", new | body | {"filter": foreign.pk})

    assert answer.json() == {"filter": ["“Ideas” is one of Suggestions: choose one of Bugs."]}


def test_a_schedule_shows_its_next_run(call, new):
    body = new | {"every": "week", "starts_at": "2100-01-01T12:00:00Z"}

    made = call("POST", "schedules/", body).json()

    assert made["next_run_at"] == made["starts_at"] == "2100-01-01T12:00:00Z"
    later = call("PATCH", f"schedules/{made['id']}/", {"starts_at": "2100-02-01T12:00:00Z"})
    assert later.json()["next_run_at"] == "2100-02-01T12:00:00Z"
    assert call("DELETE", f"schedules/{made['id']}/").status_code == 204
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (
            {"every": "once", "starts_at": "2020-01-01T12:00:00Z"},
            {"starts_at": ["No run would ever come: every time is past."]},
        ),
        ({"ends_at": "2099-01-01T12:00:00Z"}, {"ends_at": ["This is before the first run."]}),
        (
            {"starts_at": "0001-01-01T00:00:00Z"},
            {"starts_at": ["Choose a time between 2000 and 2199."]},
        ),
        (
            {"ends_at": "9999-12-31T23:59:59Z"},
            {"ends_at": ["Choose a time between 2000 and 2199."]},
        ),
    ],
)
def test_what_is_wrong_with_a_schedule_is_told_by_field(call, new, change, problems):
    body = new | {"every": "day", "starts_at": "2100-01-01T12:00:00Z"} | change

    answer = call("POST", "schedules/", body)

    assert (answer.status_code, answer.json()) == (400, problems)


# Bulk runs


@pytest.fixture
def many(beta):
    """BUG-0001 to BUG-0003, the last of which blocks."""
    for number in (2, 3):
        submit_ticket(beta.bugs, summary=f"Bug {number}", submitter=beta.ada)
    Ticket.objects.filter(number=3).update(blocking=True)


def start(call, macro, **which):
    answer = call("POST", "bulk-runs/", {"macro": macro.pk} | which)
    assert answer.status_code == 201, answer.content
    return answer.json()


def closed():
    return [*Ticket.objects.filter(status__name="Closed").order_by("pk").values_list("number")]


def test_a_bulk_run_takes_the_tickets_that_are_meant(call, many, close):
    run = start(call, close, params={"blocking": True})
    assert (run["state"], run["total"], run["left"]) == ("running", 1, 1)
    assert run["chosen"] == "Blocking is yes"

    bulk.work_off()

    assert closed() == [(3,)]
    told = call("GET", f"bulk-runs/{run['id']}/").json()
    assert (told["state"], told["left"]) == ("done", 0)
    executions = call("GET", "executions/", bulk_run=run["id"]).json()
    assert [(each["ref"], each["bulk_run"]) for each in executions["results"]] == [
        ("BUG-0003", run["id"])
    ]


def test_a_saved_filter_and_params_both_have_to_be_met(call, beta, many, close):
    saved = SavedFilter(feedback_type=beta.bugs, name="Bugs", groups=[{"search": "Bug"}])

    run = start(call, close, filter=save_filter(saved).pk, params={"blocking": False})

    assert run["total"] == 1
    assert " and Blocking is no" in run["chosen"]


def test_all_tickets_have_to_be_meant_expressly(call, many, close):
    nothing = call("POST", "bulk-runs/", {"macro": close.pk})
    assert (nothing.status_code, BulkRun.objects.count()) == (400, 0)
    assert "Say which tickets" in nothing.json()["non_field_errors"][0]

    assert start(call, close, params={})["total"] == 3


def test_what_is_wrong_with_params_is_told_by_name(call, close):
    answer = call("POST", "bulk-runs/", {"macro": close.pk, "params": {"stats": "New"}})

    assert answer.json() == {
        "params": {"stats": ["There is no field “stats” to filter by. Did you mean “status”?"]}
    }


def test_a_filter_of_another_type_is_refused(call, close, foreign):
    answer = call("POST", "bulk-runs/", {"macro": close.pk, "filter": foreign.pk})

    assert answer.json() == {"filter": ["“Ideas” is one of Suggestions: choose one of Bugs."]}


def test_a_cancelled_run_leaves_the_rest(call, many, close):
    run = start(call, close, params={})

    told = call("POST", f"bulk-runs/{run['id']}/cancel/").json()

    assert (told["state"], told["left"]) == ("cancelled", 0)
    bulk.work_off()
    assert closed() == []


def test_a_run_is_taken_back_by_a_run_of_its_own(call, many, close):
    run = start(call, close, params={})
    bulk.work_off()
    assert len(closed()) == 3

    undo = call("POST", f"bulk-runs/{run['id']}/undo/").json()

    assert (undo["undoes"], undo["total"]) == (run["id"], 3)
    bulk.work_off()
    assert closed() == []


def test_an_undo_names_the_fields_that_go_back_all_the_same(call, beta, many, close):
    run = start(call, close, params={})
    undo = f"bulk-runs/{run['id']}/undo/"
    assert "cancel the rest of it first" in call("POST", undo).json()["detail"]
    bulk.work_off()
    change_ticket(beta.ticket, actor="sam", status=beta.open)

    call("POST", undo, {"even": ["status"]})
    bulk.work_off()

    assert {*Ticket.objects.values_list("status__name", flat=True)} == {"New"}


def test_a_repeat_with_the_same_key_starts_nothing_new(call, many, close):
    body, headers = {"macro": close.pk, "params": {}}, {"Idempotency-Key": "one"}

    first, second = (call("POST", "bulk-runs/", body, headers=headers) for _ in range(2))

    assert first.json()["id"] == second.json()["id"]
    assert BulkRun.objects.count() == 1


def test_support_runs_on_its_own_tickets_alone(signed_in, beta, many):
    macro = closing_macro(beta)
    Ticket.objects.filter(number=2).update(team=beta.support)

    answer = signed_in("support")("POST", "bulk-runs/", {"macro": macro.pk, "params": {}})

    assert (answer.status_code, answer.json()["total"]) == (201, 1)
    assert signed_in("participant")("GET", "bulk-runs/").json()["count"] == 0


def test_only_managers_cancel_and_undo(signed_in, beta, many, call):
    run = start(call, closing_macro(beta), params={})
    Ticket.objects.filter(number=2).update(team=beta.support)

    for word in ("cancel", "undo"):
        assert signed_in("support")("POST", f"bulk-runs/{run['id']}/{word}/").status_code == 403
