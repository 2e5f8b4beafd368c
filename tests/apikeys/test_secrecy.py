"""A key's secret, after a run of everything, is nowhere."""

from __future__ import annotations

import base64
import io
import json
import logging

import pytest
from django.core import mail
from django.db import OperationalError, connection
from django.test import Client
from django.utils.log import AdminEmailHandler

from apikeys.models import APIKey
from apikeys.secrecy import PresentedKey, StrikeKeys, strike
from automation import queue
from automation.actions.adjust_workflow import AdjustWorkflow
from automation.models import Delivery
from automation.senders.jira import Jira

HERE = "/api/v1/projects/beta/feedbackListeners/jiraclosed"


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"hub:{key}".encode()).decode()


def ways_in(key: str) -> list[tuple[str, dict]]:
    """Requests that show ``key``, each at another place: address and options."""
    encoded = key.replace("-", "%2D")
    whole = json.dumps({"issue": {"key": key}, "url": f"https://hub/?apiKey={key}"})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return [
        (f"{HERE}?find=BUG-0001&apiKey={key}", {}),
        (f"{HERE}/?find=BUG-0001&apikey={encoded}&api_key={key}", {}),
        (f"{HERE}?find={key}&apiKey={key}", {}),
        (f"{HERE}?find={encoded}&apiKey={key}", {}),
        (f"{HERE}?other={key}&also={encoded}&apiKey={key}", {}),
        (HERE, {"headers": {"Authorization": f"Bearer {key}"}}),
        (HERE, {"headers": {"Authorization": f"Token {key}"}}),
        (HERE, {"headers": {"Authorization": key}}),
        (HERE, {"headers": {"Authorization": basic(key)}}),
        (HERE, {"headers": {"Authorization": basic(key)[:-3]}}),
        (HERE, {"headers": {"X-API-Key": key}}),
        (HERE, {"headers": {"X-API-Key": f"{key}0"}}),
        (HERE, {"headers": {"X-API-Key": key, "Authorization": basic(key)}}),
        (HERE, {"headers": {"X-API-Key": key, "Referer": f"https://hub{HERE}?apiKey={key}"}}),
        (HERE, {"headers": {"X-API-Key": key, "Cookie": f"sessionid={key}; apiKey={key}"}}),
        (HERE, {"headers": {"X-API-Key": key, "X-Original-URL": f"{HERE}?apiKey={encoded}"}}),
        (HERE, {"headers": {"X-API-Key": key, "X-Atlassian-Webhook-Identifier": key}}),
        (HERE, {"headers": {"X-API-Key": key, "Content-Type": f"text/{key}"}, "data": b"x"}),
        (HERE, {"headers": {"X-API-Key": key}, "data": whole}),
        (HERE, {"headers": {"X-API-Key": key}, "data": whole + "}"}),
        (HERE, {"headers": {"X-API-Key": key}, "data": whole.encode("utf-16")}),
        (HERE, {"headers": {"X-API-Key": key} | form, "data": f"apiKey={encoded}&a={key}"}),
        (HERE, {"headers": form, "data": f"apiKey={key}"}),
        (f"{HERE}?apiKey={key}", {"verb": "PUT"}),
        (f"{HERE}?apiKey={key}", {"REQUEST_URI": f"{HERE}?apiKey={key}"}),
        (f"{HERE}-more?apiKey={key}", {}),
        (f"{HERE.replace('beta', 'gamma')}?apiKey={key}", {}),
        (f"{HERE.replace('jiraclosed', key)}?apiKey={key}", {}),
        (f"{HERE.replace('beta', key)}", {}),
        (f"{HERE}/{key}", {}),
        (f"{HERE}/more?apiKey={key}", {}),
        (f"{HERE}&apiKey={key}", {}),
        (f"/nowhere/{key}?apiKey={key}", {}),
        (f"{HERE}?apiKey={key}", {"HTTP_HOST": "evil.example.com"}),
        (f"{HERE}?apiKey={key}", {"HTTP_HOST": f"{key}.example.com"}),
        (f"{HERE}?apiKey={key}", {"REMOTE_ADDR": "192.0.2.1"}),
    ]


def call(address: str, *, verb="POST", data=b"", **options):
    client = Client(raise_request_exception=False)
    return client.generic(verb, address, data, **options)


