"""Macros: their actions are checked by the same forms as in the browser."""

from __future__ import annotations

import pytest

from automation.models import Macro, MacroActionUse
from feedback.models import FeedbackType
from tests.conftest import make_listener

NO_CHOICE = "Select a valid choice. {} is not one of the available choices."
COMMENT = {"kind": "add_comment", "params": {"body": "Mended.", "exposure": "public"}}


@pytest.fixture
def move(beta):
    return {
        "kind": "adjust_workflow",
        "params": {
            "team": beta.support.pk,
            "workflow": beta.workflow.pk,
            "status": beta.closed.pk,
        },
    }


@pytest.fixture
def body(beta, move):
    return {"feedback_type": beta.bugs.pk, "name": "Close", "actions": [move, COMMENT]}


def test_a_macro_is_made_read_and_run(call, beta, body, send):
    made = call("POST", "macros/", body)
    listener = make_listener(beta, Macro.objects.get())
    send(listener, find="BUG-0001")

    assert made.status_code == 201, made.content
    assert made.json() == body | {"id": made.json()["id"], "project": "beta", "archived": False}
    assert call("GET", f"macros/{made.json()['id']}/").json() == made.json()
    beta.ticket.refresh_from_db()
    assert (beta.ticket.status, beta.ticket.comments.get().body) == (beta.closed, "Mended.")


def test_its_actions_are_replaced_as_a_whole(call, body):
    path = f"macros/{call('POST', 'macros/', body).json()['id']}/"

    answer = call("PATCH", path, {"actions": [COMMENT]})

    assert answer.json()["actions"] == [COMMENT]
    assert answer.json()["name"] == "Close"
    assert not MacroActionUse.objects.exists()


def test_without_actions_a_change_leaves_them_alone(call, body):
    path = f"macros/{call('POST', 'macros/', body).json()['id']}/"

    answer = call("PATCH", path, {"name": "Shut", "archived": True})

    assert (answer.json()["name"], answer.json()["archived"]) == ("Shut", True)
    assert answer.json()["actions"] == body["actions"]


def test_what_was_read_can_be_sent_back(call, body):
    made = call("POST", "macros/", body)

    answer = call("PUT", f"macros/{made.json()['id']}/", made.json())

    assert (answer.status_code, answer.json()) == (200, made.json())


@pytest.mark.parametrize(
    ("action", "problems"),
    [
        (
            {"kind": "add_coment", "params": {}},
            {"kind": ["There is no action “add_coment”. Did you mean “add_comment”?"]},
        ),
        (
            {"kind": "add_comment", "params": {"body": "x", "exposure": "public", "bdy": 1}},
            {"params": ["Add Comment has no setting “bdy”. Did you mean “body”?"]},
        ),
        ({"kind": "add_comment"}, {"params": {"body": ["This field is required."]}}),
        (
            {"kind": "add_comment", "params": {"body": "x", "exposure": "all"}},
            {"params": {"exposure": [NO_CHOICE.format("all")]}},
        ),
        ({"params": {}}, {"kind": ["This field is required."]}),
        ({"kind": 5}, {"kind": ["Not a valid string."]}),
        (
            {"kind": "add_comment", "parms": {}},
            {"parms": ["There is no field “parms”. Did you mean “params”?"]},
        ),
        (
            {"kind": "add_comment", "params": []},
            {"params": ['Expected a dictionary of items but got type "list".']},
        ),
    ],
)
def test_an_error_points_at_the_action_and_its_field(call, body, move, action, problems):
    answer = call("POST", "macros/", body | {"actions": [move, action]})

    assert answer.status_code == 400
    told = answer.json()["actions"]
    told = told if isinstance(told, list) else [{}, told["1"]]
    assert told[0] == {}
    assert {*told[1]} == {*problems}
    for name, problem in problems.items():
        assert {*_texts(problem)} <= {*_texts(told[1][name])}
    assert not Macro.objects.exists()


def _texts(problem):
    if isinstance(problem, dict):
        return [text for inner in problem.values() for text in _texts(inner)]
    return problem


@pytest.mark.parametrize("value", [[1], {"id": 1}, "x" * 30, 10**30, -1, 0, None, True, 1.5, ""])
@pytest.mark.parametrize("name", ["team", "workflow", "status"])
def test_a_row_that_is_none_is_refused_at_its_setting(call, body, move, name, value):
    move["params"][name] = value

    answer = call("POST", "macros/", body | {"actions": [move]})

    assert answer.status_code == 400
    assert name in str(answer.json()["actions"])
    assert not Macro.objects.exists()


