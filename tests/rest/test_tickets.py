"""Tickets, with their links, comments and history."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from feedback.models import FeedbackType, SavedFilter, Status, Tag, Ticket, Workflow
from feedback.saved_filters import save_filter
from feedback.services import add_comment, change_ticket, submit_ticket, tags_named
from tests.conftest import link_to_jira, make_key


def here(beta):
    return f"tickets/{beta.ticket.pk}/"


def refs(answer):
    assert answer.status_code == 200, answer.content
    return [ticket["ref"] for ticket in answer.json()["results"]]


# Reading


def test_a_ticket_is_found_by_its_project_and_ref(call, beta):
    answer = call("GET", "tickets/", project="beta", ref="bug-1")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["count"], body["next"], body["previous"]) == (1, None, None)
    (ticket,) = body["results"]
    assert (ticket["id"], ticket["ref"], ticket["project"]) == (beta.ticket.pk, "BUG-0001", "beta")
    assert (ticket["status"], ticket["team"]) == (beta.new.pk, beta.managers.pk)


@pytest.fixture
def three(beta):
    """BUG-0002 is open, blocking, tagged and internal; SUG-0001 is somebody else's."""
    eve = User.objects.create_user("eve", "eve@example.org")
    beta.support.members.add(eve)
    beta.second = submit_ticket(
        beta.bugs, summary="100% of _straps_ tear", submitter=beta.ada, exposure="internal"
    )
    change_ticket(
        beta.second,
        actor="eve",
        status=beta.open,
        team=beta.support,
        blocking=True,
        tags=tags_named(beta.project, ["strap"]),
    )
    beta.third = submit_ticket(beta.suggestions, summary="A longer strap", submitter=eve)
    return beta


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["SUG-0001", "BUG-0002", "BUG-0001"]),
        ({"ref": " Bug - 2 "}, ["BUG-0002"]),
        ({"ref": "BUG-9"}, []),
        ({"ref": "nonsense"}, []),
        ({"status": "{open}"}, ["BUG-0002"]),
        ({"status": "OPEN"}, ["BUG-0002"]),
        ({"status": ["open", "closed"]}, ["BUG-0002"]),
        ({"status": ["{open}", "new"]}, ["SUG-0001", "BUG-0002", "BUG-0001"]),
        ({"status__not": "open"}, ["SUG-0001", "BUG-0001"]),
        ({"status__not": ["open", "{new}"]}, []),
        ({"team": "beta support"}, ["BUG-0002"]),
        ({"team__not": "{support}"}, ["SUG-0001", "BUG-0001"]),
        ({"feedback_type": "bugs"}, ["BUG-0002", "BUG-0001"]),
        ({"feedback_type": "{suggestions}"}, ["SUG-0001"]),
        ({"tags": "STRAP"}, ["BUG-0002"]),
        ({"tags__not": "strap"}, ["SUG-0001", "BUG-0001"]),
        ({"exposure": "internal"}, ["BUG-0002"]),
        ({"exposure__not": "internal"}, ["SUG-0001", "BUG-0001"]),
        ({"blocking": "true"}, ["BUG-0002"]),
        ({"blocking__not": "true"}, ["SUG-0001", "BUG-0001"]),
        ({"submitter": "eve"}, ["SUG-0001"]),
        ({"submitter__not": "eve"}, ["BUG-0002", "BUG-0001"]),
        ({"submitter_team": "participants"}, ["BUG-0002", "BUG-0001"]),
        ({"submitter_email": "@example.org"}, ["SUG-0001"]),
        ({"search": "STRAP"}, ["SUG-0001", "BUG-0002"]),
        ({"search": "0% of _"}, ["BUG-0002"]),
        ({"search": "bug-1"}, ["BUG-0001"]),
        ({"search__not": "strap"}, ["BUG-0001"]),
        ({"search": "strap", "blocking": "false"}, ["SUG-0001"]),
        ({"created_after": "2000-01-01"}, ["SUG-0001", "BUG-0002", "BUG-0001"]),
        ({"created_before": "0001-01-01"}, []),
        ({"created_after": "9999-12-31"}, []),
        ({"project": "gamma"}, []),
        ({"ordering": "ref,id"}, ["BUG-0001", "SUG-0001", "BUG-0002"]),
        ({"ordering": "summary"}, ["BUG-0002", "SUG-0001", "BUG-0001"]),
    ],
)
def test_tickets_are_narrowed_by_the_filters_of_the_pages(call, three, query, found):
    ids = {
        "{open}": three.open.pk,
        "{new}": three.new.pk,
        "{support}": three.support.pk,
        "{suggestions}": three.suggestions.pk,
    }
    query = {
        name: [ids.get(value, value) for value in values]
        if isinstance(values, list)
        else ids.get(values, values)
        for name, values in query.items()
    }

    answer = call("GET", "tickets/", **query)

    assert refs(answer) == found


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"status": "Nwe"}, "Select a valid choice. Nwe is not one of the available choices."),
        ({"status": "999"}, "Select a valid choice. 999 is not one of the available choices."),
        ({"status": "a\0b"}, "is not one of the available choices."),
        ({"status": ["new", ""]}, "This has no value: give it one, or leave it out."),
        ({"status": ["new"] * 201}, "Give at most 200 values."),
        ({"status__not": "nowhere"}, "is not one of the available choices."),
        ({"team": "9" * 30}, "is not one of the available choices."),
        ({"tags": "x" * 60_000}, "is not one of the available choices."),
        ({"exposure": "secret"}, "secret is not one of the available choices."),
        ({"blocking": "yes"}, "yes is not one of the available choices."),
        ({"blocking": ["true", "false"]}, "Give one value only."),
        ({"search": "x" * 201}, "Ensure this value has at most 200 characters (it has 201)."),
        ({"search": "x" * 100_000}, "Ensure this value has at most 200 characters"),
        ({"search": "a\0"}, "Null characters are not allowed."),
        ({"submitter_email": "x" * 60_000}, "Ensure this value has at most 200 characters"),
        ({"ref": "x" * 51}, "Ensure this value has at most 50 characters (it has 51)."),
        ({"created_after": "yesterday"}, "Enter a valid date."),
        ({"created_after": "2026-02-30"}, "Enter a valid date."),
        ({"created_before": "10000-01-01"}, "Enter a valid date."),
        ({"filter": "0"}, "“0” is no id: give a number."),
        ({"filter": "999"}, "There is no such saved filter that you may see."),
        ({"filter": "mine"}, "“mine” is no id: give a number."),
        ({"stauts": "new"}, "There is no parameter “stauts” here. Did you mean “status”?"),
        ({"status__no": "new"}, "Did you mean “status__not”?"),
    ],
)
def test_a_filter_that_is_not_understood_is_refused_and_never_finds_everything(
    call, three, query, problem
):
    answer = call("GET", "tickets/", **query)

    assert answer.status_code == 400
    assert [*answer.json()] == [*query]
    assert problem in answer.json()[next(iter(query))][0]


