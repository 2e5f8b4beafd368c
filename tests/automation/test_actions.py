"""What each action does, how it is taken back, and the sentences that people read."""

from __future__ import annotations

import random

import pytest
from django.core.exceptions import ValidationError

from automation.actions import ACTIONS
from automation.actions.base import Group
from automation.macros import ActionsRefused, describe_macro
from automation.models import Macro, Outgoing
from automation.runs import rehearsal
from automation.words import words_for
from feedback.models import (
    MOST_POINTS,
    PersonChange,
    PersonNote,
    Standing,
    Status,
    Tag,
    Team,
    Workflow,
)
from feedback.people import points_of
from feedback.services import change_ticket, link_ticket, tags_named
from tests.automation.actions import as_it_is, make_macro, run, states, take_back
from tests.conftest import add_field

MAIL = {"to": ["submitter"], "subject": "Hi", "text": "Hello", "sending": "each"}
CALL = {"method": "POST", "url": "https://a.example/"}


@pytest.fixture
def hot(beta):
    return Tag.objects.create(project=beta.project, name="hot")


@pytest.fixture
def fast(beta):
    """Another workflow, which has a status Open too, and none of the others."""
    workflow = Workflow.objects.create(project=beta.project, name="Fast")
    Status.objects.create(workflow=workflow, name="open")
    return workflow


def refused(beta, kind, **params) -> dict:
    with pytest.raises(ActionsRefused) as caught:
        make_macro(beta.bugs, (kind, params))
    return caught.value.by_action[0].get("params", {})


def test_every_action_has_its_heading_and_they_stand_together():
    groups = [action.group for action in ACTIONS.values()]

    assert groups == sorted(groups, key=[*Group].index)
    assert {*groups} == {*Group}


# Adjust Workflow


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"team", "workflow", "status"}, "Move to “Closed” in Default, owned by Beta Support"),
        ({"workflow", "status"}, "Move to “Closed” in Default"),
        ({"team", "status"}, "Move to “Closed”, owned by Beta Support"),
        ({"status"}, "Move to “Closed”"),
        (
            {"team", "workflow"},
            "Move to the status of the same name in Default, owned by Beta Support",
        ),
        ({"workflow"}, "Move to the status of the same name in Default"),
        ({"team"}, "Let Beta Support own it"),
    ],
)
def test_what_is_not_chosen_is_left_as_it_is(beta, chosen, sentence):
    rows = {"team": beta.support, "workflow": beta.workflow, "status": beta.closed}
    before = as_it_is(beta.ticket)
    done = run(beta, ("adjust_workflow", {name: rows[name].pk for name in chosen}))

    after = as_it_is(beta.ticket)
    assert (after["team_id"] == beta.support.pk) == ("team" in chosen)
    assert (after["status_id"] == beta.closed.pk) == ("status" in chosen)
    assert done.steps == [sentence] == describe_macro(done.macro)
    assert done.reason == ("unchanged" if after == before else "applied")


def test_something_has_to_be_chosen(beta):
    assert refused(beta, "adjust_workflow") == {
        "non_field_errors": [
            "Choose a team, a workflow or a status: all three are left as they are."
        ]
    }


def test_another_workflow_takes_the_status_of_the_same_name(beta, fast):
    change_ticket(beta.ticket, actor="ada", status=beta.open)

    run(beta, ("adjust_workflow", {"workflow": fast.pk}))

    beta.ticket.refresh_from_db()
    assert beta.ticket.status == fast.statuses.get()


def test_a_status_is_taken_from_the_tickets_own_workflow(beta, fast):
    change_ticket(beta.ticket, actor="ada", status=fast.statuses.get())

    done = run(beta, ("adjust_workflow", {"status": beta.open.pk}))

    assert done.reason == "unchanged"


def test_a_status_that_is_archived_is_none_to_move_to(beta, fast):
    change_ticket(beta.ticket, actor="ada", status=beta.open)
    fast.statuses.update(archived=True)

    done = run(beta, ("adjust_workflow", {"workflow": fast.pk}))

    assert "Fast has no status “Open” that is in use" in done.sentence


