"""Listeners of the type Custom data: what a body says is kept on the ticket."""

from __future__ import annotations

import json

import pytest

from automation.models import Delivery
from automation.rules.document import RulesRefused
from automation.rules.export import rules_of
from automation.rules.plan import carry_out, rehearse
from feedback.models import SavedFilter, TicketData
from feedback.saved_filters import save_filter
from tests.conftest import link_to_jira, make_listener, narrow_listener

PRIORITY = "issue.fields.{priority: priority.name, versions: fixVersions[].name}"


def issue(priority="High", versions=("2.1",), at=None, **fields):
    """Jira's body for an updated issue, ``at`` seconds after noon."""
    body = {
        "webhookEvent": "jira:issue_updated",
        "issue": {
            "id": "10012",
            "key": "SANDBOX-12",
            "fields": {
                "priority": {"name": priority},
                "fixVersions": [{"name": name} for name in versions],
            },
        },
    }
    noon = 1_767_268_800_000
    return body | ({} if at is None else {"timestamp": noon + at * 1000}) | fields


@pytest.fixture
def beta(beta):
    link_to_jira(beta.ticket)
    return beta


@pytest.fixture
def keeping(beta):
    return make_listener(
        beta,
        None,
        type="custom_data",
        name="Jira data",
        key="jirafixed",
        data_expression=PRIORITY,
    )


def kept(ticket):
    return {data.name: data.content for data in ticket.data.all()}


def test_the_part_that_the_expression_finds_is_kept_under_the_listeners_key(send, beta, keeping):
    delivery = send(keeping, issue())

    assert kept(beta.ticket) == {"jirafixed": {"priority": "High", "versions": ["2.1"]}}
    assert (delivery.status, delivery.reason) == ("done", "applied")
    assert delivery.sentence == (
        "Listener “Jira data” ran on BUG-0001: custom data jirafixed kept."
    )


def test_without_an_expression_it_is_the_whole_body_under_a_name_of_its_own(send, beta, keeping):
    keeping.data_expression, keeping.data_name = "", "jira"
    keeping.save()

    send(keeping, issue())

    assert kept(beta.ticket) == {"jira": issue()}


def test_a_form_is_kept_by_its_fields(send, beta, keeping):
    keeping.data_expression = ""
    keeping.save()

    send(
        keeping,
        b"a=1&b=x+y",
        find="BUG-0001",
        content_type="application/x-www-form-urlencoded",
    )

    assert kept(beta.ticket) == {"jirafixed": {"a": "1", "b": "x y"}}


def test_newer_data_take_the_place_of_older_ones_and_leave_a_change(send, beta, keeping):
    send(keeping, issue("Low", at=0))

    delivery = send(keeping, issue("High", at=5))

    first, second = beta.ticket.changes.filter(field="custom_data")
    assert kept(beta.ticket) == {"jirafixed": {"priority": "High", "versions": ["2.1"]}}
    assert (first.before, first.after_text) == (
        None,
        "jirafixed: priority Low, versions[0] 2.1",
    )
    assert (second.before_text, second.after_text) == (
        "jirafixed: priority Low",
        "jirafixed: priority High",
    )
    assert second.before["content"] == {"priority": "Low", "versions": ["2.1"]}
    assert second.after["content"] == {"priority": "High", "versions": ["2.1"]}
    assert (second.actor, second.cause) == (
        "Jira data",
        delivery.executions.get().public_id,
    )


def test_equal_data_change_nothing(send, beta, keeping):
    send(keeping, issue(at=0))
    before = TicketData.objects.get().updated_at

    delivery = send(keeping, issue(at=5))

    assert (delivery.status, delivery.reason) == ("done", "unchanged")
    assert beta.ticket.changes.filter(field="custom_data").count() == 1
    assert TicketData.objects.get().updated_at == before


def test_older_data_are_late(send, beta, keeping):
    send(keeping, issue("High", at=5))

    delivery = send(keeping, issue("Low", at=0))

    assert (delivery.status, delivery.reason) == ("skipped", "late")
    assert delivery.sentence == (
        "The event is of 2026-01-01 12:00:00 UTC; a newer one, of 2026-01-01 12:00:05 UTC, was "
        "already applied to the custom data jirafixed of BUG-0001."
    )
    assert kept(beta.ticket)["jirafixed"]["priority"] == "High"


def test_older_than_equal_data_is_late_too(send, beta, keeping):
    send(keeping, issue("High", at=0))
    send(keeping, issue("High", at=9))

    assert send(keeping, issue("Low", at=5)).reason == "late"


def test_without_times_the_last_that_came_is_kept(send, beta, keeping):
    send(keeping, issue("High", at=5))

    send(keeping, issue("Low"))

    assert kept(beta.ticket)["jirafixed"]["priority"] == "Low"
    assert send(keeping, issue("Odd", at=3)).reason == "late"


def test_it_waits_for_the_listeners_events(send, beta, keeping):
    keeping.when = "status_changed"
    keeping.save()

    delivery = send(keeping, issue())

    assert delivery.sentence == (
        "Listener “Jira data” waits for a change of status; this was another event."
    )
    assert kept(beta.ticket) == {}


def test_where_the_expression_finds_nothing_nothing_is_kept(send, beta, keeping):
    delivery = send(keeping, issue(issue={"key": "SANDBOX-12"}))

    assert (delivery.status, delivery.reason) == ("skipped", "event_not_wanted")
    assert delivery.sentence == (
        f"Listener “Jira data” waits for a body in which {PRIORITY} finds something; this was "
        "another event, in which it finds nothing."
    )


