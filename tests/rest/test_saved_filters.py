"""Saved filters: each group is checked, and what is wrong is said group by group."""

from __future__ import annotations

import pytest

from feedback.models import SavedFilter, Tag
from tests.conftest import narrow_listener

NO_CHOICE = "Select a valid choice. {} is not one of the available choices."
EMPTY = "A group of a filter needs at least one field and its values."


@pytest.fixture
def save(call, beta):
    def save(*groups):
        body = {"feedback_type": beta.bugs.pk, "name": "Mine", "groups": [*groups]}
        return call("POST", "saved-filters/", body)

    return save


def test_a_filter_is_kept_with_its_rows_by_id(call, beta, save):
    Tag.objects.create(project=beta.project, name="Known")

    answer = save(
        {"status": ["new", beta.open.pk, "new"], "tags__not": "known", "blocking": False},
        {"created_after": "2026-01-31", "search": ["lens"], "submitter": ["ada"]},
    )

    assert answer.status_code == 201, answer.content
    assert answer.json()["groups"] == [
        {
            "status": [beta.new.pk, beta.open.pk],
            "tags__not": [Tag.objects.get().pk],
            "blocking": [False],
        },
        {"created_after": ["2026-01-31"], "search": ["lens"], "submitter": [beta.ada.pk]},
    ]
    path = f"saved-filters/{answer.json()['id']}/"
    assert call("PUT", path, answer.json()).json() == answer.json()


@pytest.mark.parametrize(
    ("group", "problems"),
    [
        (
            {"staus": [1]},
            {"staus": ["There is no field “staus” to filter by. Did you mean “status”?"]},
        ),
        ({"project": ["beta"]}, {"project": ["There is no field “project” to filter by."]}),
        ({}, {"non_field_errors": [EMPTY]}),
        (
            {"status": ["Nwe"], "blocking": "maybe"},
            {
                "status": ["Select a valid choice. Nwe is not one of the available choices."],
                "blocking": ["Select a valid choice. maybe is not one of the available choices."],
            },
        ),
        ({"status": []}, {"status": ["choose at least one value, or leave it out."]}),
        ({"status": None}, {"status": ["choose at least one value, or leave it out."]}),
        ({"search": ["a", "b"]}, {"search": ["give one value only."]}),
        ({"search": {"a": 1}}, {"search": ["a value is text, a number, or true or false."]}),
        ({"search": [None]}, {"search": ["a value is text, a number, or true or false."]}),
        ({"search": [["a"]]}, {"search": ["a value is text, a number, or true or false."]}),
        (
            {"search": "x" * 100_000},
            {"search": ["Ensure this value has at most 200 characters (it has 100000)."]},
        ),
        ({"tags": ["x" * 100_000]}, {"tags": [NO_CHOICE.format("x" * 100)]}),
        ({"created_after": "31.1.2026"}, {"created_after": ["Enter a valid date."]}),
        ({"status": [1] * 201}, {"status": ["Give at most 200 values."]}),
        ({"status": [10**30]}, {"status": [NO_CHOICE.format(10**30)]}),
    ],
)
def test_an_error_points_at_the_group_and_its_field(save, group, problems):
    answer = save({"blocking": "true"}, group)

    assert answer.status_code == 400
    assert answer.json() == {"groups": [{}, problems]}
    assert not SavedFilter.objects.exists()


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ([], "This list may not be empty."),
        ({}, "Expected a list of items"),
        ("status", "Expected a list of items"),
        ([[]], "Expected a dictionary of items"),
        ([{"blocking": True}] * 51, "Ensure this field has no more than 50 elements."),
    ],
)
def test_groups_that_cannot_be_are_refused(call, beta, groups, problem):
    body = {"feedback_type": beta.bugs.pk, "name": "Mine", "groups": groups}

    answer = call("POST", "saved-filters/", body)

    assert (answer.status_code, [*answer.json()]) == (400, ["groups"])
    assert problem in str(answer.json())


def test_as_many_groups_as_there_may_be_still_find_tickets(call, save):
    saved = save(*[{"blocking": "false"}] * 50)

    answer = call("GET", "tickets/", filter=saved.json()["id"])

    assert answer.json()["count"] == 1


def test_a_row_of_another_project_is_no_value(save, gamma):
    answer = save({"team": [gamma.teams.first().pk]})

    assert answer.status_code == 400
    assert [*answer.json()["groups"][0]] == ["team"]


def test_a_name_is_used_once_in_a_type(call, beta, save):
    save({"blocking": "true"})

    twin = save({"blocking": "false"})

    assert (twin.status_code, twin.json()) == (
        400,
        {"name": ["The type has a filter of this name: choose another."]},
    )


def test_a_refused_change_changes_nothing(call, save):
    made = save({"blocking": "true"}).json()
    path = f"saved-filters/{made['id']}/"

    answer = call("PATCH", path, {"name": "Renamed", "groups": [{"nonsense": 1}]})

    assert answer.status_code == 400
    assert call("GET", path).json() == made


def test_a_filter_is_renamed_and_archived(call, save):
    made = save({"blocking": "true"}).json()

    answer = call("PATCH", f"saved-filters/{made['id']}/", {"name": "Yours", "archived": True})

    assert answer.json() == made | {"name": "Yours", "archived": True}


def test_a_filter_that_a_listener_uses_is_not_deleted(call, beta, listener):
    saved = narrow_listener(listener, "New", status=[beta.new.pk])

    answer = call("DELETE", f"saved-filters/{saved.pk}/")
    status = call("DELETE", f"statuses/{beta.new.pk}/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")
    assert "Jira closed" in answer.json()["detail"]
    assert "Saved filter “New”" in status.json()["detail"]


@pytest.mark.parametrize(
    ("role", "codes"),
    [("support", [200, 403]), ("observer", [200, 403]), ("participant", [404, 404])],
)
def test_insiders_see_filters_and_managers_change_them(signed_in, save, role, codes):
    path = f"saved-filters/{save({'blocking': 'true'}).json()['id']}/"
    person = signed_in(role)

    answers = [person("GET", path), person("PATCH", path, {"name": "x"})]

    assert [answer.status_code for answer in answers] == codes


def test_a_filter_that_no_longer_works_can_still_be_archived(call, beta):
    saved = SavedFilter.objects.create(
        feedback_type=beta.bugs, name="Stale", groups=[{"status": [10**9]}]
    )

    answer = call("PATCH", f"saved-filters/{saved.pk}/", {"archived": True})

    assert (answer.status_code, answer.json()["archived"]) == (200, True)