def test_a_workflow_without_that_status_fails_and_says_so(beta, fast):
    block = ("set_blocking", {"blocking": True})
    done = run(beta, block, ("adjust_workflow", {"workflow": fast.pk}))

    beta.ticket.refresh_from_db()
    assert (done.reason, beta.ticket.blocking) == ("action_failed", False)
    assert "Fast has no status “New”" in done.sentence


# Blocking, exposure, tags


@pytest.mark.parametrize(("blocking", "words"), [(True, "as blocking"), (False, "as not blocking")])
def test_set_blocking(beta, blocking, words):
    change_ticket(beta.ticket, actor="ada", blocking=not blocking)
    done = run(beta, ("set_blocking", {"blocking": blocking}))

    beta.ticket.refresh_from_db()
    assert beta.ticket.blocking is blocking
    assert done.steps == [f"Mark {words}"]


def test_a_box_that_was_left_alone_says_nothing(beta):
    assert refused(beta, "set_blocking") == {"blocking": ["This field is required."]}


def test_set_exposure(beta):
    done = run(beta, ("set_exposure", {"exposure": "internal"}))

    beta.ticket.refresh_from_db()
    assert beta.ticket.exposure == "internal"
    assert done.steps == ["Make it internal"]


def test_tags_are_added_by_row_and_by_name(beta, hot):
    change_ticket(beta.ticket, actor="ada", tags=tags_named(beta.project, ["lens"]))
    done = run(
        beta, ("add_tags", {"tags": [hot.pk], "names": "{{ ticket.type }},  HOT, , new one"})
    )

    assert as_it_is(beta.ticket)["tags"] == ["Bugs", "hot", "lens", "new one"]
    assert done.steps == ["Add the tags hot, Bugs, HOT, new one"]


def test_tags_are_removed_by_row_and_by_name_and_none_is_made(beta, hot):
    kept = tags_named(beta.project, ["lens", "cap", "hot"])
    change_ticket(beta.ticket, actor="ada", tags=kept)
    done = run(beta, ("remove_tags", {"tags": [hot.pk], "names": "CAP, nowhere"}))

    assert as_it_is(beta.ticket)["tags"] == ["lens"]
    assert done.steps == ["Remove the tags hot, CAP, nowhere"]
    assert not Tag.objects.filter(name="nowhere").exists()


def test_one_tag_is_not_several(beta, hot):
    macro = make_macro(beta.bugs, ("add_tags", {"tags": [hot.pk]}))

    assert describe_macro(macro) == ["Add the tag hot"]


@pytest.mark.parametrize("kind", ["add_tags", "remove_tags"])
def test_tags_have_to_be_chosen_or_named(beta, kind):
    assert refused(beta, kind, tags=[], names=" ") == {
        "non_field_errors": ["Choose a tag, or name one."]
    }


@pytest.mark.parametrize(
    "wrong", [["x"], [10**30], [-1], [True], [None], [[1]], "hot", 5, {"a": 1}]
)
def test_tags_that_are_none_are_refused(beta, wrong):
    assert [*refused(beta, "add_tags", tags=wrong)] == ["tags"]


def test_an_unknown_tag_among_known_ones_is_refused(beta, hot):
    assert [*refused(beta, "add_tags", tags=[hot.pk, hot.pk + 1000])] == ["tags"]


def test_a_tag_that_became_too_long_fails_the_run(beta):
    change_ticket(beta.ticket, actor="ada", summary="x" * 60)

    done = run(beta, ("add_tags", {"names": "{{ ticket.summary }}"}))

    assert done.reason == "action_failed"
    assert "50 characters are the most" in done.sentence


def test_a_ticket_has_no_end_of_tags(beta):
    done = run(beta, ("add_tags", {"names": ",".join(f"tag {number}" for number in range(101))}))

    assert "A ticket has at most 100 tags." in done.sentence
    assert not Tag.objects.exists()