def test_a_saved_filter_narrows_the_list(call, three):
    saved = save_filter(
        SavedFilter(feedback_type=three.bugs, name="Mine", groups=[{"status": [three.open.pk]}])
    )

    answers = [
        call("GET", "tickets/", filter=saved.pk),
        call("GET", "tickets/", filter=saved.pk, search="cap"),
    ]

    assert [refs(answer) for answer in answers] == [["BUG-0002"], []]


def test_a_saved_filter_that_went_stale_says_so(call, three):
    saved = SavedFilter.objects.create(
        feedback_type=three.bugs, name="Stale", groups=[{"search": "x" * 100_000}]
    )

    answer = call("GET", "tickets/", filter=saved.pk)

    assert answer.status_code == 400
    (problem,) = answer.json()["filter"]
    assert problem.startswith("Filter “Stale” no longer works: Text: Ensure this value has at most")


@pytest.mark.parametrize("query", [{"status": "Closed"}, {"team": "Participants"}])
def test_rows_of_projects_that_are_not_seen_are_no_choices(signed_in, three, gamma, query):
    Status.objects.filter(workflow__project=gamma, name="Closed").update(name="Shut")
    manager = signed_in("manager")

    seen = manager("GET", "tickets/", **query)
    hidden = manager("GET", "tickets/", status="Shut")
    stranger = manager("GET", "tickets/", submitter="gus")

    assert seen.status_code == 200
    assert [hidden.status_code, stranger.status_code] == [400, 400]


