"""What macros keep of the answers to their calls, from a real server on this machine."""

from __future__ import annotations

import json

import pytest

from access.callers import Caller
from automation import answers, outbox
from automation.by_hand import undo
from automation.macros import save_macro
from automation.models import Execution, Macro, Outgoing
from automation.outbox.answers import take_answers
from automation.pauses import go_on, pause
from feedback.form_fields import delete_form_field, save_form_field
from feedback.models import Ticket, TicketChange
from feedback.services import change_ticket
from tests.automation.actions import run
from tests.automation.outside import Web, closing
from tests.conftest import add_field

JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def web():
    with closing(Web()) as web:
        yield web


@pytest.fixture
def severity(beta):
    return add_field(beta.bugs, "Severity", "choice", choices=["Low", "High"])


@pytest.fixture
def ask(beta, web):
    """Run a macro that calls ``web`` and keeps something, send it, and return what was kept by."""

    def ask(answer, keep, before=lambda: None, status=200):
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        web.answers = [(status, JSON, body)]
        call = {"method": "POST", "url": f"{web.url}/x", "headers": "", "body": "", "keep": keep}
        run(beta, ("call_webhook", call))
        before()
        outbox.send_due()
        return Execution.objects.filter(start="answer").first()

    return ask


def values() -> dict:
    return Ticket.objects.get().values


def test_what_the_expression_finds_becomes_the_fields_value(beta, ask, severity):
    kept = ask({"issue": {"priority": "high"}}, "severity = issue.priority")

    assert values() == {"severity": "High"}
    host = Outgoing.objects.get().destination
    assert (kept.actor, kept.macro) == (f"Answer of {host}", None)
    assert kept.after == Execution.objects.exclude(pk=kept.pk).get()
    assert kept.sentence == (
        f"Keeping the answer of {host} ran on BUG-0001: Severity empty → High."
    )
    assert TicketChange.objects.get().cause == kept.public_id
    assert [step.sentence for step in kept.steps.all()] == ["Keep “Severity” of the answer"]


@pytest.mark.parametrize(
    ("kind", "found", "kept"),
    [
        ("text", 7, "7"),
        ("text", "seven", "seven"),
        ("number", "2.5", 2.5),
        ("number", 3, 3),
        ("rating", "4", 4),
        ("date", "2026-03-02", "2026-03-02"),
        ("platform", ["Web", "iOS"], ["iOS", "Web"]),
        ("platform", "web", ["Web"]),
        ("text", "half \ud800", "half ?"),
    ],
)
def test_texts_and_numbers_do_for_each_other(beta, ask, kind, found, kept):
    add_field(beta.bugs, "Mine", kind)

    ask({"a": [{"b": found}]}, "mine = a[0].b")

    assert values() == {"mine": kept}


def test_what_the_answer_does_not_have_stays_as_it_was(beta, ask, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "Low"})
    add_field(beta.bugs, "Version")

    kept = ask({"version": "2.1", "none": None}, "severity = none\nversion = version")

    assert values() == {"severity": "Low", "version": "2.1"}
    assert [step.sentence for step in kept.steps.all()] == [
        "Keep “Severity” of the answer, which does not have it: it stays as it was",
        "Keep “Version” of the answer",
    ]


def test_what_is_so_already_is_unchanged(beta, ask, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "Low"})

    assert ask({"a": "Low"}, "severity = a").reason == "unchanged"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"ok", "The answer is no JSON: line 1, column 1: Expecting value."),
        (b"", "The answer is empty: JSON was expected."),
        (b"[" * 100_000, "The answer is no JSON: it is nested too deeply."),
        (b'"' + b"a" * 300_000 + b'"', "The answer is longer than what is kept of one"),
        ({"a": "Hihg"}, '“Severity” cannot be "Hihg": “Hihg” is none of these: Low, High.'),
        ({"a": True}, "“Severity” cannot be true: This field takes text."),
        ({"a": {"b": 1}}, '“Severity” cannot be {"b": 1}: This field takes text.'),
        ({"a": ["Low"]}, '“Severity” cannot be ["Low"]: This field takes text.'),
    ],
)
def test_an_answer_that_does_not_fit_changes_nothing_and_says_why(beta, ask, severity, answer, why):
    add_field(beta.bugs, "Version")

    kept = ask(answer, "severity = a\nversion = a")

    assert kept.reason == "action_failed"
    assert f"“Keep of the answer” of macro “Do it” failed on BUG-0001: {why}" in kept.sentence
    assert values() == {}
    assert not TicketChange.objects.exists()