def test_a_tag_that_a_macro_names_is_not_deleted(beta, hot):
    make_macro(beta.bugs, ("add_tags", {"tags": [hot.pk]}))

    with pytest.raises(Exception, match="protected"):
        hot.delete()


# Comment


def test_a_comment_that_became_too_long_fails_the_run(beta):
    change_ticket(beta.ticket, actor="ada", description="x" * 9_999)
    comment = {"body": "Said: {{ ticket.description }}", "exposure": "internal"}

    done = run(beta, ("add_comment", comment))

    assert done.sentence == (
        "“Add Comment” of macro “Do it” failed on BUG-0001: Comment: It became 10,005 characters "
        "long: 10,000 are allowed. Nothing was changed."
    )


def test_a_comment_of_nothing_fails_the_run(beta):
    done = run(beta, ("add_comment", {"body": "{{ event.comment }}", "exposure": "public"}))

    assert "Comment: Nothing is left of it once its variables are filled in." in done.sentence


@pytest.mark.parametrize("strange", ["\0", "\ud800"])
def test_what_no_database_keeps_fails_the_run_with_a_sentence(beta, strange):
    comment = {"body": "{{ ticket.summary }}", "exposure": "public"}
    beta.ticket.summary = f"It {strange} melts"
    words = words_for(beta.ticket, actor="ada")

    with pytest.raises(ValidationError, match=r"Comment: (Null characters|.* cannot be kept)"):
        ACTIONS["add_comment"].filled_in(comment, lambda: words)


def test_several_comments_in_one_macro(beta):
    texts = ["One", "Two"]
    run(beta, *(("add_comment", {"body": text, "exposure": "public"}) for text in texts))

    assert [body for body, _ in as_it_is(beta.ticket)["comments"]] == texts


# Score


@pytest.mark.parametrize(
    ("how", "number", "after", "words"),
    [
        ("add", 5, 15, "Add 5 to the score"),
        ("subtract", 3, 7, "Subtract 3 from the score"),
        ("set", -2, -2, "Set the score to -2"),
    ],
)
def test_the_priority_score(beta, how, number, after, words):
    change_ticket(beta.ticket, actor="ada", score=10)
    done = run(beta, ("adjust_score", {"score_how": how, "score": number}))

    assert as_it_is(beta.ticket)["score"] == after
    assert done.steps == [words]
    assert f"score 10 → {after}" in done.sentence


def test_the_submitters_rank_points_and_the_score_at_once(beta):
    params = {"points_how": "add", "points": 5, "score_how": "set", "score": 9}
    done = run(beta, ("adjust_score", params))

    assert (points_of(beta.project, beta.ada), as_it_is(beta.ticket)["score"]) == (5, 9)
    assert done.steps == ["Add 5 to the submitter's points, and set the score to 9"]
    assert done.sentence == "Macro “Do it” ran on BUG-0001: score 0 → 9, rank points 0 → 5."


def test_rank_points_say_who_changed_them_when_and_why(beta):
    done = run(beta, ("adjust_score", {"points_how": "add", "points": 5}))

    (change,) = PersonChange.objects.all()
    assert (change.person, change.project, change.ticket) == (beta.ada, beta.project, beta.ticket)
    assert (change.before, change.after, change.actor) == (0, 5, "pam → Do it")
    assert change.cause == done.execution.public_id


def test_rank_points_that_are_so_already_are_no_change(beta):
    done = run(beta, ("adjust_score", {"points_how": "set", "points": 0}))

    assert done.reason == "unchanged"
    assert not PersonChange.objects.exists()


@pytest.mark.parametrize("what", ["points", "score"])
def test_no_number_grows_without_end(beta, what):
    most = {f"{what}_how": "set", what: MOST_POINTS}
    more = {f"{what}_how": "add", what: 1}

    done = run(beta, ("adjust_score", most), ("adjust_score", more))

    assert done.sentence.endswith("1,000,000,000 is the most. Nothing was changed.")
    assert as_it_is(beta.ticket)["score"] == 0


