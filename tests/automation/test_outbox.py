"""Mail and calls leave after the commit: at least once, with patience, and with an end."""

from __future__ import annotations

import json
import logging
import smtplib
import threading
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.http import http_date

from apikeys.secrecy import STRUCK
from automation import outbox, retention
from automation.models import Execution, Outgoing
from automation.outbox import sending
from automation.outbox.answers import TAKERS
from automation.outbox.crew import Crew
from automation.outbox.secrets import shown_content
from automation.outbox.sending import CLAIM_HOLDS, MOST_ATTEMPTS, WAITS
from tests.automation.outside import Mail, Web, closing
from tests.installation import wait_until

pytestmark = pytest.mark.django_db
SECRET = "s3cret-of-the-tracker"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.OUTBOUND_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def web():
    with closing(Web()) as web:
        yield web


@pytest.fixture
def post_office(settings):
    """A mail server that mail really goes to."""
    with closing(Mail()) as office:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
        yield office


@pytest.fixture
def put(beta, web):
    """Put a call to the web server into the outbox."""

    def put(**options):
        return outbox.put_call(
            **{
                "project": beta.project,
                "ticket": beta.ticket,
                "method": "POST",
                "url": f"{web.url}/hook",
                "body": '{"ref": "BUG-0001"}',
            }
            | options
        )

    return put


@pytest.fixture
def write(beta):
    """Put a mail into the outbox."""

    def write(*to, **options):
        return outbox.put_mail(
            **{
                "project": beta.project,
                "ticket": beta.ticket,
                "to": to or ["ada@example.com"],
                "subject": "BUG-0001 is closed",
                "text": "It is fixed.",
            }
            | options
        )

    return write


def again(row):
    row.refresh_from_db()
    return row


def make_due(row):
    """As if it had waited for its time; a claim of it has become too old."""
    now = timezone.now()
    Outgoing.objects.filter(pk=row.pk).update(next_attempt_at=now)
    Outgoing.objects.filter(pk=row.pk, claimed_at__isnull=False).update(
        claimed_at=now - CLAIM_HOLDS
    )


# Putting


def test_what_is_put_waits_for_the_commit_and_then_wakes_a_worker(
    put, web, monkeypatch, django_capture_on_commit_callbacks
):
    woken = []
    monkeypatch.setattr("automation.outbox.put.wake_outbox", lambda: woken.append(1))

    with django_capture_on_commit_callbacks(execute=True):
        row = put()
        assert (woken, web.asked) == ([], [])

    assert woken
    assert again(row).sentence == "Waits to be sent."


def test_what_is_rolled_back_is_never_sent(put, web, monkeypatch):
    woken = []
    monkeypatch.setattr("automation.outbox.put.wake_outbox", lambda: woken.append(1))

    with transaction.atomic():
        put()
        transaction.set_rollback(True)

    assert (outbox.send_due(), woken, web.asked) == (0, [], [])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"method": "TRACE"}, "“TRACE” is none of GET, POST, PUT, PATCH, DELETE."),
        ({"method": "GET\r\nX: y"}, "is none of GET"),
        (
            {"url": "ftp://example.com"},
            "This is no web address: begin it with https:// and a host.",
        ),
        ({"url": "https://ada:pw@example.com/"}, "put them into an Authorization header"),
        ({"headers": {"Host": "x"}}, "The header Host is set by the hub: leave it out."),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "The header X-A holds a line break"),
        ({"body": "é" * 600_000}, "The body has more than 1024 kB."),
    ],
)
def test_a_call_that_cannot_be_sent_is_refused_when_it_is_put(put, options, told):
    with pytest.raises(ValidationError) as refused:
        put(**options)

    assert told in refused.value.messages[0]
    assert not Outgoing.objects.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"to": []}, "The mail has no recipient."),
        ({"to": ["ada"]}, "“ada” is no mail address."),
        ({"to": ["İ" * 200 + "@example.com"]}, "is no mail address."),
        ({"to": ["a@example.com", "b@example.com, c@example.com"]}, "is no mail address."),
        ({"to": ["a@example.com\r\nBcc: b@example.com"]}, "is no mail address."),
        ({"to": [f"{number}@example.com" for number in range(101)]}, "more than 100 recipients."),
        ({"subject": " \r\n "}, "The mail has no subject."),
        ({"text": "x" * 200_001}, "The mail is longer than 200000 characters."),
    ],
)
def test_a_mail_that_cannot_be_sent_is_refused_when_it_is_put(write, options, told):
    with pytest.raises(ValidationError) as refused:
        write(**options)

    assert told in refused.value.messages[0]
    assert not Outgoing.objects.exists()


