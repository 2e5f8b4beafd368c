"""Macros: their actions are checked by the same forms as in the browser."""

from __future__ import annotations

import pytest
from django.forms import DateField

from automation.actions import ACTIONS
from automation.actions.base import ActionForm
from automation.macros import save_macro
from automation.models import Macro, MacroActionUse, MacroSecret
from automation.params_schema import of_another_type, params_schema
from feedback.models import FeedbackType
from feedback.services import tags_named
from tests.conftest import add_field, closing_macro, make_listener

NO_CHOICE = "Select a valid choice. {} is not one of the available choices."
BLOCK = {"kind": "set_blocking", "params": {"blocking": True}}
OPTIONS = {"enabled": True, "once_per_ticket": False, "ask_first": False, "archived": False}
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
    assert made.json() == body | OPTIONS | {"id": made.json()["id"], "project": "beta"}
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


def test_its_options_are_set_and_a_program_is_not_asked(call, beta, close):
    path = f"macros/{close.pk}/"

    answer = call("PATCH", path, {"once_per_ticket": True, "ask_first": True})
    runs = [call("POST", f"{path}run/", {"ticket": beta.ticket.pk}).json() for _ in range(2)]
    off = call("PATCH", path, {"enabled": False})
    refused = call("POST", f"{path}run/", {"ticket": beta.ticket.pk}).json()

    assert (answer.json()["once_per_ticket"], answer.json()["ask_first"]) == (True, True)
    assert [run["reason"] for run in runs] == ["applied", "ran_before"]
    assert (off.json()["enabled"], off.json()["once_per_ticket"]) == (False, True)
    assert refused["reason"] == "macro_off"


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
            {"params": {"bdy": ["There is no setting “bdy”. Did you mean “body”?"]}},
        ),
        (
            {"kind": "add_comment"},
            {"params": {name: ["This field is required."] for name in ("body", "exposure")}},
        ),
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
    assert answer.json() == {"actions": [{}, problems]}
    assert not Macro.objects.exists()


@pytest.mark.parametrize("value", [[1], {"id": 1}, "x" * 30, 10**30, -1, 0, True, 1.5, ""])
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
        ([BLOCK, BLOCK], "“Set Blocking” stands there twice: a macro does it once."),
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

    known = {kind["kind"]: kind for kind in kinds}
    assert known["adjust_workflow"]["label"] == "Adjust Workflow"
    told = [known[kind][name] for kind in ("link", "add_note") for name in ("group", "repeatable")]
    assert told == ["outside", True, "submitter", True]
    params = known["adjust_workflow"]["params"]
    assert [*params["properties"]] == ["team", "workflow", "status"]
    assert {each["type"] for each in params["properties"].values()} == {"integer"}
    assert params["additionalProperties"] is False
    assert known["add_comment"]["params"]["required"] == ["body", "exposure"]


# Every action


def of_everything(beta):
    (hot,) = tags_named(beta.project, ["hot"])
    inner = closing_macro(beta, name="Inner")
    severity = add_field(beta.bugs, "Severity")
    return {
        "adjust_workflow": {"team": None, "workflow": None, "status": beta.closed.pk},
        "set_field": {"field": severity.pk, "value": "{{ ticket.type }}"},
        "set_blocking": {"blocking": False},
        "set_exposure": {"exposure": "internal"},
        "add_tags": {"tags": [hot.pk], "names": "{{ ticket.type }}"},
        "remove_tags": {"tags": [], "names": "old"},
        "add_comment": {"body": "Hi", "exposure": "public"},
        "adjust_score": {"points_how": "add", "points": 5, "score_how": "", "score": None},
        "add_note": {"body": "Good."},
        "adjust_team_membership": {"change": "add", "team": beta.support.pk},
        "link": {"system": "jira", "remote_key": "A-1", "remote_id": "", "url": ""},
        "unlink": {"system": "jira", "remote_key": ""},
        "send_email": {
            "to": ["submitter"],
            "addresses": "",
            "subject": "Hi",
            "text": "Hello",
            "sending": "each",
        },
        "call_webhook": {
            "method": "POST",
            "url": "https://a.example/",
            "headers": "",
            "secret": "",
            "body": "",
            "keep": "severity = a",
        },
        "run_macro": {"macro": inner.pk},
    }


def with_action(beta, action):
    return {"feedback_type": beta.bugs.pk, "name": "It", "actions": [action]}


