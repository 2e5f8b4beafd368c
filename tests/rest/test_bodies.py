"""Whatever a body holds, its sender is told what is wrong with it, and nothing is done."""

from __future__ import annotations

import io
import json

import pytest

from feedback.models import Project, Status, Ticket
from rest.parsing import DEEPEST

MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        (
            b'{"key": "x",\n "name" "y"}',
            "The body is not JSON: Expecting ':' delimiter at line 2, column 9.",
        ),
        (b'{"key": "x"', "Expecting ',' delimiter at line 1, column 12."),
        (b"{'key': 1}", "Expecting property name enclosed in double quotes at line 1, column 2."),
        (b"\xff\xfe{", "The body is not UTF-8: byte 1 does not fit."),
        (b'{"key": NaN}', "“NaN” is no number of JSON"),
        (b'{"key": -Infinity}', "“-Infinity” is no number of JSON"),
        (b'{"key": 1e999}', "“1e999” is too large a number"),
        (b'{"key": ' + b"9" * 5000 + b"}", "“99999999999999999999…” is too large a number"),
        (b'{"name": "a\\u0000b"}', r"The text 'a\x00b' holds a character that no text may have."),
        (b'{"a\\u0000": 1}', r"The text 'a\x00' holds a character"),
        (b'{"name": ["\\ud800"]}', r"The text '\ud800' holds a character"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "nested too deeply: at most 50 levels."),
        (b"[" * 100_000, "nested too deeply: at most 50 levels."),
        (b'{"a":' * 400 + b"1" + b"}" * 400, "nested too deeply: at most 50 levels."),
    ],
)
@pytest.mark.parametrize("repeatable", [{}, {"Idempotency-Key": "once"}])
def test_a_body_that_cannot_be_read_says_where(call, raw, detail, repeatable):
    answer = call("POST", "projects/", raw=raw, headers=repeatable)

    assert answer.status_code == 400
    assert answer.json()["reason"] == "parse_error"
    assert detail in answer.json()["detail"]
    assert not Project.objects.exists()


def test_a_byte_order_mark_does_no_harm(call):
    body = b"\xef\xbb\xbf" + json.dumps({"key": "delta", "name": "Delta"}).encode()

    answer = call("POST", "projects/", raw=body)

    assert answer.status_code == 201


@pytest.mark.parametrize("body", [[], [{"key": "x"}], "text", 5, True])
def test_what_is_no_object_is_refused(call, body):
    answer = call("POST", "projects/", body)

    assert answer.status_code == 400
    (problem,) = answer.json()["non_field_errors"]
    assert "Expected a dictionary" in problem


@pytest.mark.parametrize("raw", [b"", b"null", b"{}"])
def test_an_empty_body_lacks_its_fields(call, raw):
    answer = call("POST", "projects/", raw=raw)

    assert answer.status_code == 400
    assert answer.json() in (
        {"key": ["This field is required."], "name": ["This field is required."]},
        {"non_field_errors": ["No data provided"]},
    )


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""],
)
def test_another_type_than_json_is_refused(client, key, kind):
    answer = client.generic(
        "POST",
        "/api/v1/projects/",
        b"key=x&name=y",
        content_type=kind,
        headers={"X-API-Key": key.secret},
    )

    assert answer.status_code == 415
    assert answer.json()["reason"] == "unsupported_media_type"