def test_a_filter_of_a_project_that_is_not_seen_is_not_there(signed_in, beta, gamma):
    bugs = FeedbackType.objects.get(project=gamma, prefix="BUG")
    saved = save_filter(SavedFilter(feedback_type=bugs, name="F", groups=[{"blocking": "true"}]))

    answer = signed_in("manager")("GET", "tickets/", filter=saved.pk)

    assert answer.status_code == 400


def test_a_participant_sees_public_tickets_and_no_teams(signed_in, three):
    participant = signed_in("participant")

    listed = participant("GET", "tickets/")
    hidden = participant("GET", f"tickets/{three.second.pk}/")

    assert refs(listed) == ["SUG-0001", "BUG-0001"]
    assert [ticket["team"] for ticket in listed.json()["results"]] == [None, None]
    assert hidden.status_code == 404


@pytest.mark.parametrize(
    "query", [{"team": "Beta Support"}, {"submitter_email": "ada"}, {"exposure": "public"}]
)
def test_a_participant_finds_nothing_by_what_only_insiders_see(signed_in, three, query):
    answer = signed_in("participant")("GET", "tickets/", **query)

    assert answer.status_code == 400 or refs(answer) == []


def test_one_who_submitted_an_internal_ticket_sees_it(signed_in, three):
    eve = User.objects.get(username="eve")
    eve.teams.clear()
    three.participants.members.add(eve)
    change_ticket(three.third, actor="x", exposure="internal")

    answer = signed_in("eve")("GET", f"tickets/{three.third.pk}/")

    assert answer.status_code == 200


# Making


def test_a_new_ticket_has_all_that_it_was_given(call, beta):
    answer = call(
        "POST",
        "tickets/",
        {
            "project": "beta",
            "feedback_type": beta.bugs.pk,
            "summary": "The strap tears",
            "submitter": "ada",
            "status": beta.open.pk,
            "team": beta.support.pk,
            "tags": ["strap"],
        },
    )

    assert answer.status_code == 201, answer.content
    ticket = Ticket.objects.get(pk=answer.json()["id"])
    assert (ticket.ref, ticket.submitter, ticket.status) == ("BUG-0002", beta.ada, beta.open)
    assert [change.field for change in ticket.changes.all()] == ["team", "status", "tags"]
    assert {change.actor for change in ticket.changes.all()} == {"API key “Scripts”"}


def test_a_ticket_begins_where_its_type_begins(call, beta):
    answer = call("POST", "tickets/", {"feedback_type": beta.suggestions.pk, "summary": "More"})

    ticket = answer.json()
    assert (ticket["ref"], ticket["status"], ticket["team"]) == (
        "SUG-0001",
        beta.new.pk,
        beta.managers.pk,
    )
    assert (ticket["exposure"], ticket["blocking"], ticket["tags"]) == ("public", False, [])
    assert not Ticket.objects.get(pk=ticket["id"]).changes.exists()


def test_a_key_submits_as_a_person_of_its_own_who_cannot_sign_in(call, beta, key, client):
    bodies = [{"feedback_type": beta.bugs.pk, "summary": f"S {number}"} for number in range(2)]

    made = [call("POST", "tickets/", body).json() for body in bodies]

    person = User.objects.get(username=f"key {key.row.pk}")
    assert {ticket["submitter"] for ticket in made} == {person.username}
    assert (person.first_name, person.is_active, person.has_usable_password()) == (
        "API key “Scripts”",
        False,
        False,
    )


def test_tags_are_found_in_any_letter_case_and_made_where_missing(call, beta):
    Tag.objects.create(project=beta.project, name="Lens")

    answer = call("PATCH", here(beta), {"tags": ["LENS", "lens", "strap"]})

    assert answer.json()["tags"] == ["Lens", "strap"]
    assert sorted(tag.name for tag in Tag.objects.all()) == ["Lens", "strap"]


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ("lens", {"tags": ['Expected a list of items but got type "str".']}),
        ([""], {"tags": {"0": ["This field may not be blank."]}}),
        (["x" * 51], {"tags": {"0": ["Ensure this field has no more than 50 characters."]}}),
        (["a", 5], {"tags": {"1": ["Not a valid string."]}}),
        (["a"] * 101, {"tags": ["Ensure this field has no more than 100 elements."]}),
    ],
)
def test_a_tag_that_cannot_be_is_refused(call, beta, tags, problem):
    answer = call("PATCH", here(beta), {"tags": tags})

    assert (answer.status_code, answer.json()) == (400, problem)
    assert not Tag.objects.exists()


