from __future__ import annotations

from threading import Barrier, Thread

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection
from django.db.models import ProtectedError

from automation.macros import save_macro
from automation.models import Macro
from feedback.furnishing import create_project
from feedback.models import (
    FeedbackType,
    Project,
    SavedFilter,
    Status,
    Tag,
    Team,
    Ticket,
    TicketChange,
    TicketLink,
)
from feedback.protection import users_of
from feedback.saved_filters import save_filter
from feedback.services import (
    add_comment,
    change_ticket,
    link_ticket,
    submit_ticket,
    tags_named,
    unlink_ticket,
)
from tests.conftest import closing_macro, link_to_jira, make_beta

# A new project


def test_a_new_project_comes_furnished(db):
    project = create_project("Beta", "Beta test")

    assert project.key == "beta"
    assert [(team.name, team.kind) for team in project.teams.order_by("pk")] == [
        ("Project Managers", "project_manager"),
        ("Beta Support", "support"),
        ("Participants", "participant"),
    ]
    workflow = project.workflows.get()
    assert workflow.name == "Default"
    assert [(status.name, status.category) for status in workflow.statuses.all()] == [
        ("New", "new"),
        ("Open", "open"),
        ("In Progress", "open"),
        ("Logged to Jira", "open"),
        ("Fixed", "done"),
        ("Closed", "done"),
    ]
    assert [
        (kind.name, kind.prefix, kind.default_workflow) for kind in project.feedback_types.all()
    ] == [("Bugs", "BUG", workflow), ("Suggestions", "SUG", workflow)]


def test_the_database_itself_refuses_a_key_in_capitals(beta):
    with pytest.raises(IntegrityError, match="project_key_is_lower_case"):
        Project.objects.filter(pk=beta.project.pk).update(key="Beta")


@pytest.mark.parametrize(
    ("key", "name"),
    [("beta", "Again"), ("BETA", "Again"), ("be ta", "Space"), ("", "Empty"), ("-x", "Dash")],
)
def test_a_project_that_cannot_be_leaves_nothing_behind(beta, key, name):
    with pytest.raises(ValidationError):
        create_project(key, name)

    assert Project.objects.count() == 1
    assert Team.objects.count() == 3


# A new ticket


def test_a_ticket_begins_in_the_first_status_with_the_project_managers(beta):
    ticket = submit_ticket(beta.bugs, summary="The strap tears", submitter=beta.ada)

    assert (ticket.ref, ticket.status, ticket.team) == ("BUG-0002", beta.new, beta.managers)
    assert (ticket.submitter, ticket.exposure, ticket.blocking) == (beta.ada, "public", False)


def test_refs_count_by_project_and_type(beta):
    gamma = create_project("gamma", "Gamma")
    elsewhere = gamma.feedback_types.get(prefix="BUG")

    refs = [
        submit_ticket(kind, summary="x", submitter=beta.ada).ref
        for kind in (beta.bugs, beta.suggestions, elsewhere, beta.bugs)
    ]

    assert refs == ["BUG-0002", "SUG-0001", "BUG-0001", "BUG-0003"]


def test_a_ref_is_never_given_again(beta):
    second = submit_ticket(beta.bugs, summary="x", submitter=beta.ada)
    second.delete()

    third = submit_ticket(beta.bugs, summary="y", submitter=beta.ada)

    assert third.ref == "BUG-0003"


def test_a_ref_grows_past_four_digits(beta):
    FeedbackType.objects.filter(pk=beta.bugs.pk).update(last_number=9999)

    ticket = submit_ticket(beta.bugs, summary="x", submitter=beta.ada)

    assert ticket.ref == "BUG-10000"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_refs_are_never_given_twice_under_concurrent_creation(on_postgres):
    beta = make_beta()
    start = Barrier(8)
    refs, errors = [], []

    def submit():
        start.wait()
        try:
            for _ in range(10):
                refs.append(submit_ticket(beta.bugs, summary="x", submitter=beta.ada).ref)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sorted(refs) == [f"BUG-{number:04d}" for number in range(2, 82)]
    assert Ticket.objects.count() == 81


def test_an_archived_status_begins_no_ticket(beta):
    Status.objects.filter(pk=beta.new.pk).update(archived=True)

    ticket = submit_ticket(beta.bugs, summary="x", submitter=beta.ada)

    assert ticket.status == beta.open