def test_what_no_database_can_keep_is_left_out(put, write, web):
    (letter,) = write(subject="a\0b\ud800", text="\0c\udfff", html="\0")
    row = put(body="a\0b\ud800", headers={"X-A": "\0a\ud800"})
    web.answers = [(200, {"Content-Type": "text/plain; charset=nonsense"}, b"\0\xff\xed\xa0\x80")]

    outbox.send_due()

    assert again(letter).title == "ab?"
    assert again(row).status == "sent"
    assert web.asked[0].body == b"ab?"
    assert row.answer["body"] == "\ufffd" * 4


# Calls


def test_a_call_is_made_and_its_answer_kept(put, web):
    row = put(headers={"Content-Type": "application/json", "X-Token": SECRET})
    web.answers = [(201, {"Content-Type": "application/json", "X-Other": "x"}, b'{"id": 7}')]

    assert outbox.send_due() == 1

    (asked,) = web.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/hook", b'{"ref": "BUG-0001"}')
    assert asked.headers["Idempotency-Key"] == row.public_id
    assert asked.headers["X-Token"] == SECRET
    assert asked.headers["User-Agent"] == "feedback-hub"
    assert (again(row).status, row.attempts) == ("sent", 1)
    assert row.sentence == "127.0.0.1 answered 201 Created."
    assert row.sent_at
    assert row.answer["status"] == 201
    assert json.loads(row.answer["body"]) == {"id": 7}
    assert {*row.answer["headers"]} == {"content-type", "date"}
    assert not row.answer["cut"]


def test_secrets_of_the_headers_are_gone_once_they_are_not_needed(put, web):
    row = put(headers={"Authorization": f"Bearer {SECRET}", "Accept": "*/*"})
    web.answers = [(200, {}, f"you sent Bearer {SECRET}".encode())]

    outbox.send_due()

    assert again(row).content["headers"] == {"Authorization": "***", "Accept": "*/*"}
    assert row.answer["body"] == "you sent ***"


def test_a_known_secret_is_struck_out_wherever_it_stands(put, web):
    secret = 'kä/y "1"  2'
    url = f"{web.url}/{quote(secret)}?k={quote(secret, safe='')}"
    agent = " ".join(secret.split())
    row = put(url=url, headers={"User-Agent": agent}, body=json.dumps(secret), secrets=[secret])
    told = [secret, agent, json.dumps(secret), json.dumps(secret, ensure_ascii=False)]
    web.answers = [(200, {"ETag": "x" * 990 + quote(secret)}, "|".join(told).encode())]
    before = shown_content(row.content)

    outbox.send_due()

    after = shown_content(again(row).content)
    assert before == {name: value for name, value in after.items() if name != "secrets"}
    assert after["headers"] == {"User-Agent": STRUCK}
    assert (after["url"], row.title) == (f"{web.url}/***?k=***", f"POST {web.url}/***")
    assert row.answer["body"] == '***|***|"***"|"***"'
    assert row.answer["headers"]["etag"].endswith("x***")
    assert row.content["body"] == '"***"'


def test_a_secret_does_not_follow_a_redirect_to_another_host(put, web):
    with closing(Web()) as other:
        web.answers = [(307, {"Location": f"{other.url}/swordfish"}, b"")]
        row = put(body="swordfish", secrets=["swordfish"])

        outbox.send_due()

        assert not other.asked
        assert again(row).sentence == (
            f"127.0.0.1 answered 307 Temporary Redirect and names {other.url}, but this call has a "
            "secret for 127.0.0.1 alone: enter the new address, and the secret anew."
        )