@pytest.mark.parametrize(
    ("params", "problems"),
    [
        ({}, {"non_field_errors"}),
        ({"points_how": "add"}, {"points"}),
        ({"score": 5}, {"score_how"}),
        ({"points_how": "double", "points": 2}, {"points_how"}),
        ({"score_how": "add", "score": MOST_POINTS + 1}, {"score"}),
        ({"score_how": "add", "score": 1.5}, {"score"}),
    ],
)
def test_half_a_score_is_refused(beta, params, problems):
    assert {*refused(beta, "adjust_score", **params)} >= problems


def test_points_that_were_added_are_taken_back_beside_newer_ones(beta):
    first = run(beta, ("adjust_score", {"points_how": "add", "points": 5}))
    run(beta, ("adjust_score", {"points_how": "add", "points": 7}), name="More")

    undone = take_back(first.execution)

    assert points_of(beta.project, beta.ada) == 7
    assert states(undone) == ["back"]


def test_points_that_were_set_are_left_alone_where_somebody_changed_them_since(beta):
    first = run(beta, ("adjust_score", {"points_how": "set", "points": 5}))
    run(beta, ("adjust_score", {"points_how": "add", "points": 7}), name="More")

    undone = take_back(first.execution)

    assert points_of(beta.project, beta.ada) == 12
    assert states(undone) == ["touched"]

    chosen = take_back(first.execution, even=["Rank points"])

    assert points_of(beta.project, beta.ada) == 0
    assert states(chosen) == ["back"]


def test_a_second_undo_takes_no_points_away(beta):
    done = run(beta, ("adjust_score", {"points_how": "add", "points": 5}))
    take_back(done.execution)

    again = take_back(done.execution)

    assert again.reason == "not_taken_back"
    assert points_of(beta.project, beta.ada) == 0


# The submitter


def test_a_note_about_the_submitter(beta):
    done = run(beta, ("add_note", {"body": "Wrote {{ ticket.ref }} well."}))

    note = beta.ada.personnotes.get()
    assert (note.body, note.ticket, note.project) == (
        "Wrote BUG-0001 well.",
        beta.ticket,
        beta.project,
    )
    assert note.cause == done.execution.public_id
    assert done.steps == ["Note about the submitter: “Wrote BUG-0001 well.”"]


def test_a_note_that_is_taken_back_stays_in_the_history(beta):
    done = run(beta, ("add_note", {"body": "Rude."}))

    take_back(done.execution)

    assert not beta.ada.personnotes.exists()
    (change,) = PersonChange.objects.all()
    assert (change.field, change.before, change.actor) == ("note", "Rude.", "pam → Undo of “Do it”")


@pytest.mark.parametrize("kind", ["support", "observer", "participant"])
def test_the_submitter_joins_a_team_and_leaves_it(beta, kind):
    team = Team.objects.create(project=beta.project, name="Heroes", kind=kind)
    joined = run(beta, ("adjust_team_membership", {"change": "add", "team": team.pk}))
    assert beta.ada in team.members.all()
    assert joined.steps == ["Add the submitter to Heroes"]
    assert joined.sentence == "Macro “Do it” ran on BUG-0001: ada joined Heroes."

    left = run(beta, ("adjust_team_membership", {"change": "remove", "team": team.pk}), name="Out")
    assert beta.ada not in team.members.all()
    assert left.steps == ["Remove the submitter from Heroes"]
    assert [(change.before_text, change.after_text) for change in PersonChange.objects.all()] == [
        ("", "Heroes"),
        ("Heroes", ""),
    ]


@pytest.mark.parametrize("change", ["add", "remove"])
def test_no_macro_makes_or_unmakes_a_project_manager(beta, change):
    problems = refused(beta, "adjust_team_membership", change=change, team=beta.managers.pk)

    assert problems == {
        "team": [
            "“Project Managers” is a team of project managers: who is in it is for community "
            "managers to say, and not for a macro. Choose a team of another kind."
        ]
    }