def test_a_workflow_without_statuses_says_so(beta):
    beta.workflow.statuses.update(archived=True)

    with pytest.raises(ValidationError, match="has no status that a new ticket could begin with"):
        submit_ticket(beta.bugs, summary="x", submitter=beta.ada)

    beta.bugs.refresh_from_db()
    assert beta.bugs.last_number == 1


# A changed ticket


def test_each_field_that_differs_leaves_a_change(beta):
    changes = change_ticket(
        beta.ticket,
        actor="ada",
        cause="c1",
        status=beta.closed,
        team=None,
        summary="The lens cap melts",
        blocking=True,
    )

    beta.ticket.refresh_from_db()
    assert (beta.ticket.status, beta.ticket.team, beta.ticket.blocking) == (beta.closed, None, True)
    assert {
        change.field: (change.before_text, change.after_text, change.actor, change.cause)
        for change in changes
    } == {
        "status": ("New", "Closed", "ada", "c1"),
        "team": ("Project Managers", "", "ada", "c1"),
        "blocking": ("no", "yes", "ada", "c1"),
    }
    assert changes == list(TicketChange.objects.filter(ticket=beta.ticket).order_by("pk"))


def test_a_change_that_changes_nothing_writes_nothing(beta):
    before = beta.ticket.updated_at

    changes = change_ticket(beta.ticket, actor="ada", status=beta.new, team=beta.managers, tags=[])

    beta.ticket.refresh_from_db()
    assert changes == []
    assert beta.ticket.updated_at == before


def test_a_change_is_against_what_the_database_holds(beta):
    stale = Ticket.objects.get(pk=beta.ticket.pk)
    change_ticket(beta.ticket, actor="ada", status=beta.closed, summary="Melts away")

    changes = change_ticket(stale, actor="bob", status=beta.new)

    beta.ticket.refresh_from_db()
    assert [change.before_text for change in changes] == ["Closed"]
    assert (beta.ticket.status, beta.ticket.summary) == (beta.new, "Melts away")


def test_tags_are_set_as_a_whole_and_noted_by_name(beta):
    tags = tags_named(beta.project, ["Lens", " heat ", "lens", ""])
    change_ticket(beta.ticket, actor="ada", tags=tags)

    (change,) = change_ticket(beta.ticket, actor="ada", tags=tags[:1])

    assert (change.field, change.before_text, change.after_text) == ("tags", "Lens, heat", "Lens")
    assert Tag.objects.count() == 2


@pytest.mark.parametrize("field", ["status", "team"])
def test_what_belongs_to_another_project_is_refused(beta, field):
    gamma = create_project("gamma", "Gamma")
    foreign = {
        "status": Status.objects.in_project(gamma).first(),
        "team": gamma.teams.first(),
    }[field]

    with pytest.raises(ValidationError, match="is not part of the ticket's project Beta"):
        change_ticket(beta.ticket, actor="ada", **{field: foreign})

    assert not TicketChange.objects.exists()


def test_a_field_that_no_ticket_has_is_a_mistake(beta):
    with pytest.raises(TypeError, match="number"):
        change_ticket(beta.ticket, actor="ada", number=7)


def test_a_comment_says_whose_it_is(beta):
    comment = add_comment(beta.ticket, body="Melts at noon.", actor="ada", author=beta.ada)

    assert list(beta.ticket.comments.all()) == [comment]
    assert (comment.body, comment.actor, comment.exposure) == ("Melts at noon.", "ada", "public")


# Links


def test_a_link_is_made_once_and_leaves_its_trace(beta):
    link = link_to_jira(beta.ticket, remote_key=" SANDBOX-12 ")

    with pytest.raises(ValidationError):
        link_to_jira(beta.ticket, remote_key="sandbox-12")
    unlink_ticket(link, actor="ada")

    assert not TicketLink.objects.exists()
    changes = beta.ticket.changes.order_by("pk")
    assert [(change.field, change.before_text, change.after_text) for change in changes] == [
        ("link", "", "Jira SANDBOX-12"),
        ("link", "Jira SANDBOX-12", ""),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"system": "jira"},
        {"system": "jira", "remote_key": "  "},
        {"system": "nothing", "remote_key": "X-1"},
        {"system": "jira", "remote_key": "X-1", "url": "javascript:alert(1)"},
    ],
)
def test_a_link_to_nothing_is_refused(beta, fields):
    with pytest.raises(ValidationError):
        link_ticket(beta.ticket, actor="ada", **fields)

    assert not TicketChange.objects.exists()


