"""Macros run by somebody: tried first, run, and taken back."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from automation.macros import save_macro
from automation.models import Execution, ExecutionStep, Macro, Outgoing
from feedback.models import Comment, Ticket, TicketChange
from feedback.services import change_ticket, tags_named
from tests.conftest import closing_macro


@pytest.fixture
def address(beta):
    return f"/admin/projects/beta/ticket/{beta.ticket.ref}/run/"


@pytest.fixture
def close_and_say(beta):
    """Closes a ticket and says so."""
    moves = {"team": beta.support.pk, "workflow": beta.workflow.pk, "status": beta.closed.pk}
    words = {"body": "{{ ticket.ref }} is {{ ticket.status }}.", "exposure": "public"}
    macro = Macro(feedback_type=beta.bugs, name="Close and say so")
    return save_macro(macro, [("adjust_workflow", moves), ("add_comment", words)])


@pytest.fixture
def page(client, beta):
    """A client signed in as the project manager."""
    pam = User.objects.create_user("pam", "pam@example.com", "pam")
    beta.managers.members.add(pam)
    client.force_login(pam)
    return client


def everything():
    """All that a run could leave behind."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Ticket, TicketChange, Comment, Execution, ExecutionStep)
    ]


def state_of(ticket):
    ticket.refresh_from_db()
    return ticket.status_id, ticket.team_id, ticket.comments.count()


def test_a_run_by_hand_does_what_the_macro_says_and_shows_it(page, beta, address, close_and_say):
    answer = page.post(address, {"macro": close_and_say.pk}, follow=True)

    run = Execution.objects.get()
    assert (run.start, run.reason, run.actor) == ("hand", "applied", "pam → Close and say so")
    assert answer.redirect_chain[-1][0] == f"/admin/runs/{run.public_id}/"
    assert state_of(beta.ticket) == (beta.closed.pk, beta.support.pk, 1)
    assert "Move to “Closed” in Default" in answer.content.decode()


def test_texts_name_the_ticket_as_the_actions_before_left_it(page, beta, address, close_and_say):
    page.post(address, {"macro": close_and_say.pk})

    assert Comment.objects.get().body == "BUG-0001 is Closed."


def test_a_rehearsal_tells_the_same_as_the_run_and_leaves_nothing(call, beta, close_and_say):
    before = everything()
    body = {"ticket": beta.ticket.pk}

    tried = call("POST", f"macros/{close_and_say.pk}/rehearse/", body).json()

    assert everything() == before
    ran = call("POST", f"macros/{close_and_say.pk}/run/", body).json()
    for of_one_run in ("id", "created_at"):
        assert tried.pop(of_one_run) != ran.pop(of_one_run)
    assert tried == ran | {"leaving": []}
    assert ran["changes"] == [
        {"field": "team", "before": "Project Managers", "after": "Beta Support"},
        {"field": "status", "before": "New", "after": "Closed"},
    ]


def test_the_page_tries_it_first(page, beta, address, close_and_say):
    before = everything()

    answer = page.post(address, {"macro": close_and_say.pk, "try": "1"}).content.decode()

    assert everything() == before
    assert "Macro “Close and say so” ran on BUG-0001: team Project Managers" in answer
    assert "Nothing of this stayed" in answer


def test_an_undo_takes_back_fields_and_comments(call, beta, close_and_say):
    before = state_of(beta.ticket)
    run = call("POST", f"macros/{close_and_say.pk}/run/", {"ticket": beta.ticket.pk}).json()

    undone = call("POST", f"executions/{run['id']}/undo/", {}).json()

    assert state_of(beta.ticket) == before
    assert (undone["start"], undone["undoes"], undone["reason"]) == ("undo", run["id"], "applied")
    assert [step["sentence"] for step in undone["steps"]] == [
        "Responsible team: taken back to “Project Managers”.",
        "Status: taken back to “New”.",
        "Comment: taken back.",
    ]


def test_an_undo_leaves_newer_work_alone_and_says_so(call, beta, close_and_say):
    run = call("POST", f"macros/{close_and_say.pk}/run/", {"ticket": beta.ticket.pk}).json()
    change_ticket(beta.ticket, actor="sam", status=beta.open)

    undone = call("POST", f"executions/{run['id']}/undo/", {}).json()

    beta.ticket.refresh_from_db()
    assert (beta.ticket.status, beta.ticket.team) == (beta.open, beta.managers)
    assert undone["steps"][1]["sentence"] == (
        "Status: left alone: changed since; it is “Open” now, and was “New” before the run."
    )


def test_newer_work_is_taken_back_where_it_is_chosen(call, beta, close_and_say):
    run = call("POST", f"macros/{close_and_say.pk}/run/", {"ticket": beta.ticket.pk}).json()
    change_ticket(beta.ticket, actor="sam", status=beta.open)

    call("POST", f"executions/{run['id']}/undo/", {"even": ["status"]})

    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.new