def test_a_team_that_became_one_of_project_managers_is_refused_at_the_run(beta):
    team = Team.objects.create(project=beta.project, name="Heroes", kind="support")
    macro = make_macro(beta.bugs, ("adjust_team_membership", {"change": "add", "team": team.pk}))
    Team.objects.filter(pk=team.pk).update(kind="project_manager")

    done = run(beta, ("run_macro", {"macro": macro.pk}), name="Outer")

    assert done.reason == "macro_broken"
    assert "for community managers to say" in done.sentence
    assert not team.members.exists()


def test_nobody_is_put_back_into_what_is_a_team_of_project_managers_now(beta):
    beta.support.members.add(beta.ada)
    params = {"change": "remove", "team": beta.support.pk}
    done = run(beta, ("adjust_team_membership", params))
    Team.objects.filter(pk=beta.support.pk).update(kind="project_manager")

    undone = take_back(done.execution)

    assert states(undone) == ["cannot"]
    assert not beta.support.members.exists()


def test_a_team_of_another_project_is_refused(beta, people):
    strange = people["outsider"].teams.get()

    assert [*refused(beta, "adjust_team_membership", change="add", team=strange.pk)] == ["team"]


def test_who_cannot_sign_in_joins_no_team(beta):
    beta.ada.is_active = False
    beta.ada.save()
    params = {"change": "add", "team": beta.support.pk}

    done = run(beta, ("adjust_team_membership", params))

    assert "no team changed, since ada cannot sign in" in done.sentence
    assert not beta.support.members.exists()


# Links


def test_an_outside_item_is_linked_and_another_time_it_is_already(beta, listener, send):
    item = {
        "system": "jira",
        "remote_key": "{{ payload.issue.key }}",
        "remote_id": "{{ event.item }}",
    }
    address = {
        "url": "https://jira.example.com/browse/{{ payload.issue.key }}?by={{ ticket.summary }}"
    }
    listener.macro = make_macro(beta.bugs, ("link", item | address))
    listener.save()
    body = {
        "webhookEvent": "jira:issue_updated",
        "issue": {"id": "10012", "key": "SANDBOX-12", "fields": {}},
    }

    first = send(listener, body, find="BUG-0001")
    second = send(listener, body | {"timestamp": 2}, find="BUG-0001")

    assert as_it_is(beta.ticket)["links"] == [
        (
            "jira",
            "SANDBOX-12",
            first.item,
            "https://jira.example.com/browse/SANDBOX-12?by=The%20lens%20cap%20melts",
        )
    ]
    assert (first.reason, second.reason) == ("applied", "unchanged")
    assert first.executions.get().steps.get().sentence == "Link to SANDBOX-12 in Jira"


def test_a_link_names_an_item(beta):
    assert refused(beta, "link", system="jira", url="https://a.example/") == {
        "non_field_errors": ["Say what the item is called over there: its key, its id or both."]
    }


def test_a_link_whose_item_became_nothing_fails(beta):
    done = run(beta, ("link", {"system": "jira", "remote_id": "{{ event.item }}"}))

    assert "Neither a key nor an id is left" in done.sentence


@pytest.mark.parametrize("wrong", ["nowhere", "ftp://a.example", "javascript:alert(1)", "https://"])
def test_a_link_leads_to_a_web_address(beta, wrong):
    assert [*refused(beta, "link", system="jira", remote_key="A-1", url=wrong)] == ["url"]


def test_a_link_whose_address_became_none_fails(beta):
    change_ticket(beta.ticket, actor="ada", summary="javascript:alert(1)")
    params = {"system": "jira", "remote_key": "A-1", "url": "{{ ticket.summary }}"}

    done = run(beta, ("link", params))

    assert "URL: This is no web address" in done.sentence
    assert not beta.ticket.links.exists()


