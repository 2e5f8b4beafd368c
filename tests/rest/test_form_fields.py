"""Form fields by REST, and what tickets have for them."""

from __future__ import annotations

import pytest

from feedback.models import FormField, SavedFilter, Ticket
from feedback.services import change_ticket, submit_ticket
from tests.conftest import add_field


@pytest.fixture
def severity(beta):
    return add_field(
        beta.bugs, "Severity", "choice", public_label="How bad?", choices=["Low", "High"]
    )


@pytest.fixture
def cause(beta):
    return add_field(beta.bugs, "Root cause", "text", public=False)


@pytest.fixture
def body(beta):
    return {"feedback_type": beta.bugs.pk, "label": "Severity", "kind": "choice"}


# Form fields


def test_a_field_is_made_listed_changed_and_deleted(call, beta, body):
    made = call("POST", "form-fields/", body | {"choices": ["Low", "High"]})

    assert made.status_code == 201
    assert made.json() == {
        "id": made.json()["id"],
        "project": "beta",
        "feedback_type": beta.bugs.pk,
        "key": "severity",
        "label": "Severity",
        "public_label": "",
        "kind": "choice",
        "choices": ["Low", "High"],
        "archived_choices": [],
        "highest": 5,
        "required": False,
        "help": "",
        "public": True,
        "order": 0,
        "archived": False,
        "value_schema": {"type": "string", "enum": ["Low", "High"]},
    }
    own = f"form-fields/{made.json()['id']}/"
    changed = call("PATCH", own, {"choices": ["High"], "archived_choices": ["Low"], "order": 7})
    assert (changed.status_code, changed.json()["choices"]) == (200, ["High"])
    listed = call("GET", "form-fields/", project="beta", feedback_type="Bugs", key="SEVERITY")
    assert [row["order"] for row in listed.json()["results"]] == [7]
    assert call("DELETE", own).status_code == 204
    assert not FormField.objects.exists()


def test_fields_come_in_their_order(call, beta):
    for label in ("One", "Two"):
        add_field(beta.bugs, label)
    FormField.objects.filter(key="one").update(order=5)

    answers = [call("GET", "form-fields/", **query) for query in ({}, {"ordering": "-key"})]

    keys = [[row["key"] for row in answer.json()["results"]] for answer in answers]
    assert keys == [["two", "one"], ["two", "one"]]


@pytest.mark.parametrize(
    ("more", "problems"),
    [
        ({}, {"choices": ["Give at least one choice."]}),
        ({"kind": "colour"}, {"kind": ['"colour" is not a valid choice.']}),
        (
            {"kind": "text", "choices": ["A"]},
            {"choices": ["A field of the kind “text” has no choices: leave this empty."]},
        ),
        ({"choices": "A"}, {"choices": ['Expected a list of items but got type "str".']}),
        ({"choices": ["A", 5]}, {"choices": {"1": ["Not a valid string."]}}),
        (
            {"choices": ["A\nB"]},
            {"choices": ["A choice is one line of text, without space around it."]},
        ),
        (
            {"choices": ["A"], "archived_choices": ["a"]},
            {"archived_choices": ["“a” stands there twice, or in both lists: keep it once."]},
        ),
        (
            {"choices": ["A"], "key": "Bad-Key"},
            {
                "key": [
                    "Use small letters and digits, with single “_” between them, and begin with a "
                    "letter."
                ]
            },
        ),
        ({"choise": ["A"]}, {"choise": ["There is no field “choise”. Did you mean “choices”?"]}),
        (
            {"choices": ["A"], "highest": 99},
            {"highest": ["Ensure this value is less than or equal to 10."]},
        ),
    ],
)
def test_what_is_wrong_is_told_by_name(call, body, more, problems):
    answer = call("POST", "form-fields/", body | more)

    assert (answer.status_code, answer.json()) == (400, problems)
    assert not FormField.objects.exists()


