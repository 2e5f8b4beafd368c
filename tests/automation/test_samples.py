from __future__ import annotations

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
from tests.conftest import link_to_jira


@pytest.mark.parametrize(("sender", "name"), samples.known())
def test_a_sender_reads_its_sample_as_written_beside_it(sender, name):
    sample = samples.load(sender, name)
    environ = {
        f"HTTP_{key.upper().replace('-', '_')}": text for key, text in sample.headers.items()
    }

    event = asdict(SENDERS[sender].read(HttpHeaders(environ), sample.payload))

    when = sample.event["occurred_at"]
    assert event == asdict(Event()) | sample.event | {
        "kinds": tuple(sample.event["kinds"]),
        "references": tuple(sample.event["references"]),
        "occurred_at": datetime.fromisoformat(when) if when else None,
    }


def test_every_sender_has_a_sample():
    assert {sender for sender, _ in samples.known()} == set(SENDERS)


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


def test_an_unknown_sample_names_those_that_there_are():
    with pytest.raises(CommandError, match="There are: generic ticket_fixed, jira comment_created"):
        call_command("send_sample", "jira", "nothing", "http://127.0.0.1:9/")


def test_where_nobody_answers_the_command_says_so():
    with pytest.raises(CommandError, match="cannot be reached"):
        call_command("send_sample", "jira", "issue_done", "http://127.0.0.1:9/?find=1")


def test_what_is_no_url_is_refused():
    with pytest.raises(CommandError, match="That is no URL"):
        call_command("send_sample", "jira", "issue_done", "nonsense")