def test_a_text_that_no_database_keeps_is_refused(beta, ask):
    add_field(beta.bugs, "Version")

    kept = ask({"a": "a\0b"}, "version = a")

    assert "Null characters are not allowed." in kept.sentence


def test_a_field_that_keeps_something_is_not_deleted(ask, severity):
    ask({}, "severity = a")

    assert delete_form_field(severity) == ["Macro “Do it”"]


def test_a_field_that_is_gone_is_named(ask, severity):
    def remove():
        save_macro(Macro.objects.get(), [("set_blocking", {"blocking": True})])
        assert not delete_form_field(severity)

    kept = ask({"a": "Low"}, "severity = a", before=remove)

    assert '“severity” cannot be "Low": The ticket\'s type has no such form field.' in (
        kept.sentence
    )


def test_an_archived_choice_is_still_kept(beta, ask, severity):
    severity.choices, severity.archived_choices = ["High"], ["Low"]
    save_form_field(severity)

    ask({"a": "Low"}, "severity = a")

    assert values() == {"severity": "Low"}


def test_an_answer_that_is_no_success_keeps_nothing(ask, severity):
    assert ask({"a": "Low"}, "severity = a", status=404) is None
    assert values() == {}


def test_the_same_answer_is_kept_once(ask, severity):
    ask({"a": "Low"}, "severity = a")

    outbox.send_due()

    assert Execution.objects.filter(start="answer").count() == 1


def test_what_was_kept_can_be_taken_back(ask, severity):
    kept = ask({"a": "Low"}, "severity = a")

    undo(kept, Caller("pam"))

    assert values() == {}


def test_the_worker_knows_who_takes_answers():
    assert outbox.answers.TAKERS["keep values"] is answers.keep_of_answer


def test_the_answer_to_an_older_call_does_not_overwrite_that_to_a_newer_one(beta, web, severity):
    add_field(beta.bugs, "Version")
    call = {"method": "POST", "url": f"{web.url}/x", "headers": "", "body": ""}
    run(beta, ("call_webhook", {**call, "keep": "severity = a\nversion = v"}), name="Older")
    run(beta, ("call_webhook", {**call, "keep": "severity = a"}), name="Newer")
    older, newer = Outgoing.objects.order_by("pk")

    for row, answer in ((newer, {"a": "High"}), (older, {"a": "Low", "v": "2.1"})):
        told = {"status": 200, "body": json.dumps(answer)}
        Outgoing.objects.filter(pk=row.pk).update(status="sent", answer=told)
        take_answers()

    assert values() == {"severity": "High", "version": "2.1"}
    kept = Execution.objects.filter(start="answer").latest("pk")
    assert [step.sentence for step in kept.steps.all()] == [
        "Keep “Severity” of the answer, which came after that of a later call: it stays as it was",
        "Keep “Version” of the answer",
    ]


def test_a_pause_holds_answers_too(beta, web, severity, root):
    call = {
        "method": "POST",
        "url": f"{web.url}/x",
        "headers": "",
        "body": "",
        "keep": "severity = a",
    }
    run(beta, ("call_webhook", call))
    told = {"status": 200, "body": json.dumps({"a": "High"})}
    Outgoing.objects.update(status="sent", answer=told)
    pause(beta.project, root)

    take_answers()
    assert values() == {}

    go_on(beta.project)
    take_answers()
    assert values() == {"severity": "High"}


def test_a_later_answer_that_did_not_have_it_is_no_reason_to_leave_a_field_empty(
    beta, web, severity
):
    call = {"method": "POST", "url": f"{web.url}/x", "headers": "", "body": ""}
    for name in ("Older", "Newer"):
        run(beta, ("call_webhook", {**call, "keep": "severity = a"}), name=name)
    older, newer = Outgoing.objects.order_by("pk")

    for row, answer in ((newer, {}), (older, {"a": "High"})):
        told = {"status": 200, "body": json.dumps(answer)}
        Outgoing.objects.filter(pk=row.pk).update(status="sent", answer=told)
        take_answers()

    assert values() == {"severity": "High"}