def test_what_goes_wrong_unexpectedly_is_told_without_secrets(put, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("swordfish!")

    monkeypatch.setattr("automation.safe_http.call", fail)
    row = put(body="swordfish", secrets=["swordfish"])

    outbox.send_due()

    assert again(row).sentence.endswith("RuntimeError: ***!.")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (400, "127.0.0.1 answered 400 Bad Request. Look at what the call sends."),
        (401, "127.0.0.1 answered 401 Unauthorized. Look at the call's Authorization header."),
        (404, "127.0.0.1 answered 404 Not Found. Look at the call's address."),
        (304, "127.0.0.1 answered 304 Not Modified. Look at what the call sends."),
        (499, "127.0.0.1 answered 499. Look at what the call sends."),
    ],
)
def test_what_does_not_heal_fails_at_once(put, web, code, told):
    row = put()
    web.answers = [(code, {}, b"" if code == 304 else b"no")]

    outbox.send_due()

    assert (again(row).status, row.attempts, row.sentence) == ("failed", 1, told)
    assert row.answer["status"] == code


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_what_heals_is_tried_again_under_the_same_key(put, web, code):
    row = put()
    web.answers = [(code, {}, b"later"), (200, {}, b"ok")]
    outbox.send_due()

    waiting = again(row)
    assert (waiting.status, waiting.claimed_at) == ("waiting", None)
    assert f"127.0.0.1 answered {code} " in waiting.sentence
    assert "Attempt 2 comes at " in waiting.sentence
    assert outbox.send_due() == 0
    make_due(row)
    outbox.send_due()

    assert (again(row).status, row.attempts) == ("sent", 2)
    assert {asked.headers["Idempotency-Key"] for asked in web.asked} == {row.public_id}


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("120", 119, 121),
        ("in five minutes", 298, 301),
        ("9" * 30, 86_399, 86_401),
        ("3", 9, 11),
        ("soon", 9, 11),
        ("-5", 9, 11),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 9, 11),
        ("Wed, 21 Oct 2015 07:28:00", 9, 11),
        ("\u0663", 9, 11),
    ],
)
def test_retry_after_is_heeded_within_reason(put, web, told, least, most):
    row = put()
    began = timezone.now()
    date = http_date((began + timedelta(minutes=5)).timestamp())
    header = told.replace("in five minutes", date).encode().decode("latin-1")
    web.answers = [(429, {"Retry-After": header}, b"")]

    outbox.send_due()

    assert least <= (again(row).next_attempt_at - began).total_seconds() <= most


def test_after_the_last_attempt_it_has_failed(put, web):
    row = put()
    web.answers = [(503, {}, b"")]
    waits = []
    for _ in range(MOST_ATTEMPTS):
        make_due(row)
        began = timezone.now()
        outbox.send_due()
        waits.append(again(row).next_attempt_at - began)

    assert (row.status, row.attempts, len(web.asked)) == ("failed", 9, 9)
    assert row.sentence == "127.0.0.1 answered 503 Service Unavailable. Tried 9 times, no more."
    assert all(
        timedelta(0) <= taken - wait < timedelta(seconds=2)
        for taken, wait in zip(waits, WAITS, strict=False)
    )


def test_a_host_that_cannot_be_reached_may_come_back(put, web):
    row = put()
    web.close()

    outbox.send_due()

    assert again(row).status == "waiting"
    assert row.outcome == "127.0.0.1 cannot be talked to: Connection refused."


def test_an_address_that_may_not_be_called_fails_at_once(put, settings, web):
    settings.OUTBOUND_NETWORKS = []
    row = put()

    outbox.send_due()

    assert again(row).status == "failed"
    assert "127.0.0.1 is this machine itself: calls go to public addresses only" in row.sentence
    assert web.asked == []


def test_the_unexpected_ends_one_row_and_not_the_outbox(put, write, monkeypatch, caplog):
    monkeypatch.setitem(sending.SENDERS, "call", lambda row: 1 / 0)
    row = put()
    (letter,) = write()

    outbox.send_due()

    assert again(letter).status == "sent"
    assert again(row).sentence == (
        "Something unexpected went wrong here: ZeroDivisionError: division by zero."
    )