def test_what_json_does_not_know_is_not_kept(send, beta, keeping):
    keeping.data_expression = ""
    keeping.save()

    assert send(keeping, "NaN", find="BUG-0001").sentence.endswith(
        "this was no value that JSON knows: enter which part of the body to keep."
    )


@pytest.mark.parametrize("found", [False, 0, "", [], {}])
def test_what_is_found_may_be_empty_or_false(send, beta, keeping, found):
    keeping.data_expression = "found"
    keeping.save()

    send(keeping, issue(found=found))

    assert kept(beta.ticket) == {"jirafixed": found}


def test_without_a_body_there_is_nothing_to_keep(send, beta, keeping):
    delivery = send(keeping, find="BUG-0001")

    assert delivery.sentence == (
        "Listener “Jira data” waits for any event with a body; this was a request without one."
    )


def test_too_much_is_not_kept_and_says_how_much_it_was(send, beta, keeping):
    keeping.data_expression = "text"
    keeping.save()

    delivery = send(keeping, issue(text="x" * 80_000))

    assert (delivery.status, delivery.reason) == ("skipped", "event_not_wanted")
    assert delivery.sentence == (
        "Listener “Jira data” waits for data of at most 64 KiB, nested at most 50 deep; this was "
        "79 KiB: enter which part of the body to keep."
    )
    assert kept(beta.ticket) == {}


def nested(levels):
    return json.loads('{"a":' * levels + "1" + "}" * levels)


def test_what_is_nested_too_deeply_is_not_kept(send, beta, keeping):
    keeping.data_expression = "deep"
    keeping.save()

    assert send(keeping, issue(deep=nested(50))).reason == "applied"
    assert send(keeping, issue(deep=nested(51))).sentence == (
        "Listener “Jira data” waits for data of at most 64 KiB, nested at most 50 deep; this was "
        "nested deeper: enter which part of the body to keep."
    )
    assert send(keeping, issue(deep=nested(400))).reason == "event_not_wanted"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (r'"a\u0000b"', "ab"),
        (r'{"a\u0000": 1}', {"a": 1}),
        (r'"\ud800"', "?"),
        (r'"\ud83d\ude00"', "😀"),
        ("NaN", None),
        ("[Infinity, -Infinity, 1e999]", [None, None, None]),
        ("1e22", 10**22),
        ("1e15", 1e15),
        ("0.1", 0.1),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ('{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_what_no_database_takes_is_put_right(send, beta, keeping, sent, expected):
    keeping.data_expression = ""
    keeping.save()
    body = f'{{"found": {sent}}}'

    reasons = [send(keeping, body, find="BUG-0001").reason for _ in range(2)]

    assert reasons == ["applied", "unchanged"]
    assert TicketData.objects.get().content == {"found": expected}


def test_true_and_one_are_not_the_same(send, beta, keeping):
    keeping.data_expression = ""
    keeping.save()
    send(keeping, {"found": True}, find="BUG-0001")

    send(keeping, {"found": 1}, find="BUG-0001")

    assert TicketData.objects.get().content["found"] is not True


def test_two_listeners_keep_theirs_side_by_side(send, beta, keeping):
    other = make_listener(
        beta, None, type="custom_data", key="other", data_expression="issue.key", name="Key"
    )
    send(keeping, issue())

    send(other, issue())

    assert kept(beta.ticket).keys() == {"jirafixed", "other"}


def test_outside_its_filter_nothing_is_kept(send, beta, keeping):
    narrow_listener(keeping, "Closed", status=[beta.closed.pk])

    assert send(keeping, issue()).reason == "outside_filter"
    assert kept(beta.ticket) == {}


def test_a_listener_acts_by_what_another_kept(send, beta, keeping, close):
    closing = make_listener(beta, close, key="closing", name="Closing")
    narrow_listener(closing, "High", custom_data=["jirafixed.priority=high"])
    send(keeping, issue("Low"))

    delivery = send(closing, find="BUG-0001")
    send(keeping, issue("High"))

    assert delivery.sentence == (
        "BUG-0001 is outside the filter “High”: its custom data jirafixed.priority is Low."
    )
    assert send(closing, find="BUG-0001").reason == "applied"


def test_a_request_of_such_a_listener_has_its_page(send, beta, keeping, client, pam):
    send(keeping, issue("Low"))
    delivery = send(keeping, issue("<b>High"))
    client.force_login(pam)

    text = client.get(delivery.get_absolute_url()).content.decode()

    assert "Keep the custom data jirafixed" in text
    assert "jirafixed: priority &lt;b&gt;High" in text
    assert Delivery.objects.count() == 2


def test_a_filter_on_data_goes_into_a_file_and_comes_back(beta, close):
    group = {"custom_data": ["a.b=1", 'a."x.y"'], "custom_data__not": ["a.c=" + "x" * 200]}
    saved = SavedFilter(feedback_type=beta.bugs, name="Data", groups=[group])
    save_filter(saved)
    text = rules_of(beta.project).text

    assert rehearse(text).anything is False
    saved.delete()
    carry_out(text)

    assert SavedFilter.objects.get().groups == [group]


def test_a_filter_in_a_file_that_is_not_understood_is_refused_with_its_line(beta):
    saved = SavedFilter(feedback_type=beta.bugs, name="Data", groups=[{"custom_data": ["a.b=1"]}])
    save_filter(saved)
    text = rules_of(beta.project).text
    line = text[: text.index("custom_data:")].count("\n") + 1

    with pytest.raises(RulesRefused) as refused:
        rehearse(text.replace("a.b=1", "a.b="))

    (problem,) = refused.value.problems
    assert str(problem).startswith(f"line {line}")
    assert "“a.b=” asks for no custom data." in str(problem)