def test_names_are_taken_once(call, body, severity):
    same = body | {"choices": ["A"]}

    answers = [
        call("POST", "form-fields/", same | more).json()
        for more in ({}, {"key": "severity", "label": "Other"}, {"label": "Severity!"})
    ]

    assert answers[:2] == [
        {"label": ["The type has a field with this label: choose another."]},
        {"key": ["The type has a field with this key: choose another."]},
    ]
    assert answers[2]["key"] == "severity_2"


@pytest.mark.parametrize("more", [{"kind": "text"}, {"key": "other"}])
def test_key_and_kind_never_change(call, severity, more):
    answer = call("PATCH", f"form-fields/{severity.pk}/", more)

    problem = ["This cannot be changed any more: make a new one instead."]
    assert (answer.status_code, answer.json()) == (400, dict.fromkeys(more, problem))


def test_what_is_in_use_stays(call, beta, severity):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    own = f"form-fields/{severity.pk}/"

    deleted, changed = call("DELETE", own), call("PATCH", own, {"choices": ["Low"]})

    assert (deleted.status_code, deleted.json()["detail"]) == (
        409,
        "“Severity” is used by BUG-0001. Archive it instead.",
    )
    assert (changed.status_code, changed.json()) == (
        400,
        {
            "choices": [
                "“High” is used by BUG-0001. Archive it instead: it is then no longer offered."
            ]
        },
    )


def test_participants_see_what_they_are_asked_by_its_public_label(signed_in, severity, cause):
    told = {
        role: [(row["key"], row["label"]) for row in answer.json()["results"]]
        for role in ("observer", "participant")
        for answer in [signed_in(role)("GET", "form-fields/")]
    }

    assert told == {
        "observer": [("severity", "Severity"), ("root_cause", "Root cause")],
        "participant": [("severity", "How bad?")],
    }
    assert signed_in("participant")("GET", f"form-fields/{cause.pk}/").status_code == 404


# Values of tickets


def test_a_ticket_is_made_with_values_and_they_are_changed_one_by_one(call, beta, severity, cause):
    new = {"feedback_type": beta.bugs.pk, "summary": "New"}
    made = call("POST", "tickets/", new | {"values": {"severity": "high", "root_cause": ""}})
    own = f"tickets/{made.json()['id']}/"

    assert (made.status_code, made.json()["values"]) == (201, {"severity": "High"})
    changed = call("PATCH", own, {"values": {"root_cause": "Glue"}})
    assert changed.json()["values"] == {"root_cause": "Glue", "severity": "High"}
    emptied = call("PUT", own, new | {"values": {"severity": None}})
    assert emptied.json()["values"] == {"root_cause": "Glue"}
    history = call("GET", f"{own}history/").json()["results"]
    assert [(each["field"], each["before"], each["after"]) for each in history] == [
        ("values.root_cause", None, "Glue"),
        ("values.severity", "High", None),
    ]


def test_what_a_get_tells_can_be_put_back(call, beta, severity, cause):
    change_ticket(beta.ticket, actor="ada", values={"severity": "High", "root_cause": "Glue"})
    FormField.objects.update(archived=True)
    row = call("GET", f"tickets/{beta.ticket.pk}/")

    answer = call(
        "PUT", f"tickets/{beta.ticket.pk}/", row.json(), headers={"If-Match": row.headers["ETag"]}
    )

    assert (answer.status_code, answer.json()["values"]) == (200, row.json()["values"])
    assert answer.headers["ETag"] == row.headers["ETag"]


@pytest.mark.parametrize(
    ("values", "problems"),
    [
        (
            {"severity": "Hihg"},
            {"severity": ["“Hihg” is none of these: Low, High. Did you mean “High”?"]},
        ),
        ({"severity": 1}, {"severity": ["This field takes text."]}),
        (
            {"sevrity": "High", "root_cause": ["x"]},
            {
                "sevrity": ["There is no form field “sevrity” here. Did you mean “severity”?"],
                "root_cause": ["This field takes text."],
            },
        ),
        ([], ['Expected a dictionary of items but got type "list".']),
        (None, ["This field may not be null."]),
    ],
)
def test_what_is_wrong_with_a_value_is_told_at_its_key(
    call, beta, severity, cause, values, problems
):
    new = {"feedback_type": beta.bugs.pk, "summary": "New", "values": values}

    for method, path in (("POST", "tickets/"), ("PATCH", f"tickets/{beta.ticket.pk}/")):
        answer = call(method, path, new)
        assert (answer.status_code, answer.json()) == (400, {"values": problems})
    assert Ticket.objects.get().values == {}