# Answers


@pytest.fixture
def taken(monkeypatch):
    """Answers that a taker of this test got."""
    taken = []
    monkeypatch.setitem(TAKERS, "test", lambda row: taken.append(row.answer["status"]))
    return taken


def test_an_answer_is_handed_to_who_takes_it_once(put, web, taken):
    row = put(taker="test")

    outbox.send_due()
    outbox.send_due()

    assert taken == [200]
    assert again(row).taken_at


def test_without_a_good_answer_there_is_nothing_to_take(put, web, taken):
    web.answers = [(404, {}, b"")]
    row = put(taker="test")

    outbox.send_due()

    assert (taken, again(row).taken_at) == ([], None)


def test_a_taker_that_died_takes_the_answer_later(put, taken, monkeypatch):
    def die(row):
        raise OperationalError("the database went away")

    row = put(taker="test")
    with monkeypatch.context() as patch:
        patch.setitem(TAKERS, "test", die)
        outbox.send_due()

    assert (again(row).status, row.taken_at) == ("sent", None)
    outbox.send_due()

    assert (taken, len(TAKERS) > 0, bool(again(row).taken_at)) == ([200], True, True)


def test_an_answer_that_cannot_be_used_says_so_and_leaves_nothing(beta, put, monkeypatch, caplog):
    def fail(row):
        beta.project.tags.create(name="half")
        raise ValueError("no such field")

    monkeypatch.setitem(TAKERS, "test", fail)
    row = put(taker="test")

    outbox.send_due()

    assert again(row).sentence == (
        "127.0.0.1 answered 200 OK. The answer could not be used: ValueError: no such field."
    )
    assert row.taken_at
    assert not beta.project.tags.exists()


def test_takers_register_under_a_name():
    @outbox.takes_answers("registered here")
    def take(row):
        pass

    assert TAKERS.pop("registered here") is take


# Mail


def test_a_mail_goes_to_each_address_by_itself_with_safe_headers(write, post_office, settings):
    settings.SITE_URL = "https://hub.example.com"
    rows = write(
        "ada@example.com",
        "Bob@example.com",
        "ADA@example.com",
        subject="Fixed:\r\nBcc: eve@example.com",
        text="Grüße\n.\nEnde",
        html="<p>Grüße</p>",
    )

    outbox.send_due()

    assert [again(row).status for row in rows] == ["sent", "sent"]
    assert rows[0].sentence == "The mail server took it."
    assert [got.to for got in post_office.got] == [["<ADA@example.com>"], ["<Bob@example.com>"]]
    message = post_office.got[0].message
    assert message["Subject"] == "Fixed: Bcc: eve@example.com"
    assert message["Bcc"] is None
    assert message["To"] == "ADA@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{rows[0].public_id}@hub.example.com>"
    assert message.get_body(["plain"]).get_content().split() == ["Grüße", ".", "Ende"]
    assert message.get_body(["html"]).get_content().strip() == "<p>Grüße</p>"


def test_what_one_address_refuses_is_not_repeated_to_the_others(write, post_office):
    rows = write("ada@example.com", "bob@example.com")
    post_office.refusals = ["450 4.2.0 greylisted"]

    outbox.send_due()
    make_due(rows[0])
    outbox.send_due()

    assert [again(row).status for row in rows] == ["sent", "sent"]
    assert [got.to for got in post_office.got] == [["<bob@example.com>"], ["<ada@example.com>"]]
    assert (rows[0].attempts, rows[1].attempts) == (2, 1)


