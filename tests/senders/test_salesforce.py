"""Salesforce: each notification of an outbound message is a delivery; a flow sends JSON."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier, Thread
from xml.etree import ElementTree

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from automation import intake, queue, retention, samples
from automation.actions.adjust_workflow import AdjustWorkflow
from automation.models import Delivery
from automation.senders import SENDERS
from automation.senders.base import Event
from automation.senders.salesforce import long_id
from feedback.services import link_ticket, submit_ticket
from tests.conftest import closing_macro, make_beta, make_key, make_listener

SOAP = "text/xml; charset=UTF-8"
ORGANIZATION = "00D8Z000001WxYzUAK"
CASE = "5008Z00001AbCdEQAV"
HOME = os.environ.get("PAYLOADS_DIR", "")
FILES = sorted(Path(HOME, "salesforce").glob("*.xml")) if HOME else []
NEEDED = pytest.mark.skipif(not FILES, reason="PAYLOADS_DIR does not name the recorded bodies")


def message(*told: str, session: str = "", organization: str = ORGANIZATION) -> str:
    return (
        '<?xml version="1.0"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organization}</OrganizationId><ActionId>04k8Z000000PqRsQAK</ActionId>"
        f"<SessionId>{session}</SessionId>{''.join(told)}"
        "</notifications></soapenv:Body></soapenv:Envelope>"
    )


def notification(record: str = CASE, number: int = 0, kind: str = "Case", **fields: str) -> str:
    told = {"Id": record} | fields
    inner = "".join(f"<sf:{name}>{text}</sf:{name}>" for name, text in told.items() if text)
    return (
        f"<Notification><Id>04l{number:015}</Id>"
        f'<sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"{inner}</sObject></Notification>"
    )


def record_id(number: int) -> str:
    return long_id(f"500{number:012}")


@pytest.fixture
def salesforce(beta, close):
    return make_listener(beta, close, sender="salesforce")


def link(ticket, record=CASE, **fields):
    return link_ticket(ticket, actor="ada", system="salesforce", remote_id=record, **fields)


def tickets_linked_to(beta, records):
    """A new ticket for each, which is called like it."""
    made = [submit_ticket(beta.bugs, summary=each, submitter=beta.ada) for each in records]
    for ticket in made:
        link(ticket, ticket.summary)
    return made


@pytest.fixture
def call(post, salesforce):
    """Post a message, and let the worker settle it; the deliveries, in their order."""

    def call(body, listener=None, **options):
        answer = post(listener or salesforce, body, content_type=SOAP, **options)
        assert answer.status_code == 200, answer.content
        while not queue.settle_all():
            pass  # what one turn had no time for
        return list(Delivery.objects.order_by("pk"))

    return call


def is_acknowledged(answer) -> bool:
    """Whether Salesforce would take it for one."""
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    soap, outbound = (
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://soap.sforce.com/2005/09/outbound",
    )
    envelope = ElementTree.fromstring(answer.content)
    assert envelope.tag == f"{{{soap}}}Envelope"
    ack = f"{{{soap}}}Body/{{{outbound}}}notificationsResponse/{{{outbound}}}Ack"
    return envelope.findtext(ack) == "true"


# Recorded bodies: record, status and type of each notification, read by eye

LEADS = [
    ("0123456789ABCDEEAE", "Open - Not Contacted", "Lead1", "04l37000000L0E5AAK"),
    ("1123456789ABCDEEAE", "Open - Not Contacted", "Lead2", "14l37000123L0E5AAK"),
    ("2123456789ABCDEEAE", "Open - Not Contacted", "Lead3", "24l37123450L0E5AAK"),
]
CONTACTS = [
    ("0031I0000081tbPQAQ", "", "Contact", "04l1I000000fztEQAQ"),
    ("0031I0000081tb0QAA", "", "Contact", "04l1I000000fzt9QAA"),
]
RECORDED = {
    "aspnet-webhooks__OutboundMessage1": LEADS,
    "aspnet-webhooks__OutboundMessage2": [],
    "aspnetcore-webhooks__Salesforce-BadSecret": LEADS,
    "aspnetcore-webhooks__Salesforce-Empty": [],
    "aspnetcore-webhooks__Salesforce": CONTACTS,
}


def recorded(name: str) -> bytes:
    return Path(HOME, "salesforce", f"{name}.xml").read_bytes()


@NEEDED
def test_there_is_no_recorded_body_that_nobody_read():
    assert {path.stem for path in FILES} == set(RECORDED)


@NEEDED
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_message_is_read_as_what_it_tells(post, salesforce, name):
    answer = post(salesforce, recorded(name), content_type=SOAP)

    rows = Delivery.objects.order_by("pk")
    assert is_acknowledged(answer)
    assert [
        (row.references[0], row.status_after, row.event, row.delivery_id)
        for row in rows
        if row.item
    ] == RECORDED[name]
    assert len(rows) == max(1, len(RECORDED[name]))
    leads = RECORDED[name] is LEADS
    time = datetime(2015, 8, 14, 18, 27, 2, tzinfo=UTC) if leads else None
    assert {row.occurred_at for row in rows} == {time}
    assert {(tuple(row.kinds), row.status) for row in rows} == {((), "received")}
    assert b"REDACTED" not in bytes(rows[0].body)


@NEEDED
@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_message_moves_the_tickets_that_it_names_and_no_other(
    post, beta, salesforce, name
):
    tickets = tickets_linked_to(beta, [record for record, *_ in [*LEADS, *CONTACTS]])

    post(salesforce, recorded(name), content_type=SOAP)
    queue.settle_all()

    named = {record for record, *_ in RECORDED[name]}
    for ticket in tickets:
        ticket.refresh_from_db()
        assert (ticket.status == beta.closed) == (ticket.summary in named)
    reasons = {delivery.reason for delivery in Delivery.objects.all()}
    assert reasons == ({"applied"} if named else {"no_reference"})


# One message, many deliveries


def test_each_notification_has_an_outcome_of_its_own(call, beta):
    link(beta.ticket, record_id(1))

    rows = call(message(*(notification(record_id(number), number) for number in range(3))))

    assert [row.reason for row in rows] == ["ticket_not_found", "applied", "ticket_not_found"]
    assert rows[1].executions.get().ticket == beta.ticket
    assert [row.part for row in rows] == [0, 1, 2]


def test_the_body_is_kept_once_and_each_part_knows_its_own(call):
    body = message(notification(record_id(1), 1), notification(record_id(2), 2, Status="Closed"))

    first, second = call(body)

    assert (first.whole, second.whole, bytes(second.body)) == (None, first, b"")
    assert bytes(first.body) == body.encode()
    assert second.payload == {
        "OrganizationId": ORGANIZATION,
        "ActionId": "04k8Z000000PqRsQAK",
        "SessionId": "",
        "Notification": {
            "Id": "04l000000000000002",
            "sObject": {"@type": "Case", "Id": record_id(2), "Status": "Closed"},
        },
    }
    assert first.payload["Notification"]["sObject"]["Id"] == record_id(1)


def test_a_message_without_a_notification_is_one_row_without_a_reference(call):
    (row,) = call(message())

    assert (row.status, row.reason, row.part) == ("skipped", "no_reference", None)
    assert row.payload["Envelope"]["Body"]["notifications"]["OrganizationId"] == ORGANIZATION


def test_a_record_deleted_before_it_was_sent_has_no_reference(call, beta):
    link(beta.ticket)
    empty = "<Notification><Id>04l000000000000009</Id><sObject/></Notification>"

    rows = call(message(empty, notification()))

    assert [row.reason for row in rows] == ["no_reference", "applied"]


@pytest.mark.parametrize(
    ("expression", "reasons"),
    [
        ("Notification.sObject.Priority == 'High'", ["applied", "event_not_wanted"]),
        ("Notification.sObject.Priority == 'Low'", ["event_not_wanted", "applied"]),
        ("ActionId == '04k8Z000000PqRsQAK'", ["applied", "applied"]),
        ("Notification.sObject.\"@type\" == 'Lead'", ["event_not_wanted", "event_not_wanted"]),
    ],
)
def test_a_condition_looks_at_each_notification_alone(call, beta, salesforce, expression, reasons):
    tickets_linked_to(beta, [record_id(1), record_id(2)])
    salesforce.condition = expression
    salesforce.save()

    rows = call(
        message(
            notification(record_id(1), 1, Priority="High"),
            notification(record_id(2), 2, Priority="Low"),
        )
    )

    assert [row.reason for row in rows] == reasons


def test_a_reference_expression_reads_each_notification_alone(call, beta, salesforce):
    other = submit_ticket(beta.bugs, summary="Two", submitter=beta.ada)
    salesforce.reference_expression = "Notification.sObject.Ticket__c"
    salesforce.save()

    rows = call(
        message(
            notification(record_id(1), 1, Ticket__c=other.ref),
            notification(record_id(2), 2, Ticket__c="bug-0001"),
        )
    )

    assert [row.executions.get().ticket for row in rows] == [other, beta.ticket]


def test_a_part_is_read_the_same_after_the_listener_was_given_to_another_sender(call, salesforce):
    call(message(notification(record_id(1), 1), notification(record_id(2), 2)))
    salesforce.sender = "jira"
    salesforce.save()

    row = Delivery.objects.get(part=1)

    assert row.payload["Notification"]["sObject"]["Id"] == record_id(2)


def test_one_of_a_hundred_that_fails_does_not_stop_the_others(call, beta, monkeypatch):
    records = [record_id(number) for number in range(100)]
    tickets = tickets_linked_to(beta, records)
    apply = AdjustWorkflow.apply

    def failing(self, ticket, *args, **options):
        if ticket == tickets[41]:
            raise RuntimeError("Cannot")
        return apply(self, ticket, *args, **options)

    monkeypatch.setattr(AdjustWorkflow, "apply", failing)

    rows = call(message(*(notification(each, number) for number, each in enumerate(records))))

    assert [row.part for row in rows if row.reason != "applied"] == [41]
    assert rows[41].reason == "action_failed"
    assert len(rows) == 100


def test_more_than_a_hundred_notifications_are_no_message(post, salesforce):
    body = message(*(notification(number=number) for number in range(101)))

    answer = post(salesforce, body, content_type=SOAP)

    assert answer.status_code == 400
    assert "101 notifications, and never more than 100 fit" in answer.json()["detail"]


def test_the_door_takes_as_many_queries_for_a_hundred_as_it_may(
    post, salesforce, django_assert_max_num_queries
):
    body = message(*(notification(record_id(number), number) for number in range(100)))
    at_once = connection.ops.bulk_batch_size(Delivery._meta.concrete_fields[1:], [None] * 99)
    batches = -(-99 // at_once)

    with django_assert_max_num_queries(6 + 2 + batches):  # one request's, and a savepoint
        post(salesforce, body, content_type=SOAP)

    assert Delivery.objects.count() == 100


def test_json_in_the_shape_of_a_message_is_one_request(post, salesforce):
    body = {"Envelope": {"Body": {"notifications": {"Notification": [{}] * 3}}}}

    answer = post(salesforce, body)

    assert answer.json()["status"] == "received"
    assert Delivery.objects.get().part is None


# Repeats


def test_of_a_repeated_message_only_what_is_new_counts(call, post, salesforce):
    told = [notification(record_id(number), number) for number in range(3)]
    call(message(*told[:2]))
    Delivery.objects.update(status="done", reason="applied")

    answer = post(salesforce, message(*told), content_type=SOAP)

    rows = Delivery.objects.order_by("pk")
    assert is_acknowledged(answer)
    assert [row.status for row in rows[2:]] == ["skipped", "skipped", "received"]
    assert [row.duplicate_of for row in rows[2:]] == [rows[0], rows[1], None]
    assert [row.whole for row in rows[2:]] == [None, rows[2], rows[2]]
    assert rows[4].payload["Notification"]["sObject"]["Id"] == record_id(2)


def test_a_message_that_is_all_known_is_acknowledged_and_does_nothing(call, beta, post, salesforce):
    link(beta.ticket)
    call(message(notification()))

    answer = post(salesforce, message(notification()), content_type=SOAP)

    assert is_acknowledged(answer)
    assert [row.reason for row in Delivery.objects.order_by("pk")] == ["applied", "duplicate"]


def test_what_comes_twice_in_one_message_counts_once(call, beta):
    link(beta.ticket)

    rows = call(message(notification(), notification(), notification(number=1)))

    by_part = {row.part: row for row in rows}
    assert [by_part[part].reason for part in range(3)] == ["applied", "duplicate", "unchanged"]
    assert by_part[1].duplicate_of == by_part[0]


def test_notifications_without_an_id_are_never_repeats(call, beta):
    link(beta.ticket)
    nameless = re.sub("<Id>04l.*?</Id>", "", notification(LastModifiedDate="2026-11-16T09:21:44Z"))

    rows = call(message(nameless, nameless), headers={"Idempotency-Key": "one"})

    assert [row.reason for row in rows] == ["applied", "unchanged"]


def test_what_ended_without_effect_may_be_sent_again(call, beta):
    call(message(notification()))
    link(beta.ticket)

    rows = call(message(notification()))

    assert [row.reason for row in rows] == ["ticket_not_found", "applied"]


def test_of_two_messages_at_the_same_moment_each_notification_counts_once(
    post, salesforce, monkeypatch
):
    note_repeats, rival = intake._note_repeats, []

    def overtaken(deliveries):
        note_repeats(deliveries)
        if not rival:
            rival.append(Delivery(listener=salesforce, status="received", method="POST"))
            rival[0].delivery_id, rival[0].status_code = deliveries[1].delivery_id, 200
            rival[0].save()

    monkeypatch.setattr(intake, "_note_repeats", overtaken)

    answer = post(
        salesforce,
        message(*(notification(record_id(number), number) for number in range(3))),
        content_type=SOAP,
    )

    rows = Delivery.objects.exclude(pk=rival[0].pk).order_by("pk")
    assert is_acknowledged(answer)
    assert [row.duplicate_of for row in rows] == [None, rival[0], None]
    assert [row.whole for row in rows] == [None, rows[0], rows[0]]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_one_message_from_many_clients_at_once_each_notification_counts_once(on_postgres):
    beta = make_beta()
    listener = make_listener(beta, closing_macro(beta), sender="salesforce")
    key = make_key()
    start, codes = Barrier(6), []
    body = message(*(notification(record_id(number), number) for number in range(20)))

    def call():
        start.wait()
        answer = Client().post(
            f"{listener.endpoint_path.partition('?')[0]}?apiKey={key.secret}", body, SOAP
        )
        codes.append(answer.status_code)
        connection.close()

    threads = [Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    counting = Delivery.objects.filter(status="received")
    assert codes == [200] * 6
    assert sorted(counting.values_list("references", flat=True)) == [
        [record_id(number)] for number in range(20)
    ]
    assert Delivery.objects.filter(reason="duplicate").count() == 100


def test_all_rows_of_a_message_are_stored_or_none(post, salesforce, monkeypatch):
    def failing(*args, **options):
        raise IntegrityError("as if another worker were always first")

    monkeypatch.setattr(Delivery.objects, "bulk_create", failing)

    answer = post(salesforce, message(notification(), notification(number=1)), content_type=SOAP)

    assert (answer.status_code, answer.json()["reason"]) == (503, "not_stored")
    assert not Delivery.objects.exists()


# Which record, which ticket

SHORT, OTHER_CASE = "5008Z00001AbCdE", "5008Z00001AbCde"  # two records, but for a letter's case


def test_a_long_id_is_made_from_a_short_one():
    """The examples of https://codegolf.stackexchange.com/questions/69127."""
    longs = [
        "a01M00000062mPgIAI",
        "001M000000qfPySIAU",
        "a0FE000000D6r3FMAR",
        "0F9E000000092w2KAA",
        "aaaaaaaaaaaaaaaAAA",
        "AbCdEfGhIjKlMnOVKV",
        "aBcDEfgHIJKLMNO025",
    ]

    assert [long_id(text[:15]) for text in longs] == longs
    assert [long_id(text) for text in longs] == longs
    assert [long_id(text) for text in ("", "BUG-1", "5008Z00001AbCd!", "é" * 15)] == [
        *("", "BUG-1", "5008Z00001AbCd!", "é" * 15)
    ]