def test_an_archived_field_takes_no_new_value(call, beta, severity):
    FormField.objects.update(archived=True)

    answer = call("PATCH", f"tickets/{beta.ticket.pk}/", {"values": {"severity": "Low"}})

    problem = "This is archived: it is no longer asked for. Leave it as it is."
    assert answer.json() == {"values": {"severity": [problem]}}


def test_a_new_ticket_has_what_is_required_and_a_change_never_empties_it(call, beta, severity):
    FormField.objects.update(required=True)
    new = {"feedback_type": beta.bugs.pk, "summary": "New"}

    answers = [
        call("POST", "tickets/", new),
        call("PATCH", f"tickets/{beta.ticket.pk}/", {"values": {"severity": None}}),
    ]

    missing = {"values": {"severity": ["This is required: give it a value."]}}
    assert [answer.json() for answer in answers[:1]] == [missing]
    assert answers[1].status_code == 200  # it has none, and that stays so
    change_ticket(beta.ticket, actor="ada", values={"severity": "High"})
    emptied = call("PATCH", f"tickets/{beta.ticket.pk}/", {"values": {"severity": None}})
    assert (emptied.status_code, emptied.json()) == (400, missing)
    assert call("PATCH", f"tickets/{beta.ticket.pk}/", {"summary": "Else"}).status_code == 200


def test_participants_give_and_read_what_is_public(signed_in, beta, severity, cause):
    FormField.objects.filter(key="root_cause").update(required=True)
    change_ticket(beta.ticket, actor="ada", values={"severity": "High", "root_cause": "Glue"})
    person = signed_in("participant")
    new = {"feedback_type": beta.bugs.pk, "summary": "New"}

    row = person("GET", f"tickets/{beta.ticket.pk}/").json()
    history = person("GET", f"tickets/{beta.ticket.pk}/history/").json()["results"]
    made = person("POST", "tickets/", new | {"values": {"severity": "Low"}})
    hidden = person("POST", "tickets/", new | {"values": {"root_cause": "x"}})
    unknown = person("POST", "tickets/", new | {"values": {"root_causs": "x"}})

    assert row["values"] == {"severity": "High"}
    assert [each["field"] for each in history] == ["values.severity"]
    assert (made.status_code, made.json()["values"]) == (201, {"severity": "Low"})
    told = {"values": {"root_cause": ["There is no form field “root_cause” here."]}}
    assert hidden.json() == told
    assert unknown.content == hidden.content.replace(b"root_cause", b"root_causs")


def test_a_list_of_tickets_costs_the_same_however_many(
    signed_in, beta, severity, django_assert_max_num_queries
):
    for number in range(20):
        submit_ticket(
            beta.bugs, summary=f"T{number}", submitter=beta.ada, values={"severity": "Low"}
        )
    person = signed_in("participant")

    with django_assert_max_num_queries(12):
        rows = person("GET", "tickets/").json()["results"]

    assert [row["values"] for row in rows[:20]] == [{"severity": "Low"}] * 20


# Filters


