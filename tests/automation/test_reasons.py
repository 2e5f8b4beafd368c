"""Every way that a request can end, come to by the front door, and what people are told of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.utils import timezone

from access.callers import Caller
from automation import queue
from automation.actions.adjust_workflow import AdjustWorkflow
from automation.by_hand import run_by_hand
from automation.models import Delivery, MacroAction
from automation.reasons import EXPLANATIONS, DeliveryStatus, Reason
from feedback.models import SavedFilter
from feedback.services import change_ticket, link_ticket, submit_ticket
from tests.automation.actions import make_macro
from tests.conftest import link_to_jira, make_key, make_listener, narrow_listener

NEVER_STORED = {Reason.NOT_STORED, Reason.CRASHED}
HOLES = re.compile(r"[{}]|“”|  |\(\)|[:,;]\s*[.,;]|[:,;—]$|\s[.,;:]|\bNone\b|^\s|\s$|\.\.$")
NOON = 1_767_268_800_000  # 2026-01-01 12:00:00 UTC


@pytest.fixture
def story(beta, listener, post, client, settings, monkeypatch):
    return SimpleNamespace(
        beta=beta,
        listener=listener,
        post=post,
        client=client,
        settings=settings,
        patch=monkeypatch.setattr,
    )


def moved_to_done(milliseconds: int) -> dict:
    return {
        "webhookEvent": "jira:issue_updated",
        "timestamp": milliseconds,
        "issue": {"key": "SANDBOX-12", "id": "10012"},
        "changelog": {"items": [{"field": "status", "fromString": "To Do", "toString": "Done"}]},
    }


def applied(story):
    story.post(story.listener, find="BUG-0001")


def unchanged(story):
    for _ in range(2):
        story.post(story.listener, find="BUG-0001")


def listener_off(story):
    story.listener.enabled = False
    story.listener.save()
    story.post(story.listener, find="BUG-0001")


def duplicate(story):
    for _ in range(2):
        story.post(
            story.listener,
            find="BUG-0001",
            headers={"X-Atlassian-Webhook-Identifier": "a"},
        )


def event_not_wanted(story):
    story.listener.when, story.listener.when_status = "status_changed_to", "Done"
    story.listener.save()
    story.post(story.listener, {"webhookEvent": "jira:issue_created"}, find="BUG-0001")


def no_reference(story):
    story.post(story.listener, {"webhookEvent": "jira:issue_created"})


def placeholder_not_replaced(story):
    story.post(story.listener, find="${issue.key}")


def ticket_not_found(story):
    suggestion = submit_ticket(story.beta.suggestions, summary="Fly", submitter=story.beta.ada)
    story.post(story.listener, find=suggestion.ref)


def several_tickets(story):
    other = submit_ticket(story.beta.bugs, summary="Two", submitter=story.beta.ada)
    story.listener.sender = "generic"
    story.listener.save()
    link_ticket(story.beta.ticket, actor="ada", system="jira", remote_key="X-1")
    link_ticket(other, actor="ada", system="rally", remote_key="X-1")
    story.post(story.listener, find="X-1")


def status_protected(story):
    story.listener.protected_statuses.add(story.beta.new)
    story.post(story.listener, find="BUG-0001")


def macro_off(story):
    story.listener.macro.enabled = False
    story.listener.macro.save()
    story.post(story.listener, find="BUG-0001")


def ran_before(story):
    story.listener.macro.once_per_ticket = True
    story.listener.macro.save()
    for _ in range(2):
        story.post(story.listener, find="BUG-0001")


def late(story):
    link_to_jira(story.beta.ticket)
    story.post(story.listener, moved_to_done(NOON + 60_000))
    story.post(story.listener, moved_to_done(NOON))


def outside_filter(story):
    narrow_listener(story.listener, "Closed", status=[story.beta.closed.pk], blocking=True)
    story.post(story.listener, find="BUG-0001")


def filter_broken(story):
    saved = narrow_listener(story.listener, "Closed", status=[story.beta.closed.pk])
    SavedFilter.objects.filter(pk=saved.pk).update(groups=[{"statuses": [1]}])
    story.post(story.listener, find="BUG-0001")


def macro_broken(story):
    MacroAction.objects.update(params={"team": 0, "workflow": story.beta.workflow.pk})
    story.post(story.listener, find="BUG-0001")


def action_failed(story):
    story.patch(AdjustWorkflow, "apply", lambda *args, **options: 1 / 0)
    story.post(story.listener, find="BUG-0001")


def loop_stopped(story):
    story.settings.LOOP_LIMIT = 2
    for _ in range(3):
        change_ticket(story.beta.ticket, actor="ada", status=story.beta.new)
        story.post(story.listener, find="BUG-0001")
        queue.settle_all()


def gave_up(story):
    def lost(*args, **options):
        raise OperationalError("the connection was lost")

    story.patch(AdjustWorkflow, "apply", lost)
    story.post(story.listener, find="BUG-0001")
    for _ in range(queue.MOST_ATTEMPTS):
        queue.settle_all()
        Delivery.objects.update(next_attempt_at=timezone.now())


def with_key(**fields):
    def story_of_key(story):
        key = make_key(name="Known", prefix="known", **fields)
        story.post(story.listener, find="BUG-0001", key=key.secret)

    return story_of_key


def refused_as(**options):
    def story_of_request(story):
        story.post(story.listener, **options)

    return story_of_request


def method_not_allowed(story):
    story.client.put("/api/v1/projects/beta/feedbackListeners/jiraclosed")


def signature_wrong(story):
    story.listener.secret = "s3cret"
    story.listener.save()
    story.post(story.listener, {}, headers={"X-Hub-Signature": "sha256=0"})


def body_too_large(story):
    story.settings.BODY_LIMIT = 10
    story.post(story.listener, b" " * 11)


def too_many_requests(story):
    story.settings.REFUSED_PER_MINUTE = 2
    for _ in range(3):
        story.post(story.listener, key="wrong")


CASES = {
    Reason.APPLIED: (
        applied,
        "done",
        200,
        "Macro “Close ticket” ran on BUG-0001: "
        "team Project Managers → Beta Support, status New → Closed.",
    ),
    Reason.UNCHANGED: (
        unchanged,
        "done",
        200,
        "Macro “Close ticket” ran on BUG-0001 and found everything as it should be.",
    ),
    Reason.LISTENER_OFF: (
        listener_off,
        "skipped",
        200,
        "Listener “Jira closed” is switched off.",
    ),
    Reason.DUPLICATE: (
        duplicate,
        "skipped",
        200,
        "The sender repeated a request that was already kept as ID.",
    ),
    Reason.EVENT_NOT_WANTED: (
        event_not_wanted,
        "skipped",
        200,
        "Listener “Jira closed” waits for a change of status to Done; this was a new item.",
    ),
    Reason.NO_REFERENCE: (
        no_reference,
        "skipped",
        200,
        "Neither find= in the address nor the body names a ticket.",
    ),
    Reason.PLACEHOLDER_NOT_REPLACED: (
        placeholder_not_replaced,
        "skipped",
        200,
        "No ticket goes by ${issue.key}: Jira did not fill it in.",
    ),
    Reason.TICKET_NOT_FOUND: (
        ticket_not_found,
        "skipped",
        200,
        "No ticket of Bugs goes by SUG-0001. SUG-0001 is one of Suggestions.",
    ),
    Reason.SEVERAL_TICKETS: (
        several_tickets,
        "skipped",
        200,
        "X-1 stands for items of several systems: BUG-0001, BUG-0002.",
    ),
    Reason.LATE: (
        late,
        "skipped",
        200,
        "The event is of 2026-01-01 12:00:00 UTC; a newer one, of 2026-01-01 12:01:00 UTC, "
        "was already applied to SANDBOX-12.",
    ),
    Reason.OUTSIDE_FILTER: (
        outside_filter,
        "skipped",
        200,
        "BUG-0001 is outside the filter “Closed”: its status is New; its blocking is no.",
    ),
    Reason.STATUS_PROTECTED: (
        status_protected,
        "skipped",
        200,
        "Macro “Close ticket” would move BUG-0001 out of the status “New”, "
        "which the listener protects.",
    ),
    Reason.MACRO_OFF: (
        macro_off,
        "skipped",
        200,
        "Macro “Close ticket” is switched off: BUG-0001 was left as it is.",
    ),
    Reason.RAN_BEFORE: (
        ran_before,
        "skipped",
        200,
        "Macro “Close ticket” ran on BUG-0001 before, at TIME.",
    ),
    Reason.FILTER_BROKEN: (
        filter_broken,
        "failed",
        200,
        "Filter “Closed” no longer works: There is no field “statuses” to filter by. "
        "Did you mean “status”?",
    ),
    Reason.MACRO_BROKEN: (
        macro_broken,
        "failed",
        200,
        "Macro “Close ticket” no longer works on BUG-0001: Adjust Workflow: Team: Select a valid "
        "choice. That choice is not one of the available choices. Nothing was changed.",
    ),
    Reason.ACTION_FAILED: (
        action_failed,
        "failed",
        200,
        "“Adjust Workflow” of macro “Close ticket” failed on BUG-0001: ZeroDivisionError: "
        "division by zero. Nothing was changed.",
    ),
    Reason.LOOP_STOPPED: (
        loop_stopped,
        "failed",
        200,
        "Macro “Close ticket” was stopped on BUG-0001: it changed it 2 times within 10 minutes "
        "(last: Jira closed → Close ticket; Jira closed → Close ticket; Jira closed → Close "
        "ticket).",
    ),
    Reason.GAVE_UP: (
        gave_up,
        "failed",
        200,
        "Tried 6 times, without reaching an end: OperationalError: the connection was lost.",
    ),
    Reason.METHOD_NOT_ALLOWED: (
        method_not_allowed,
        "refused",
        405,
        "This address takes POST; this was PUT.",
    ),
    Reason.KEY_MISSING: (
        refused_as(key=""),
        "refused",
        401,
        "The request carried no API key.",
    ),
    Reason.KEY_UNKNOWN: (
        refused_as(key="prefix-community_API_key"),
        "refused",
        401,
        "There is no API key prefix-*** with the secret that the request carried.",
    ),
    Reason.KEY_OFF: (
        with_key(enabled=False),
        "refused",
        401,
        "API key known is switched off.",
    ),
    Reason.KEY_EXPIRED: (
        with_key(expires_at=datetime(2025, 12, 31, 12, tzinfo=UTC)),
        "refused",
        401,
        "API key known expired at 2025-12-31 12:00 UTC.",
    ),
    Reason.KEY_OUT_OF_SCOPE: (
        with_key(scopes=["read"]),
        "refused",
        403,
        "API key known may not do this: it lacks the scope “Call external listeners”.",
    ),
    Reason.ADDRESS_REFUSED: (
        with_key(networks="192.0.2.0/24"),
        "refused",
        403,
        "API key known may not be used from 127.0.0.1.",
    ),
    Reason.PROJECT_UNKNOWN: (
        refused_as(path="/api/v1/projects/gamma/feedbackListeners/jiraclosed"),
        "refused",
        404,
        "There is no project with the key “gamma”.",
    ),
    Reason.LISTENER_UNKNOWN: (
        refused_as(path="/api/v1/projects/beta/feedbackListeners/jiraopen"),
        "refused",
        404,
        "Project beta has no listener with the key “jiraopen”.",
    ),
    Reason.BODY_TOO_LARGE: (
        body_too_large,
        "refused",
        413,
        "The body has 11 bytes; the limit is 10.",
    ),
    Reason.CONTENT_TYPE_REFUSED: (
        refused_as(body=b"<a/>", content_type="application/xml; charset=utf-8"),
        "refused",
        415,
        "A body of type application/xml cannot be read here.",
    ),
    Reason.SIGNATURE_WRONG: (
        signature_wrong,
        "refused",
        401,
        "The body is not signed with the secret of listener “Jira closed”: "
        "its X-Hub-Signature header does not match.",
    ),
    Reason.BODY_UNREADABLE: (
        refused_as(body=b'{"issue": }'),
        "refused",
        400,
        "The body cannot be read as JSON: line 1, column 11: Expecting value.",
    ),
    Reason.TOO_MANY_REQUESTS: (
        too_many_requests,
        "refused",
        429,
        "Too many refused requests came from 127.0.0.1.",
    ),
}


@pytest.mark.parametrize("reason", CASES, ids=str)
def test_a_request_can_end_like_this_and_says_so(story, reason):
    tell, status, code, sentence = CASES[reason]

    tell(story)
    queue.settle_all()

    delivery = Delivery.objects.order_by("pk").last()
    assert (delivery.reason, delivery.status, delivery.status_code) == (reason, status, code)
    varying = re.sub(r"\b[0-9a-f]{32}\b", "ID", delivery.sentence)
    assert re.sub(r"before, at [0-9: -]+ UTC", "before, at TIME", varying) == sentence
    told = [delivery.sentence, delivery.cause_text, delivery.next_step]
    assert [text for text in told if HOLES.search(text.replace("${issue.key}", "KEY"))] == []
    assert delivery.settled_at is not None


@pytest.mark.parametrize("character", ["\0", "\ud800"])
def test_what_no_database_keeps_does_not_end_a_run_unseen(send, beta, character):
    body = {"body": "{{ payload[payload.name] }}", "exposure": "public"}
    macro = make_macro(beta.bugs, ("add_comment", body))

    delivery = send(make_listener(beta, macro), {"name": f"sum{character}mary"}, find="BUG-0001")

    name = "summary" if character == "\0" else "sum?mary"
    assert (delivery.status, delivery.reason) == ("failed", "action_failed")
    assert f"there is no {name}." in delivery.sentence
    assert delivery.executions.get().sentence == delivery.sentence


def test_every_reason_has_its_case():
    assert set(CASES) == set(Reason) - NEVER_STORED - {Reason.NOT_TAKEN_BACK}  # of undos alone


def test_every_reason_is_explained():
    assert set(EXPLANATIONS) == set(Reason)


@pytest.mark.parametrize("reason", Reason, ids=str)
def test_an_explanation_is_whole(reason):
    explanation = EXPLANATIONS[reason]

    assert explanation.status in DeliveryStatus
    assert (explanation.code == 200) == (explanation.status != DeliveryStatus.REFUSED)
    assert explanation.code not in (301, 302, 307, 308, 409, 410, 425, 500)
    if reason != Reason.APPLIED:
        assert explanation.cause.endswith(".")
        assert explanation.next_step.endswith(".")


def test_a_delivery_that_nobody_looked_at_says_so(post, listener):
    post(listener, find="BUG-0001")

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason) == ("received", "")
    assert delivery.sentence == "It waits, and its page says for what."
    assert (delivery.cause_text, delivery.next_step) == ("", "")


def test_what_a_hand_started_is_started_again_by_hand(page, beta, close):
    MacroAction.objects.update(params={"status": 999999})

    run = run_by_hand(close, beta.ticket, Caller("pam"))

    assert run.reason == "macro_broken"
    shown = page.get(run.get_absolute_url()).content.decode()
    assert "Open the macro, mend it and save it; then start it again." in shown
    assert "sender" not in run.next_step
