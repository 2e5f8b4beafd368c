from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import asdict
from datetime import datetime

import pytest
from django.core.management import CommandError, call_command
from django.http.request import HttpHeaders

from automation import samples
from automation.models import Delivery
from automation.queue import settle_all
from automation.senders import SENDERS
from automation.senders.base import Event
from feedback.services import link_ticket
from tests.conftest import link_to_jira, make_listener


@pytest.mark.parametrize(("sender", "name"), samples.known())
def test_a_sender_reads_its_sample_as_written_beside_it(sender, name):
    sample = samples.load(sender, name)
    environ = {
        f"HTTP_{key.upper().replace('-', '_')}": text for key, text in sample.headers.items()
    }

    event = asdict(SENDERS[sender].read(HttpHeaders(environ), sample.payload))

    assert event == asdict(Event()) | sample.event | {
        "kinds": tuple(sample.event["kinds"]),
        "references": tuple(sample.event["references"]),
        "occurred_at": moment(sample.event["occurred_at"]),
    }


def moment(text):
    return datetime.fromisoformat(text) if text else None


@pytest.mark.parametrize("secret", ["", "squirrel"])
@pytest.mark.parametrize(("sender", "name"), samples.known())
def test_at_the_door_a_sample_is_kept_as_it_is_read(post, beta, close, sender, name, secret):
    listener = make_listener(beta, close, sender=sender, secret=secret)
    sample = samples.load(sender, name)
    headers, body = samples.request_of(sample, secret, "mine")
    content_type = headers.pop("Content-Type")

    answer = post(listener, body, headers=headers, content_type=content_type)

    assert answer.status_code == 200
    assert sample.xml or answer.json()["status"] == "received"
    row = Delivery.objects.order_by("pk")[0]
    told = {"kinds": row.kinds, "references": row.references, "item": row.item}
    told |= {"status_before": row.status_before, "status_after": row.status_after}
    told |= {"name": row.event, "actor": row.remote_actor, "resolution": row.resolution}
    expected = asdict(Event()) | sample.event
    assert told == {name: expected[name] for name in told}
    assert row.comment == (expected["comment"] or {})
    assert row.occurred_at == moment(expected["occurred_at"])
    assert re.fullmatch(delivery_id_of(sample), row.delivery_id)


def delivery_id_of(sample):
    """The one that was given, once for each part of XML; else a hash of what is stamped."""
    if sample.event.get("delivery_id"):
        return "04l[0-9a-f]{15}" if sample.xml else "mine"
    return "sha256:.*" if sample.event.get("stamped") else ""


def test_every_sender_has_samples_of_what_it_tells_apart():
    told = defaultdict(set)
    for sender, name in samples.known():
        told[sender].update(samples.load(sender, name).event["kinds"])

    assert set(told) == set(SENDERS)
    assert not {
        slug
        for slug, sender in SENDERS.items()
        if set(sender.kinds) - told[slug] and not sender.chosen_there
    }


@pytest.fixture
def endpoint(live_server, beta, listener, api_key):
    link_to_jira(beta.ticket)
    return live_server.url + listener.endpoint_path.replace(
        "prefix-community_API_key", api_key.secret
    )


@pytest.mark.django_db(transaction=True)
def test_a_sample_sent_by_the_command_closes_the_ticket(endpoint, beta, capsys):
    call_command("send_sample", "jira", "issue_done", endpoint)
    settle_all()

    beta.ticket.refresh_from_db()
    assert beta.ticket.status == beta.closed
    assert capsys.readouterr().out.startswith("200\n{")


@pytest.mark.django_db(transaction=True)
def test_each_sending_is_new_unless_it_is_told_to_repeat(endpoint, beta):
    sample = samples.load("jira", "issue_done")
    answers = [
        samples.post(endpoint, sample),
        samples.post(endpoint, sample),
        samples.post(endpoint, sample, delivery_id="same"),
        samples.post(endpoint, sample, delivery_id="same"),
    ]

    statuses = [answer.content["status"] for answer in answers]
    assert statuses == ["received", "received", "received", "duplicate"]


@pytest.mark.django_db(transaction=True)
def test_a_sample_is_signed_with_the_secret_it_is_given(endpoint, listener):
    listener.secret = "squirrel"
    listener.save()
    sample = samples.load("jira", "issue_done")

    unsigned, signed = samples.post(endpoint, sample), samples.post(endpoint, sample, "squirrel")

    assert (unsigned.code, signed.code) == (401, 200)
    assert Delivery.objects.get(status="received").find == "SANDBOX-12"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sender", "event", "remote_key", "remote_id"),
    [
        ("azure_devops", "workitem_resolved", "12", ""),
        ("rally", "defect_closed", "DE12", ""),
        ("github", "issue_closed_as_form", "octo-team/sandbox#12", ""),
        ("gitlab", "issue_closed", "", "301"),
        ("linear", "issue_done", "WEB-12", ""),
    ],
)
def test_a_constant_url_is_enough_where_the_body_names_the_item(
    live_server, beta, close, api_key, sender, event, remote_key, remote_id
):
    link_ticket(beta.ticket, actor="ada", system=sender, remote_key=remote_key, remote_id=remote_id)
    listener = make_listener(beta, close, sender=sender, when="status_changed", secret="squirrel")
    address, _, query = listener.endpoint_path.partition("?")

    call_command(
        *("send_sample", sender, event, live_server.url + address),
        *("--secret", "squirrel", "--key", api_key.secret),
    )
    settle_all()

    assert query == "apiKey=prefix-community_API_key"
    assert Delivery.objects.get().reason == "applied"


@pytest.mark.parametrize("sender", ["azure_devops", "rally", "github", "gitlab", "linear"])
def test_two_sendings_have_two_delivery_ids_wherever_the_sender_has_them(sender):
    ids = set()
    for _ in range(2):
        sample = samples.load(*next(pair for pair in samples.known() if pair[0] == sender))
        headers, body = samples.request_of(sample)
        ids.add(SENDERS[sender].read(headers, json.loads(body)).delivery_id)

    assert len(ids - {""}) == 2


def test_the_list_names_the_samples_of_a_sender_or_of_all(capsys):
    call_command("send_sample", "rally", "--list")
    of_one = capsys.readouterr().out.splitlines()
    call_command("send_sample", "--list")

    assert "rally defect_closed" in of_one
    assert all(line.startswith("rally ") for line in of_one)
    assert len(capsys.readouterr().out.splitlines()) == len(samples.known())


def test_without_a_url_the_command_says_what_it_takes():
    with pytest.raises(CommandError, match="Give SENDER EVENT URL"):
        call_command("send_sample", "jira", "issue_done")


@pytest.mark.parametrize(
    ("sender", "there_are"), [("jira", "There are: jira automation_rule"), ("odd", "rally defect")]
)
def test_an_unknown_sample_names_those_that_there_are(sender, there_are):
    with pytest.raises(CommandError, match=there_are):
        call_command("send_sample", sender, "nothing", "http://127.0.0.1:9/")


def test_where_nobody_answers_the_command_says_so():
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("send_sample", "jira", "issue_done", "http://127.0.0.1:9/?find=1")


def test_what_is_no_url_is_refused():
    with pytest.raises(CommandError, match="That is no URL"):
        call_command("send_sample", "jira", "issue_done", "nonsense")