@pytest.mark.parametrize("submitter", ["nobody", "ADA", "", "x" * 500])
def test_a_submitter_must_be_somebody(call, beta, submitter):
    body = {"feedback_type": beta.bugs.pk, "summary": "S", "submitter": submitter}

    answer = call("POST", "tickets/", body)

    assert (answer.status_code, [*answer.json()]) == (400, ["submitter"])
    assert Ticket.objects.count() == 1


def test_a_manager_names_no_stranger_as_submitter_and_does_not_learn_of_one(signed_in, beta, gamma):
    manager = signed_in("manager")
    body = {"feedback_type": beta.bugs.pk, "summary": "S"}

    known = manager("POST", "tickets/", body | {"submitter": "ada"})
    strangers = [manager("POST", "tickets/", body | {"submitter": name}) for name in ("gus", "sug")]

    assert known.status_code == 201
    assert [answer.json() for answer in strangers] == [
        {"submitter": ["There is no “gus” that you may choose."]},
        {"submitter": ["There is no “sug” that you may choose."]},
    ]


@pytest.mark.parametrize("role", ["manager", "support", "participant"])
def test_whoever_contributes_submits_in_their_own_name(signed_in, beta, role):
    body = {"feedback_type": beta.bugs.pk, "summary": "Tears", "description": "Here."}

    answer = signed_in(role)("POST", "tickets/", body)

    assert (answer.status_code, answer.json()["submitter"]) == (201, role)


def test_an_observer_submits_nothing(signed_in, beta):
    body = {"feedback_type": beta.bugs.pk, "summary": "x"}

    answer = signed_in("observer")("POST", "tickets/", body)

    assert answer.status_code == 403
    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(
    "field",
    [
        {"exposure": "internal"},
        {"submitter": "participant"},
        {"blocking": True},
        {"tags": ["x"]},
    ],
)
def test_a_participant_sets_nothing_but_the_text(signed_in, beta, field):
    body = {"feedback_type": beta.bugs.pk, "summary": "x"} | field

    answer = signed_in("participant")("POST", "tickets/", body)

    assert answer.status_code in (400, 403)
    assert next(iter(field)) in answer.content.decode()
    assert Ticket.objects.count() == 1
    assert not Tag.objects.exists()


@pytest.mark.parametrize("name", ["status", "team"])
def test_a_participant_does_not_choose_where_a_ticket_is(signed_in, beta, name):
    row = {"status": beta.open, "team": beta.support}[name]
    body = {"feedback_type": beta.bugs.pk, "summary": "x", name: row.pk}

    answer = signed_in("participant")("POST", "tickets/", body)

    assert (answer.status_code, [*answer.json()]) == (400, [name])


@pytest.mark.parametrize("archive", ["project", "bugs"])
def test_what_is_archived_takes_no_new_tickets(call, beta, archive):
    row = getattr(beta, archive)
    type(row).objects.filter(pk=row.pk).update(archived=True)

    answer = call("POST", "tickets/", {"feedback_type": beta.bugs.pk, "summary": "x"})

    assert (answer.status_code, [*answer.json()]) == (400, ["feedback_type"])
    assert "archived" in answer.json()["feedback_type"][0]
    assert Ticket.objects.count() == 1


def test_a_type_without_any_status_to_begin_with_says_so(call, beta):
    Status.objects.update(archived=True)

    answer = call("POST", "tickets/", {"feedback_type": beta.bugs.pk, "summary": "x"})

    assert answer.status_code == 400
    (problem,) = answer.json()["non_field_errors"]
    assert "has no status that a new ticket could begin with: add one" in problem


def test_the_project_must_be_the_types_own(call, beta, gamma):
    body = {"project": "gamma", "feedback_type": beta.bugs.pk, "summary": "x"}

    answer = call("POST", "tickets/", body)

    assert (answer.status_code, answer.json()) == (
        400,
        {"project": ["“Bugs” is one of project “beta”."]},
    )


# Changing