@pytest.mark.parametrize("linked", [SHORT, CASE, CASE.lower(), CASE.upper()])
@pytest.mark.parametrize("sent", [SHORT, CASE])
@pytest.mark.parametrize("way", ["body", "find", "find with its system", "json"])
def test_a_record_is_found_by_either_form_of_its_id(
    send, call, beta, salesforce, linked, sent, way
):
    link(beta.ticket, linked)

    match way:
        case "body":
            (row,) = call(message(notification(sent)))
        case "json":
            row = send(salesforce, {"Id": sent})
        case _:
            row = send(salesforce, find=f"salesforce:{sent}" if "system" in way else sent)

    assert row.reason == "applied"
    assert row.references in ([], [CASE])


@pytest.mark.parametrize("linked", [OTHER_CASE, long_id(OTHER_CASE)])
@pytest.mark.parametrize("sent", [SHORT, CASE])
def test_a_record_whose_id_differs_in_letter_case_alone_is_another(send, call, beta, linked, sent):
    link(beta.ticket, linked)

    assert call(message(notification(sent)))[0].reason == "ticket_not_found"


def test_two_such_records_move_each_its_own_ticket(call, beta):
    tickets = tickets_linked_to(beta, [SHORT, OTHER_CASE])

    rows = call(message(notification(CASE), notification(long_id(OTHER_CASE), 1)))

    assert [row.executions.get().ticket for row in rows] == tickets


