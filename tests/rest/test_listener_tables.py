"""Status tables, protected statuses and types of listeners, by REST."""

from __future__ import annotations

import pytest

from automation.models import ExternalListener, StatusRow
from automation.status_table import EMPTY_ROW
from feedback.models import Status
from tests.conftest import closing_macro, make_listener

UNCHOSEN = "Choose a macro, here or in a row of the status table: else nothing runs."
CHOOSE_ANOTHER = "Choose a macro of this feedback type that is offered."


@pytest.fixture
def body(beta):
    return {"feedback_type": beta.bugs.pk, "name": "Jira follows", "key": "jirafollows"}


@pytest.fixture
def rows(beta, close):
    start = closing_macro(beta, "Start work", beta.open)
    return [
        {"status": "In Progress", "resolution": "", "macro": start.pk},
        {"status": "Done", "resolution": "Fixed, Resolved", "macro": close.pk},
        {"status": "Done", "resolution": "", "macro": None},
    ]


@pytest.fixture
def path(call, body, rows):
    """Of a listener with these rows."""
    return f"listeners/{call('POST', 'listeners/', body | {'status_table': rows}).json()['id']}/"


def kept():
    return list(StatusRow.objects.values_list("order", "status", "resolution", "macro__name"))


def test_a_table_is_kept_in_its_order(call, path, rows):
    answer = call("GET", path)

    assert answer.json()["status_table"] == rows
    assert answer.json()["macro"] is None
    assert kept() == [
        (0, "In Progress", "", "Start work"),
        (1, "Done", "Fixed, Resolved", "Close ticket"),
        (2, "Done", "", None),
    ]


def test_what_a_row_leaves_out_is_any_status_and_no_macro(call, body, close):
    table = [{"status": "Open"}, {"macro": close.pk}]

    answer = call("POST", "listeners/", body | {"status_table": table})

    assert answer.json()["status_table"] == [
        {"status": "Open", "resolution": "", "macro": None},
        {"status": "", "resolution": "", "macro": close.pk},
    ]


def test_a_table_is_replaced_as_a_whole_or_left_alone(call, path, rows):
    alone = call("PATCH", path, {"name": "Renamed"})
    turned = call("PATCH", path, {"status_table": rows[1:]})

    assert alone.json()["status_table"] == rows
    assert turned.json()["status_table"] == rows[1:]


def test_what_it_makes_works(call, path, send):
    changed = {"items": [{"field": "status", "fromString": "Open", "toString": "Done"}]}
    listener = ExternalListener.objects.get()

    delivery = send(listener, {"changelog": changed}, find="BUG-0001")

    assert "row 3 of the status table, Done does nothing" in delivery.sentence


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        ({}, {"non_field_errors": [EMPTY_ROW]}),
        ({"status": " , "}, {"non_field_errors": [EMPTY_ROW]}),
        ({"status": 1}, {"status": ["Not a valid string."]}),
        (
            {"status": "x" * 201},
            {"status": ["Ensure this field has no more than 200 characters."]},
        ),
        ({"macro": "x"}, {"macro": ["Give the id, a number, not text."]}),
        (
            {"macro": 999999},
            {"macro": ["There is nothing with the id 999999 here that you may choose."]},
        ),
        (
            {"state": "x"},
            {"state": ["There is no field “state”. Did you mean “status”?"]},
        ),
        (
            {"status": "done", "resolution": "Fixed"},
            {
                "non_field_errors": [
                    "Row 2 (done / Fixed) is never reached: row 1 (Done) catches all that it "
                    "would. Move it up, or remove it."
                ]
            },
        ),
        ("x", {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]}),
    ],
)
def test_an_error_points_at_the_row_and_its_cell(call, body, close, row, problems):
    table = [{"status": "Done", "macro": close.pk}, row]

    answer = call("POST", "listeners/", body | {"status_table": table})

    assert answer.status_code == 400
    assert answer.json() == {"status_table": [{}, problems]}
    assert not ExternalListener.objects.exists()


def test_a_macro_of_another_type_is_refused_at_its_row(call, beta, body, close):
    foreign = closing_macro(beta, "Elsewhere")
    foreign.feedback_type = beta.suggestions
    foreign.save()

    answer = call("POST", "listeners/", body | {"status_table": [{"macro": foreign.pk}]})

    assert answer.json() == {"status_table": [{"macro": [CHOOSE_ANOTHER]}]}


