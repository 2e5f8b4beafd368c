"""Every answer of the address that trackers call, by HTTP."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from itertools import combinations
from types import SimpleNamespace

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.middleware.common import CommonMiddleware
from django.test import Client
from django.utils import timezone

from automation import queue
from automation.models import Delivery
from automation.senders.jira import Jira
from centercode_sim import environment
from feedback.furnishing import create_project
from tests.conftest import make_key, make_listener

HERE = "/api/v1/projects/beta/feedbackListeners/jiraclosed"
MIB = 1024 * 1024


def refused(answer) -> tuple[int, str]:
    """Code and reason of an answer, which must be JSON of the one shape that refusals have."""
    assert answer.headers["Content-Type"] == "application/json"
    assert "Location" not in answer.headers
    content = answer.json()
    assert content.keys() == {"status", "reason", "detail"}
    assert content["status"] == "refused"
    assert "{" not in content["detail"]
    return answer.status_code, content["reason"]


def call(client, path=HERE, **options):
    """POST without a body."""
    return client.generic("POST", path, **options)


def shortly(value) -> str:
    return ascii(value)[:30]


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"hub:{password}".encode()).decode()


# What is taken


def test_the_answer_says_which_delivery_it_became_and_where_to_follow_it(post, listener):
    answer = post(listener, find="BUG-0001")

    delivery = Delivery.objects.get()
    assert answer.status_code == 200
    assert answer.json() == {
        "delivery": delivery.public_id,
        "status": "received",
        "detail": "Stored. What comes of it is told at url.",
        "url": f"http://testserver{delivery.get_absolute_url()}",
    }


def test_the_answer_points_to_where_people_reach_this_site(post, listener, settings):
    settings.SITE_URL = "https://hub.example.com"

    answer = post(listener, find="BUG-0001")

    assert answer.json()["url"].startswith("https://hub.example.com/")


def test_the_row_keeps_what_came_before_anybody_works_on_it(post, listener, api_key):
    post(listener, {"issue": {"key": "SANDBOX-12"}}, find="BUG-0001", headers={"X-Request-Id": "7"})

    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.reason, delivery.status_code) == ("received", "", 200)
    assert (delivery.api_key, delivery.listener) == (api_key.row, listener)
    assert (delivery.project, delivery.address) == (listener.project, "127.0.0.1")
    assert (delivery.method, delivery.find) == ("POST", "BUG-0001")
    assert delivery.path == f"{HERE}?find=BUG-0001&apiKey=jira-***"
    assert delivery.payload == {"issue": {"key": "SANDBOX-12"}}
    assert delivery.header_map["X-Request-Id"] == "7"


@pytest.mark.parametrize(
    "path",
    [
        HERE,
        HERE + "/",
        "/api/v1/projects/BETA/feedbackListeners/JiraClosed",
        "/api/v1/projects/Beta/feedbacklisteners/jiraclosed/",
    ],
)
def test_slash_and_letter_case_do_not_matter(post, listener, path):
    answer = post(listener, find="BUG-0001", path=path)

    assert answer.status_code == 200
    assert Delivery.objects.get().listener == listener


def bring_key(way: str, key: str) -> dict[str, dict[str, str]]:
    """The part of a request that carries ``key``: headers or query."""
    return {
        "Bearer": {"headers": {"Authorization": f"Bearer {key}"}},
        "bearer": {"headers": {"Authorization": f"bearer  {key} "}},
        "X-API-Key": {"headers": {"X-API-Key": key}},
        "Basic": {"headers": {"Authorization": basic(key)}},
        "apiKey": {"query_params": {"apiKey": key}},
        "apikey": {"query_params": {"apikey": key}},
    }[way]


@pytest.mark.parametrize("way", ["Bearer", "bearer", "X-API-Key", "Basic", "apiKey", "apikey"])
def test_the_key_may_come_in_any_of_four_ways(client, listener, api_key, way):
    answer = call(client, **bring_key(way, api_key.secret))

    assert answer.status_code == 200
    assert Delivery.objects.get().api_key == api_key.row


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Bearer", "X-API-Key"),
        ("Bearer", "apiKey"),
        ("X-API-Key", "Basic"),
        ("X-API-Key", "apiKey"),
        ("Basic", "apiKey"),
    ],
)
def test_of_two_keys_the_first_in_order_counts(client, listener, api_key, first, second):
    def code_of(one, other):
        ways = bring_key(first, one), bring_key(second, other)
        headers, query = {}, {}
        for way in ways:
            headers |= way.get("headers", {})
            query |= way.get("query_params", {})
        return call(client, headers=headers, query_params=query).status_code

    codes = code_of(api_key.secret, "wrong"), code_of("wrong", api_key.secret)

    assert codes == (200, 401)


def test_query_parameters_of_the_tracker_are_ignored(client, listener, api_key):
    answer = call(
        client, f"{HERE}?user_id=ada&user_key=ada&find=BUG-0001&x&=&apiKey={api_key.secret}&page=2"
    )

    assert answer.status_code == 200
    assert Delivery.objects.get().find == "BUG-0001"


def test_find_is_utf_8_and_found_among_any_number_of_parameters(client, listener, api_key):
    many = "a=1&" * 1001

    answer = client.generic(
        "POST",
        f"{HERE}?{many}find=B%C3%9CG-1&apiKey={api_key.secret}",
        "{}".encode("utf-16"),
        headers={"Content-Type": "application/json; charset=utf-16"},
    )

    assert answer.status_code == 200
    assert Delivery.objects.get().find == "BÜG-1"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/xml", "multipart/form-data", "application/pdf", "nonsense", ""],
)
def test_an_empty_body_is_none_whatever_its_type(post, listener, content_type):
    answer = post(listener, find="BUG-0001", headers={"Content-Type": content_type})

    assert answer.status_code == 200
    assert Delivery.objects.get().payload is None


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "text/json", "application/x+json", ""],
)
def test_json_is_read_under_each_of_its_types(post, listener, content_type):
    answer = post(
        listener,
        {"issue": {"key": "SANDBOX-12"}},
        headers={"Content-Type": content_type},
    )

    assert answer.status_code == 200
    assert Delivery.objects.get().references == ["SANDBOX-12"]


def test_a_form_is_read_as_its_fields(post, beta, close):
    listener = make_listener(beta, close, sender="generic", reference_expression="ticket")

    answer = post(
        listener,
        "ticket=BUG-0001&note=caf%C3%A9",
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 200
    assert Delivery.objects.get().references == ["BUG-0001"]
    assert Delivery.objects.get().payload == {"ticket": "BUG-0001", "note": "café"}


def test_a_form_may_wrap_json_in_its_field_payload(post, listener):
    answer = post(
        listener,
        "payload=%7B%22issue%22%3A%7B%22key%22%3A%22SANDBOX-12%22%7D%7D",
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.status_code == 200
    assert Delivery.objects.get().references == ["SANDBOX-12"]


NAMED = '{"issue": {"key": "BÜG-1"}}'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (NAMED.encode(), "application/json"),
        (NAMED.encode("utf-8-sig"), "application/json"),
        (NAMED.encode("utf-8-sig"), "application/json; charset=utf-8"),
        (NAMED.encode("utf-16"), "application/json"),
        (NAMED.encode("utf-16-le"), "application/json; charset=utf-16-le"),
        (NAMED.encode("utf-16"), "application/json; charset=UTF-16"),
        (NAMED.encode("utf-32"), "application/json"),
        (NAMED.encode("latin-1"), "application/json; charset=iso-8859-1"),
        (NAMED.encode("latin-1"), 'application/json; charset="latin1"'),
        (NAMED.encode(), "application/json; charset=klingon"),
    ],
)
def test_json_is_read_in_its_character_set(post, listener, body, content_type):
    answer = post(listener, body, headers={"Content-Type": content_type})

    assert answer.status_code == 200, answer.content
    assert Delivery.objects.get().references == ["BÜG-1"]


@pytest.mark.parametrize("body", ["NaN", "[-Infinity]", "1e999", "[1e-999]", "null", "0", '"x"'])
def test_any_json_value_is_kept(post, listener, body):
    answer = post(listener, body, find="BUG-0001")

    assert answer.status_code == 200
    assert bytes(Delivery.objects.get().body) == body.encode()


@pytest.mark.parametrize(
    ("find", "kept"),
    [
        ("%00BUG-%000001", "BUG-0001"),
        ("%ED%A0%80", "\N{REPLACEMENT CHARACTER}" * 3),
        ("%FF", "\N{REPLACEMENT CHARACTER}"),
        ("%F0%9F%90%9B", "🐛"),
        ("%20BUG-1%0A", "BUG-1"),
        ("x" * 10_000, "x" * 500),
    ],
    ids=shortly,
)
def test_odd_values_of_find_are_kept_as_any_database_can(client, listener, api_key, find, kept):
    answer = call(client, f"{HERE}?find={find}&apiKey={api_key.secret}")

    assert answer.status_code == 200
    assert Delivery.objects.get().find == kept


def test_lone_surrogates_and_nul_in_the_body_are_kept_as_any_database_can(post, listener):
    answer = post(listener, r'{"issue": {"key": "A\u0000B-1\ud800", "id": "\udfff"}}')

    assert answer.status_code == 200
    assert Delivery.objects.get().references == ["AB-1?", "?"]


@pytest.mark.parametrize("value", ["a\0b", "\udcff", "é" * 9000], ids=shortly)
def test_odd_headers_are_kept_as_any_database_can(post, listener, value):
    answer = post(listener, find="BUG-0001", headers={"X-Odd": value})

    assert answer.status_code == 200
    assert "X-Odd" in Delivery.objects.get().header_map


def test_a_body_of_exactly_the_limit_is_taken(post, listener):
    answer = post(listener, b'"' + b"a" * (MIB - 2) + b'"', find="BUG-0001")

    assert answer.status_code == 200
    assert len(Delivery.objects.get().body) == MIB


def test_a_switched_off_listener_is_no_error_to_the_tracker(send, listener):
    listener.enabled = False
    listener.save()

    delivery = send(listener, find="BUG-0001")

    assert (delivery.status, delivery.reason) == ("skipped", "listener_off")


def test_a_page_of_another_site_cannot_stop_it_by_cookies(listener, api_key):
    client = Client(enforce_csrf_checks=True)
    client.cookies["sessionid"] = "stale"

    answer = call(client, query_params={"apiKey": api_key.secret})

    assert answer.status_code == 200


def test_trackers_are_never_sent_to_https(listener, api_key, settings):
    settings.SECURE_SSL_REDIRECT = True

    answers = [
        call(Client(), path, query_params={"apiKey": api_key.secret}) for path in (HERE, HERE + "/")
    ]

    assert [answer.status_code for answer in answers] == [200, 200]


def test_the_happy_path_takes_three_queries(post, listener, django_assert_num_queries):
    with django_assert_num_queries(5):  # key, listener, INSERT; here its transaction is a savepoint
        post(listener, {"issue": {"key": "SANDBOX-12"}}, find="BUG-0001")


# What is refused


@pytest.mark.parametrize("path", [HERE, HERE + "/", "/api/v1/projects/x/feedbackListeners/y"])
@pytest.mark.parametrize("verb", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_any_verb_but_post_is_told_so(client, listener, api_key, verb, path):
    answer = client.generic(verb, path, query_params={"apiKey": api_key.secret})

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert answer.headers["Content-Type"] == "application/json"
    assert verb == "HEAD" or refused(answer) == (405, "method_not_allowed")
    assert verb == "HEAD" or answer.json()["detail"] == (
        f"This address takes POST; this was {verb}. Set the tracker's webhook to POST."
    )


def test_a_verb_is_refused_without_a_key_too(client, listener):
    answer = client.get(HERE)

    assert refused(answer) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("path", "reason", "detail"),
    [
        (
            "/api/v1/projects/gamma/feedbackListeners/jiraclosed",
            "project_unknown",
            "There is no project with the key “gamma”. "
            "Copy the API Endpoint URL from the listener again.",
        ),
        (
            "/api/v1/projects/beta/feedbackListeners/jiraopen/",
            "listener_unknown",
            "Project beta has no listener with the key “jiraopen”. "
            "Copy the API Endpoint URL from the listener again.",
        ),
    ],
)
def test_what_is_not_there_is_named(post, listener, path, reason, detail):
    answer = post(listener, path=path)

    assert refused(answer) == (404, reason)
    assert answer.json()["detail"] == detail


def test_a_listener_of_another_project_is_not_there(post, listener):
    create_project("gamma", "Gamma")

    answer = post(listener, path="/api/v1/projects/gamma/feedbackListeners/jiraclosed")

    assert refused(answer) == (404, "listener_unknown")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/projects/beta/feedbackListeners",
        "/api/v1/projects/beta/feedbackListeners/jiraclosed/more",
        "/api/v1/projects/beta/feedbackListener/jiraclosed",
        "/api/v0",
        "/api/%00",
    ],
)
def test_an_address_that_is_no_listeners_is_json_too(post, listener, path):
    answer = post(listener, path=path)

    assert refused(answer) == (404, "not_found")


def test_whatever_is_wrong_with_key_or_signature_the_answer_is_one_and_the_same(
    client, beta, close, listener
):
    gone = timezone.now() - timedelta(seconds=1)
    good = make_key(name="Good", prefix="good").secret
    off = make_key(name="Off", prefix="off", enabled=False).secret
    expired = make_key(name="Old", prefix="old", expires_at=gone).secret
    make_listener(beta, close, name="Signed", key="signed", secret="s3cret")
    signed = HERE.replace("jiraclosed", "signed")
    forged = {"X-Hub-Signature": "sha256=" + "0" * 64}

    answers = [
        call(client),
        call(client, headers={"X-API-Key": ""}),
        *(
            call(client, query_params={"apiKey": key})
            for key in (
                "prefix-community_API_key",
                "good",
                good[:-1],
                good + "0",
                good.upper(),
                "good-\0",
                "göod-ü",
                "-",
                off,
                expired,
            )
        ),
        call(client, headers={"Authorization": "Basic nonsense"}),
        call(client, headers={"Authorization": f"Token {good}"}),
        call(client, signed, query_params={"apiKey": good}),
        call(client, signed, query_params={"apiKey": good}, headers=forged),
    ]

    assert {refused(answer) for answer in answers} == {(401, "key_unknown")}
    assert len({(answer.content, str(sorted(answer.items()))) for answer in answers}) == 1
    assert "Bearer" in answers[0].headers["WWW-Authenticate"]
    assert set(Delivery.objects.values_list("reason", flat=True)) == {
        "key_missing",
        "key_unknown",
        "key_off",
        "key_expired",
        "signature_wrong",
    }


def test_a_key_that_is_expired_tomorrow_is_good_today(post, listener):
    soon = make_key(name="Soon", prefix="soon", expires_at=timezone.now() + timedelta(hours=1))

    answer = post(listener, key=soon.secret)

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("networks", "caller", "code"),
    [
        ("192.0.2.0/24", "192.0.2.7", 200),
        ("192.0.2.0/24", "192.0.3.7", 403),
        ("192.0.2.7", "192.0.2.7", 200),
        ("192.0.2.0/24\n198.51.100.1", "198.51.100.1", 200),
        ("192.0.2.0/24", "::ffff:192.0.2.7", 200),
        ("2001:db8::/32", "2001:db8:1::7", 200),
        ("2001:db8::/32", "2001:db9::7", 403),
        ("2001:db8::/32", "192.0.2.7", 403),
        ("0.0.0.0/0", "2001:db8::1", 403),
        ("fe80::/10", "fe80::1%eth0", 200),
        ("192.0.2.0/24", "", 403),
        ("", "", 200),
    ],
)
def test_a_key_admits_the_addresses_of_its_networks(client, listener, networks, caller, code):
    key = make_key(networks=networks)

    answer = call(client, query_params={"apiKey": key.secret}, REMOTE_ADDR=caller)

    assert answer.status_code == code
    assert code == 200 or refused(answer) == (403, "address_refused")


PROXIES = "10.0.0.0/8,2001:db8::/32"


@pytest.mark.parametrize(
    ("proxies", "connected", "forwarded", "caller"),
    [
        ("", "10.0.0.1", "192.0.2.7", "10.0.0.1"),
        (PROXIES, "192.0.2.9", "192.0.2.7", "192.0.2.9"),
        (PROXIES, "10.0.0.1", "192.0.2.7", "192.0.2.7"),
        (PROXIES, "10.0.0.1", "6.6.6.6, 192.0.2.7", "192.0.2.7"),
        (PROXIES, "10.0.0.1", "192.0.2.7, 10.0.0.2", "192.0.2.7"),
        (PROXIES, "10.0.0.1", "192.0.2.7,nonsense", "10.0.0.1"),
        (PROXIES, "10.0.0.1", "", "10.0.0.1"),
        (PROXIES, "2001:db8::1", "::ffff:192.0.2.7", "192.0.2.7"),
        (PROXIES, "::ffff:10.0.0.1", "2a00::7", "2a00::7"),
    ],
)
def test_only_a_trusted_proxy_is_believed(
    listener, api_key, settings, monkeypatch, proxies, connected, forwarded, caller
):
    monkeypatch.setenv("TRUSTED_PROXIES", proxies)
    settings.TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES")
    headers = {"X-Forwarded-For": forwarded, "Remote-Addr": "6.6.6.6"}

    answer = call(
        Client(REMOTE_ADDR=connected), headers=headers, query_params={"apiKey": api_key.secret}
    )

    assert answer.status_code == 200
    assert Delivery.objects.get().address == caller


def test_a_key_acts_within_its_scopes_only(post, listener):
    reader = make_key(name="Reader", prefix="reader", scopes=["read", "write"])

    answer = post(listener, key=reader.secret)

    assert refused(answer) == (403, "key_out_of_scope")
    assert "lacks the scope “Call external listeners”" in answer.json()["detail"]


def test_a_key_of_one_project_acts_there_only(post, beta, listener):
    gamma = create_project("gamma", "Gamma")
    elsewhere = make_key(name="Gamma", prefix="gamma", project=gamma)
    here = make_key(name="Beta", prefix="beta", project=beta.project)

    answers = [post(listener, key=key.secret) for key in (elsewhere, here)]

    assert refused(answers[0]) == (403, "key_out_of_scope")
    assert "it may act in another project only" in answers[0].json()["detail"]
    assert answers[1].status_code == 200


def test_after_many_bad_keys_an_address_is_asked_to_wait_but_a_good_key_never(
    client, listener, api_key, settings
):
    settings.REFUSED_PER_MINUTE = 3

    bad = [call(client, query_params={"apiKey": "jira-bad"}) for _ in range(5)]
    neighbour = call(client, REMOTE_ADDR="192.0.2.9")
    good = call(client, query_params={"apiKey": api_key.secret})

    assert [answer.status_code for answer in bad] == [401, 401, 401, 429, 429]
    assert refused(bad[-1]) == (429, "too_many_requests")
    assert int(bad[-1].headers["Retry-After"]) > 0
    assert neighbour.status_code == 401
    assert good.status_code == 200


def test_a_minute_later_the_address_may_try_again(client, listener, settings, monkeypatch):
    settings.REFUSED_PER_MINUTE = 1
    call(client)
    later = time.time() + 61
    monkeypatch.setattr("django.core.cache.backends.locmem.time.time", lambda: later)

    answer = call(client)

    assert answer.status_code == 401


def test_a_flood_keeps_its_share_of_rows_and_leaves_room_for_others(client, listener, settings):
    settings.REFUSED_PER_MINUTE, settings.REFUSED_PER_HOUR = 3, 6

    flood = [call(client).status_code for _ in range(20)]
    call(client, REMOTE_ADDR="192.0.2.9")

    assert flood == [401] * 3 + [429] * 17
    kept = Delivery.objects.order_by("pk").values_list("address", "status_code")
    assert [code for _, code in kept] == [401, 401, 401, 429, 401]
    assert kept.last()[0] == "192.0.2.9"


def test_one_byte_over_the_limit_is_too_much(post, listener):
    answer = post(listener, b'"' + b"a" * (MIB - 1) + b'"')

    assert refused(answer) == (413, "body_too_large")
    assert "The body has 1048577 bytes; the limit is 1048576." in answer.json()["detail"]


def test_the_limit_is_a_setting(post, listener, settings):
    settings.BODY_LIMIT = 10

    codes = [post(listener, body).status_code for body in (b"[1, 2, 3] ", b"[1, 2, 3]  ")]

    assert codes == [200, 413]


def test_a_body_that_says_it_is_too_large_is_not_read(client, listener, api_key):
    class Unread(io.BytesIO):
        def read(self, *size):
            raise AssertionError("The body was read.")

    answer = client.generic(
        "POST",
        HERE,
        query_params={"apiKey": api_key.secret},
        CONTENT_LENGTH=str(50 * MIB),
        **{"wsgi.input": Unread()},
    )

    assert refused(answer) == (413, "body_too_large")


@pytest.mark.parametrize(("size", "code"), [(MIB, 200), (MIB + 1, 413)])
def test_a_body_in_chunks_has_the_same_limit(client, listener, api_key, size, code):
    body = io.BytesIO(b'"' + b"a" * (size - 2) + b'"')

    answer = call(
        client,
        query_params={"apiKey": api_key.secret},
        headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
        **{"wsgi.input": body},
    )

    assert answer.status_code == code
    assert sum(len(body) for (body,) in Delivery.objects.values_list("body")) == size % (MIB + 1)


def test_a_connection_that_breaks_off_is_a_bad_body(client, listener, api_key):
    class BrokenOff(io.BytesIO):
        def read(self, *size):
            raise OSError("Connection reset by peer")

    answer = client.generic(
        "POST",
        HERE,
        query_params={"apiKey": api_key.secret},
        CONTENT_LENGTH="20",
        CONTENT_TYPE="application/json",
        **{"wsgi.input": BrokenOff()},
    )

    assert refused(answer) == (400, "body_unreadable")


@pytest.mark.parametrize(
    "content_type", ["application/xml", "text/plain", "multipart/form-data; boundary=x", "image/"]
)
def test_a_body_of_another_type_is_refused(post, listener, content_type):
    answer = post(listener, b"<a/>", content_type=content_type)

    assert refused(answer) == (415, "content_type_refused")
    assert "Send JSON (application/json), a form, or no body." in answer.json()["detail"]


FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b'{"a": 1,\n "b" 2}', JSON, "JSON: line 2, column 6: Expecting ':' delimiter."),
        (b'{"a": 1,}', JSON, "JSON: line 1, column 9: "),
        (b"{'a': 1}", JSON, "JSON: line 1, column 2: "),
        (b"key=BUG-1", JSON, "JSON: line 1, column 1: Expecting value."),
        (b"  \n ", JSON, "JSON: line 2, column 2: Expecting value."),
        (b'[1]\n\n"x', JSON, "JSON: line 3, column 1: Extra data."),
        (b'[\n "caf\xe9"]', JSON, "JSON: line 2, column 6: bytes that are not utf-8."),
        (b'"\xed\xa0\x80"', JSON, "JSON: line 1, column 2: bytes that are not utf-8."),
        (b'{"a": 1}', JSON + "; charset=utf-16", "JSON: line 1, column 1: Expecting value."),
        (b'{"a": 1} ', JSON + "; charset=utf-16", "JSON: line 1, column 9: bytes that are not "),
        (b"[" * 100_000, JSON, "JSON: it is nested too deeply."),
        (b'{"a":' * 50_000, JSON, "JSON: it is nested too deeply."),
        (b"1" * 5_000, JSON, "JSON: "),
        (b"-" + b"9" * 900_000, JSON, "JSON: "),
        (b"payload=%7B", FORM, "JSON: line 1, column 2: "),
        (b"payload=", FORM, "JSON: line 1, column 1: Expecting value."),
        (b"&".join(b"a=1" for _ in range(1001)), FORM, "a form: it has too many fields."),
    ],
    ids=shortly,
)
def test_a_body_that_cannot_be_read_says_where(post, listener, body, content_type, why):
    answer = post(listener, body, headers={"Content-Type": content_type})

    assert refused(answer) == (400, "body_unreadable")
    assert f"The body cannot be read as {why}" in answer.json()["detail"]
    assert ".." not in answer.json()["detail"]


@pytest.mark.parametrize("host", ["evil.example.com", "a b", "testserver:port", ""])
def test_a_wrong_host_is_answered_in_json(client, listener, api_key, host):
    answer = call(client, query_params={"apiKey": api_key.secret}, HTTP_HOST=host)

    assert refused(answer) == (400, "bad_request")


# What is our own fault


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_without_a_database_the_tracker_is_asked_to_repeat(
    client, listener, api_key, monkeypatch, error
):
    def unreachable(*args):
        raise error("connection refused")

    with monkeypatch.context() as trouble:
        trouble.setattr(connection, "cursor", unreachable)
        answer = call(client, query_params={"apiKey": api_key.secret})

    assert refused(answer) == (503, "not_stored")
    assert int(answer.headers["Retry-After"]) > 0
    assert not Delivery.objects.exists()


def test_a_database_that_is_really_not_there_is_the_same(tmp_path):
    program = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        f"answer = Client().generic('POST', {HERE!r}, query_params={{'apiKey': 'jira-1'}})\n"
        "print(answer.status_code, answer.headers['Retry-After'], answer.content.decode())\n"
    )
    nowhere = {
        "DJANGO_SETTINGS_MODULE": "centercode_sim.settings",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing",
        "DATA_DIR": str(tmp_path),
        "ALLOWED_HOSTS": "testserver",
    }

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | nowhere,
        cwd=environment.BASE_DIR,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )

    code, wait, content = ended.stdout.strip().split(" ", 2)
    assert (code, json.loads(content)["reason"]) == ("503", "not_stored")
    assert int(wait) > 0


def test_a_crash_asks_for_a_repeat_and_keeps_nothing(post, listener, monkeypatch):
    monkeypatch.setattr(Jira, "read", lambda *args: 1 / 0)

    answer = post(listener, find="BUG-0001")

    assert refused(answer) == (503, "crashed")
    assert int(answer.headers["Retry-After"]) > 0
    assert not Delivery.objects.exists()


def test_a_crash_before_the_door_is_json_too(listener, monkeypatch):
    client = Client(raise_request_exception=False)
    monkeypatch.setattr(CommonMiddleware, "process_request", lambda *args: 1 / 0)

    answer = call(client)

    assert refused(answer) == (503, "crashed")
    assert int(answer.headers["Retry-After"]) > 0


# The order of the checks


def unknown_project(call):
    call.path = call.path.replace("/beta/", "/gamma/")


def unknown_listener(call):
    call.path = call.path.replace("/jiraclosed", "/jiraopen")


FAULTS = {  # in the order of the checks: what is wrong, and the answer to it alone
    "verb": (lambda call: setattr(call, "verb", "PUT"), (405, "method_not_allowed")),
    "key": (lambda call: setattr(call.key, "enabled", False), (401, "key_unknown")),
    "scope": (lambda call: setattr(call.key, "scopes", []), (403, "key_out_of_scope")),
    "address": (lambda call: setattr(call.key, "networks", "10.0.0.1"), (403, "address_refused")),
    "project": (unknown_project, (404, "project_unknown")),
    "listener": (unknown_listener, (404, "listener_unknown")),
    "size": (lambda call: setattr(call, "limit", 5), (413, "body_too_large")),
    "type": (lambda call: setattr(call, "type", "text/plain"), (415, "content_type_refused")),
    "signature": (lambda call: setattr(call.listener, "secret", "s"), (401, "key_unknown")),
    "body": (lambda call: setattr(call, "body", b'{"a"  '), (400, "body_unreadable")),
}


@pytest.mark.parametrize(("earlier", "later"), list(combinations(FAULTS, 2)))
def test_of_two_faults_the_earlier_check_answers(
    client, listener, api_key, settings, earlier, later
):
    call = SimpleNamespace(
        verb="POST",
        path=HERE,
        key=api_key.row,
        listener=listener,
        limit=100,
        type="application/json",
        body=b'{"a":1}',
    )
    for fault in (later, earlier):
        FAULTS[fault][0](call)
    call.key.save()
    call.listener.save()
    settings.BODY_LIMIT = call.limit

    answer = client.generic(
        call.verb, call.path, call.body, call.type, query_params={"apiKey": api_key.secret}
    )

    assert refused(answer) == FAULTS[earlier][1]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone_is_answered_with_its_own_reason(
    client, listener, api_key, settings, fault
):
    call = SimpleNamespace(
        verb="POST",
        path=HERE,
        key=api_key.row,
        listener=listener,
        limit=100,
        type="application/json",
        body=b'{"a":1}',
    )
    FAULTS[fault][0](call)
    call.key.save()
    call.listener.save()
    settings.BODY_LIMIT = call.limit

    answer = client.generic(
        call.verb, call.path, call.body, call.type, query_params={"apiKey": api_key.secret}
    )

    assert refused(answer) == FAULTS[fault][1]


# What is kept of a refused request


@pytest.mark.parametrize(
    ("options", "in_log_of_key", "knows_listener", "keeps_body"),
    [
        ({"key": ""}, False, False, False),
        ({"key": "jira-" + "0" * 48}, False, False, False),
        ({"path": "/api/v1/projects/gamma/feedbackListeners/x"}, True, False, False),
        ({"path": "/api/v1/projects/beta/feedbackListeners/x"}, True, False, False),
        ({"content_type": "text/plain"}, True, True, True),
        ({"body": b'{"a": '}, True, True, True),
    ],
)
def test_a_refused_request_is_kept_in_the_log_it_belongs_to(
    post, listener, api_key, options, in_log_of_key, knows_listener, keeps_body
):
    body = options.pop("body", b'{"a": 1}')

    answer = post(listener, body, find="BUG-0001", **options)

    row = Delivery.objects.get()
    assert (row.status, row.status_code) == ("refused", answer.status_code)
    assert row.api_key == (api_key.row if in_log_of_key else None)
    assert row.listener == (listener if knows_listener else None)
    assert bytes(row.body) == (body if keeps_body else b"")
    assert bool(row.headers) is in_log_of_key
    assert row.find == ("BUG-0001" if in_log_of_key else "")
    assert row.address == "127.0.0.1"
    assert row.settled_at is not None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"enabled": False}, "key_off"),
        ({"expires_at": timezone.now() - timedelta(days=1)}, "key_expired"),
        ({"scopes": ["read"]}, "key_out_of_scope"),
        ({"networks": "192.0.2.0/24"}, "address_refused"),
    ],
)
def test_a_known_key_that_may_not_is_told_in_its_own_log_without_the_body(
    post, listener, change, reason
):
    key = make_key(name="Known", prefix="known", **change)

    post(listener, b'{"a": 1}', key=key.secret)

    row = Delivery.objects.get()
    assert (row.api_key, row.reason, bytes(row.body)) == (key.row, reason, b"")


def test_refused_requests_are_never_worked_on(post, listener):
    post(listener, b"{", find="BUG-0001")

    queue.settle_all()

    row = Delivery.objects.get()
    assert (row.status, row.attempts) == ("refused", 0)


def test_refused_requests_are_kept_up_to_so_many_an_hour_per_key(post, listener, settings):
    settings.REFUSED_PER_HOUR = 2
    other = make_key(name="Other", prefix="other")

    codes = {
        post(listener, b"{", key=key).status_code
        for key in (None, other.secret, "wrong")
        for _ in range(4)
    }

    assert codes == {400, 401}
    kept = list(Delivery.objects.order_by("api_key").values_list("api_key__prefix", flat=True))
    assert sorted(kept, key=str) == [None, None, "jira", "jira", "other", "other"]


def test_what_is_refused_does_not_use_up_what_may_be_stored(post, listener, settings):
    settings.REFUSED_PER_HOUR = 1
    for _ in range(3):
        post(listener, b"{")

    answer = post(listener, b"{}", find="BUG-0001")

    assert answer.status_code == 200
    assert Delivery.objects.unsettled().count() == 1


def test_a_request_with_the_wrong_verb_is_in_the_log_of_the_listener_it_meant(
    client, listener, api_key
):
    answer = client.get(HERE, query_params={"apiKey": api_key.secret})

    assert answer.status_code == 405
    assert Delivery.objects.get().listener == listener
