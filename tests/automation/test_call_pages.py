from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apikeys.models import APICall
from automation import key_use
from automation.slices import ROWS
from tests.conftest import make_key


@pytest.fixture
def community(client, root):
    """A client signed in as the community manager."""
    client.force_login(root)
    return client


@pytest.fixture
def key(db):
    return make_key(name="Scripts", prefix="scripts", scopes=["read"])


@pytest.fixture
def call(client):
    """A REST call with that key, by a program that is nobody."""

    def call(secret, path="projects/", method="get", **options):
        client.logout()
        headers = {"Authorization": f"Bearer {secret}"}
        return getattr(client, method)(f"/api/v1/{path}", headers=headers, **options)

    return call


@pytest.fixture
def look(community, root):
    """What a community manager sees at an address: the rows, and all the text."""

    def look(url, **query):
        community.force_login(root)
        answer = community.get(url, query)
        assert answer.status_code == 200
        return answer.context["rows"], " ".join(answer.content.decode().split())

    return look


def calls_of(key):
    return reverse("api_key_calls", args=[key.row.pk])


def add_calls(key, number, **fields):
    given = {"method": "GET", "path": "/api/v1/tickets/", "status_code": 200} | fields
    return APICall.objects.bulk_create(APICall(api_key=key.row, **given) for _ in range(number))


def test_a_keys_log_has_a_row_for_each_rest_call(call, look, beta, key):
    call(key.secret, "tickets/?project=beta&ref=BUG-0001")
    call(key.secret, "tickets/4711/")

    rows, text = look(calls_of(key))

    assert [(row.call.status_code, row.outcome) for row in rows] == [
        (404, "Turned down"),
        (200, "Answered"),
    ]
    assert "GET /api/v1/tickets/?project=beta&amp;ref=BUG-0001" in text
    assert "from 127.0.0.1" in text
    assert "Not Found" in text
    assert key.secret not in text


@pytest.mark.parametrize(
    ("change", "method", "sentence", "next_step"),
    [
        ({"enabled": False}, "get", "API key scripts is switched off.", "Switch the key on"),
        (
            {"expires_at": timezone.now() - timedelta(days=1)},
            "get",
            "API key scripts expired at 20",
            "move the end",
        ),
        (
            {"scopes": ["listen"]},
            "get",
            "API key scripts may not do this: GET takes the scope “read” or “write”, which it "
            "lacked.",
            "Change the key&#x27;s scopes",
        ),
        (
            {},
            "post",
            "API key scripts may not do this: POST takes the scope “write”, which it lacked.",
            "Change the key&#x27;s scopes",
        ),
        (
            {"networks": "192.0.2.0/24"},
            "get",
            "API key scripts may not be used from 127.0.0.1.",
            "Add the address to the key&#x27;s networks",
        ),
    ],
)
def test_the_log_says_why_the_key_was_refused(call, look, key, change, method, sentence, next_step):
    for name, value in change.items():
        setattr(key.row, name, value)
    key.row.save()
    assert call(key.secret, method=method).status_code in (401, 403)

    rows, text = look(calls_of(key))

    assert [row.outcome for row in rows] == ["Key refused"]
    assert sentence in text
    assert next_step in text


def test_calls_with_an_unknown_key_have_a_log_of_their_own(call, look, key):
    call("scripts-" + "0" * 48)
    call(key.secret)

    rows, text = look(reverse("refused_calls"))

    assert [row.sentence for row in rows] == [
        "There is no API key with the secret that the request carried."
    ]
    assert "Paste the whole key again" in text
    assert "0" * 48 not in text