def test_a_ticket_is_changed_with_a_history(call, beta):
    answer = call("PATCH", here(beta), {"status": beta.closed.pk, "team": None, "blocking": True})

    history = call("GET", f"{here(beta)}history/").json()["results"]
    assert answer.status_code == 200, answer.content
    assert [(change["field"], change["before"], change["after"]) for change in history] == [
        ("team", "Project Managers", None),
        ("status", "New", "Closed"),
        ("blocking", False, True),
    ]
    assert {(change["actor"], change["cause"]) for change in history} == {("API key “Scripts”", "")}


def test_what_is_the_same_leaves_no_history(call, beta):
    before = call("GET", here(beta))

    answer = call("PUT", here(beta), before.json())

    assert answer.json() == before.json()
    assert answer.headers["ETag"] == before.headers["ETag"]
    assert not beta.ticket.changes.exists()


@pytest.mark.parametrize("name", ["status", "team"])
def test_a_row_of_another_project_is_refused_at_its_field(call, beta, gamma, name):
    rows = {
        "status": Status.objects.filter(workflow__project=gamma).first(),
        "team": gamma.teams.first(),
    }

    answer = call("PATCH", here(beta), {name: rows[name].pk, "summary": "Melts"})

    assert (answer.status_code, answer.json()) == (
        400,
        {name: ["This is none of project “beta”, where the ticket is."]},
    )
    assert Ticket.objects.get(pk=beta.ticket.pk).summary == "The lens cap melts"


@pytest.mark.parametrize("name", ["status", "team"])
def test_what_is_archived_is_no_longer_chosen_but_stays(call, beta, name):
    rows = {"status": beta.open, "team": beta.support}
    type(rows[name]).objects.filter(pk=rows[name].pk).update(archived=True)

    refused = call("PATCH", here(beta), {name: rows[name].pk})
    change_ticket(beta.ticket, actor="x", **{name: rows[name]})
    kept = call("PUT", here(beta), call("GET", here(beta)).json() | {"summary": "Melts"})

    assert (refused.status_code, [*refused.json()]) == (400, [name])
    assert (kept.status_code, kept.json()[name]) == (200, rows[name].pk)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"feedback_type": "{suggestions}"}, "This cannot be changed any more: make a new one"),
        ({"project": "gamma"}, "“Bugs” is one of project “beta”."),
        ({"submitter": "gus"}, "Who submitted a ticket is not changed."),
        ({"ref": "BUG-0002"}, "This is set by the hub"),
    ],
)
def test_what_makes_a_ticket_what_it_is_stays(call, beta, gamma, change, problem):
    if "feedback_type" in change:
        change = {"feedback_type": beta.suggestions.pk}

    answer = call("PATCH", here(beta), change)

    assert (answer.status_code, [*answer.json()]) == (400, [*change])
    assert answer.json()[next(iter(change))][0].startswith(problem)


def test_a_ticket_is_not_deleted(call, beta):
    answer = call("DELETE", here(beta))

    assert (answer.status_code, answer.json()["reason"]) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("role", "code"),
    [("community", 200), ("manager", 200), ("support", 403), ("observer", 403), ("ada", 403)],
)
def test_who_changes_a_ticket(signed_in, beta, role, code):
    answer = signed_in(role)("PATCH", here(beta), {"summary": "Melts"})

    assert answer.status_code == code


def test_support_changes_the_tickets_of_its_own_team(signed_in, beta):
    change_ticket(beta.ticket, actor="x", team=beta.support)
    support = signed_in("support")

    answer = support("PATCH", here(beta), {"status": beta.closed.pk})

    assert answer.status_code == 200
    assert beta.ticket.changes.last().actor == "support"


def test_a_key_that_only_reads_changes_nothing(call, beta):
    reader = make_key(name="R", prefix="r", scopes=["read"])

    answer = call("PATCH", here(beta), {"summary": "Melts"}, secret=reader.secret)

    assert (answer.status_code, answer.json()["reason"]) == (403, "key_out_of_scope")


# Links


def test_links_are_added_listed_and_taken_away_with_a_history(call, beta):
    path = f"{here(beta)}links/"
    body = {"system": "github", "remote_key": "acme/lens#30", "url": "https://github.com/acme"}

    made = call("POST", path, body)
    listed = call("GET", path)
    deleted = call("DELETE", f"{path}{made.json()['id']}/")

    assert made.status_code == 201, made.content
    assert made.json() == body | {"id": made.json()["id"], "remote_id": ""}
    assert listed.json()["results"] == [made.json()]
    assert deleted.status_code == 204
    assert call("GET", path).json()["count"] == 0
    history = call("GET", f"{here(beta)}history/").json()["results"]
    assert [(change["before"], change["after"]) for change in history] == [
        (None, "GitHub acme/lens#30"),
        ("GitHub acme/lens#30", None),
    ]