def test_an_address_that_is_refused_for_good_fails_at_once(write, post_office):
    (row,) = write()
    post_office.refusals = ["550 5.1.1 No such user here"]

    outbox.send_due()

    assert again(row).status == "failed"
    assert row.sentence == (
        "The mail server refused it: 550 5.1.1 No such user here. Look at the address."
    )
    assert row.answer == {"code": 550, "text": "5.1.1 No such user here"}


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "waiting", "cannot be reached: Connec"),
        (TimeoutError("timed out"), "waiting", "The mail server cannot be reached: timed out."),
        (
            smtplib.SMTPServerDisconnected("Connection unexpectedly closed"),
            "waiting",
            "The mail server cannot be used: Connection unexpectedly closed.",
        ),
        (
            smtplib.SMTPAuthenticationError(535, b"5.7.8 Bad credentials\0"),
            "waiting",
            "The mail server cannot be used: 535 5.7.8 Bad credentials.",
        ),
        (smtplib.SMTPConnectError(554, b"No"), "waiting", "cannot be used: 554 No."),
        (smtplib.SMTPDataError(451, b"Try later"), "waiting", "refused it: 451 Try later."),
        (smtplib.SMTPDataError(554, b"Spam"), "failed", "refused it: 554 Spam. Show the operator"),
        (smtplib.SMTPSenderRefused(550, b"Who?", "hub"), "failed", "refused it: 550 Who?."),
        (smtplib.SMTPNotSupportedError("No SMTPUTF8."), "failed", "this mail: No SMTPUTF8."),
        (ValueError("odd"), "failed", "The mail cannot be written: odd."),
    ],
)
def test_trouble_with_the_mail_server_heals_where_it_can(write, monkeypatch, error, status, told):
    def refuse(message, **options):
        raise error

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    (row,) = write()

    outbox.send_due()

    assert again(row).status == status
    assert told in row.outcome


def test_where_the_site_has_no_address_the_sender_s_stands_in(write, settings):
    settings.SITE_URL, settings.DEFAULT_FROM_EMAIL = "", "Hub <hub@mail.example.com>"
    (row,) = write()

    outbox.send_due()

    (sent,) = mail.outbox
    assert sent.extra_headers["Message-ID"] == f"<{row.public_id}@mail.example.com>"


# Digests


def test_mails_of_a_digest_wait_and_become_one_for_each_recipient(write, beta):
    parts = write("ada@example.com", "bob@example.com", digest="bulk 1", html="<b>Fixed</b>")
    parts += write("Ada@example.com", digest="bulk 1", subject="BUG-0002 <b>", text="a < b")
    write("ada@example.com", digest="bulk 2")
    assert outbox.send_due() == 0
    assert "end of its bulk run" in again(parts[0]).sentence

    mails = outbox.close_digest("bulk 1")
    outbox.send_due()

    ada, bob = sorted(mail.outbox, key=lambda sent: sent.to)
    assert [ada.to, bob.to] == [["ada@example.com"], ["bob@example.com"]]
    assert ada.subject == "2 messages: BUG-0001 is closed, …"
    assert ada.body == (
        "BUG-0001 is closed\n------------------\nIt is fixed.\n\n"
        "BUG-0002 <b>\n------------\na < b\n\n"
    )
    assert ada.alternatives[0].content == (
        "<h2>BUG-0001 is closed</h2>\n<b>Fixed</b>\n<h2>BUG-0002 &lt;b&gt;</h2>\n<p>a &lt; b</p>\n"
    )
    assert bob.subject == "BUG-0001 is closed"
    assert [again(row).status for row in parts] == ["merged", "sent", "merged"]
    assert {parts[0].merged_into, parts[2].merged_into} & {*mails}
    assert parts[0].sentence == "Became one mail with 1 more of its bulk run."
    assert parts[0].ticket == beta.ticket


def test_a_digest_is_closed_once(write):
    write(digest="bulk 1")
    write(digest="bulk 1")
    outbox.close_digest("bulk 1")

    assert outbox.close_digest("bulk 1") == []
    assert outbox.close_digest("another") == []
    assert Outgoing.objects.waiting().count() == 1


def test_equal_subjects_are_said_once(write):
    for _ in range(3):
        write(digest="bulk 1", subject="A ticket is closed")

    (one,) = outbox.close_digest("bulk 1")

    assert one.title == "A ticket is closed (3 times)"
    assert one.content["html"] == ""