def test_a_status_of_another_workflow_or_project_is_refused(call, beta, gamma, body, move):
    workflow = gamma.workflows.get()
    strange = {
        "kind": "adjust_workflow",
        "params": {
            "team": gamma.teams.first().pk,
            "workflow": workflow.pk,
            "status": workflow.statuses.first().pk,
        },
    }

    answer = call("POST", "macros/", body | {"actions": [strange]})

    assert answer.status_code == 400
    (told,) = answer.json()["actions"]
    assert {*told["params"]} == {"team", "workflow", "status"}


@pytest.mark.parametrize(
    ("actions", "problem"),
    [
        ([], "This list may not be empty."),
        ({}, "Expected a list of items"),
        ("add_comment", "Expected a list of items"),
        (["add_comment"], "Expected a dictionary"),
        ([COMMENT] * 51, "Ensure this field has no more than 50 elements."),
        ([COMMENT, COMMENT], "“Add Comment” stands there twice: a macro does it once."),
    ],
)
def test_actions_that_cannot_be_are_refused(call, body, actions, problem):
    answer = call("POST", "macros/", body | {"actions": actions})

    assert (answer.status_code, [*answer.json()]) == (400, ["actions"])
    assert problem in str(answer.json())
    assert not Macro.objects.exists()


def test_a_refused_change_changes_nothing(call, body):
    made = call("POST", "macros/", body).json()

    answer = call("PATCH", f"macros/{made['id']}/", {"name": "Shut", "actions": [{"kind": "x"}]})

    assert answer.status_code == 400
    assert call("GET", f"macros/{made['id']}/").json() == made


def test_a_name_is_used_once_in_a_type(call, beta, body):
    call("POST", "macros/", body)

    twin = call("POST", "macros/", body | {"name": "CLOSE"})
    elsewhere = call("POST", "macros/", body | {"feedback_type": beta.suggestions.pk})

    assert (twin.status_code, twin.json()) == (
        400,
        {"name": ["The type has a macro of this name: choose another."]},
    )
    assert elsewhere.status_code == 201


def test_a_macro_stays_with_its_type(call, beta, body):
    made = call("POST", "macros/", body).json()

    answer = call("PATCH", f"macros/{made['id']}/", {"feedback_type": beta.suggestions.pk})

    assert (answer.status_code, answer.json()) == (
        400,
        {"feedback_type": ["This cannot be changed any more: make a new one instead."]},
    )


def test_a_macro_that_a_listener_runs_is_not_deleted(call, listener):
    answer = call("DELETE", f"macros/{listener.macro_id}/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")
    assert "Jira closed" in answer.json()["detail"]
    assert Macro.objects.exists()


@pytest.mark.parametrize("role", ["support", "observer", "participant"])
def test_only_who_manages_sees_and_makes_macros(signed_in, beta, close, body, role):
    person = signed_in(role)

    answers = [person("GET", f"macros/{close.pk}/"), person("POST", "macros/", body)]

    assert answers[0].status_code == 404
    assert answers[1].status_code in (400, 403)
    assert person("GET", "macros/").json()["count"] == 0
    assert Macro.objects.count() == 1


def test_a_manager_makes_none_in_a_project_that_is_not_seen(signed_in, gamma, body):
    bugs = FeedbackType.objects.get(project=gamma, prefix="BUG")

    answer = signed_in("manager")("POST", "macros/", body | {"feedback_type": bugs.pk})

    assert (answer.status_code, [*answer.json()]) == (400, ["feedback_type"])


def test_the_kinds_of_actions_are_a_plain_array_with_schemas(call):
    kinds = call("GET", "macros/actions/").json()

    assert [(kind["kind"], kind["label"]) for kind in kinds] == [
        ("adjust_workflow", "Adjust Workflow"),
        ("set_field", "Set a Form Field"),
        ("add_comment", "Add Comment"),
    ]
    params = kinds[0]["params"]
    assert params["required"] == [*params["properties"]] == ["team", "workflow", "status"]
    assert {each["type"] for each in params["properties"].values()} == {"integer"}
    assert params["additionalProperties"] is False