def test_a_link_is_to_jira_where_nothing_else_is_said(call, beta):
    answer = call("POST", f"{here(beta)}links", {"remote_key": " SANDBOX-12 "})

    assert (answer.json()["system"], answer.json()["remote_key"]) == ("jira", "SANDBOX-12")


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        (
            {},
            {
                "non_field_errors": [
                    "Say what the item is called over there: its key, its id or both."
                ]
            },
        ),
        (
            {"remote_key": "sandbox-12", "remote_id": "10012"},
            {"non_field_errors": ["This item stands for the ticket already."]},
        ),
        ({"system": "trac", "remote_key": "1"}, {"system": ['"trac" is not a valid choice.']}),
        ({"remote_key": "1", "url": "javascript:x"}, {"url": ["Enter a valid URL."]}),
        (
            {"remote_ky": "1"},
            {"remote_ky": ["There is no field “remote_ky”. Did you mean “remote_key”?"]},
        ),
    ],
)
def test_a_link_that_cannot_be_is_refused(call, beta, body, problems):
    link_to_jira(beta.ticket)

    answer = call("POST", f"{here(beta)}links/", body)

    assert (answer.status_code, answer.json()) == (400, problems)
    assert beta.ticket.links.count() == 1


def test_a_link_of_another_ticket_is_not_there(call, beta):
    other = submit_ticket(beta.bugs, summary="x", submitter=beta.ada)
    link = link_to_jira(other)

    answer = call("DELETE", f"{here(beta)}links/{link.pk}/")

    assert answer.status_code == 404
    assert other.links.exists()


@pytest.mark.parametrize(
    ("role", "seen", "code"),
    [("manager", 1, 201), ("support", 1, 403), ("observer", 1, 403), ("participant", 0, 403)],
)
def test_insiders_see_links_and_managers_make_them(signed_in, beta, role, seen, code):
    link = link_to_jira(beta.ticket)
    person = signed_in(role)

    listed = person("GET", f"{here(beta)}links/")
    made = person("POST", f"{here(beta)}links/", {"remote_key": "X-1"})
    deleted = person("DELETE", f"{here(beta)}links/{link.pk}/")

    assert (listed.json()["count"], made.status_code) == (seen, code)
    assert deleted.status_code == (204 if code == 201 else 403 if seen else 404)


# Comments


def test_comments_are_added_and_read_in_both_places(call, beta):
    first = call("POST", f"{here(beta)}comments/", {"body": "Seen", "exposure": "internal"})
    second = call("POST", "comments/", {"ticket": beta.ticket.pk, "body": "Mended"})

    assert [first.status_code, second.status_code] == [201, 201], second.content
    assert first.json() == {
        "id": first.json()["id"],
        "ticket": beta.ticket.pk,
        "author": None,
        "actor": "API key “Scripts”",
        "cause": "",
        "body": "Seen",
        "exposure": "internal",
        "system": "",
        "remote_id": "",
        "created_at": first.json()["created_at"],
    }
    assert call("GET", f"{here(beta)}comments/").json()["results"] == [first.json(), second.json()]
    assert call("GET", "comments/", ticket=beta.ticket.pk).json()["count"] == 2
    assert call("GET", "comments/", exposure="internal").json()["results"] == [first.json()]
    assert call("GET", f"comments/{first.json()['id']}/").json() == first.json()


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({}, {"body": ["This field is required."]}),
        ({"body": " "}, {"body": ["This field may not be blank."]}),
        ({"body": "x", "exposure": "all"}, {"exposure": ['"all" is not a valid choice.']}),
        ({"body": "x", "actor": "me"}, {"actor": ["This is set by the hub: leave it out."]}),
        ({"body": "x", "author": "ada"}, {"author": ["This is set by the hub: leave it out."]}),
        ({"body": "x", "system": "jira"}, {"system": ["This is set by the hub: leave it out."]}),
        (
            {"body": "x", "remote_id": "9"},
            {"remote_id": ["This is set by the hub: leave it out."]},
        ),
        ({"body": "x", "ticket": 1}, {"ticket": ["This is set by the hub: leave it out."]}),
    ],
)
def test_a_comment_that_cannot_be_is_refused(call, beta, body, problems):
    answer = call("POST", f"{here(beta)}comments/", body)

    assert (answer.status_code, answer.json()) == (400, problems)
    assert not beta.ticket.comments.exists()