def every_row() -> str:
    """All that the database holds, as text."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows += [text_of(value) for row in cursor.fetchall() for value in row]
    return "\n".join(rows)


def text_of(value) -> str:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("latin-1").replace("\0", "")
    return str(value)


@pytest.fixture
def printed(settings, monkeypatch):
    """What the process prints, by the handlers as they are set up; mail goes to the operator."""
    settings.DEBUG = False
    settings.ADMINS = [("Operator", "operator@example.com")]
    stream = io.StringIO()
    root = logging.getLogger()
    handler = next(each for each in root.handlers if each.get_name() == "stderr")
    monkeypatch.setattr(handler, "stream", stream)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    monkeypatch.setattr("centercode_sim.logs.OnceInAWhile.filter", lambda *record: True)
    assert any(
        isinstance(each, AdminEmailHandler) for each in logging.getLogger("django.request").handlers
    )
    return stream


@pytest.mark.parametrize("state", ["good", "off", "elsewhere", "crashed", "unreachable", "failing"])
def test_the_secret_is_nowhere_after_a_run_of_everything(
    beta, listener, api_key, printed, monkeypatch, state
):
    key = api_key.secret
    match state:
        case "off":
            APIKey.objects.update(enabled=False)
        case "elsewhere":
            APIKey.objects.update(networks="192.0.2.0/24")
        case "crashed":
            monkeypatch.setattr(Jira, "read", crash(RuntimeError(f"Cannot read {key}")))
            monkeypatch.setattr(
                "centercode_sim.errors.defaults.page_not_found",
                crash(RuntimeError(f"Cannot show {key}")),
            )
        case "failing":
            monkeypatch.setattr(AdjustWorkflow, "apply", crash(RuntimeError("Cannot set it")))

    with monkeypatch.context() as trouble:
        if state == "unreachable":
            trouble.setattr(connection, "cursor", crash(OperationalError(f"no server for {key}")))
        answers = [call(address, **options) for address, options in ways_in(key)]
    queue.settle_all()

    codes = {answer.status_code for answer in answers}
    assert (
        codes
        >= {
            "good": {200, 400, 401, 404, 405, 415},
            "off": {400, 401, 404, 405},
            "elsewhere": {400, 403, 401, 404, 405},
            "crashed": {400, 401, 404, 405, 415, 500, 503},
            "unreachable": {400, 404, 503},
            "failing": {200, 400, 401, 404, 405, 415},
        }[state]
    )
    kept = {
        "database": every_row(),
        "log": printed.getvalue(),
        "mail": "\n".join(text_of(letter.message().as_bytes()) for letter in mail.outbox),
        "letters": "\n".join(f"{letter.subject}\n{letter.body}" for letter in mail.outbox),
        "answers": "\n".join(f"{text_of(each.content)} {each.headers}" for each in answers),
    }
    secret = key.partition("-")[2]
    for place, text in kept.items():
        assert secret not in text, (place, around(text, secret))
        assert secret.upper() not in text, place
        assert basic(key)[10:60] not in text, place
    assert "jiraclosed" in kept["log"]
    assert bool(mail.outbox) == (state in ("crashed", "unreachable"))


def crash(error):
    def crashing(*args, **options):
        raise error

    return crashing


def around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(0, at - 200) : at + 100]


def test_the_prefix_stays_so_that_the_log_says_which_key_it_was(post, listener, api_key):
    post(listener, {"token": api_key.secret}, find=api_key.secret)

    delivery = Delivery.objects.get()
    assert delivery.find == "jira-***"
    assert delivery.path == f"{HERE}?find=jira-***&apiKey=jira-***"
    assert bytes(delivery.body) == b'{"token": "jira-***"}'


def test_a_struck_body_is_still_read_as_what_it_was(post, listener, api_key):
    body = {"issue": {"key": "SANDBOX-12"}, "url": f"https://hub/?apiKey={api_key.secret}&x=1"}

    post(listener, json.dumps(body).encode("utf-16"))

    delivery = Delivery.objects.get()
    assert delivery.payload == {
        "issue": {"key": "SANDBOX-12"},
        "url": "https://hub/?apiKey=jira-***&x=1",
    }


def test_the_headers_that_carry_secrets_of_others_are_struck_out(post, listener):
    post(
        listener,
        find="BUG-0001",
        headers={"Cookie": "a=hidden", "X-Gitlab-Token": "hidden", "X-Harmless": "shown"},
    )

    headers = Delivery.objects.get().header_map
    assert "hidden" not in str(headers)
    assert headers["X-Harmless"] == "shown"


@pytest.mark.parametrize(
    ("text", "struck"),
    [
        ("jira-" + "0af9" * 12, "jira-***"),
        ("?apiKey=jira-" + "0af9" * 12 + "&x=1", "?apiKey=jira-***&x=1"),
        ("jira%2D" + "0af9" * 12, "jira-***"),
        ("jira-" + "0af9" * 11, "jira-" + "0af9" * 11),
        ("0123-4567-89ab", "0123-4567-89ab"),
    ],
)
def test_what_looks_like_a_key_of_ours_is_struck_out_of_any_text(text, struck):
    assert strike(text) == struck


def test_a_presented_key_shows_no_more_than_its_prefix():
    shown = [repr(PresentedKey(value)) for value in ("jira-0af9", "Jira secret-1", "0af9", "-", "")]

    assert shown == ["<key jira-***>", "<key ***>", "<key ***>", "<key ***>", "<key ***>"]


def test_a_wrong_call_of_a_logger_is_left_for_logging_to_tell():
    record = logging.LogRecord("somebody", logging.ERROR, "", 1, "%d of %d", ("a",), None)

    assert StrikeKeys().filter(record)
    assert (record.msg, record.args) == ("%d of %d", ("a",))
