"""Trying a listener's form, as it is typed, on a pasted request."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from django.urls import reverse

from automation.models import Delivery, ExternalListener
from automation.senders import SENDERS
from automation.trial import SHOWN, as_json
from feedback.services import submit_ticket
from tests.automation.listener_forms import table
from tests.conftest import link_to_jira

DONE = {
    "webhookEvent": "jira:issue_updated",
    "issue": {
        "id": "10012",
        "key": "SANDBOX-12",
        "fields": {"priority": {"name": "High"}, "customfield_10042": "bug-1"},
    },
    "changelog": {"items": [{"field": "status", "fromString": "Open", "toString": "Done"}]},
    "timestamp": 1700000000000,
}


@pytest.fixture
def attempt(page, address, given):
    """The form with these changes, tried on a request; what is shown, in one line."""

    def attempt(body="", *, find="", headers="", at=("listener_try",), **changes):
        text = body if isinstance(body, str) else json.dumps(body)
        pasted = {"trial_body": text, "trial_find": find, "trial_headers": headers}
        answer = page.post(address(*at), given | pasted | changes)
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split())

    return attempt


def test_it_shows_what_the_sender_reads_and_which_ticket_it_names(attempt, beta, close):
    link_to_jira(beta.ticket)

    shown = attempt(DONE, macro=close.pk)

    assert f'<a href="{beta.ticket.get_absolute_url()}">BUG-0001</a>' in shown
    assert "by SANDBOX-12" in shown
    assert "jira:issue_updated: a change of status" in shown
    assert "Open → Done" in shown
    assert "2023-11-14 22:13:20 UTC" in shown
    assert "Macro “Close ticket” would run." in shown


def test_it_shows_what_each_expression_finds(attempt):
    shown = attempt(
        DONE,
        reference_expression="issue.fields.customfield_10042",
        condition="issue.fields.priority.name == 'Low'",
        event_expression="webhookEvent",
        status_expression="issue.nothing",
    )

    assert "&quot;bug-1&quot;" in shown
    assert "BUG-0001</a>" in shown
    assert "so it is not met</span>" in shown
    assert "&quot;jira:issue_updated&quot;" in shown
    assert ">null</pre>" in shown


def test_only_what_is_wrong_with_expressions_is_told(attempt):
    """The form has neither a name nor a macro yet."""
    shown = attempt(DONE, condition="a..b", name="", key="")

    assert "“.” at position 3 does not fit" in shown
    assert "required" not in shown


@pytest.mark.parametrize(
    ("typed", "what"),
    [
        ({"condition": "a..b"}, "condition"),
        ({"event_expression": "a..b"}, "event expression"),
        ({"type": "custom_data", "data_name": "a", "data_expression": "a..b"}, "part of the body"),
    ],
)
def test_what_would_be_done_is_not_known_while_what_decides_is_broken(attempt, close, typed, what):
    shown = attempt(DONE, macro=close.pk, **typed)

    assert f"Not known until the {what} is mended." in shown
    assert "would run" not in shown
    assert "would act" not in shown


def test_it_shows_the_part_of_the_body_that_is_kept(attempt):
    expression = "issue.fields.{priority: priority.name}"

    part = attempt(DONE, type="custom_data", data_expression=expression)
    whole = attempt(DONE, type="custom_data")

    assert "{ &quot;priority&quot;: &quot;High&quot; }" in part
    assert "the whole body" in whole
    assert "&quot;fromString&quot;: &quot;Open&quot;" in whole


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            [("Open", "", "close"), ("Done", "", "close")],
            "Macro “Close ticket” would run: row 2 of the status table, Done, says so.",
        ),
        (
            [("Done", "", None), ("Open", "", "close")],
            "Nothing would run: row 1 of the status table, Done, says so.",
        ),
        (
            [("Open", "", "close")],
            "Nothing would run: no row of the status table matches.",
        ),
        (
            [("Done", "", "close"), ("Done", "", "close")],
            "The status table has mistakes: mend them first.",
        ),
    ],
)
def test_it_names_the_row_that_decides(attempt, close, rows, sentence):
    typed = [(status, done, close if macro else None) for status, done, macro in rows]

    assert sentence in attempt(DONE, **table(*typed))


def test_it_says_why_nothing_would_be_done(attempt, close):
    shown = attempt(DONE, when="created", macro=close.pk)
    unsayable = attempt(DONE, when="created", sender="generic", macro=close.pk)

    assert "waits for a new item; this was a change of status to Done." in shown
    assert "When: Anything that can POST does not tell that" in unsayable


def test_a_ticket_of_another_type_is_shown_as_what_it_is(attempt, beta):
    other = submit_ticket(beta.suggestions, summary="Bigger", submitter=beta.ada)
    link_to_jira(other)

    assert "of Suggestions: not touched" in attempt(DONE)


def test_a_reference_that_no_ticket_has_is_told(attempt):
    assert "No ticket of this project goes by SANDBOX-12, 10012" in attempt(DONE)
    assert "No reference was found" in attempt({"a": 1}, sender="generic")


def test_find_goes_before_the_body(attempt, beta):
    assert "BUG-0001</a>" in attempt(find="bug-1")


def test_what_is_saved_stays_as_it_is(attempt, listener):
    before = ExternalListener.objects.values().get()

    attempt(DONE, at=("listener_try", listener.pk), name="Renamed", when="any")

    assert ExternalListener.objects.values().get() == before
    assert not Delivery.objects.exists()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6: Expecting &#x27;:&#x27; delimiter."),
        ("[" * 100_000, "it is nested too deeply"),
        ("<a>1</a>", "A body of type text/xml cannot be read here."),
        ("9" * 5000, "Exceeds the limit"),
        ("", "Paste the body of a request first."),
        ("payload=%7B", "The body cannot be read as JSON"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_with_its_place(attempt, body, problem):
    assert problem in attempt(body)


def test_a_body_has_the_limit_of_the_door(attempt, settings):
    settings.BODY_LIMIT = 10

    assert "The body has 12 bytes; the limit is 10." in attempt('{"a": "bcd"}')


def test_headers_are_read_a_line_each(attempt):
    body = {"action": "closed", "issue": {"number": 1, "id": 2}}

    shown = attempt(body, sender="github", headers="x-github-event: issues\r\n\r\nX-Other: 1")
    refused = attempt(body, sender="github", headers="issues")

    assert "issues / closed: a change of status" in shown
    assert "“issues” is no header: write one a line, as in X-GitHub-Event: issues." in refused


def test_a_form_as_a_body_is_read_too(attempt):
    assert "BUG-0001</a>" in attempt(
        "id=BUG-1&state=Done", sender="generic", reference_expression="id"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "nonsense"},
        {"sender": ""},
        {"type": "nonsense"},
        {"when": "nonsense"},
        {"macro": "x"},
        {"filter": "9" * 30},
        {"protected_statuses": "x"},
        {"status_table-status": ["a", "b"], "status_table-macro": ["x"]},
        {"condition": "\0"},
        {"condition": "`" + "[" * 400},
        {"reference_expression": "sum(@)", "data_expression": "@ < `1`", "type": "custom_data"},
    ],
)
@pytest.mark.parametrize("body", [DONE, [], 1, None, "null", '"\\ud800"', '{"\\u0000": "\\ud800"}'])
def test_nothing_that_is_typed_is_a_crash(attempt, body, changes):
    attempt(body, **changes)


def test_what_an_expression_builds_is_cut(attempt):
    """Each step names what is there twice: written out, it would fill every disk."""
    shown = attempt({"a": 1}, condition="@" + "|[@,@]" * 80)

    assert len(shown) < SHOWN * 10


def test_text_that_no_page_can_hold_is_replaced():
    assert as_json("\ud800") == '"?"'


HOME = os.environ.get("PAYLOADS_DIR", "")


@pytest.mark.skipif(not HOME, reason="PAYLOADS_DIR does not name the recorded bodies")
@pytest.mark.parametrize("sender", SENDERS)
def test_every_recorded_body_can_be_tried(attempt, sender):
    for file in sorted(Path(HOME, sender).glob("*.json")):
        assert "What was read" in attempt(file.read_text(), sender=sender, when="any")


# Requests that came before


def test_the_last_requests_are_offered(page, address, send, listener):
    send(listener, DONE)
    send(listener, find="BUG-0001")

    content = page.get(address("listener", listener.pk)).content.decode()

    with_body = Delivery.objects.order_by("pk").first()
    path = reverse("deliveries-detail", kwargs={"id": with_body.public_id})
    assert content.count("data-paste=") == 1
    assert f'data-paste="{path}"' in content
    assert page.get(path).json()["body"] == json.dumps(DONE, indent=2)


def test_a_new_listener_has_none_to_offer(page, address):
    content = page.get(address("listener_add")).content.decode()

    assert "data-paste" not in content
    assert f'action="{address("listener_try")}"' in content