def test_a_generic_sender_finds_a_record_by_either_form_too(send, beta, close):
    link(beta.ticket, CASE)

    row = send(make_listener(beta, close, sender="generic"), find=SHORT)

    assert row.reason == "applied"


def test_the_same_text_is_no_record_in_another_system(call, beta):
    beta.ticket.links.create(system="jira", remote_id=CASE, remote_key=CASE)

    assert call(message(notification()))[0].reason == "ticket_not_found"


def test_a_case_is_found_by_its_number(call, beta):
    link_ticket(beta.ticket, actor="ada", system="salesforce", remote_key="00001026")

    (row,) = call(message(notification(CaseNumber="00001026")))

    assert (row.reason, row.references) == ("applied", [CASE, "00001026"])


def test_a_field_that_looks_like_our_own_id_names_no_ticket(call, beta):
    (row,) = call(message(notification("BUG-0001")))

    assert row.reason == "ticket_not_found"


# Which event


@pytest.mark.parametrize(
    ("when", "fields", "reason"),
    [
        ("any", {}, "applied"),
        ("status_changed", {}, "applied"),
        ("created", {}, "applied"),
        ("commented", {}, "applied"),
        ("status_changed_to", {}, "applied"),
        ("status_changed_to", {"Status": "Closed"}, "applied"),
        ("status_changed_to", {"Status": "New"}, "event_not_wanted"),
        ("status_changed_to", {"StageName": "closed"}, "applied"),
        ("status_changed_to", {"StageName": "Prospecting"}, "event_not_wanted"),
        ("status_changed_to", {"Status__c": "Closed"}, "applied"),
    ],
)
def test_the_flow_over_there_chose_the_event_but_a_status_is_compared(
    call, beta, salesforce, when, fields, reason
):
    link(beta.ticket)
    salesforce.when, salesforce.when_status = when, "Closed, Done"
    salesforce.save()

    assert call(message(notification(**fields)))[0].reason == reason