def test_every_action_is_kept_as_it_was_given_and_can_be_sent_back(call, beta):
    actions = [{"kind": kind, "params": params} for kind, params in of_everything(beta).items()]
    body = {"feedback_type": beta.bugs.pk, "name": "Everything", "actions": actions}

    made = call("POST", "macros/", body)
    again = call("PUT", f"macros/{made.json()['id']}/", made.json())

    assert made.status_code == 201, made.content
    assert [each["kind"] for each in actions] == [*ACTIONS]
    assert made.json()["actions"] == again.json()["actions"] == actions


def test_what_may_be_left_out_may_be_left_out(call, beta):
    actions = [
        {
            "kind": kind,
            "params": {name: value for name, value in params.items() if value or value is False},
        }
        for kind, params in of_everything(beta).items()
    ]
    body = {"feedback_type": beta.bugs.pk, "name": "Everything", "actions": actions}

    answer = call("POST", "macros/", body)

    assert answer.status_code == 201, answer.content


@pytest.mark.parametrize(
    ("kind", "name", "value", "problem"),
    [
        ("set_blocking", "blocking", "true", "Give true or false."),
        ("set_blocking", "blocking", None, "Give true or false."),
        ("add_tags", "tags", 1, "Give a list."),
        ("add_tags", "tags", ["hot"], "Give the id, a number."),
        ("add_tags", "tags", [True], "Give the id, a number."),
        ("add_tags", "tags", [1] * 201, "Give at most 200."),
        ("add_tags", "names", ["hot"], "Give text."),
        ("adjust_score", "points", "5", "Give a whole number."),
        ("adjust_score", "points", True, "Give a whole number."),
        ("adjust_score", "points", 1.5, "Give a whole number."),
        ("send_email", "to", "submitter", "Give a list."),
        ("send_email", "to", [1], "Give text."),
        ("send_email", "to", ["everybody"], "Select a valid choice. everybody is not one of"),
        ("run_macro", "macro", "Inner", "Give the id, a number."),
    ],
)
def test_a_value_of_another_type_is_refused_at_its_setting(call, beta, kind, name, value, problem):
    params = of_everything(beta)[kind] | {name: value}
    body = with_action(beta, {"kind": kind, "params": params})

    answer = call("POST", "macros/", body)

    assert answer.status_code == 400
    assert problem in answer.json()["actions"][0]["params"][name][0]


def test_no_macro_makes_a_project_manager(call, beta):
    params = {"change": "add", "team": beta.managers.pk}
    action = {"kind": "adjust_team_membership", "params": params}

    answer = call("POST", "macros/", with_action(beta, action))

    assert answer.status_code == 400
    assert "is a team of project managers" in answer.json()["actions"][0]["params"]["team"][0]
    assert not Macro.objects.exists()


def test_a_secret_is_taken_once_and_stands_for_itself_then(call, beta):
    params = of_everything(beta)["call_webhook"]
    params |= {"headers": "Authorization: Bearer {{ secret }}", "secret": "swordfish"}
    action = {"kind": "call_webhook", "params": params}
    made = call("POST", "macros/", with_action(beta, action))
    path = f"macros/{made.json()['id']}/"

    same = call("PUT", path, made.json())
    (kept,) = same.json()["actions"]
    elsewhere = call(
        "PATCH",
        path,
        {"actions": [kept | {"params": kept["params"] | {"url": "https://b.example/"}}]},
    )

    assert "swordfish" not in (made.content + same.content + elsewhere.content).decode()
    assert kept["params"]["secret"].startswith("kept:")
    assert (same.status_code, elsewhere.status_code) == (200, 400)
    assert [*elsewhere.json()["actions"][0]["params"]] == ["secret"]
    assert MacroSecret.objects.get().value == "swordfish"


def test_what_is_about_no_setting_alone_is_named_so(call, beta):
    action = {"kind": "add_tags", "params": {}}

    answer = call("POST", "macros/", with_action(beta, action))

    assert answer.json() == {
        "actions": [{"params": {"non_field_errors": ["Choose a tag, or name one."]}}]
    }


def test_a_macro_that_another_runs_is_not_deleted(call, beta):
    params = of_everything(beta)["run_macro"]
    save_macro(Macro(feedback_type=beta.bugs, name="Outer"), [("run_macro", params)])

    answer = call("DELETE", f"macros/{params['macro']}/")

    assert answer.status_code == 409
    assert "Macro “Outer”" in answer.json()["detail"]


def test_a_day_would_be_text_in_the_schema():
    form = type("Form", (ActionForm,), {"day": DateField(required=False)})

    assert params_schema(form)["properties"]["day"] == {
        "type": "string",
        "format": "date",
        "nullable": True,
    }
    assert of_another_type(form, {"day": 5}) == {"day": ["Give text."]}