@pytest.mark.parametrize(
    ("params", "left", "sentence"),
    [
        ({"system": "jira"}, ["github"], "Remove every link to Jira"),
        ({"remote_key": "b-2"}, ["jira A-1", "github"], "Remove the link to b-2"),
        (
            {"system": "jira", "remote_key": "10012"},
            ["jira B-2", "github"],
            "Remove the link to 10012 in Jira",
        ),
        (
            {"system": "rally"},
            ["jira A-1", "jira B-2", "github"],
            "Remove every link to Agile Central (Rally)",
        ),
    ],
)
def test_links_are_removed_by_system_and_by_name(beta, params, left, sentence):
    for system, key, pk in [("jira", "A-1", "10012"), ("jira", "B-2", ""), ("github", "", "7")]:
        link_ticket(beta.ticket, actor="ada", system=system, remote_key=key, remote_id=pk)

    done = run(beta, ("unlink", params))

    links = as_it_is(beta.ticket)["links"]
    assert {f"{system} {key}".strip() for system, key, _, _ in links} == {*left}
    assert done.steps == [sentence]


def test_unlink_never_means_everything_by_mistake(beta):
    assert [*refused(beta, "unlink", system="", remote_key="")] == ["non_field_errors"]


def test_an_unlink_of_nothing_fails_instead_of_removing_all(beta):
    link_ticket(beta.ticket, actor="ada", system="jira", remote_key="A-1")

    done = run(beta, ("unlink", {"remote_key": "{{ event.item }}"}))

    assert done.reason == "action_failed"
    assert beta.ticket.links.exists()


# All of them


EVERYTHING = {
    "adjust_workflow": lambda beta, hot: {"team": beta.support.pk, "status": beta.closed.pk},
    "set_field": lambda beta, hot: {"field": severity(beta).pk, "value": "High"},
    "set_blocking": lambda beta, hot: {"blocking": True},
    "set_exposure": lambda beta, hot: {"exposure": "internal"},
    "add_tags": lambda beta, hot: {"tags": [hot.pk], "names": "new"},
    "remove_tags": lambda beta, hot: {"names": "lens"},
    "add_comment": lambda beta, hot: {"body": "Hi", "exposure": "internal"},
    "adjust_score": lambda beta, hot: {
        "points_how": "set",
        "points": 5,
        "score_how": "subtract",
        "score": 3,
    },
    "add_note": lambda beta, hot: {"body": "Good."},
    "adjust_team_membership": lambda beta, hot: {"change": "remove", "team": beta.participants.pk},
    "link": lambda beta, hot: {"system": "github", "remote_key": "a/b#1"},
    "unlink": lambda beta, hot: {"system": "jira"},
    "send_email": lambda beta, hot: MAIL,
    "call_webhook": lambda beta, hot: CALL,
    "run_macro": lambda beta, hot: {"macro": inner_macro(beta).pk},
}


def severity(beta):
    return beta.bugs.form_fields.first() or add_field(beta.bugs, "Severity")


def inner_macro(beta):
    found = Macro.objects.filter(name="Inner").first()
    return found or make_macro(beta.bugs, ("set_blocking", {"blocking": True}), name="Inner")


@pytest.fixture
def worked_on(beta, hot):
    change_ticket(beta.ticket, actor="ada", tags=tags_named(beta.project, ["lens"]), score=8)
    link_ticket(beta.ticket, actor="ada", system="jira", remote_key="A-1", url="https://a.example/")
    Standing.objects.create(project=beta.project, person=beta.ada, points=2)
    return beta


def test_the_list_above_holds_every_action():
    assert EVERYTHING.keys() == ACTIONS.keys()


