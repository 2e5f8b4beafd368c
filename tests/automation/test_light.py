"""The light that waits for a listener's first request, and says what it saw."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from automation import queue
from automation.light import light_of, refused_lately, rehearse
from automation.models import Delivery, Execution
from feedback.furnishing import create_project
from feedback.services import submit_ticket
from tests.conftest import closing_macro, link_to_jira, make_key, make_listener

DONE = {
    "webhookEvent": "jira:issue_updated",
    "issue": {"id": "10012", "key": "SANDBOX-12", "fields": {"status": {"name": "Done"}}},
    "changelog": {"items": [{"field": "status", "fromString": "Open", "toString": "Done"}]},
}
COMMENT = {"webhookEvent": "comment_created", "issue": {"id": "10012", "key": "SANDBOX-12"}}


@pytest.fixture
def guide(page, listener):
    """The guide's page, or its light alone, as the project manager sees it."""

    def guide(name="listener_setup", **query):
        address = reverse(name, args=["beta", "BUG", listener.pk])
        return page.get(address, query)

    return guide


def text_of(answer):
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def follow(guide, answer):
    """What the page asks next, by its own address."""
    address = re.search(r'hx-get="([^"]+)"', answer.content.decode())[1].replace("&amp;", "&")
    query = dict(pair.split("=") for pair in address.partition("?")[2].split("&"))
    return guide("listener_light", **query)


def test_before_the_first_request_it_waits(guide):
    answer = guide()

    assert "Waiting for the first request …" in text_of(answer)
    assert 'hx-trigger="every 2s"' in answer.content.decode()
    assert follow(guide, answer).status_code == 204


def test_then_it_says_what_it_saw(guide, send, listener, beta):
    link_to_jira(beta.ticket)
    waiting = guide()
    send(listener, DONE, find="SANDBOX-12")

    answer = follow(guide, waiting)

    text = text_of(answer)
    assert answer.status_code == 200
    assert "hx-get" not in answer.content.decode()
    assert "Macro “Close ticket” ran on BUG-0001" in text
    for said in ("SANDBOX-12, 10012", "Open → Done", "a change of status", "jira-…", "BUG-0001"):
        assert said in text
    assert "<html" not in answer.content.decode()


def test_while_a_worker_is_at_it_the_light_asks_every_second(guide, post, listener):
    waiting = guide()
    post(listener, DONE, find="SANDBOX-12")

    answer = follow(guide, waiting)
    assert "A worker looks at it." in text_of(answer)
    assert 'hx-trigger="every 1s"' in answer.content.decode()
    assert follow(guide, answer).status_code == 204

    queue.settle_all()
    assert "No ticket of Bugs goes by SANDBOX-12" in text_of(follow(guide, answer))


def test_the_light_says_what_holds_a_request(guide, post, listener):
    waiting = guide()
    listener.held_at = timezone.now()
    listener.save()
    post(listener, DONE, find="SANDBOX-12")

    answer = follow(guide, waiting)

    assert "holds, because it was about to change more tickets at once" in text_of(answer)
    assert follow(guide, answer).status_code == 204


def test_after_minutes_it_asks_less_often_and_then_no_more(guide):
    now = timezone.now().timestamp()
    paces = [
        re.search(r'every (\d+)s"|stopped looking', text.content.decode())
        for age in (10, 300, 3600)
        for text in [guide("listener_light", opened=int(now - age))]
    ]

    assert [pace[1] for pace in paces] == ["2", "15", None]