def test_the_log_says_which_status_was_not_the_one(call, salesforce):
    salesforce.when, salesforce.when_status = "status_changed_to", "Closed"
    salesforce.save()

    assert call(message(notification(Status="New")))[0].sentence == (
        "Listener “Jira closed” waits for a change of status to Closed; "
        "this was an item in status New."
    )


def test_a_status_expression_decides_where_there_is_one(call, beta, salesforce):
    link(beta.ticket)
    salesforce.when, salesforce.status_expression = "status_changed", "Notification.sObject.Step__c"
    salesforce.save()

    rows = call(message(notification(), notification(number=1, Step__c="Two")))

    assert [row.reason for row in rows] == ["event_not_wanted", "applied"]


def test_an_older_state_of_a_record_is_late(call, beta):
    link(beta.ticket)
    call(message(notification(Status="Closed", LastModifiedDate="2026-11-16T09:00:00.000Z")))

    rows = call(
        message(notification(number=1, Status="New", LastModifiedDate="2026-11-16T08:00:00.000Z"))
    )

    assert [row.reason for row in rows] == ["applied", "late"]


def case_comment(**fields) -> Event:
    record = {"@type": "CaseComment", "Id": "00a8Z000001AbCd", "ParentId": SHORT} | fields
    return SENDERS["salesforce"].read({}, {"Notification": {"Id": "04l", "sObject": record}})