@pytest.mark.parametrize("kind", EVERYTHING)
def test_an_action_that_is_taken_back_leaves_all_as_it_was(worked_on, hot, kind):
    before = as_it_is(worked_on.ticket)
    done = run(worked_on, (kind, EVERYTHING[kind](worked_on, hot)))
    assert done.reason == "applied"
    left = ACTIONS[kind].not_undoable
    assert (as_it_is(worked_on.ticket) == before) == bool(left)

    Outgoing.objects.update(status=Outgoing.Status.SENT)

    undone = take_back(done.execution)

    assert as_it_is(worked_on.ticket) == before
    assert undone.reason == ("not_taken_back" if left else "applied")
    assert {*states(undone)} == ({"cannot"} if left else {"back"})
    assert left in " ".join(step.sentence for step in undone.steps.all())


@pytest.mark.parametrize("kind", EVERYTHING)
def test_an_undo_is_taken_back_as_often_as_one_likes(worked_on, hot, kind):
    before = as_it_is(worked_on.ticket)
    done = run(worked_on, (kind, EVERYTHING[kind](worked_on, hot)))
    after = as_it_is(worked_on.ticket)
    Outgoing.objects.update(status=Outgoing.Status.SENT)

    undone = take_back(done.execution)
    for expected in (after, before, after):
        undone = take_back(undone)
        assert as_it_is(worked_on.ticket) == expected


@pytest.mark.parametrize("kind", EVERYTHING)
def test_each_action_tells_what_was_before_and_after(worked_on, hot, kind):
    done = run(worked_on, (kind, EVERYTHING[kind](worked_on, hot)))

    told = [change for step in done.execution.steps.all() for change in step.changes]

    assert told
    assert all(before != after for _, before, after in told)


@pytest.mark.parametrize("kind", ["send_email", "call_webhook"])
def test_what_still_waits_to_leave_is_cancelled(worked_on, hot, kind):
    done = run(worked_on, (kind, EVERYTHING[kind](worked_on, hot)))

    undone = take_back(done.execution)

    assert (undone.reason, {*states(undone)}) == ("applied", {"back"})
    assert "It had not left: it is cancelled." in undone.steps.get().sentence
    assert Outgoing.objects.get().status == "cancelled"


def test_a_macro_of_everything_is_taken_back_whole(worked_on, hot):
    before = as_it_is(worked_on.ticket)
    actions = [(kind, make(worked_on, hot)) for kind, make in EVERYTHING.items()]
    done = run(worked_on, *actions)
    assert done.reason == "applied", done.sentence
    assert len(done.steps) == len(actions) + 1

    after = as_it_is(worked_on.ticket)

    undone = take_back(done.execution)

    assert as_it_is(worked_on.ticket) == before
    take_back(undone)
    assert as_it_is(worked_on.ticket) == after


MORE = {
    "link": {"system": "jira", "remote_key": "B-2", "url": "https://a.example/B-2"},
    "unlink": {"remote_key": "b-2"},
    "adjust_score": {"points_how": "add", "points": 4, "score_how": "add", "score": 1},
    "add_tags": {"names": "lens, new, newer"},
    "remove_tags": {"names": "new"},
    "add_comment": {"body": "{{ ticket.tags|join }} {{ ticket.score }}", "exposure": "public"},
}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_a_macro_does_in_whichever_order_is_taken_back(worked_on, hot, seed):
    chance = random.Random(seed)
    known = [(kind, make(worked_on, hot)) for kind, make in EVERYTHING.items()]
    member = {"change": "add", "team": worked_on.participants.pk}
    more = [*MORE.items(), ("adjust_team_membership", member)]
    repeats = [each for each in known if ACTIONS[each[0]].repeatable]
    actions = [*known, *chance.choices([*more, *repeats], k=12)]
    chance.shuffle(actions)
    before = as_it_is(worked_on.ticket)
    done = run(worked_on, *actions)
    assert done.reason == "applied", done.sentence

    after = as_it_is(worked_on.ticket)
    Outgoing.objects.update(status=Outgoing.Status.SENT)

    undone = take_back(done.execution)

    assert as_it_is(worked_on.ticket) == before
    assert {*states(undone)} == {"back", "cannot"}
    take_back(undone)
    assert as_it_is(worked_on.ticket) == after


