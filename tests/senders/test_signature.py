from __future__ import annotations

import hashlib
import hmac

import pytest

from automation.models import Delivery
from automation.senders import SENDERS
from automation.senders.base import Signature

# The example of https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
SECRET = "It's a Secret to Everybody"
BODY = b"Hello World!"
DIGEST = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
JIRA = "sha256=" + DIGEST


def signed(body: bytes, secret: str = "s3cret") -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_the_known_vector_is_proven():
    problem = SENDERS["jira"].signature.problem(SECRET, BODY, {"X-Hub-Signature": JIRA})

    assert problem == ""


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({}, "there is no X-Hub-Signature header"),
        ({"X-Hub-Signature": ""}, "there is no X-Hub-Signature header"),
        ({"X-Hub-Signature": DIGEST}, "its X-Hub-Signature header does not match"),
        ({"X-Hub-Signature": "sha1=" + DIGEST}, "its X-Hub-Signature header does not match"),
        ({"X-Hub-Signature": JIRA[:-1]}, "its X-Hub-Signature header does not match"),
        ({"X-Hub-Signature": JIRA + "0"}, "its X-Hub-Signature header does not match"),
        ({"X-Hub-Signature": "sha256="}, "its X-Hub-Signature header does not match"),
        ({"X-Hub-Signature": "\udcff é"}, "its X-Hub-Signature header does not match"),
    ],
)
def test_anything_else_is_not(headers, problem):
    found = SENDERS["jira"].signature.problem(SECRET, BODY, headers)

    assert found == problem


def test_another_body_or_secret_is_not_proven():
    signature = Signature(header="X-Hub-Signature", prefix="sha256=")

    problems = [
        signature.problem(SECRET, BODY + b"\n", {"X-Hub-Signature": JIRA}),
        signature.problem(SECRET + " ", BODY, {"X-Hub-Signature": JIRA}),
    ]

    assert all(problems)


@pytest.mark.parametrize("body", [b'{"a":  1}\n', b'{"caf\xc3\xa9": "\\u00e9"}', b""])
def test_at_the_door_the_raw_bytes_are_what_is_signed(post, listener, body):
    listener.secret = "s3cret"
    listener.save()

    codes = [
        post(listener, body, headers={"X-Hub-Signature": given}).status_code
        for given in (signed(body), signed(body + b" "), signed(body, "other"), "")
    ]

    assert codes == [200, 401, 401, 401]


def test_the_log_says_what_was_wrong_with_the_signature(post, listener, api_key):
    listener.secret = "s3cret"
    listener.save()

    post(listener, b"{}")

    row = Delivery.objects.get()
    assert (row.reason, row.api_key) == ("signature_wrong", api_key.row)
    assert row.sentence == (
        "The body is not signed with the secret of listener “Jira closed”: "
        "there is no X-Hub-Signature header."
    )


def test_without_a_secret_nobody_looks_at_signatures(post, listener):
    answer = post(listener, b"{}", headers={"X-Hub-Signature": "sha256=0"})

    assert answer.status_code == 200


def test_a_key_in_a_signed_body_is_struck_out_after_the_check(post, listener, api_key):
    listener.secret = "s3cret"
    listener.save()
    body = f'{{"url": "https://hub/?apiKey={api_key.secret}"}}'.encode()

    answer = post(listener, body, headers={"X-Hub-Signature": signed(body)})

    assert answer.status_code == 200
    assert bytes(Delivery.objects.get().body) == b'{"url": "https://hub/?apiKey=jira-***"}'