def test_the_calls_are_narrowed_by_outcome_and_path(look, key):
    add_calls(key, 1, path="/api/v1/tickets/1/")
    add_calls(key, 1, path="/api/v1/macros/9/", status_code=404)
    add_calls(key, 1, status_code=403, reason="address_refused")
    add_calls(key, 1, status_code=503)

    def codes(**query):
        return [row.call.status_code for row in look(calls_of(key), **query)[0]]

    assert codes() == [503, 403, 404, 200]
    assert codes(outcome="answered") == [200]
    assert codes(outcome="turned_down") == [403, 404]
    assert codes(outcome="refused") == [403]
    assert codes(outcome="trouble") == [503]
    assert codes(path="MACROS") == [404]
    assert codes(path="macros", outcome="answered") == []
    assert "No call here fits that." in look(calls_of(key), path="nowhere")[1]


@pytest.mark.parametrize(
    "query", ["older=x", "newer=²", f"older={'9' * 40}", "outcome=x", "path=%00", "path=%25"]
)
def test_nonsense_in_the_address_of_the_calls_does_no_harm(community, key, query):
    add_calls(key, 1)

    assert community.get(f"{calls_of(key)}?{query}").status_code == 200


def test_many_calls_are_paged_without_counting_by_as_many_queries_as_one(look, key):
    add_calls(key, 1)
    look(calls_of(key))
    with CaptureQueriesContext(connection) as few:
        look(calls_of(key))
    made = add_calls(key, 2 * ROWS, status_code=401, reason="key_off")

    with CaptureQueriesContext(connection) as many:
        rows, _ = look(calls_of(key))

    assert len(many) == len(few)
    assert not any("COUNT(" in query["sql"] for query in many if "apicall" in query["sql"])
    assert [row.call.pk for row in rows] == [call.pk for call in made[: ROWS - 1 : -1]]
    older, _ = look(calls_of(key), older=rows[-1].call.pk)
    newer, _ = look(calls_of(key), newer=older[0].call.pk)
    assert len(older) == ROWS
    assert [row.call for row in newer] == [row.call for row in rows]


def test_both_logs_of_a_key_lead_to_each_other(look, community, api_key):
    for names, args in (
        (("api_key_log", "api_key_calls"), [api_key.row.pk]),
        (("refused_log", "refused_calls"), []),
    ):
        listeners, calls = (reverse(name, args=args) for name in names)
        for here, there in ((listeners, calls), (calls, listeners)):
            text = " ".join(community.get(here).content.decode().split())
            assert f'<a href="{here}" aria-current="page">' in text
            assert f'<a href="{there}">' in text


def test_an_empty_log_of_calls_says_what_to_look_at(look, key, api_key):
    can, cannot = look(calls_of(key))[1], look(calls_of(api_key))[1]

    assert "No program has used this key for a REST call yet." in can
    assert "It could not:" not in can
    assert "It could not: it has neither the scope “read” nor “write”." in cannot
    assert reverse("refused_calls") in can
    assert "That is how it should be." in look(reverse("refused_calls"))[1]


@pytest.mark.parametrize("role", ["manager", "support", "observer", "participant", "outsider"])
@pytest.mark.parametrize("name", ["refused_calls", "api_key_calls"])
def test_the_log_of_calls_is_for_community_managers(client, people, key, role, name):
    client.force_login(people[role])

    url = calls_of(key) if name == "api_key_calls" else reverse(name)
    assert client.get(url).status_code == 403


def test_a_rest_call_is_a_use_of_its_key(call, key, api_key):
    call(key.secret, "nowhere-at-all/")
    call(key.secret)

    key_use.note_uses()

    for each in (key.row, api_key.row):
        each.refresh_from_db()
    assert key.row.last_used_at == APICall.objects.first().received_at
    assert api_key.row.last_used_at is None


def test_of_a_rest_call_and_a_listeners_request_the_later_is_the_last_use(send, listener, api_key):
    delivery = send(listener, find="BUG-0001")
    earlier = delivery.received_at - timedelta(hours=1)
    add_calls(api_key, 1, received_at=earlier)

    key_use.note_uses()

    api_key.row.refresh_from_db()
    assert api_key.row.last_used_at == delivery.received_at