@pytest.mark.parametrize("kind", EVERYTHING)
def test_a_rehearsal_leaves_no_trace(worked_on, hot, kind):
    params = EVERYTHING[kind](worked_on, hot)
    before = as_it_is(worked_on.ticket), PersonChange.objects.count(), Macro.objects.count()

    with rehearsal():
        assert run(worked_on, (kind, params)).reason == "applied"

    assert before == (
        as_it_is(worked_on.ticket),
        PersonChange.objects.count(),
        Macro.objects.count(),
    )


@pytest.mark.parametrize("kind", EVERYTHING)
def test_where_a_later_action_fails_nothing_of_it_stays(worked_on, hot, kind):
    before = as_it_is(worked_on.ticket)
    fails = ("add_comment", {"body": "{{ payload.nothing.at.all }}", "exposure": "public"})

    done = run(worked_on, (kind, EVERYTHING[kind](worked_on, hot)), fails)

    assert done.reason == "action_failed"
    assert "there is no payload.nothing.at.all" in done.sentence
    assert as_it_is(worked_on.ticket) == before
    assert not done.steps
    assert not PersonChange.objects.exists()


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("add_tags", {"names": "{{ payload.none }}"}),
        ("remove_tags", {"names": "{{ payload.none }}"}),
        ("add_note", {"body": "{{ payload.none }}"}),
        ("link", {"system": "jira", "remote_key": "{{ payload.none }}"}),
        ("unlink", {"remote_key": "{{ payload.none }}"}),
        ("send_email", MAIL | {"subject": "{{ payload.none }}"}),
        ("send_email", MAIL | {"text": "{{ payload.none }}"}),
        ("call_webhook", CALL | {"url": "https://a.example/{{ payload.none }}"}),
        ("call_webhook", CALL | {"headers": "A: {{ payload.none }}"}),
        ("call_webhook", CALL | {"body": "{{ payload.none }}"}),
    ],
)
def test_a_missing_variable_fails_the_run_with_its_name(worked_on, kind, params):
    before = as_it_is(worked_on.ticket)

    done = run(worked_on, (kind, params))

    assert (done.reason, as_it_is(worked_on.ticket)) == ("action_failed", before)
    assert ACTIONS[kind].label in done.sentence
    assert "cannot be filled in: there is no payload.none." in done.sentence


def test_of_several_of_a_kind_the_one_that_failed_is_named(beta):
    fine = ("add_note", {"body": "Fine"})

    done = run(beta, fine, ("add_note", {"body": "{{ payload.nothing }}"}), fine)

    assert done.sentence.startswith("“Add Note (2 of 3)” of macro “Do it” failed on BUG-0001")


def test_macros_within_macros_do_no_more_than_a_long_one_may(beta):
    fifty = make_macro(beta.bugs, *[("add_note", {"body": "Note"})] * 50, name="Fifty")

    done = run(beta, *[("run_macro", {"macro": fifty.pk})] * 4, name="Four times fifty")

    assert done.reason == "macro_broken"
    assert "do more than 200 things" in done.sentence
    assert not PersonNote.objects.exists()


def test_of_a_run_that_did_nothing_there_is_nothing_to_undo(beta):
    done = run(beta, ("set_blocking", {"blocking": False}))

    undone = take_back(done.execution)

    assert (done.reason, undone.reason) == ("unchanged", "not_taken_back")
    assert undone.sentence.endswith("Nothing is left of it that could be taken back.")


def test_a_name_that_no_text_may_use_is_refused_on_saving(beta):
    assert refused(beta, "add_note", body="{{ tiket.ref }}") == {
        "body": ["There is no variable “tiket”. Did you mean “ticket”?"]
    }


def test_what_a_database_cannot_keep_is_refused(beta):
    with pytest.raises(ValidationError):
        make_macro(beta.bugs, ("add_note", {"body": "a\0b"}))