@pytest.fixture
def three(beta, severity, cause):
    """BUG-0001 with nothing, BUG-0002 with Low, BUG-0003 with High; SUG-0001 with another High."""
    add_field(beta.suggestions, "Severity", "text")
    for severity_of, cause_of in (("Low", "Glue"), ("High", "Heat")):
        values = {"severity": severity_of, "root_cause": cause_of}
        submit_ticket(beta.bugs, summary=severity_of, submitter=beta.ada, values=values)
    submit_ticket(beta.suggestions, summary="S", submitter=beta.ada, values={"severity": "High"})
    return beta


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ({"field.severity": "high"}, [3]),
        ({"field.severity": ["Low", "High"]}, [2, 3]),
        ({"field.severity__not": "High"}, [1, 2]),
        ({"field.root_cause": "EAT", "status": "New"}, [3]),
        ({"field.root_cause__not": "EAT"}, [1, 2]),
    ],
)
def test_a_list_is_narrowed_by_fields_of_the_type_that_is_named(call, three, query, numbers):
    for named in ({"feedback_type": three.bugs.pk}, {"feedback_type": "bugs", "project": "BETA"}):
        answer = call("GET", "tickets/", **named, **query)

        assert answer.status_code == 200, answer.json()
        refs = [row["ref"] for row in answer.json()["results"]]
        assert sorted(refs) == [f"BUG-{number:04d}" for number in numbers]


WHICH = (
    "Say of which feedback type this is a form field: add feedback_type= with its id, or with its "
    "name beside project=."
)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({}, WHICH),
        ({"project": "beta"}, WHICH),
        ({"feedback_type": "99999"}, WHICH),
        ({"feedback_type": "x" * 300}, WHICH),
    ],
)
def test_it_has_to_be_clear_of_which_type_a_field_is(call, three, query, problem):
    answer = call("GET", "tickets/", **query, **{"field.severity": "High"})

    assert (answer.status_code, answer.json()) == (400, {"field.severity": [problem]})


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        (
            {"field.sevrity": "High"},
            "There is no parameter “field.sevrity” here. Did you mean “field.severity”?",
        ),
        ({"field.severity": "Hihg"}, "“Hihg” is none of these: Low, High. Did you mean “High”?"),
        ({"field.severity": ""}, "This has no value: give it one, or leave it out."),
        ({"field.root_cause": ["a", "b"]}, "Give one value only."),
        ({"field.root_cause__min": "a"}, "There is no parameter “field.root_cause__min” here."),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(call, three, query, problem):
    answer = call("GET", "tickets/", feedback_type=three.bugs.pk, **query)

    [(name, [told])] = answer.json().items()
    assert (answer.status_code, name) == (400, *query)
    assert told.startswith(problem)


def test_participants_filter_by_no_field(signed_in, three):
    person = signed_in("participant")
    known, unknown = (
        person("GET", "tickets/", feedback_type=three.bugs.pk, **{f"field.{name}": "Heat"})
        for name in ("root_cause", "root_causs")
    )

    assert known.status_code == 400
    assert known.content == unknown.content.replace(b"root_causs", b"root_cause")


@pytest.mark.parametrize("path", ["tickets/{}/", "tickets/{}/history/"])
def test_a_ticket_itself_is_not_narrowed(call, three, path):
    answer = call("GET", path.format(three.ticket.pk), **{"field.severity": "High"})

    assert answer.status_code == 400


def test_a_saved_filter_names_fields_and_says_what_is_wrong_by_group(call, three):
    new = {"feedback_type": three.bugs.pk, "name": "Bad"}
    groups = [{"field.severity": "high"}, {"field.root_cause__not": "Glue"}]

    made = call("POST", "saved-filters/", new | {"groups": groups})
    refused = call(
        "POST", "saved-filters/", new | {"name": "Else", "groups": [{"field.sevrity": ["High"]}]}
    )

    assert made.json()["groups"] == [
        {"field.severity": ["High"]},
        {"field.root_cause__not": ["Glue"]},
    ]
    found = call("GET", "tickets/", filter=SavedFilter.objects.get().pk).json()["results"]
    assert sorted(row["ref"] for row in found) == ["BUG-0001", "BUG-0003"]
    assert refused.json() == {
        "groups": [
            {
                "field.sevrity": [
                    "There is no field “field.sevrity” to filter by. Did you mean “field.severity”?"
                ]
            }
        ]
    }