# What is in use is not deleted


def filter_by(beta, **group) -> SavedFilter:
    return save_filter(SavedFilter(feedback_type=beta.bugs, name="Mine", groups=[group]))


@pytest.mark.parametrize("field", ["status", "team", "tags", "submitter", "submitter_team"])
@pytest.mark.parametrize("opposite", ["", "__not"])
def test_what_a_saved_filter_names_is_not_deleted(beta, field, opposite):
    row = {
        "status": Status.objects.create(workflow=beta.workflow, name="Parked"),
        "team": Team.objects.create(project=beta.project, name="Parked", kind="support"),
        "submitter_team": Team.objects.create(project=beta.project, name="Idle", kind="support"),
        "tags": Tag.objects.create(project=beta.project, name="parked"),
        "submitter": User.objects.create_user("bob"),
    }[field]
    if field == "submitter":
        beta.participants.members.add(row)
    saved = filter_by(beta, **{field + opposite: [row.pk]})

    with pytest.raises(ProtectedError) as refused:
        row.delete()
    users = [str(use) for use in refused.value.protected_objects]
    saved.delete()
    row.delete()

    assert users == ["Saved filter “Mine”"]


def test_a_saved_filter_lets_go_of_what_it_no_longer_names(beta):
    parked = Status.objects.create(workflow=beta.workflow, name="Parked")
    saved = filter_by(beta, status=[parked.pk])
    saved.groups = [{"status": [beta.new.pk]}]

    save_filter(saved)

    parked.delete()
    assert [use.status for use in saved.uses.all()] == [beta.new]


def test_a_saved_filter_keeps_lists_of_what_its_values_mean(beta):
    saved = filter_by(
        beta,
        status=str(beta.new.pk),
        submitter=beta.ada.pk,
        search=" lens ",
        blocking="false",
        exposure="public",
        created_after="2026-03-02",
    )

    saved.refresh_from_db()
    assert saved.groups == [
        {
            "status": [beta.new.pk],
            "submitter": [beta.ada.pk],
            "search": ["lens"],
            "blocking": [False],
            "exposure": ["public"],
            "created_after": ["2026-03-02"],
        }
    ]


def test_a_filter_that_cannot_be_saved_changes_nothing(beta):
    saved = filter_by(beta, status=[beta.new.pk])
    saved.groups = [{"status": [0]}]

    with pytest.raises(ValidationError):
        save_filter(saved)

    assert SavedFilter.objects.get().groups == [{"status": [beta.new.pk]}]
    assert [use.status for use in saved.uses.all()] == [beta.new]


def test_a_tag_of_a_ticket_is_not_deleted(beta):
    change_ticket(beta.ticket, actor="ada", tags=tags_named(beta.project, ["iOS"]))
    tag = Tag.objects.get()

    with pytest.raises(ProtectedError):
        tag.delete()
    named = [use.name for use in users_of(tag)]
    beta.ticket.delete()
    tag.delete()

    assert named == ["Ticket BUG-0001"]


@pytest.mark.parametrize("field", ["status", "team"])
def test_what_a_macro_names_is_not_deleted(beta, field):
    row = {
        "status": Status.objects.create(workflow=beta.workflow, name="Parked"),
        "team": Team.objects.create(project=beta.project, name="Parked", kind="support"),
    }[field]
    right = {
        "team": beta.support.pk,
        "workflow": beta.workflow.pk,
        "status": beta.closed.pk,
    }
    macro = Macro(feedback_type=beta.bugs, name="Park")
    save_macro(macro, [("adjust_workflow", right | {field: row.pk})])

    with pytest.raises(ProtectedError) as refused:
        row.delete()
    users = [str(use) for use in refused.value.protected_objects]
    save_macro(macro, [("adjust_workflow", right)])
    row.delete()

    assert users == ["Macro “Park”"]


def test_what_tickets_and_listeners_use_is_not_deleted(beta, listener):
    macro = closing_macro(beta, name="Other")

    for used in (beta.new, beta.managers, beta.ada, beta.workflow, beta.bugs, listener.macro):
        with pytest.raises(ProtectedError):
            used.delete()

    assert macro.delete()[0] > 0