def test_a_case_comment_is_about_its_case():
    event = case_comment(CommentBody="It melts again", CreatedById="005")

    assert event.references == (CASE,)
    assert event.kinds == ("commented",)
    assert event.comment.id == long_id("00a8Z000001AbCd")
    assert (event.comment.body, event.comment.author) == ("It melts again", "005")


@pytest.mark.parametrize(
    ("modified", "kind"),
    [("2026-11-16T09:00:00Z", "commented"), ("2026-11-16T09:05:00Z", "comment_changed")],
)
def test_a_case_comment_is_edited_if_it_was_modified_after_its_making(modified, kind):
    event = case_comment(CreatedDate="2026-11-16T09:00:00Z", LastModifiedDate=modified)

    assert event.kinds == (kind,)


# Proof of origin


@pytest.mark.parametrize(
    ("secret", "organization", "code"),
    [
        (ORGANIZATION, ORGANIZATION, 200),
        (ORGANIZATION[:15], ORGANIZATION, 200),
        (ORGANIZATION, ORGANIZATION[:15], 200),
        (ORGANIZATION, ORGANIZATION.swapcase(), 401),
        (ORGANIZATION, "00D8Z000001WxYyUAK", 401),
        (ORGANIZATION, "", 401),
        ("00D", ORGANIZATION, 401),
        ("squirrel", ORGANIZATION, 401),
    ],
)
def test_with_a_secret_only_messages_of_that_organization_are_taken(
    post, salesforce, secret, organization, code
):
    salesforce.secret = secret
    salesforce.save()

    answer = post(salesforce, message(notification(), organization=organization), content_type=SOAP)

    assert answer.status_code == code


