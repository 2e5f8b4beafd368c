"""Lists: paged, sorted and narrowed; what is not understood is refused, never ignored."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apikeys.models import APICall
from automation.macros import save_macro
from automation.models import ExternalListener, Macro
from feedback.furnishing import create_project
from feedback.models import (
    FeedbackType,
    Project,
    SavedFilter,
    Status,
    Tag,
    Team,
    TicketData,
    Workflow,
)
from feedback.saved_filters import save_filter
from feedback.services import add_comment, change_ticket, submit_ticket, tags_named
from tests.conftest import link_to_jira, make_key

LISTS = [
    "projects",
    "teams",
    "workflows",
    "statuses",
    "feedback-types",
    "tags",
    "tickets",
    "comments",
    "saved-filters",
    "macros",
    "listeners",
    "deliveries",
    "executions",
    "api-keys",
    "api-calls",
]


def names(answer):
    assert answer.status_code == 200, answer.content
    return [row["name"] for row in answer.json()["results"]]


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_a_page_with_or_without_a_slash(call, beta, path):
    answers = [call("GET", path), call("GET", f"{path}/"), call("HEAD", path)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[0].json().keys() == {"count", "next", "previous", "results"}


@pytest.mark.parametrize("path", ["projects/beta", "tickets/{pk}", "tickets/{pk}/links"])
def test_a_row_has_its_address_with_or_without_a_slash(call, beta, path):
    path = path.format(pk=beta.ticket.pk)

    answers = [call("GET", path), call("GET", f"{path}/")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content or path == "projects/beta"


def test_pages_follow_one_another(call, beta):
    first = call("GET", "statuses/", page_size=4)
    second = call("GET", "statuses/", page_size=4, page=2)

    assert (first.json()["count"], first.json()["previous"]) == (6, None)
    assert first.json()["next"] == "http://testserver/api/v1/statuses/?page=2&page_size=4"
    assert names(first) + names(second) == [
        *("New", "Open", "In Progress", "Logged to Jira"),
        *("Fixed", "Closed"),
    ]
    assert second.json()["next"] is None


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("page", "0", "“0” is no number from 1 on."),
        ("page", "-1", "“-1” is no number from 1 on."),
        ("page", "last", "“last” is no number from 1 on."),
        ("page", "²", "“²” is no number from 1 on."),
        ("page", "9" * 10, "“9999999999” is no number from 1 on."),
        ("page_size", "0", "“0” is no number from 1 to 200."),
        ("page_size", "201", "“201” is no number from 1 to 200."),
        ("page_size", "many", "“many” is no number from 1 to 200."),
        ("ordering", "nam", "These cannot be sorted by “nam”. Did you mean “name”?"),
        ("ordering", "--name", "These cannot be sorted by “--name”. Did you mean “-name”?"),
        ("ordering", "name,", "These cannot be sorted by “”."),
        ("ordering", "name,name", "Name each field once."),
        ("ordering", "name,-name", "Name each field once."),
        ("ordering", "id," * 9999 + "id", "Name each field once."),
        ("workflow", "", "This has no value: give it one, or leave it out."),
        ("project", " ", "This has no value: give it one, or leave it out."),
        ("project", "x" * 101, "Ensure this value has at most 100 characters (it has 101)."),
        ("project", "a\0b", "Null characters are not allowed."),
        (
            "category",
            "newest",
            "Select a valid choice. newest is not one of the available choices.",
        ),
        ("archived", "no", "Select a valid choice. no is not one of the available choices."),
        ("archive", "true", "There is no parameter “archive” here. Did you mean “archived”?"),
        ("colour", "1", "There is no parameter “colour” here."),
    ],
)
def test_a_parameter_that_is_not_understood_is_refused(call, beta, name, value, problem):
    answer = call("GET", "statuses/", **{name: value})

    assert (answer.status_code, answer.json()) == (400, {name: [problem]})


def test_a_parameter_that_comes_twice_is_refused(call, beta):
    answer = call("GET", "statuses/", project=["beta", "gamma"])

    assert (answer.status_code, answer.json()) == (400, {"project": ["Give one value only."]})


def test_so_many_parameters_that_nobody_reads_them_are_refused(call, beta):
    answer = call("GET", "statuses/", **{f"x{number}": "1" for number in range(2000)})

    assert answer.status_code == 400
    assert answer.json()["reason"] == "bad_request"


@pytest.mark.parametrize("path", ["statuses/{pk}/", "tickets/", "macros/actions/"])
def test_where_there_is_nothing_to_narrow_no_parameter_is_known(call, beta, path):
    method = "POST" if path == "tickets/" else "GET"

    answer = call(method, path.format(pk=beta.new.pk), {}, project="beta")

    assert answer.status_code == 400
    assert answer.json() == {"project": ["There is no parameter “project” here."]}


def test_a_page_that_is_not_there_says_so(call, beta):
    answer = call("GET", "statuses/", page=999_999_999)

    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
    assert answer.json()["detail"] == (
        "There is no page 999999999: begin with 1 and follow “next”."
    )


def test_an_unknown_format_is_refused_with_those_that_are_known(call, beta):
    answer = call("GET", "statuses/", format="xml")

    assert (answer.status_code, answer.json()) == (
        400,
        {"format": ["There is no format “xml”: ask for one of json, api."]},
    )


def test_the_id_decides_between_equals(call, beta, gamma):
    ordered = call("GET", "teams/", ordering="-name").json()["results"]

    by_name = [(team["name"], team["id"]) for team in ordered]
    assert by_name == sorted(by_name, key=lambda pair: (pair[0], -pair[1]), reverse=True)


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("projects/", {"key": "BETA"}, ["Beta"]),
        ("projects/", {"name": "gamma"}, ["Gamma"]),
        ("projects/", {"archived": "true"}, []),
        ("projects/", {"project": "BETA"}, ["Beta"]),
        ("projects/", {"ordering": "-key"}, ["Gamma", "Beta"]),
        ("teams/", {"project": "Beta", "kind": "support"}, ["Beta Support"]),
        ("teams/", {"project": "nosuch"}, []),
        ("workflows/", {"project": "beta", "name": "default"}, ["Default"]),
        ("statuses/", {"project": "beta", "category": "done"}, ["Fixed", "Closed"]),
        ("statuses/", {"project": "beta", "name": "in progress"}, ["In Progress"]),
        ("feedback-types/", {"project": "beta", "prefix": "bug"}, ["Bugs"]),
        ("feedback-types/", {"project": "gamma", "ordering": "-prefix"}, ["Suggestions", "Bugs"]),
        ("listeners/", {"project": "beta", "key": "JIRACLOSED"}, ["Jira closed"]),
        ("listeners/", {"macro": "close ticket", "enabled": "true"}, ["Jira closed"]),
        ("listeners/", {"enabled": "false"}, []),
        ("macros/", {"project": "beta", "feedback_type": "bugs"}, ["Close ticket"]),
        ("macros/", {"feedback_type": "Suggestions"}, []),
        ("saved-filters/", {"project": "gamma"}, []),
        ("api-keys/", {"prefix": "SCRIPTS"}, ["Scripts"]),
        ("api-keys/", {"project": "beta"}, []),
        ("api-keys/", {"ordering": "-created_at"}, ["Scripts"]),
    ],
)
def test_a_list_is_narrowed_by_names(call, beta, gamma, listener, path, query, found):
    answer = call("GET", path, **query)

    assert names(answer) == found


@pytest.mark.parametrize("path", ["teams/", "workflows/", "statuses/", "tags/", "tickets/"])
def test_a_row_of_another_project_is_not_there_for_who_does_not_see_it(
    signed_in, gamma, beta, path
):
    manager = signed_in("manager")

    answer = manager("GET", path, project="gamma")

    assert answer.json()["count"] == 0


def furnish(beta, number):
    """One more row of everything, in Beta and in a project of its own."""
    project = create_project(f"p{number}", f"P {number}")
    for bugs in (beta.bugs, FeedbackType.objects.get(project=project, prefix="BUG")):
        Team.objects.create(project=bugs.project, name=f"T {number}", kind="support")
        Workflow.objects.create(project=bugs.project, name=f"W {number}")
        saved = SavedFilter(feedback_type=bugs, name=f"F {number}", groups=[{"blocking": "true"}])
        save_filter(saved)
        comment = [("add_comment", {"body": "Seen", "exposure": "public"})]
        save_macro(Macro(feedback_type=bugs, name=f"M {number}"), comment)
        person = User.objects.create_user(f"u{number}-{bugs.pk}")
        bugs.project.teams.first().members.add(person)
        ticket = submit_ticket(bugs, summary=f"S {number}", submitter=person)
        tags = tags_named(bugs.project, [f"a {number}", "b"])
        change_ticket(ticket, actor="u", tags=tags, blocking=True)
        add_comment(ticket, body="Seen", actor="u", author=person)
    return ExternalListener.objects.create(
        project=beta.project,
        feedback_type=beta.bugs,
        macro=beta.bugs.macros.first(),
        filter=beta.bugs.saved_filters.first(),
        name=f"L {number}",
        key=f"l{number}",
        sender="generic",
        when="any",
    )


@pytest.fixture
def cost(call, send, beta, key):
    """How many queries a list takes, with few rows and with more."""

    def cost(ask, path):
        costs = []
        for number in range(4):
            made = furnish(beta, len(costs) * 10 + number)
            send(made, {"issue": {"key": "X-1"}}, find=f"BUG-{number + 1:04d}")
            make_key(name=f"K {len(costs)} {number}", prefix=f"k{number}", project=beta.project)
            APICall.objects.create(api_key=key.row, method="GET", path="/", status_code=200)
            if number in (1, 3):
                with CaptureQueriesContext(connection) as queries:
                    assert ask("GET", path).status_code == 200
                costs.append(len(queries))
        return costs

    return cost


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_for_many_rows(call, cost, path):
    few, more = cost(call, f"{path}/")

    assert few == more <= 10


@pytest.mark.parametrize("role", ["manager", "participant"])
@pytest.mark.parametrize("path", ["tickets/", "comments/"])
def test_a_list_costs_the_same_for_people_too(signed_in, cost, path, role):
    few, more = cost(signed_in(role), path)

    assert few == more <= 10


@pytest.mark.parametrize("below", ["links", "comments", "data", "history"])
def test_what_belongs_to_a_ticket_is_paged_at_a_constant_cost(call, beta, below):
    path = f"tickets/{beta.ticket.pk}/{below}/"
    costs = []

    for number in range(3):
        link_to_jira(beta.ticket, f"S-{number}", f"{number}")
        add_comment(beta.ticket, body="Seen", actor="u", author=beta.ada)
        TicketData.objects.create(ticket=beta.ticket, name=f"n{number}", content={"a": 1})
        with CaptureQueriesContext(connection) as queries:
            answer = call("GET", path)
        costs.append(len(queries))

    assert answer.json()["count"] == 3
    assert costs[0] == costs[2] <= 8
    assert len(call("GET", path, page_size=2).json()["results"]) == 2
    assert call("GET", path, colour=1).status_code == 400


def test_a_list_below_a_ticket_that_is_not_seen_is_not_there(signed_in, gamma, beta):
    hidden = FeedbackType.objects.get(project=gamma, prefix="BUG").tickets.get()
    manager = signed_in("manager")

    answers = [
        manager("GET", f"tickets/{hidden.pk}/{below}")
        for below in ("", "links", "comments", "data", "history")
    ]

    assert {answer.status_code for answer in answers} == {404}


def test_rows_are_there_to_be_counted(call, beta):
    counts = {path: call("GET", f"{path}/").json()["count"] for path in LISTS[:6]}

    assert counts == {
        "projects": Project.objects.count(),
        "teams": Team.objects.count(),
        "workflows": Workflow.objects.count(),
        "statuses": Status.objects.count(),
        "feedback-types": FeedbackType.objects.count(),
        "tags": Tag.objects.count(),
    }


@pytest.mark.parametrize(
    "path",
    ["nosuch/", "tickets/abc/", "tickets/1/nosuch/", "tickets/" + "9" * 30, "projects/a b/"],
)
def test_an_address_that_nothing_lives_at_points_to_the_reference(call, beta, path):
    answer = call("GET", path)

    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
    assert "/api/docs/" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["tickets/999999999999999999/", "projects/nosuch/", f"deliveries/{'0' * 32}/"]
)
def test_a_row_that_is_not_there_says_so(call, beta, path):
    answer = call("GET", path)

    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
    assert answer.json()["detail"] == (
        "There is nothing here that you may see. Look at the id, and at whose key it is."
    )


def test_an_address_of_a_listener_still_points_to_the_listener(call):
    answer = call("GET", "projects/beta/feedbackListener/")

    assert "Copy the listener's API Endpoint URL again" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["deliveries/", "executions/", "api-calls/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_only_happens_is_only_read(call, path, method):
    answer = call(method, path, {})

    assert (answer.status_code, answer.json()["reason"]) == (405, "method_not_allowed")


def test_the_next_page_is_named_without_the_key(client, key, beta):
    submit_ticket(beta.bugs, summary="The strap tears", submitter=beta.ada)
    address = f"/api/v1/tickets/?page_size=1&apiKey={key.secret}"

    following = client.get(address).json()["next"]

    assert "apikey" not in following.lower()
    assert client.get(f"{following}&apiKey={key.secret}").status_code == 200
