"""A Salesforce session id is kept nowhere, whatever the body around it is like."""

from __future__ import annotations

import io
import logging
import time
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection

from apikeys.secrecy import strike
from automation.models import Delivery
from automation.senders.salesforce import Salesforce
from automation.session_ids import strike_sessions
from automation.xml_tree import read_xml
from tests.conftest import make_listener
from tests.senders.test_salesforce import message, notification

SESSION = "00D1I000003qqqE!AQEAQKr.fake_TOKEN.1234567890abcdefGHIJ"
WORD = "not-like-a-session"  # what only its place tells


@pytest.mark.parametrize(
    "document",
    [
        "<a><SessionId>{}</SessionId><b>kept</b></a>",
        "<a><SessionId >\n {}\n</SessionId ><b>kept</b></a>",
        "<a xmlns:o='urn:o'><o:SessionId>{}</o:SessionId><o:b>kept</o:b></a>",
        "<a><o:SessionId xmlns:o='urn:o'>{}</o:SessionId><b>kept</b></a>",
        "<a><SessionId a='/>'>{}</SessionId><b>kept</b></a>",
        '<a><SessionId a="1>2">{}</SessionId><b>kept</b></a>',
        "<a><SessionId><![CDATA[{}]]></SessionId><b>kept</b></a>",
        "<a><SessionId><!-- no --></SessionId><SessionId>{}</SessionId><b>kept</b></a>",
        "<a><SessionId>x<!-- </a> -->{}<?x y?></SessionId><b>kept</b></a>",
        "<a><SessionId/><b>kept</b><SessionId>{}</SessionId></a>",
        "<a><SessionId xmlns:i='urn:i' i:nil='true'/><b>kept</b><sessionid>{}</sessionid></a>",
        "<?xml version='1.0'?>\n<!-- x -->\n<a><SessionId><b>{}</b></SessionId><b>kept</b></a>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("secret", [SESSION, WORD, "geheim-秘密"])
def test_a_document_reads_as_before_but_for_its_session_id(document, encoding, secret):
    body = document.format(secret).encode(encoding)

    struck = strike_sessions(body, "text/xml")

    assert secret not in struck.decode(encoding)
    assert len(struck) == len(body)
    charset = encoding.removesuffix("-sig")
    assert read_xml(struck, charset)["a"]["b"] == "kept"
    assert read_xml(struck, charset).keys() == read_xml(body, charset).keys()
    assert strike_sessions(struck, "text/xml") == struck


@pytest.mark.parametrize(
    "document",
    [
        "<a><SessionId>{}",
        "<a><SessionId>{}<b>",
        "<a><SessionId>{}</SessionId",
        "<a><SessionId a='{}",
        '<a><SessionId a="x>{}</SessionId></a>',
        "<a><SessionId <b>{}</SessionId>",
        "<a><SessionId>{}</sessionID></b>",
        "<a><Ses?ionId>{}</SessionId></a>",
        "<a><SessionId>{}</Ses?ionId></a>",
        "<a><!-- <SessionId>{}</SessionId></a>",
        "<a><![CDATA[ <SessionId>{}</SessionId></a>",
        "<!DOCTYPE a [<!ENTITY b 'c'>]><a><SessionId>{}</SessionId></a>",
        "?<a><SessionId>{}</SessionId></a>",
        "<a>&b;<SessionId>{}</SessionId>\0",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32"])
def test_what_cannot_be_read_keeps_none_either(document, encoding):
    struck = strike_sessions(document.format(WORD).encode(encoding), "text/xml")

    assert WORD not in struck.decode(encoding)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"Session": "%s"}', "application/json"),
        (f'{{"Session": "{SESSION}"}}'.replace("!", "\\u0021") + "%.0s", "application/json"),
        (f"session={SESSION}".replace("!", "%21").replace("%", "%%") + "%.0s", "text/plain"),
        ("<a>&lt;SessionId&gt;%s&lt;/SessionId&gt;</a>", "text/xml"),
        ("<a b='%s'/>", "text/xml"),
        ("<a>" + SESSION.replace("!", "&#33;") + "%.0s</a>", "text/xml"),
        ("<a><Ses?ionId>%s</Ses?ionId></a>", "text/xml"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_looks_like_one_is_struck_out_at_any_place(body, kind, encoding):
    struck = strike_sessions((body % SESSION).encode(encoding), kind).decode(encoding)

    assert SESSION.partition("!")[2] not in struck
    assert "00D1I000003qqqE" in struck


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"SessionId": "s", "text": "<SessionId> of <b>"}', "application/json"),
        ("<a><Training_SessionId__c>5</Training_SessionId__c></a>", "text/xml"),
        ("<a><SessionIdentity>5</SessionIdentity><SessionId/></a>", "text/xml"),
        ("<a><b>00D1I000003qqqE</b>!</a>", "text/xml"),
    ],
)
def test_nothing_else_is(body, kind):
    assert strike_sessions(body.encode(), kind) == body.encode()


@pytest.mark.parametrize(
    "piece",
    [
        *("<SessionId ", '<SessionId "', "<SessionId>", "</SessionId", "<SessionId/>", "<!--"),
        *("<", "</", "<a", "<:", "</x:", ">", ">a", "0", "00D", "\0", "<\0", "00Daaaaaaaaaaaa"),
    ],
)
def test_a_hostile_body_takes_its_time_by_its_size_alone(piece):
    body = (f"<SessionId>{piece * (2**20 // len(piece))}").encode()
    began = time.monotonic()

    strike_sessions(body, "text/xml")
    strike_sessions(body[11:], "text/xml")

    assert time.monotonic() - began < 3  # a tenth of a second, unless the machine is busy


def test_no_text_that_is_printed_shows_one():
    texts = [
        f"path?session={SESSION}",
        repr(f"<SessionId>{WORD}</SessionId>".encode()),
        f"&lt;o:SessionId xmlns=&quot;&quot;&gt;{SESSION}&lt;/o:SessionId&gt;",
    ]

    struck = "\n".join(map(strike, texts))

    assert SESSION.partition("!")[2] not in struck
    assert WORD not in struck
    assert struck.count("***") == 3


@pytest.fixture
def printed(settings, monkeypatch):
    """What the process prints; mail on crashes goes to the operator."""
    settings.DEBUG, settings.ADMINS = False, [("Operator", "operator@example.com")]
    stream, root = io.StringIO(), logging.getLogger()
    handler = next(each for each in root.handlers if each.get_name() == "stderr")
    monkeypatch.setattr(handler, "stream", stream)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    monkeypatch.setattr("centercode_sim.logs.OnceInAWhile.filter", lambda *record: True)
    return stream


def every_row() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {Delivery._meta.db_table}")
        values = [value for row in cursor.fetchall() for value in row]
    raw = [bytes(value) for value in values if isinstance(value, (bytes, memoryview))]
    return f"{values} {[each.replace(bytes(1), b'') for each in raw]}"


@pytest.mark.parametrize("case", ["stored", "malformed", "crashed", "another sender", "unproven"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_wherever_a_request_ends_it_leaves_no_session_id(
    post, beta, close, printed, monkeypatch, case, encoding
):
    sender = "jira" if case == "another sender" else "salesforce"
    secret = "00D8Z000001AbCd" if case == "unproven" else ""
    listener = make_listener(beta, close, sender=sender, secret=secret)
    if case == "crashed":
        monkeypatch.setattr(Salesforce, "read", lambda *args: 1 / 0)
    body = message(notification(), session=SESSION)
    body = body.removesuffix("</soapenv:Envelope>") if case == "malformed" else body

    answer = post(listener, body.encode(encoding), content_type="text/xml")

    assert (
        answer.status_code
        == {
            "stored": 200,
            "malformed": 400,
            "crashed": 503,
            "another sender": 415,
            "unproven": 401,
        }[case]
    )
    letters = "\n".join(f"{each.subject}\n{each.body}\n{each.message()}" for each in mail.outbox)
    left = [every_row(), printed.getvalue(), letters, answer.content.decode()]
    assert not [text for text in left if SESSION.partition("!")[2][:20] in text]
    assert bool(mail.outbox) == (case == "crashed")
    assert Delivery.objects.count() == (case != "crashed")


def test_no_recorded_body_of_ours_holds_one():
    """What this file stands on: samples are sent as they are."""
    folder = Path(__file__).parent.parent.parent / "automation" / "samples" / "salesforce"

    assert all(strike(path.read_text()) == path.read_text() for path in folder.glob("*.json"))