@pytest.mark.parametrize("body", [b"<a", b"<a/>", message().encode(), b"\xff"])
def test_a_body_without_a_readable_organization_is_not_proven(post, salesforce, body):
    salesforce.secret = ORGANIZATION
    salesforce.save()

    answer = post(salesforce, body, content_type="text/xml")

    assert answer.status_code == 401
    assert Delivery.objects.get().sentence.endswith("its OrganizationId cannot be read.")


@pytest.mark.parametrize(("header", "code"), [("squirrel", 200), ("nut", 401), ("", 401)])
def test_json_shows_the_secret_in_a_header(post, salesforce, header, code):
    salesforce.secret = "squirrel"
    salesforce.save()

    answer = post(salesforce, {"Id": CASE}, headers={"X-Hook-Secret": header} if header else {})

    assert answer.status_code == code


# What is answered


def test_a_flow_is_answered_in_json(post, salesforce):
    answer = post(salesforce, {"Id": CASE})

    assert answer.json()["status"] == "received"


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "application/soap+xml"])
def test_xml_of_any_type_is_acknowledged(post, salesforce, content_type):
    assert is_acknowledged(post(salesforce, message(notification()), content_type=content_type))


def test_xml_that_cannot_be_read_is_refused_in_json_with_its_place(post, salesforce):
    answer = post(salesforce, message(notification())[:-1] + "\n", content_type=SOAP)

    assert (answer.status_code, answer.json()["reason"]) == (400, "body_unreadable")
    assert "The body cannot be read as XML: line 1, column " in answer.json()["detail"]