def test_what_nobody_foresaw_is_a_failed_run(call, beta, close_and_say, monkeypatch):
    monkeypatch.setattr("automation.runs.leave", lambda *args: 1 / 0)

    ran = call("POST", f"macros/{close_and_say.pk}/run/", {"ticket": beta.ticket.pk})

    assert (ran.status_code, ran.json()["reason"]) == (200, "action_failed")
    assert "ZeroDivisionError: division by zero" in ran.json()["sentence"]
    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.new


def test_an_undo_can_be_taken_back_too(call, beta, close_and_say):
    run = call("POST", f"macros/{close_and_say.pk}/run/", {"ticket": beta.ticket.pk}).json()
    undone = call("POST", f"executions/{run['id']}/undo/", {}).json()

    call("POST", f"executions/{undone['id']}/undo/", {})

    beta.ticket.refresh_from_db()
    assert (beta.ticket.status, beta.ticket.team) == (beta.closed, beta.support)
    assert [each.body for each in beta.ticket.comments.all()] == ["BUG-0001 is Closed."]


def test_what_a_run_did_to_tags_and_texts_goes_back(beta):
    from access.callers import Caller
    from automation.by_hand import undo

    tags = tags_named(beta.project, ["lens"])
    run = Execution.objects.create(ticket=beta.ticket, actor="x", status="done", reason="applied")
    before = beta.ticket.summary
    change_ticket(
        beta.ticket, actor="x", cause=run.public_id, summary="New", blocking=True, tags=tags
    )

    undo(run, Caller(name="pam"))

    beta.ticket.refresh_from_db()
    assert (beta.ticket.summary, beta.ticket.blocking) == (before, False)
    assert not beta.ticket.tags.exists()


def test_the_undo_page_shows_each_part_before_anything_happens(page, beta, close_and_say, address):
    page.post(address, {"macro": close_and_say.pk})
    change_ticket(beta.ticket, actor="sam", status=beta.open)
    run = Execution.objects.get()
    before = everything()

    shown = page.get(f"/admin/runs/{run.public_id}/undo/")

    assert everything() == before
    states = [(part.field, str(part.state)) for part in shown.context["parts"]]
    assert states == [("team", "back"), ("status", "touched"), ("comment", "back")]


def test_support_runs_macros_on_its_own_teams_tickets_alone(client, beta, address, close_and_say):
    sue = User.objects.create_user("sue")
    beta.support.members.add(sue)
    client.force_login(sue)

    assert client.get(address).status_code == 403
    change_ticket(beta.ticket, actor="pam", team=beta.support)
    ran = client.post(address, {"macro": close_and_say.pk}, follow=True)

    assert ran.status_code == 200
    assert Execution.objects.get().actor == "sue → Close and say so"


def test_a_macro_of_another_type_does_not_run(call, beta, close_and_say):
    macro = closing_macro(beta, "Other")
    Macro.objects.filter(pk=macro.pk).update(feedback_type=beta.suggestions)
    body = {"ticket": beta.ticket.pk}

    answer = call("POST", f"macros/{macro.pk}/run/", body)

    assert answer.status_code == 404  # of suggestions there is no ticket yet
    assert not Execution.objects.exists()


def test_a_name_that_is_missing_fails_whole_and_says_which(call, beta):
    words = {"body": "{{ payload.issue.key }}", "exposure": "public"}
    moves = {"team": beta.support.pk, "workflow": beta.workflow.pk, "status": beta.closed.pk}
    macro = Macro(feedback_type=beta.bugs, name="Say")
    save_macro(macro, [("adjust_workflow", moves), ("add_comment", words)])

    ran = call("POST", f"macros/{macro.pk}/run/", {"ticket": beta.ticket.pk}).json()

    assert (ran["status"], ran["reason"], ran["changes"]) == ("failed", "action_failed", [])
    assert ran["sentence"] == (
        "“Add Comment” of macro “Say” failed on BUG-0001: Comment: “{{ payload.issue.key }}” "
        "cannot be filled in: there is no payload.issue.key. Nothing was changed."
    )


def test_a_macro_with_an_unknown_name_is_not_saved(call, beta):
    action = {"kind": "add_comment", "params": {"body": "{{ ticket.reff }}", "exposure": "public"}}
    body = {"feedback_type": beta.bugs.pk, "name": "Say", "actions": [action]}

    answer = call("POST", "macros/", body)

    assert answer.json()["actions"][0]["params"] == {
        "body": ["There is no variable “ticket.reff”. Did you mean “ref”?"]
    }


def test_a_mail_leaves_as_text_and_with_everything_escaped_as_html(call, beta):
    change_ticket(beta.ticket, actor="ada", summary="<script>alert(1)</script>")
    mail = {
        "addresses": "ada@example.com",
        "sending": "each",
        "subject": "{{ ticket.ref }}",
        "text": "{{ ticket.summary }}",
    }
    macro = save_macro(Macro(feedback_type=beta.bugs, name="Tell"), [("send_email", mail)])

    ran = call("POST", f"macros/{macro.pk}/run/", {"ticket": beta.ticket.pk}).json()

    assert ran["reason"] == "applied"
    content = Outgoing.objects.get().content
    assert (content["subject"], content["text"]) == ("BUG-0001", "<script>alert(1)</script>")
    assert content["html"] == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"
