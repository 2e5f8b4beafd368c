"""Projects and their parts: teams, workflows, statuses, feedback types and tags."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from automation.models import ExternalListener
from feedback.models import FeedbackType, Project, Status, Tag, Team, Workflow
from feedback.services import change_ticket, tags_named
from tests.conftest import make_key


def test_a_new_project_comes_with_teams_a_workflow_and_two_types(call):
    answer = call("POST", "projects/", {"key": "Delta", "name": "Delta"})

    assert answer.status_code == 201, answer.content
    assert answer.json() == {
        "id": Project.objects.get().pk,
        "key": "delta",
        "name": "Delta",
        "archived": False,
    }
    listed = {
        path: [row["name"] for row in call("GET", f"{path}/", project="delta").json()["results"]]
        for path in ("teams", "workflows", "statuses", "feedback-types")
    }
    assert listed == {
        "teams": ["Project Managers", "Beta Support", "Participants"],
        "workflows": ["Default"],
        "statuses": ["New", "Open", "In Progress", "Logged to Jira", "Fixed", "Closed"],
        "feedback-types": ["Bugs", "Suggestions"],
    }


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (
            {"key": "BETA", "name": "Again"},
            {"key": ["Project with this Project key already exists."]},
        ),
        (
            {"key": "no spaces", "name": "x"},
            {
                "key": [
                    "Use small letters, digits, “-” and “_” only, and begin with a letter or a "
                    "digit."
                ]
            },
        ),
        (
            {"key": "x" * 51, "name": "x"},
            {"key": ["Ensure this field has no more than 50 characters."]},
        ),
        (
            {"key": "", "name": " "},
            {"key": ["This field may not be blank."], "name": ["This field may not be blank."]},
        ),
    ],
)
def test_a_project_that_cannot_be_is_not_made(call, beta, body, problems):
    answer = call("POST", "projects/", body)

    assert (answer.status_code, answer.json()) == (400, problems)
    assert Project.objects.count() == 1
    assert Team.objects.count() == 3


def test_a_project_is_named_changed_and_archived_by_its_key(call, beta):
    changed = call("PATCH", "projects/BETA/", {"key": "beta2", "archived": True})

    assert (changed.status_code, changed.json()["key"]) == (200, "beta2")
    assert call("GET", "projects/beta/").status_code == 404
    assert call("GET", "projects/beta2/").json()["archived"] is True


def test_a_project_in_use_is_not_deleted(call, beta):
    answer = call("DELETE", "projects/beta/")

    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")
    detail = answer.json()["detail"]
    assert "“Beta” is used by Project Managers, Beta Support, Participants, Default" in detail
    assert detail.endswith("Archive it instead.")


@pytest.mark.parametrize("role", ["manager", "support", "observer", "participant"])
def test_only_community_managers_make_and_delete_projects(signed_in, role):
    person = signed_in(role)

    answers = [
        person("POST", "projects/", {"key": "delta"}),
        person("DELETE", "projects/beta/"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].json() == {
        "status": "refused",
        "reason": "permission_denied",
        "detail": "You may not do this here: ask who manages it.",
    }


def test_a_key_of_one_project_makes_none_and_sees_no_other(call, beta, gamma):
    bound = make_key(name="B", prefix="b", scopes=["write"], project=beta.project)

    made = call("POST", "projects/", {"key": "d", "name": "D"}, secret=bound.secret)
    listed = call("GET", "projects/", secret=bound.secret)
    other = call("PATCH", "projects/gamma/", {"name": "x"}, secret=bound.secret)

    assert [made.status_code, other.status_code] == [403, 404]
    assert [project["key"] for project in listed.json()["results"]] == ["beta"]


PARTS = {
    "teams": {"project": "beta", "name": "Testers", "kind": "observer"},
    "workflows": {"project": "beta", "name": "Short"},
    "statuses": {"workflow": "{workflow}", "name": "Waiting", "category": "open"},
    "feedback-types": {
        "project": "beta",
        "name": "Ideas",
        "prefix": "ide",
        "default_workflow": "{workflow}",
    },
    "tags": {"project": "beta", "name": "lens"},
}


def filled(body, beta):
    return {
        name: beta.workflow.pk if value == "{workflow}" else value for name, value in body.items()
    }


@pytest.mark.parametrize("path", PARTS)
def test_a_part_is_made_read_changed_and_deleted(signed_in, beta, path):
    manager = signed_in("manager")

    made = manager("POST", f"{path}/", filled(PARTS[path], beta))
    address = f"{path}/{made.json()['id']}/"
    read = manager("GET", address)
    changed = manager("PATCH", address, {"name": "Renamed"})
    replaced = manager("PUT", address, changed.json() | {"name": "Renamed again"})
    deleted = manager("DELETE", address)

    assert made.status_code == 201, made.content
    assert made.json() == read.json()
    assert made.json()["project"] == "beta"
    assert changed.json() == read.json() | {"name": "Renamed"}
    assert replaced.json() == read.json() | {"name": "Renamed again"}
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert manager("GET", address).status_code == 404


@pytest.mark.parametrize("path", [path for path in PARTS if path != "tags"])
def test_a_part_is_archived_and_taken_back(call, beta, path):
    made = call("POST", f"{path}/", filled(PARTS[path], beta))
    address = f"{path}/{made.json()['id']}/"

    archived = call("PATCH", address, {"archived": True})
    listed = call("GET", f"{path}/", archived="true")
    back = call("PATCH", address, {"archived": False})

    assert archived.json()["archived"] is True
    assert [row["id"] for row in listed.json()["results"]] == [made.json()["id"]]
    assert back.json() == made.json()


@pytest.mark.parametrize("path", PARTS)
@pytest.mark.parametrize("role", ["support", "observer", "participant"])
def test_who_does_not_manage_makes_and_changes_no_part(signed_in, beta, path, role):
    person = signed_in(role)
    made = signed_in("manager")("POST", f"{path}/", filled(PARTS[path], beta)).json()
    sees = role != "participant" or path == "feedback-types"

    answers = [
        person("POST", f"{path}/", filled(PARTS[path], beta) | {"name": "Other"}),
        person("PATCH", f"{path}/{made['id']}/", {"name": "Other"}),
        person("DELETE", f"{path}/{made['id']}/"),
    ]

    codes = [answer.status_code for answer in answers]
    assert codes[0] in (400, 403)
    assert codes[1:] == ([403, 403] if sees else [404, 404])


@pytest.mark.parametrize("path", PARTS)
def test_a_name_is_used_once(call, beta, path):
    call("POST", f"{path}/", filled(PARTS[path], beta))
    twin = filled(PARTS[path], beta) | {"name": PARTS[path]["name"].upper()}
    twin |= {"prefix": "IDEA"} if "prefix" in twin else {}

    answer = call("POST", f"{path}/", twin)

    assert (answer.status_code, [*answer.json()]) == (400, ["name"])


@pytest.mark.parametrize("path", PARTS)
def test_a_manager_makes_nothing_in_a_project_that_is_not_seen(signed_in, beta, gamma, path):
    manager = signed_in("manager")
    elsewhere = gamma.workflows.get().pk
    body = PARTS[path] | ({"project": "gamma"} if "project" in PARTS[path] else {})

    answer = manager(
        "POST",
        f"{path}/",
        {name: elsewhere if value == "{workflow}" else value for name, value in body.items()},
    )

    assert answer.status_code == 400
    assert {*answer.json()} <= {"project", "workflow", "default_workflow"}
    assert "you may choose" in str(answer.json())


@pytest.mark.parametrize("path", PARTS)
def test_nothing_moves_to_another_project(call, beta, gamma, path):
    made = call("POST", f"{path}/", filled(PARTS[path], beta)).json()
    move = {"project": "gamma"}
    if path == "statuses":
        move = {"workflow": gamma.workflows.get().pk}

    answer = call("PATCH", f"{path}/{made['id']}/", move)

    assert (answer.status_code, answer.json()) == (
        400,
        {name: ["This cannot be changed any more: make a new one instead."] for name in move},
    )


def test_a_status_may_name_its_project_if_it_is_the_right_one(call, beta, gamma):
    body = {"workflow": beta.workflow.pk, "name": "Waiting"}

    wrong = call("POST", "statuses/", body | {"project": "gamma"})
    right = call("POST", "statuses/", body | {"project": "beta"})

    assert (wrong.status_code, wrong.json()) == (
        400,
        {"project": ["“Default” is one of project “beta”."]},
    )
    assert right.status_code == 201


def test_a_type_has_a_workflow_of_its_own_project(call, beta, gamma):
    body = filled(PARTS["feedback-types"], beta) | {"default_workflow": gamma.workflows.get().pk}

    answer = call("POST", "feedback-types/", body)

    assert (answer.status_code, answer.json()) == (
        400,
        {"default_workflow": ["“Default” is not a workflow of Beta."]},
    )


def test_a_prefix_that_tickets_have_stays(call, beta):
    answer = call("PATCH", f"feedback-types/{beta.bugs.pk}/", {"prefix": "ISSUE"})

    assert (answer.status_code, answer.json()) == (
        400,
        {"prefix": ["Tickets are called BUG-… already: it stays BUG."]},
    )


def test_what_is_archived_is_not_chosen_anew(call, beta):
    Workflow.objects.update(archived=True)
    Project.objects.update(archived=True)

    answers = [
        call("POST", "statuses/", filled(PARTS["statuses"], beta)),
        call("POST", "tags/", PARTS["tags"]),
    ]

    problem = ["This is archived: it is no longer offered. Choose another one."]
    assert [answer.json() for answer in answers] == [{"workflow": problem}, {"project": problem}]


def test_what_was_archived_later_stays_where_it_is_used(call, beta):
    Workflow.objects.update(archived=True)
    path = f"feedback-types/{beta.bugs.pk}/"

    answer = call("PUT", path, call("GET", path).json() | {"name": "Defects"})

    assert (answer.status_code, answer.json()["name"]) == (200, "Defects")


@pytest.mark.parametrize(
    ("path", "users"),
    [
        ("workflows/{workflow}/", "New, Open, In Progress, Logged to Jira, Fixed, Closed"),
        ("statuses/{closed}/", "Macro “Close ticket”"),
        ("statuses/{new}/", "Ticket “BUG-0001”"),
        ("teams/{support}/", "Macro “Close ticket”"),
        ("feedback-types/{type}/", "Ticket “BUG-0001”"),
        ("tags/{tag}/", "Ticket BUG-0001"),
    ],
)
def test_what_is_in_use_is_not_deleted_and_the_users_are_listed(call, beta, listener, path, users):
    (tag,) = tags_named(beta.project, ["lens"])
    change_ticket(beta.ticket, actor="ada", tags=[tag])
    address = path.format(
        workflow=beta.workflow.pk,
        closed=beta.closed.pk,
        new=beta.new.pk,
        support=beta.support.pk,
        type=beta.bugs.pk,
        tag=tag.pk,
    )

    answer = call("DELETE", address)

    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")
    assert users in answer.json()["detail"]
    assert call("GET", address).status_code == 200


# Teams


def test_a_community_manager_says_who_is_in_a_team(signed_in, beta):
    community = signed_in("community")
    User.objects.create_user("eve")
    path = f"teams/{beta.support.pk}/"

    answer = community("PATCH", path, {"members": ["eve", "ada", "eve"]})

    assert answer.status_code == 200, answer.content
    assert answer.json()["members"] == ["ada", "eve"]
    assert community("PATCH", path, {"members": []}).json()["members"] == []


def test_somebody_unknown_joins_no_team(signed_in, beta):
    community = signed_in("community")

    answer = community("PATCH", f"teams/{beta.support.pk}/", {"members": ["ada", "nobody"]})

    assert (answer.status_code, answer.json()) == (
        400,
        {"members": ["There is nobody called “nobody” whom you may name."]},
    )
    assert not beta.support.members.exists()


@pytest.mark.parametrize("change", [{"members": ["ada"]}, {"kind": "project_manager"}])
def test_a_project_manager_does_not_say_who_is_in_a_team(signed_in, beta, change):
    manager = signed_in("manager")

    answer = manager("PATCH", f"teams/{beta.support.pk}/", change | {"name": "Renamed"})

    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "Who is in a team, and what that means, is for community managers to say.",
    )
    beta.support.refresh_from_db()
    assert (beta.support.name, beta.support.kind) == ("Beta Support", "support")
    assert not beta.support.members.exists()


def test_a_project_manager_does_not_learn_of_strangers(signed_in, beta, gamma):
    manager = signed_in("manager")
    path = f"teams/{beta.support.pk}/"

    stranger = manager("PATCH", path, {"members": ["gus"]})
    nobody = manager("PATCH", path, {"members": ["sug"]})

    assert stranger.status_code == nobody.status_code == 400
    assert stranger.json() == {"members": [nobody.json()["members"][0].replace("sug", "gus")]}


def test_a_project_manager_may_send_a_team_back_as_it_was(signed_in, beta):
    manager = signed_in("manager")
    path = f"teams/{beta.participants.pk}/"
    read = manager("GET", path).json()

    answer = manager("PUT", path, read | {"name": "Testers"})

    assert (answer.status_code, answer.json()) == (200, read | {"name": "Testers"})
    assert read["members"] == ["ada"]


def test_a_team_costs_the_same_for_many_members(signed_in, beta, django_assert_max_num_queries):
    community = signed_in("community")
    people = User.objects.bulk_create(User(username=f"p{number:03}") for number in range(300))
    names = [person.username for person in people]

    with django_assert_max_num_queries(20):
        answer = community("PATCH", f"teams/{beta.support.pk}/", {"members": names})

    assert answer.json()["members"] == names


def test_a_part_deleted_takes_nothing_else_along(call, beta, listener):
    before = [model.objects.count() for model in (Status, FeedbackType, Tag, ExternalListener)]

    call("DELETE", f"workflows/{beta.workflow.pk}/")

    assert before == [
        model.objects.count() for model in (Status, FeedbackType, Tag, ExternalListener)
    ]