@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/"><a/>',
        "<a>" * 100_000,
    ],
)
def test_an_attack_by_xml_is_a_bad_body(post, salesforce, attack):
    answer = post(salesforce, attack, content_type=SOAP)

    assert (answer.status_code, answer.json()["reason"]) == (400, "body_unreadable")


def test_a_message_over_the_limit_is_refused(post, salesforce, settings):
    settings.BODY_LIMIT = 1000
    body = message(notification(Description="x" * 1000))

    assert post(salesforce, body, content_type=SOAP).status_code == 413


@pytest.mark.parametrize("sender", sorted(set(SENDERS) - {"salesforce"}))
def test_no_other_sender_sends_xml(post, beta, close, sender):
    listener = make_listener(beta, close, sender=sender)

    answer = post(listener, message(notification()), content_type=SOAP)

    assert (answer.status_code, answer.json()["reason"]) == (415, "content_type_refused")


# Flow and Apex


@pytest.mark.parametrize(
    "body",
    [
        {"Id": CASE, "Status": "Closed"},
        {"attributes": {"type": "Case"}, "Id": SHORT, "Status": "Closed"},
        {"record": {"Id": CASE, "Status": "Closed"}},
        {"sObject": {"Id": CASE, "Status": "Closed"}},
        {"recordId": CASE, "status": "Closed"},
    ],
)
def test_a_flow_may_send_the_record(send, beta, salesforce, body):
    link(beta.ticket)

    row = send(salesforce, body)

    assert (row.reason, row.references, row.status_after) == ("applied", [CASE], "Closed")


@pytest.mark.parametrize("body", [None, {}, {"Subject": "Hi"}, [], [CASE], 5, {"Id": [CASE]}])
def test_with_find_in_the_address_the_body_may_be_anything(send, beta, salesforce, body):
    link(beta.ticket)

    row = send(salesforce, body, find=SHORT)

    assert (row.reason, row.references) == ("applied", [])


def test_a_flow_that_sends_one_state_of_a_record_twice_repeats_itself(post, salesforce):
    body = {"Id": CASE, "LastModifiedDate": "2026-11-16T09:21:44.000+0000"}

    statuses = [post(salesforce, body).json()["status"] for _ in range(2)]

    assert statuses == ["received", "duplicate"]


# What is kept and shown