def test_an_archived_macro_stays_in_its_row_and_is_chosen_in_no_other(call, path, body, close):
    close.archived = True
    close.save()

    again = call("PATCH", path, {"name": "Renamed"})
    refused = call(
        "POST", "listeners/", body | {"key": "new", "status_table": [{"macro": close.pk}]}
    )

    assert again.status_code == 200
    assert refused.json() == {"status_table": [{"macro": [CHOOSE_ANOTHER]}]}


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (
            {"status_table": [{"status": str(number)} for number in range(51)]},
            {
                "status_table": {
                    "non_field_errors": ["Ensure this field has no more than 50 elements."]
                }
            },
        ),
        (
            {"status_table": {}},
            {
                "status_table": {
                    "non_field_errors": ['Expected a list of items but got type "dict".']
                }
            },
        ),
        (
            {"sender": "generic", "status_table": [{"status": "Done"}]},
            {
                "status_table": [
                    "Anything that can POST does not tell a status: enter a status expression, or "
                    "remove the rows."
                ],
            },
        ),
        (
            {},
            {"macro": [UNCHOSEN]},
        ),
        (
            {"protected_statuses": [999999]},
            {
                "protected_statuses": [
                    "There is nothing with the id 999999 here that you may choose."
                ]
            },
        ),
        (
            {"protected_statuses": {}},
            {"protected_statuses": ['Expected a list of items but got type "dict".']},
        ),
        ({"several": "some"}, {"several": ['"some" is not a valid choice.']}),
        ({"comment_exposure": "secret"}, {"comment_exposure": ['"secret" is not a valid choice.']}),
        (
            {"type": "comment", "sender": "generic"},
            {
                "type": [
                    "Anything that can POST does not tell comments: choose another listener type."
                ]
            },
        ),
        (
            {"type": "custom_data", "data_expression": "a..b"},
            {
                "data_expression": [
                    "This is no JMESPath expression: “.” at position 3 does not fit. Names with "
                    "other characters than letters, digits and _ need double quotes."
                ]
            },
        ),
    ],
)
def test_a_listener_that_cannot_be_is_refused_at_its_field(call, body, change, problems):
    answer = call("POST", "listeners/", body | change)

    assert (answer.status_code, answer.json()) == (400, problems)
    assert not ExternalListener.objects.exists()


def test_a_status_of_another_project_is_not_protected(call, gamma, body, close):
    status = Status.objects.in_project(gamma).first()

    answer = call(
        "POST", "listeners/", body | {"macro": close.pk, "protected_statuses": [status.pk]}
    )

    assert answer.json() == {
        "protected_statuses": [f"There is no status {status.pk} in this project that is offered."]
    }


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"type": "comment", "comment_exposure": "public", "when": "any"},
            {"type": "comment", "comment_exposure": "public", "when": "commented"},
        ),
        (
            {"type": "custom_data", "data_name": "Jira", "data_expression": "issue.fields"},
            {"type": "custom_data", "data_name": "jira", "data_expression": "issue.fields"},
        ),
    ],
)
def test_another_type_lets_go_of_what_only_macros_have(call, path, beta, fields, told):
    call("PATCH", path, {"protected_statuses": [beta.closed.pk]})

    answer = call("PATCH", path, fields)

    empty = {"macro": None, "status_table": [], "protected_statuses": []}
    assert (told | empty).items() <= answer.json().items()
    assert kept() == []


def test_another_row_is_another_state(call, path, rows):
    before = call("GET", path).headers["ETag"]

    StatusRow.objects.filter(order=2).update(resolution="Duplicate")
    changed = call("GET", path).headers["ETag"]
    refused = call("PATCH", path, {"name": "Mine"}, headers={"If-Match": before})
    turned = call("PATCH", path, {"status_table": rows[::-1][1:]}, headers={"If-Match": changed})

    assert before != changed
    assert refused.status_code == 412
    assert turned.status_code == 200
    assert turned.headers["ETag"] not in (before, changed)


def test_another_protected_status_is_another_state(call, path, beta):
    before = call("GET", path).headers["ETag"]

    changed = call("PATCH", path, {"protected_statuses": [beta.closed.pk]})

    assert changed.headers["ETag"] != before
    assert call("GET", path, headers={"If-None-Match": before}).status_code == 200


def test_a_list_costs_as_many_queries_with_many_rows(
    call, beta, rows, path, django_assert_max_num_queries
):
    for number in range(20):
        listener = make_listener(beta, None, key=f"key{number}")
        listener.status_rows.create(status="Done", macro_id=rows[0]["macro"])
        listener.protected_statuses.add(beta.closed)

    with django_assert_max_num_queries(12):
        answer = call("GET", "listeners/")

    assert answer.json()["count"] == 21


# What is in use is not deleted


def test_a_macro_of_a_row_is_not_deleted(call, path, rows):
    answer = call("DELETE", f"macros/{rows[0]['macro']}/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")
    assert answer.json()["detail"] == (
        "“Start work” is used by Listener “Jira follows” (its status table: In Progress). "
        "Archive it instead."
    )


def test_a_protected_status_is_not_deleted(call, beta, listener):
    spare = Status.objects.create(workflow=beta.workflow, name="Spare", order=9)
    listener.protected_statuses.add(spare)

    answer = call("DELETE", f"statuses/{spare.pk}/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")
    assert answer.json()["detail"].startswith("“Spare” is used by Listener “Jira closed”.")
    assert Status.objects.filter(pk=spare.pk).exists()


def test_a_listener_goes_with_its_rows(call, path):
    answer = call("DELETE", path)

    assert answer.status_code == 204
    assert kept() == []