def test_a_digest_of_very_many_tells_how_many_more_there_are(write):
    rows = [write(digest="bulk 1", subject=f"Ticket {number}")[0] for number in range(203)]

    (one,) = outbox.close_digest("bulk 1")

    assert "Ticket 199\n" in one.content["text"]
    assert one.content["text"].endswith("And 3 more, which are in the hub's outbox.\n")
    assert len(rows) == Outgoing.objects.filter(merged_into=one).count()


# By hand


def test_what_failed_may_be_sent_again_by_hand(put, web):
    row = put(headers={"X-Token": SECRET})
    web.answers = [(404, {}, b""), (200, {}, b"")]
    outbox.send_due()

    assert outbox.send_again(row)
    outbox.send_due()

    assert (again(row).status, row.attempts) == ("sent", 1)
    assert [asked.headers["X-Token"] for asked in web.asked] == [SECRET, SECRET]


def test_a_mail_of_a_digest_may_be_sent_at_once_and_alone(write):
    (row,) = write(digest="bulk 1")

    outbox.send_again(row)
    outbox.send_due()

    assert again(row).status == "sent"
    assert outbox.close_digest("bulk 1") == []


def test_what_waits_may_be_cancelled(put, web):
    row = put(headers={"X-Token": SECRET})

    assert outbox.cancel(row, actor="pam")

    assert outbox.send_due() == 0
    assert (again(row).status, row.sentence) == ("cancelled", "Cancelled by pam.")
    assert SECRET not in json.dumps(row.content)


def test_what_went_or_goes_now_is_left_alone(put, web):
    sent, going = put(), put()
    outbox.send_due()
    Outgoing.objects.filter(pk=going.pk).update(status="waiting")
    make_due(going)
    claimed = sending.claim()

    for row in (sent, claimed):
        assert not outbox.cancel(row, actor="pam")
        assert not outbox.send_again(row)
    assert again(claimed).sentence == "Is being sent at this moment."


# Workers


