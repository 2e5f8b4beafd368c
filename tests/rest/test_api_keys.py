"""API keys: made and changed by community managers who are signed in, never by keys."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from apikeys.models import APIKey
from tests.conftest import make_key

BODY = {"name": "Jira of the web team", "prefix": "jiraweb", "scopes": ["write", "listen"]}


@pytest.fixture
def community(signed_in):
    return signed_in("community")


def test_a_new_key_is_told_once_and_opens_what_it_should(community, call, beta):
    body = BODY | {
        "description": "For the web team.",
        "project": "beta",
        "networks": ["127.0.0.0/8", "2001:db8::/32"],
        "expires_at": "2999-01-01T00:00:00Z",
        "mail_on_use": "ops@example.com",
    }

    made = community("POST", "api-keys/", body)

    assert made.status_code == 201, made.content
    told = made.json()
    whole = told.pop("key")
    assert whole.startswith("jiraweb-")
    assert told == body | {
        "id": told["id"],
        "scopes": ["listen", "write"],
        "enabled": True,
        "created_at": told["created_at"],
        "last_used_at": None,
    }
    assert community("GET", f"api-keys/{told['id']}/").json() == told
    assert "key" not in community("GET", "api-keys/").json()["results"][0]
    assert call("GET", "projects/beta/", secret=whole).status_code == 200


def test_what_is_left_out_has_a_sensible_value(community):
    made = community("POST", "api-keys/", {"name": "Jira"}).json()

    assert made["scopes"] == ["listen"]
    assert len(made["prefix"]) == 8
    assert (made["networks"], made["project"], made["expires_at"]) == ([], None, None)


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({"name": "Scripts"}, {"name": ["API key with this Name already exists."]}),
        ({"prefix": "scripts"}, {"prefix": ["API key with this Prefix already exists."]}),
        ({"prefix": "Jira-1"}, {"prefix": ["Use small letters and digits only."]}),
        ({"scopes": ["admin"]}, {"scopes": {"0": ['"admin" is not a valid choice.']}}),
        ({"scopes": []}, {"scopes": ["This list may not be empty."]}),
        ({"scopes": "read"}, {"scopes": ['Expected a list of items but got type "str".']}),
        (
            {"networks": ["10.0.0.1/8"]},
            {"networks": ["“10.0.0.1/8” has host bits set. Write 10.0.0.0/8 instead."]},
        ),
        (
            {"networks": ["home"]},
            {"networks": ["“home” is not an address or network. Write it such as 192.0.2.0/24."]},
        ),
        ({"project": "nosuch"}, {"project": ["There is no “nosuch” that you may choose."]}),
        ({"mail_on_use": "ops"}, {"mail_on_use": ["Enter a valid email address."]}),
        ({"key": "jira-0000"}, {"key": ["There is no field “key”."]}),
        ({"digest": "x"}, {"digest": ["There is no field “digest”."]}),
        ({"last_used_at": None}, {"last_used_at": ["This is set by the hub: leave it out."]}),
    ],
)
def test_a_key_that_cannot_be_is_refused_at_its_field(community, key, change, problems):
    answer = community("POST", "api-keys/", BODY | change)

    assert answer.status_code == 400
    assert answer.json().keys() == problems.keys()
    assert str(next(iter(problems.values())))[2:30] in str(answer.json())
    assert APIKey.objects.count() == 1


@pytest.mark.parametrize(
    "moment", ["soon", "0001-01-01T00:00:00+14:00", 5, "9999-12-31T23:59:59-14:00"]
)
def test_an_expiry_that_is_no_time_is_refused(community, moment):
    answer = community("POST", "api-keys/", BODY | {"expires_at": moment})

    assert (answer.status_code, [*answer.json()]) == (400, ["expires_at"])


def test_a_key_is_changed_and_switched_off(community, call, key):
    path = f"api-keys/{key.row.pk}/"

    answer = community("PATCH", path, {"name": "Old scripts", "enabled": False})

    assert (answer.json()["name"], answer.json()["enabled"]) == ("Old scripts", False)
    assert call("GET", "projects/").status_code == 401
    fixed = community("PATCH", path, {"prefix": "other"})
    assert fixed.json() == {"prefix": ["This cannot be changed any more: make a new one instead."]}


def test_what_was_read_can_be_sent_back(community, key, beta):
    path = f"api-keys/{key.row.pk}/"
    read = community("GET", path).json()

    answer = community("PUT", path, read)

    assert (answer.status_code, answer.json()) == (200, read)


def test_a_new_secret_ends_the_old_one(community, call, key):
    answer = community("POST", f"api-keys/{key.row.pk}/replace-secret/")

    assert answer.status_code == 200
    assert call("GET", "projects/").status_code == 401
    assert call("GET", "projects/", secret=answer.json()["key"]).status_code == 200


def test_an_unused_key_is_deleted_and_a_used_one_is_not(community, call, key):
    unused = make_key()
    call("GET", "projects/")

    answers = [community("DELETE", f"api-keys/{row.pk}/") for row in (unused.row, key.row)]

    assert [answer.status_code for answer in answers] == [204, 409]
    assert answers[1].json()["detail"] == (
        "“Scripts” is used by the log of its requests. Switch it off instead: it then opens "
        "nothing."
    )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "api-keys/", BODY),
        ("PATCH", "api-keys/{pk}/", {"scopes": ["listen", "read", "write"]}),
        ("PUT", "api-keys/{pk}/", BODY),
        ("DELETE", "api-keys/{pk}/", None),
        ("POST", "api-keys/{pk}/replace-secret/", None),
    ],
)
def test_no_key_makes_changes_or_renews_keys(call, key, method, path, body):
    digest = key.row.digest

    answer = call(method, path.format(pk=key.row.pk), body)

    assert (answer.status_code, answer.json()["reason"]) == (403, "permission_denied")
    assert [row.digest for row in APIKey.objects.all()] == [digest]


@pytest.mark.parametrize("role", ["manager", "support", "observer", "participant"])
def test_nobody_else_sees_keys_or_what_they_did(signed_in, call, key, role):
    call("GET", "projects/")
    person = signed_in(role)

    assert person("GET", "api-keys/").json()["count"] == 0
    assert person("GET", "api-calls/").json()["count"] == 0
    assert person("GET", f"api-keys/{key.row.pk}/").status_code == 404
    assert person("POST", "api-keys/", BODY).status_code == 403


def test_a_session_needs_its_csrf_token(db):
    root = User.objects.create_superuser("root")
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    client.get("/admin/")
    body = '{"name": "Jira"}'

    def post(**headers):
        return client.post(
            "/api/v1/api-keys/", body, content_type="application/json", headers=headers
        )

    without = post()
    client.cookies["csrftoken"] = "a" * 32
    with_token = post(**{"X-CSRFToken": "a" * 32})

    assert (without.status_code, without.json()["reason"]) == (403, "permission_denied")
    assert "CSRF" in without.json()["detail"]
    assert with_token.status_code == 201


def test_a_key_needs_no_csrf_token(key):
    client = Client(enforce_csrf_checks=True)

    answer = client.post(
        "/api/v1/projects/",
        '{"key": "delta", "name": "Delta"}',
        content_type="application/json",
        headers={"X-API-Key": key.secret},
    )

    assert answer.status_code == 201
