"""Who may call at all, and what is kept of each call by a key."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from apikeys.models import APICall, APIKey
from tests.conftest import make_key

REFUSED = (
    "The API key is missing, unknown, off or expired: send one that is on as “Authorization: "
    "Bearer …”. Its log, which community managers read, has the reason."
)


def kept():
    return [
        (row.api_key_id, row.method, row.path, row.status_code, row.reason)
        for row in APICall.objects.order_by("pk")
    ]


def test_each_call_by_a_key_leaves_a_row(call, beta, key):
    call("GET", "tickets/", project="beta")
    call("POST", "tags/", {"project": "beta"})
    call("GET", "tickets/999/")

    assert kept() == [
        (key.row.pk, "GET", "/api/v1/tickets/?project=beta", 200, ""),
        (key.row.pk, "POST", "/api/v1/tags/", 400, ""),
        (key.row.pk, "GET", "/api/v1/tickets/999/", 404, ""),
    ]
    assert {row.address for row in APICall.objects.all()} == {"127.0.0.1"}


def test_the_rows_are_read_by_rest_too(call, key):
    call("GET", "projects/")

    (row,) = call("GET", "api-calls/", status_code=200).json()["results"]

    assert (row["api_key"], row["method"], row["path"], row["address"]) == (
        key.row.pk,
        "GET",
        "/api/v1/projects/",
        "127.0.0.1",
    )
    assert call("GET", f"api-calls/{row['id']}/").json() == row
    assert call("GET", "api-calls/", received_after="2999-01-01").json()["count"] == 0


def ways(secret):
    basic = base64.b64encode(f"x:{secret}".encode()).decode()
    return {
        "bearer": {"headers": {"Authorization": f"Bearer {secret}"}},
        "header": {"headers": {"X-API-Key": secret}},
        "basic": {"headers": {"Authorization": f"Basic {basic}"}},
        "query": {"query_params": {"apiKey": secret}},
        "other query": {"query_params": {"API_KEY": secret}},
    }


@pytest.mark.parametrize("way", ways(""))
def test_a_key_comes_in_any_of_the_known_ways_and_its_secret_is_not_kept(client, key, way):
    answer = client.get("/api/v1/projects/", **ways(key.secret)[way])

    assert answer.status_code == 200, answer.content
    (row,) = kept()
    assert row[0] == key.row.pk
    assert key.secret.partition("-")[2] not in row[2] + answer.content.decode()
    assert ("scripts-***" in row[2]) == ("query" in way)


def test_a_page_that_is_not_the_last_links_the_next_without_the_secret(client, beta, key):
    query = {"apiKey": key.secret, "page_size": 2}

    answer = client.get("/api/v1/statuses/", query_params=query)

    assert "page=2" in answer.json()["next"]
    assert key.secret not in answer.json()["next"]


def test_people_leave_no_rows_there(signed_in):
    signed_in("manager")("GET", "tickets/")

    assert kept() == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"enabled": False}, "key_off"),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, "key_expired"),
        ({"digest": "0" * 64}, "key_unknown"),
    ],
)
def test_every_key_that_is_not_good_is_answered_in_the_same_words(call, key, change, reason):
    APIKey.objects.update(**change)

    answer = call("GET", "projects/")

    assert (answer.status_code, answer.json()) == (
        401,
        {"status": "refused", "reason": "key_unknown", "detail": REFUSED},
    )
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
    known = key.row.pk if reason != "key_unknown" else None
    assert kept() == [(known, "GET", "/api/v1/projects/", 401, reason)]


@pytest.mark.parametrize("shown", ["x", "-", "scripts", "scripts-", "ü-1", "a b-c", "x" * 5000])
def test_what_is_no_key_is_unknown(client, key, shown):
    answer = client.get("/api/v1/projects/", query_params={"apiKey": shown})

    assert (answer.status_code, answer.json()["reason"]) == (401, "key_unknown")
    assert len(APICall.objects.get().path) <= 4000


def test_without_a_key_one_is_told_how_to_show_it(client, db):
    answer = client.get("/api/v1/projects/")

    assert (answer.status_code, answer.json()) == (
        401,
        {
            "status": "refused",
            "reason": "key_missing",
            "detail": "Send an API key that is on as “Authorization: Bearer …”, or sign in.",
        },
    )
    assert kept() == []


def test_a_browser_that_is_signed_out_is_not_redirected(client, db):
    answer = client.get("/api/v1/projects/", headers={"Accept": "text/html"})

    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("scopes", "codes"),
    [
        (["listen"], [403, 403, 403]),
        (["read"], [200, 200, 403]),
        (["write"], [200, 200, 201]),
        (["listen", "read"], [200, 200, 403]),
    ],
)
def test_read_looks_and_write_does_both(call, beta, scopes, codes):
    other = make_key(name="O", prefix="o", scopes=scopes)
    asked = [("GET", "tags/"), ("HEAD", "tags/"), ("POST", "tags/")]

    answers = [
        call(
            method,
            path,
            {"project": "beta", "name": "x"} if method == "POST" else None,
            secret=other.secret,
        )
        for method, path in asked
    ]

    assert [answer.status_code for answer in answers] == codes
    refused = [row for row in kept() if row[3] == 403]
    assert {row[4] for row in refused} <= {"key_out_of_scope"}


def test_a_scope_that_lacks_is_named_with_what_to_do(call, db):
    other = make_key(name="O", prefix="o", scopes=["listen"])

    answer = call("GET", "tags/", secret=other.secret)

    assert answer.json() == {
        "status": "refused",
        "reason": "key_out_of_scope",
        "detail": "This API key lacks the scope for that: ask a community manager for one with "
        "the scope “read” to look, “write” to change.",
    }


def test_a_key_is_used_from_its_networks_alone(call, key):
    APIKey.objects.update(networks="192.0.2.0/24")

    answer = call("GET", "projects/")

    assert (answer.status_code, answer.json()["reason"]) == (403, "address_refused")
    assert kept()[0][4] == "address_refused"


def test_a_key_of_one_project_sees_that_alone(call, beta, gamma):
    bound = make_key(name="B", prefix="b", scopes=["write"], project=gamma)

    listed = call("GET", "tickets/", secret=bound.secret).json()["results"]
    hidden = call("GET", f"tickets/{beta.ticket.pk}/", secret=bound.secret)
    foreign = call("POST", "tags/", {"project": "beta", "name": "x"}, secret=bound.secret)

    assert [ticket["project"] for ticket in listed] == ["gamma"]
    assert hidden.status_code == 404
    assert (foreign.status_code, [*foreign.json()]) == (400, ["project"])


def test_the_key_counts_and_not_who_is_signed_in(client, call, beta, key):
    client.force_login(User.objects.create_user("somebody"))

    answer = call("GET", "tickets/")

    assert answer.json()["count"] == 1
    bad = call("GET", "tickets/", secret="scripts-nonsense")
    assert bad.status_code == 401


def test_too_many_wrong_keys_are_told_to_wait_but_good_ones_never(call, settings, key):
    settings.REFUSED_PER_MINUTE = 3

    wrong = [call("GET", "projects/", secret="no-such") for _ in range(5)]
    good = [call("GET", "projects/") for _ in range(10)]

    assert [answer.status_code for answer in wrong] == [401, 401, 401, 429, 429]
    assert wrong[-1].json()["reason"] == "too_many_requests"
    assert wrong[-1].headers["Retry-After"] == "60"
    assert {answer.status_code for answer in good} == {200}
    assert len([row for row in kept() if row[0] is None]) == 4


def test_a_known_key_that_is_off_is_not_told_to_wait(call, settings, key):
    settings.REFUSED_PER_MINUTE = 1
    APIKey.objects.update(enabled=False)

    answers = [call("GET", "projects/") for _ in range(4)]

    assert {answer.status_code for answer in answers} == {401}


def test_refusals_of_one_key_are_kept_up_to_a_limit(call, settings, key):
    settings.REFUSED_PER_HOUR = 2
    APIKey.objects.update(enabled=False)

    for _ in range(5):
        call("GET", "projects/")

    assert len(kept()) == 2


def test_somebody_who_may_no_longer_sign_in_is_nobody(signed_in):
    manager = signed_in("manager")
    User.objects.filter(username="manager").update(is_active=False)

    answer = manager("GET", "tickets/")

    assert answer.status_code == 401


def test_options_is_no_verb_here(call):
    answer = call("OPTIONS", "projects/")

    assert (answer.status_code, answer.json()["reason"]) == (405, "method_not_allowed")