def test_a_worker_killed_before_it_noted_the_result_sends_again_under_the_same_key(
    put, web, monkeypatch
):
    row = put()
    with monkeypatch.context() as patch:
        patch.setattr(sending, "_note", lambda *args, **values: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            outbox.send_due()
    assert (again(row).status, row.attempts) == ("waiting", 1)
    assert outbox.send_due() == 0, "it may still be at it"

    make_due(row)
    outbox.send_due()

    assert (again(row).status, row.attempts) == ("sent", 2)
    assert [asked.headers["Idempotency-Key"] for asked in web.asked] == [row.public_id] * 2


def test_what_kills_its_worker_each_time_ends(put, web):
    row = put()
    for _ in range(MOST_ATTEMPTS):
        make_due(row)
        assert sending.claim()
    assert "Is being sent" in again(row).sentence

    make_due(row)
    outbox.send_due()

    assert (again(row).status, web.asked) == ("failed", [])
    assert row.sentence == "The worker died each time. Tried 9 times, no more."


def test_a_claim_that_another_worker_took_over_notes_nothing(put, web, caplog):
    row = put()
    slow = sending.claim()
    make_due(row)
    sending.claim()

    with caplog.at_level(logging.WARNING):
        sending.attempt(slow)

    assert (again(row).status, row.attempts) == ("waiting", 2)
    assert "another worker sends it too" in caplog.text


def test_a_claim_holds_longer_than_any_call():
    assert timedelta(seconds=60) < CLAIM_HOLDS


def test_one_destination_at_a_time_so_that_a_slow_host_holds_up_nobody_else(put, write):
    slow, same = put(), put()
    (letter,) = write()

    claimed = [sending.claim() for _ in range(3)]

    assert claimed == [slow, letter, None]
    slow = claimed[0]
    sending.attempt(slow)
    assert sending.claim() == same


def test_nothing_is_sent_inside_a_transaction(put, monkeypatch, transactional_db):
    inside = []
    monkeypatch.setitem(
        sending.SENDERS, "call", lambda row: inside.append(connection.in_atomic_block) or 1 / 0
    )
    put()

    outbox.send_due()

    assert inside == [False]


def test_a_run_that_is_gone_leaves_its_mail(beta, write):
    execution = Execution.objects.create(ticket=beta.ticket, actor="x", status="done")
    (row,) = write(execution=execution)

    execution.delete()

    assert again(row).execution is None


def test_what_went_is_deleted_after_its_time_and_what_waits_is_kept(write, settings):
    settings.RETENTION_DAYS = 30
    (old,), (waiting,), (fresh,) = write(), write(), write()
    Outgoing.objects.filter(pk__in=[old.pk, fresh.pk]).update(status="sent")
    for row in (old, waiting):
        then = timezone.now() - timedelta(days=31)
        Outgoing.objects.filter(pk=row.pk).update(created_at=then)

    retention.prune()

    assert {*Outgoing.objects.all()} == {waiting, fresh}


@pytest.mark.django_db(transaction=True)
class TestCrew:
    def test_its_threads_send_and_go_home(self, put, web):
        crew, row = Crew(), put()

        crew.call()

        wait_until(lambda: again(row).status == "sent", within=10, what="the call")
        wait_until(lambda: crew._at_work == 0, within=10, what="the thread ends")

    def test_there_are_never_more_than_a_few(self, monkeypatch):
        started, end = [], threading.Event()

        def send_due(going):
            started.append(going())
            end.wait(10)

        monkeypatch.setattr("automation.outbox.crew.send_due", send_due)
        crew = Crew()
        for _ in range(10):
            crew.call()
        wait_until(lambda: len(started) == 3, within=10, what="three threads")
        end.set()
        wait_until(lambda: crew._at_work == 0, within=10, what="the threads end")

        assert started == [True] * 3

    def test_a_thread_that_meets_trouble_ends_quietly_and_is_counted_out(self, monkeypatch, caplog):
        def send_due(going):
            raise OperationalError("gone")

        monkeypatch.setattr("automation.outbox.crew.send_due", send_due)
        crew = Crew()

        crew.call()

        wait_until(lambda: crew._at_work == 0, within=10, what="the thread ends")
        assert "The database is in trouble, the sweep will send: gone" in caplog.text


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_row_once(on_postgres, put, write, web):
    for number in range(40):
        put(url=f"{web.url}/{number}")
        write(f"{number}@example.com")

    def work():
        try:
            while outbox.send_due():
                pass
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while outbox.send_due():
        pass

    assert {*Outgoing.objects.values_list("status", "attempts")} == {("sent", 1)}
    assert sorted(int(asked.path[1:]) for asked in web.asked) == [*range(40)]


def _both(*works):
    """Run these at the same time, and return what each of them returned."""
    results = []

    def noted(work):
        try:
            results.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=noted, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("decide", [outbox.send_again, lambda row: outbox.cancel(row, actor="pam")])
def test_what_is_being_claimed_is_neither_cancelled_nor_sent_twice(
    on_postgres, put, monkeypatch, decide
):
    row = put()
    saved, save = threading.Event(), Outgoing.save

    def save_slowly(self, *args, **options):
        save(self, *args, **options)
        saved.set()
        threading.Event().wait(0.5)

    monkeypatch.setattr(Outgoing, "save", save_slowly)

    def decide_meanwhile():
        saved.wait(10)
        return decide(row)

    assert False in _both(sending.claim, decide_meanwhile)
    assert (again(row).status, row.attempts) == ("waiting", 1)
    assert sending.claim() is None


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_claim_at_once_one_calls_the_host(on_postgres, put, monkeypatch):
    put()
    put()
    save = Outgoing.save

    def save_slowly(self, *args, **options):
        save(self, *args, **options)
        threading.Event().wait(0.5)

    monkeypatch.setattr(Outgoing, "save", save_slowly)

    claimed = _both(sending.claim, sending.claim)

    assert len([row for row in claimed if row]) == 1


def test_of_a_big_digest_only_what_is_shown_is_read(write):
    for number in range(205):
        write(digest="bulk 1", subject=f"Ticket {number}")
    read = []
    from_db = Outgoing.from_db.__func__

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Outgoing, "from_db", classmethod(lambda *args: read.append(1) or from_db(*args))
        )
        outbox.close_digest("bulk 1")

    assert len(read) == 200