def test_each_row_is_told_apart_by_the_api(client, call, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    first, second = call(message(notification(record_id(1)), notification(record_id(2), 1)))

    told = [client.get(f"/api/v1/deliveries/{row.public_id}/").json() for row in (first, second)]

    assert [(each["whole"], each["part"]) for each in told] == [(None, 0), (first.public_id, 1)]
    bodies = [json.loads(each["body"])["Notification"]["sObject"]["Id"] for each in told]
    assert bodies == [record_id(1), record_id(2)]
    listed = client.get("/api/v1/deliveries/").json()["results"]
    assert [each["part"] for each in listed] == [1, 0]


def test_the_page_of_a_part_shows_it_alone_and_leads_to_the_others(client, call, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    first, second = call(message(notification(record_id(1)), notification(record_id(2), 1)))

    page = client.get(second.get_absolute_url()).content.decode()

    assert record_id(2) in page
    assert f"&quot;{record_id(1)}&quot;" not in page
    assert f'<a href="{first.get_absolute_url()}">1</a>' in page
    assert "of one request" in page


def test_a_body_stays_until_the_last_of_its_parts_is_settled(call, post, salesforce, settings):
    settings.RETENTION_DAYS = 30
    call(message(notification(record_id(1)), notification(record_id(2), 1)))
    Delivery.objects.update(received_at=timezone.now() - timedelta(days=31))
    Delivery.objects.filter(part=1).update(status="received", settled_at=None)

    retention.prune()
    kept = Delivery.objects.count()
    Delivery.objects.filter(part=1).update(status="done", settled_at=timezone.now())
    retention.prune()

    assert kept == 2
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_sample_is_sent_as_salesforce_would(live_server, beta, salesforce, api_key):
    link(beta.ticket)
    url = live_server.url + salesforce.endpoint_path.replace(
        "prefix-community_API_key", api_key.secret
    )
    sample = samples.load("salesforce", "two_cases")

    answers = [
        samples.post(url, sample),
        samples.post(url, sample, delivery_id="same"),
        samples.post(url, sample, delivery_id="same"),
    ]
    queue.settle_all()

    assert [answer.code for answer in answers] == [200] * 3
    assert all("<Ack>true</Ack>" in answer.text for answer in answers)
    ends = list(Delivery.objects.order_by("pk").values_list("reason", flat=True))
    assert ends == [
        *("applied", "ticket_not_found"),
        *("unchanged", "ticket_not_found"),
        *("duplicate", "duplicate"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_sample_proves_itself_by_the_secret_it_is_given(live_server, salesforce, api_key):
    salesforce.secret = "squirrel"
    salesforce.save()
    url = live_server.url + salesforce.endpoint_path.replace(
        "prefix-community_API_key", api_key.secret
    )

    codes = [
        samples.post(url, samples.load("salesforce", event), secret).code
        for event in ("case_closed", "flow_case_closed")
        for secret in ("", "squirrel")
    ]

    assert codes == [401, 200, 401, 200]


# Whatever a stranger makes of a message

WHOLE = message(
    notification(record_id(1), 1, Status="Closed", LastModifiedDate="2026-11-16T09:21:44.000Z"),
    notification(record_id(2), 2, Status="New"),
    session="00D1I000003qqqE!AQEAQKr.fake_TOKEN.1234567890abcdefGHIJ",
).encode()
BODIES = [WHOLE, *(path.read_bytes() for path in FILES)]
PIECES = [
    *(b"<", b">", b"/", b'"', b"'", b"&", b"\0", b"\xff", b"]]>", b"<!--", b"-->", b"<![CDATA["),
    *(b"<Id>", b"</Id>", b"<Notification>", b"</Notification>", b"<sObject>", b"</sObject>"),
    *(b"<sf:Id>BUG-0001</sf:Id>", b"<Notification><sObject/></Notification>", b"&#0;", b"&x;"),
    *(b' xsi:nil="true"', b"<!DOCTYPE a>", b"xmlns=", "é".encode("latin-1"), b"9" * 400),
]


@some.composite
def mangled(draw) -> bytes:
    """A message some of whose pieces were cut out, doubled, moved or replaced."""
    body = draw(some.sampled_from(BODIES))
    for _ in range(draw(some.integers(1, 4))):
        tags = [match.span() for match in re.finditer(rb"<[^>]*>[^<]*", body)] or [(0, 0)]
        start, end = draw(some.sampled_from(tags))
        piece = draw(some.sampled_from(["cut", "double", "insert", "move", "truncate"]))
        if piece == "cut":
            body = body[:start] + body[end:]
        elif piece == "double":
            body = body[:end] + body[start:]
        elif piece == "insert":
            body = body[:start] + draw(some.sampled_from(PIECES)) + body[start:]
        elif piece == "move":
            place = draw(some.sampled_from(tags))[0]
            body = body[:place] + body[start:end] + body[place:]
        else:
            body = body[:end]
    return body


@pytest.mark.django_db
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=mangled(), encoding=some.sampled_from(["utf-8", "utf-16"]))
@example(body=WHOLE, encoding="utf-16")
@example(body=b"<", encoding="utf-8")
def test_a_mangled_message_is_stored_or_refused_and_names_nobody_else(
    post, beta, salesforce, body, encoding
):
    Delivery.objects.all().delete()
    if not beta.ticket.links.exists():
        link(beta.ticket, record_id(1))
    said = body.decode("utf-8", "replace")
    body = body if encoding == "utf-8" else said.encode(encoding)

    code = post(salesforce, body, content_type="text/xml").status_code
    queue.settle_all()

    assert code in (200, 400)
    for row in Delivery.objects.all():
        assert row.status in ("done", "skipped", "refused")
        assert all(reference in said for reference in row.references)
        if row.reason in ("applied", "unchanged"):
            assert row.item == record_id(1)
        for secret in (b"fake_TOKEN", b"REDACTED"):
            kept = bytes(row.body).replace(b"\0", b"")
            assert secret not in kept, kept