@pytest.mark.parametrize("role", ["support", "participant"])
def test_whoever_contributes_comments_in_their_own_name(signed_in, beta, role):
    answer = signed_in(role)("POST", f"{here(beta)}comments/", {"body": "Seen"})

    assert answer.status_code == 201
    assert (answer.json()["author"], answer.json()["actor"]) == (role, role)


@pytest.mark.parametrize("nested", [True, False])
def test_an_observer_comments_nothing(signed_in, beta, nested):
    path = f"{here(beta)}comments/" if nested else "comments/"
    body = {"body": "Seen"} | ({} if nested else {"ticket": beta.ticket.pk})

    answer = signed_in("observer")("POST", path, body)

    assert answer.status_code == 403
    assert not beta.ticket.comments.exists()


def test_a_participant_does_not_say_who_reads_a_comment(signed_in, beta):
    participant = signed_in("participant")

    answer = participant("POST", f"{here(beta)}comments/", {"body": "x", "exposure": "internal"})

    assert answer.status_code == 403
    assert not beta.ticket.comments.exists()


def test_a_ticket_that_is_not_seen_takes_no_comment(signed_in, beta):
    change_ticket(beta.ticket, actor="x", exposure="internal")

    answer = signed_in("participant")("POST", "comments/", {"ticket": beta.ticket.pk, "body": "x"})

    assert (answer.status_code, [*answer.json()]) == (400, ["ticket"])


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_comment_is_never_changed(call, beta, method):
    comment = add_comment(beta.ticket, body="Seen", actor="ada")

    answer = call(method, f"comments/{comment.pk}/", {"body": "x"})

    assert answer.status_code == 405


# What participants are told


def test_a_participant_reads_neither_internal_comments_nor_who_automated(signed_in, beta):
    add_comment(beta.ticket, body="Secret", actor="eve", exposure="internal")
    add_comment(beta.ticket, body="Told", actor="Jira closed", cause="c0ffee")
    participant, insider = signed_in("participant"), signed_in("observer")

    told = participant("GET", f"{here(beta)}comments/").json()["results"]
    known = insider("GET", f"{here(beta)}comments/").json()["results"]

    assert [(each["body"], each["actor"], each["cause"]) for each in told] == [
        ("Told", "Automation", "")
    ]
    assert [(each["body"], each["actor"], each["cause"]) for each in known] == [
        ("Secret", "eve", ""),
        ("Told", "Jira closed", "c0ffee"),
    ]
    assert participant("GET", "comments/").json()["results"] == told


def test_a_participant_reads_the_public_part_of_the_history(signed_in, beta):
    change_ticket(
        beta.ticket, actor="Jira closed", cause="c0ffee", team=beta.support, status=beta.closed
    )
    link_to_jira(beta.ticket)
    path = f"{here(beta)}history/"

    told = signed_in("participant")("GET", path).json()["results"]
    known = signed_in("observer")("GET", path).json()["results"]

    assert [(each["field"], each["after"], each["actor"], each["cause"]) for each in told] == [
        ("status", "Closed", "Automation", "")
    ]
    assert [(each["field"], each["cause"]) for each in known] == [
        ("team", "c0ffee"),
        ("status", "c0ffee"),
        ("link", ""),
    ]


def test_a_status_of_an_archived_workflow_is_no_longer_offered(call, beta):
    Workflow.objects.filter(pk=beta.workflow.pk).update(archived=True)

    answer = call("PATCH", f"tickets/{beta.ticket.pk}/", {"status": beta.closed.pk})

    assert answer.json() == {"status": ["Its workflow “Default” is archived. Choose another one."]}


def test_a_key_never_submits_as_a_person_who_has_its_name(call, beta, key):
    User.objects.create_user(f"key-{key.row.pk}")

    made = call("POST", "tickets/", {"feedback_type": beta.bugs.pk, "summary": "Melts"}).json()

    assert made["submitter"] == f"key {key.row.pk}"
    assert not User.objects.get(username=made["submitter"]).is_active