def test_a_body_that_is_too_large_is_refused_without_reading_it_all(client, key):
    class Endless(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            assert size >= 0
            Endless.taken += size
            return b" " * size

    answer = client.generic(
        "POST",
        "/api/v1/projects/",
        CONTENT_LENGTH=str(500 * MIB),
        CONTENT_TYPE="application/json",
        headers={"X-API-Key": key.secret},
        **{"wsgi.input": Endless()},
    )

    assert (answer.status_code, answer.json()["reason"]) == (413, "body_too_large")
    assert answer.json()["detail"] == (
        "The body is larger than 1048576 bytes. Send less in one request."
    )
    assert Endless.taken <= MIB + 1


@pytest.mark.parametrize(("spare", "code"), [(0, 201), (1, 413)])
def test_a_body_in_chunks_has_the_same_limit(client, key, spare, code):
    body = json.dumps({"key": "delta", "name": "Delta"}).encode()
    body += b" " * (MIB - len(body) + spare)

    answer = client.generic(
        "POST",
        "/api/v1/projects/",
        CONTENT_TYPE="application/json",
        CONTENT_LENGTH="",
        headers={"X-API-Key": key.secret, "Transfer-Encoding": "chunked"},
        **{"wsgi.input": io.BytesIO(body)},
    )

    assert answer.status_code == code
    assert Project.objects.filter(key="delta").exists() == (code == 201)


@pytest.mark.parametrize("headers", [{}, {"Transfer-Encoding": "chunked"}])
def test_a_connection_that_breaks_off_is_a_bad_body(client, key, headers):
    class BrokenOff(io.BytesIO):
        def read(self, *size):
            raise OSError("Connection reset by peer")

    answer = client.generic(
        "POST",
        "/api/v1/projects/",
        CONTENT_TYPE="application/json",
        CONTENT_LENGTH="20",
        headers={"X-API-Key": key.secret} | headers,
        **{"wsgi.input": BrokenOff()},
    )

    assert answer.status_code == 400
    assert answer.json()["detail"] == "The body broke off. Send the request again."


HUGE = 10**500
VALUES: list[object] = [None, True, 5, HUGE, -1, 1.5, "", " ", "x" * 300, [], [[]], {}, {"a": [1]}]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value)[:12])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("projects/beta/", "key name archived"),
        ("teams/{team}/", "project name kind members archived"),
        ("workflows/{workflow}/", "project name archived"),
        ("statuses/{status}/", "project workflow name category order archived"),
        ("feedback-types/{type}/", "project name prefix default_workflow archived"),
        (
            "tickets/{ticket}/",
            "project feedback_type summary description submitter team status blocking exposure "
            "tags",
        ),
        ("macros/{macro}/", "project feedback_type name actions archived"),
        (
            "listeners/{listener}/",
            "project feedback_type name key description sender type macro filter when when_status "
            "condition reference_expression secret enabled",
        ),
    ],
)
def test_no_value_of_any_field_breaks_anything(call, beta, close, listener, path, fields, value):
    address = path.format(
        team=beta.support.pk,
        workflow=beta.workflow.pk,
        status=beta.new.pk,
        type=beta.bugs.pk,
        ticket=beta.ticket.pk,
        macro=close.pk,
        listener=listener.pk,
    )

    answers = {name: call("PATCH", address, {name: value}) for name in fields.split()}

    for name, answer in answers.items():
        assert answer.status_code in (200, 400), (name, answer.content)
        assert answer.status_code == 200 or {*answer.json()} == {name}, answer.content


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("name", 5, "Not a valid string."),
        ("order", "5", "A valid integer is required."),
        ("order", True, "A valid integer is required."),
        ("order", 1.5, "A valid integer is required."),
        ("order", -1, "Ensure this value is greater than or equal to 0."),
        ("order", HUGE, "Ensure this value is less than or equal to 32767."),
        ("archived", "true", "Must be a valid boolean."),
        ("archived", 1, "Must be a valid boolean."),
        ("category", ["new"], "\"['new']\" is not a valid choice."),
        ("category", "newest", '"newest" is not a valid choice.'),
        ("workflow", "1", "Give the id, a number, not text."),
        ("workflow", True, "Give the id, a number, not true or false."),
        ("workflow", [1], "Give the id, a number, not a list."),
        ("workflow", None, "This field may not be null."),
        ("workflow", 0, "There is nothing with the id 0 here that you may choose."),
    ],
)
def test_a_value_of_another_type_is_refused_not_guessed(call, beta, field, value, problem):
    answer = call("PATCH", f"statuses/{beta.new.pk}/", {field: value})

    assert (answer.status_code, answer.json()) == (400, {field: [problem]})


def test_an_unknown_field_is_refused_with_the_nearest_known_one(call, beta):
    answer = call("PATCH", f"tickets/{beta.ticket.pk}/", {"sumary": "x", "colour": 1})

    assert answer.status_code == 400
    assert answer.json() == {
        "sumary": ["There is no field “sumary”. Did you mean “summary”?"],
        "colour": ["There is no field “colour”."],
    }
    assert Ticket.objects.get().summary == "The lens cap melts"


def test_of_very_many_unknown_fields_some_are_named(call, beta):
    body = {f"sumary{number}": 1 for number in range(20_000)}

    answer = call("PATCH", f"tickets/{beta.ticket.pk}/", body)

    assert answer.status_code == 400
    assert len(answer.json()) == 20


def test_a_field_that_the_hub_sets_is_refused_unless_it_says_what_is_so(call, beta):
    path = f"tickets/{beta.ticket.pk}/"
    as_read = call("GET", path).json()

    again = call("PUT", path, as_read | {"summary": "Melts"})
    other = call("PATCH", path, {"ref": "BUG-0009"})

    assert again.status_code == 200, again.content
    assert again.json()["summary"] == "Melts"
    assert (other.status_code, other.json()) == (
        400,
        {"ref": ["This is set by the hub, and is not that now: leave it out, or read it again."]},
    )


def test_a_new_row_has_no_fields_that_the_hub_sets(call, beta):
    answer = call("POST", "tags/", {"id": 7, "project": "beta", "name": "strap"})

    assert answer.json() == {"id": ["This is set by the hub: leave it out."]}


def test_put_asks_for_every_field_that_must_be(call, beta):
    answer = call("PUT", f"statuses/{beta.new.pk}/", {"category": "open"})

    assert answer.status_code == 400
    assert answer.json() == {
        "workflow": ["This field is required."],
        "name": ["This field is required."],
    }
    assert Status.objects.get(pk=beta.new.pk).category == "new"
