"""An ``Idempotency-Key`` makes it harmless to repeat a POST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core import serializers
from django.test import Client
from django.utils import timezone

from apikeys.models import APIKey
from automation.tasks import prune
from feedback.models import Project, Tag, Ticket
from rest.models import KeptAnswer
from tests.conftest import make_beta, make_key
from tests.rest.conftest import at_once, codes, make_scripts_key, request

ONCE = {"Idempotency-Key": "4f0c"}
LENS = {"project": "beta", "name": "lens"}


def test_a_repeat_does_nothing_and_gets_the_first_answer(call, beta):
    body = {"feedback_type": beta.bugs.pk, "summary": "The strap tears"}

    answers = [call("POST", "tickets/", body, headers=ONCE) for _ in range(3)]

    assert codes(answers) == [201, 201, 201]
    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert [answer.headers.get("Idempotency-Replayed") for answer in answers] == [
        None,
        "true",
        "true",
    ]
    assert Ticket.objects.count() == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("comments/", {"ticket": "{ticket}", "body": "Seen"}),
        ("tickets/{ticket}/comments/", {"body": "Seen"}),
        ("tickets/{ticket}/links/", {"remote_key": "S-1"}),
    ],
)
def test_this_is_so_for_every_post(call, beta, path, body):
    body = {name: beta.ticket.pk if value == "{ticket}" else value for name, value in body.items()}
    path = path.format(ticket=beta.ticket.pk)

    first, second = (call("POST", path, body, headers=ONCE) for _ in range(2))

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert beta.ticket.comments.count() + beta.ticket.links.count() == 1


def test_the_same_body_in_another_order_and_without_the_slash_is_a_repeat(call, beta):
    call("POST", "tags/", raw=b'{"project": "beta", "name": "lens"}', headers=ONCE)

    answer = call("POST", "tags", raw=b'{"name":"lens","project":"beta"}', headers=ONCE)

    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")


@pytest.mark.parametrize(
    ("path", "body"),
    [("tags/", LENS | {"name": "strap"}), ("workflows/", LENS)],
)
def test_another_request_with_the_same_key_is_refused(call, beta, path, body):
    call("POST", "tags/", LENS, headers=ONCE)

    answer = call("POST", path, body, headers=ONCE)

    assert (answer.status_code, answer.json()["reason"]) == (422, "idempotency_key_reused")
    assert "Use a new one for each request" in answer.json()["detail"]
    assert Tag.objects.count() == 1


def test_a_request_that_was_refused_may_be_repeated(call, beta):
    refused = call("POST", "tags/", {"project": "nosuch", "name": "lens"}, headers=ONCE)

    answer = call("POST", "tags/", LENS, headers=ONCE)

    assert [refused.status_code, answer.status_code] == [400, 201]
    assert KeptAnswer.objects.count() == 1


def test_what_was_refused_half_way_left_nothing(call, beta, gamma):
    body = {
        "feedback_type": beta.bugs.pk,
        "summary": "Tears",
        "tags": ["strap"],
        "team": gamma.teams.first().pk,
    }

    answer = call("POST", "tickets/", body, headers=ONCE)

    assert answer.status_code == 400
    assert not Tag.objects.exists()
    assert not KeptAnswer.objects.exists()
    assert not User.objects.filter(username__startswith="key ").exists()
    beta.bugs.refresh_from_db()
    assert beta.bugs.last_number == 1


def test_a_name_that_is_taken_is_refused_with_the_key_as_without(call, beta):
    call("POST", "tags/", LENS)

    answer = call("POST", "tags/", LENS, headers=ONCE)

    assert (answer.status_code, answer.json()) == (
        400,
        {"name": ["The project has this tag already."]},
    )


def test_each_caller_has_keys_of_their_own(call, beta):
    other = make_key(name="Other", prefix="other", scopes=["write"])

    first = call("POST", "tags/", LENS, headers=ONCE)
    second = call("POST", "tags/", LENS | {"name": "x"}, headers=ONCE, secret=other.secret)

    assert [first.status_code, second.status_code] == [201, 201]


@pytest.mark.parametrize("given", ["", " ", "a b", "ä", "x" * 256])
def test_a_key_that_cannot_be_kept_is_refused(call, beta, given):
    answer = call("POST", "tags/", LENS, headers={"Idempotency-Key": given})

    assert (answer.status_code, answer.json()) == (
        400,
        {"Idempotency-Key": ["Use 1 to 255 printable ASCII characters."]},
    )
    assert not Tag.objects.exists()


def test_who_may_no_longer_call_gets_no_answer_again(call, beta, key):
    call("POST", "tags/", LENS, headers=ONCE)
    APIKey.objects.update(enabled=False)

    answer = call("POST", "tags/", LENS, headers=ONCE)

    assert answer.status_code == 401


def test_after_a_week_a_repeat_is_a_new_request(call, beta):
    call("POST", "tags/", LENS, headers=ONCE)
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(days=7, seconds=1))

    prune()

    answer = call("POST", "tags/", LENS, headers=ONCE)
    assert answer.status_code == 400
    assert not KeptAnswer.objects.exists()


def test_within_a_week_it_is_still_known(call, beta):
    call("POST", "tags/", LENS, headers=ONCE)
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(days=6))

    prune()

    assert call("POST", "tags/", LENS, headers=ONCE).status_code == 201


def test_a_repeated_key_creation_does_not_tell_the_secret(signed_in):
    community = signed_in("community")
    body = {"name": "Jira", "prefix": "jira"}

    first, second = (community("POST", "api-keys/", body, headers=ONCE) for _ in range(2))

    secret = first.json()["key"]
    assert [first.status_code, second.status_code] == [201, 201]
    assert second.json() == first.json() | {"key": None}
    assert APIKey.objects.count() == 1
    assert not in_database(secret.partition("-")[2])


def test_a_repeated_replacement_does_not_tell_the_secret_nor_replace_it_again(signed_in):
    community = signed_in("community")
    path = f"api-keys/{make_key().row.pk}/replace-secret/"

    first, second = (community("POST", path, headers=ONCE) for _ in range(2))

    secret = first.json()["key"]
    assert second.json() == first.json() | {"key": None}
    assert not in_database(secret.partition("-")[2])
    assert in_database(APIKey.objects.get().digest)


def in_database(text):
    """Whether any field of any row holds it."""
    rows = [row for model in apps.get_models() for row in model._base_manager.all()]
    return text in serializers.serialize("json", rows)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_the_same_request_many_times_at_once_one_counts(on_postgres):
    make_beta()
    secret = make_scripts_key().secret
    headers = {"Authorization": f"Bearer {secret}"} | ONCE
    body = {"key": "delta", "name": "Delta"}

    answers = at_once(*[lambda: request(Client(), "POST", "projects/", body, headers=headers)] * 6)

    assert codes(answers) == [201] * 6
    assert len({answer.content for answer in answers}) == 1
    assert Project.objects.filter(key="delta").count() == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_different_requests_with_one_key_at_once_one_counts(on_postgres):
    make_beta()
    secret = make_scripts_key().secret
    headers = {"Authorization": f"Bearer {secret}"} | ONCE

    answers = at_once(
        *(
            lambda name=name: request(
                Client(), "POST", "tags/", LENS | {"name": name}, headers=headers
            )
            for name in "abcd"
        )
    )

    assert codes(answers) == [201, 422, 422, 422]
    assert Tag.objects.count() == 1


def test_what_one_may_no_longer_see_is_not_told_again(client, beta):
    pia = User.objects.create_user("pia")
    beta.managers.members.add(pia)
    client.force_login(pia)

    def make():
        return client.post(
            "/api/v1/workflows/",
            {"project": "beta", "name": "Triage"},
            content_type="application/json",
            headers={"Idempotency-Key": "once"},
        )

    first, again = make(), make()
    beta.managers.members.remove(pia)
    later = make()

    assert [answer.status_code for answer in (first, again, later)] == [201, 201, 404]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert b"Triage" not in later.content