@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "99999999999999999"])
def test_whatever_an_address_says_it_answers(guide, value):
    answers = [
        guide(name, after=value, opened=value, state=value, right=value, way=value)
        for name in ("listener_setup", "listener_light")
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_a_listener_that_is_off_shows_what_it_would_do_and_does_nothing(
    guide, send, listener, beta
):
    link_to_jira(beta.ticket)
    listener.enabled = False
    listener.save()
    send(listener, DONE, find="SANDBOX-12")

    text = text_of(guide())

    assert "Listener “Jira closed” is switched off." in text
    assert "With the listener on it would say: Macro “Close ticket” ran on BUG-0001" in text
    beta.ticket.refresh_from_db()
    assert (beta.ticket.status, Execution.objects.count()) == (beta.new, 0)
    assert Delivery.objects.get().reason == "listener_off"


def test_a_rehearsal_keeps_nothing_even_where_it_fails(send, listener, beta, close):
    link_to_jira(beta.ticket)
    listener.enabled = False
    listener.save()
    delivery = send(listener, DONE, find="SANDBOX-12")
    action = close.actions.get()
    action.params = {"team": 0}
    action.save()

    assert rehearse(delivery).reason == "macro_broken"
    delivery.refresh_from_db()
    assert (delivery.reason, Execution.objects.count()) == ("listener_off", 0)


def test_an_event_that_is_not_wanted_shows_which_ticket_it_names(guide, send, listener, beta):
    link_to_jira(beta.ticket)
    listener.when = "status_changed"
    listener.save()
    send(listener, COMMENT, find="SANDBOX-12")

    text = text_of(guide())

    assert "waits for a change of status; this was a new comment" in text
    assert "Would be BUG-0001" in text
    assert "Choose another When" in text


def test_a_ticket_of_another_type_is_named_with_its_type(guide, send, listener, beta):
    idea = submit_ticket(beta.suggestions, summary="A hood", submitter=beta.ada)
    link_to_jira(idea)
    send(listener, DONE, find="SANDBOX-12")

    assert "Would be SUG-0001 (Suggestions)" in text_of(guide())


NO = {
    "applied": ["It hit the wrong ticket.", "It did the wrong thing to the ticket."],
    "ticket_not_found": ["The item has a ticket, and it was not found."],
    "placeholder_not_replaced": ["It names no item."],
}


@pytest.mark.parametrize(
    ("find", "reason"),
    [
        ("SANDBOX-12", "applied"),
        ("SANDBOX-99", "ticket_not_found"),
        ("VALUE", "placeholder_not_replaced"),
    ],
)
def test_no_explains_what_to_change_for_each_reason(guide, send, listener, beta, find, reason):
    link_to_jira(beta.ticket, remote_id="")
    assert send(listener, DONE | {"issue": {}}, find=find).reason == reason

    answer = guide()

    said = [doubt.said for doubt in answer.context["doubts"]]
    assert [each for each in NO[reason] if each not in said] == []
    assert said[-1] == "It was only the tracker's own test."


def test_yes_says_what_is_left_to_do(guide, send, listener, page):
    listener.enabled = False
    listener.save()
    delivery = send(listener, DONE, find="SANDBOX-12")

    text = text_of(guide(right=delivery.public_id))

    assert "Good: the way from Jira to its outcome works." in text
    assert "The listener is still switched off." in text


def test_the_next_request_can_be_waited_for(guide, send, listener):
    first = send(listener, DONE, find="SANDBOX-12")

    assert "Waiting for the next request …" in text_of(guide(after=first.pk))


def test_repeats_of_a_request_are_no_news(send, listener, beta):
    header = {"X-Atlassian-Webhook-Identifier": "a1"}
    link_to_jira(beta.ticket)
    send(listener, DONE, find="SANDBOX-12", headers=header)
    send(listener, DONE, find="SANDBOX-12", headers=header)

    assert light_of(listener).delivery.reason == "applied"


# Refused ones


def refused(listener):
    newest = [refusal.newest for refusal in refused_lately(listener)]
    return [(row.reason, row.sentence) for row in newest]


def test_a_wrong_key_is_shown_where_it_was_used(guide, post, listener):
    post(listener, DONE, key="prefix-community_API_key")

    answer = guide()

    assert refused(listener)[0][0] == "key_unknown"
    assert "There is no API key prefix-*** with the secret" in text_of(answer)
    assert "Waiting for the first request …" in text_of(answer)


def test_a_refused_request_is_news_to_a_page_that_waits(guide, post, listener):
    waiting = guide()
    post(listener, DONE, key="nonsense")

    assert "Refused within the last hour" in text_of(follow(guide, waiting))


def test_a_wrong_listener_key_is_shown_at_every_listener_of_the_project(post, listener):
    post(listener, path="/api/v1/projects/BETA/feedbackListeners/jiraclosd/")
    post(listener, path="/api/v1/projects/beta/feedbackListeners/jiraclosd", key="bad")

    assert [reason for reason, _ in refused(listener)] == ["key_unknown", "listener_unknown"]


def test_a_wrong_signature_is_shown(post, listener):
    listener.secret = "s"
    listener.save()
    post(listener, DONE)

    assert refused(listener) == [
        (
            "signature_wrong",
            "The body is not signed with the secret of listener “Jira closed”: there is no "
            "X-Hub-Signature header.",
        )
    ]


def test_what_was_meant_for_others_is_not_shown(post, listener, beta, close):
    other = make_listener(beta, close, key="other", name="Other")
    foreign = create_project("foreign", "Foreign")
    post(other, DONE, key="bad")
    post(listener, path=f"/api/v1/projects/{foreign.key}/feedbackListeners/jiraclosed", key="bad")
    post(listener, path=f"/api/v1/projects/{foreign.key}/feedbackListeners/none")

    assert refused(listener) == []
    assert [reason for reason, _ in refused(other)] == ["key_unknown"]


def test_a_key_of_another_project_shows_and_is_not_named(post, listener, beta):
    key = make_key(name="Foreign", prefix="foreign", project=create_project("foreign", "Foreign"))
    post(listener, DONE, key=key.secret)

    assert [reason for reason, _ in refused(listener)] == ["key_out_of_scope"]


def test_old_refusals_are_history(post, listener):
    post(listener, DONE, key="bad")
    Delivery.objects.update(received_at=timezone.now() - timedelta(hours=2))

    assert refused(listener) == []


def test_equal_refusals_are_told_once(guide, post, listener):
    for key in ("bad", "worse", "jira-bad"):
        post(listener, DONE, key=key)
    post(listener, DONE, key="jira-bad")

    assert [refusal.times for refusal in refused_lately(listener)] == [2, 2]
    assert "2 times, last just now, from 127.0.0.1" in text_of(guide())


def test_a_flood_of_refusals_costs_no_more_than_a_few(listener, django_assert_max_num_queries):
    Delivery.objects.bulk_create(
        Delivery(
            method="POST",
            path="/api/v1/projects/beta/feedbackListeners/jiraclosed",
            status="refused",
            reason="key_unknown",
            status_code=401,
        )
        for _ in range(400)
    )

    with django_assert_max_num_queries(3):
        (refusal,) = refused_lately(listener)
    assert refusal.times == 200


@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_leaves_no_lock_behind(send, listener, beta):
    listener.enabled = False
    listener.save()
    link_to_jira(beta.ticket)
    delivery = send(listener, DONE, find="SANDBOX-12")

    rehearse(delivery)

    assert not connection.in_atomic_block
    closing_macro(beta, "Another")
