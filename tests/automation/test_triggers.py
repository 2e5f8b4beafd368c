"""What starts a trigger, from when on, and what a pause makes of it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from automation import triggers
from automation.models import Execution, Trigger
from automation.pauses import go_on, pause
from feedback.following import follow_comment, follow_deletion, keep_data
from feedback.models import Comment, FeedbackType, SavedFilter, Ticket, TicketEvent
from feedback.people import join_team, leave_team
from feedback.saved_filters import save_filter
from feedback.services import (
    add_comment,
    change_ticket,
    remove_comment,
    submit_ticket,
    unlink_ticket,
)
from tests.automation.actions import make_macro
from tests.conftest import link_to_jira

OUTSIDE = {"system": "jira", "remote_id": "7", "actor": "x", "cause": ""}
WORDS = {"author": "dana", "exposure": "public"}


@pytest.fixture
def block(beta):
    return make_macro(beta.bugs, ("set_blocking", {"blocking": True}), name="Block")


@pytest.fixture
def paused(beta):
    pause(beta.project, User.objects.create_user("pat"))
    return beta.project


def ticket_now() -> Ticket:
    return Ticket.objects.get()


def filter_of(beta, name="Wanted", **group) -> SavedFilter:
    return save_filter(SavedFilter(feedback_type=beta.bugs, name=name, groups=[group]))


def unlink(ticket):
    unlink_ticket(link_to_jira(ticket), actor="x")


def remove(ticket):
    remove_comment(Comment.objects.create(ticket=ticket, body="Hi"), actor="x")


def follow(ticket):
    follow_comment(ticket, body="Hi", **OUTSIDE, **WORDS)


def unfollow(ticket):
    follow_comment(ticket, body="Hi", **OUTSIDE, **WORDS)
    TicketEvent.objects.all().delete()
    follow_deletion(ticket, **OUTSIDE, **WORDS)


@pytest.mark.parametrize(
    ("field", "modify"),
    [
        ("comments", lambda ticket: add_comment(ticket, body="Hi", actor="sam")),
        ("comments", remove),
        ("comments", follow),
        ("comments", unfollow),
        ("links", link_to_jira),
        ("links", unlink),
        (
            "custom_data",
            lambda ticket: keep_data(ticket, name="a", content={"b": 1}, actor="x", cause=""),
        ),
    ],
)
@pytest.mark.parametrize("any_field", [True, False])
def test_what_gathers_around_a_ticket_modifies_it(beta, on, block, field, modify, any_field):
    on("modified", block, field="" if any_field else field)

    modify(ticket_now())
    triggers.fire()

    assert ticket_now().blocking


def test_a_field_of_its_own_is_told_from_its_comments(beta, on, block):
    on("modified", block, field="summary")

    add_comment(ticket_now(), body="Hi", actor="sam")
    triggers.fire()

    assert not Execution.objects.exists()


def test_custom_data_bring_a_ticket_within_a_filter(beta, on, block):
    on("entered", block, filter=filter_of(beta, custom_data=["jira.state = ready"]))

    keep_data(ticket_now(), name="jira", content={"state": "ready"}, actor="x", cause="")
    triggers.fire()

    assert ticket_now().blocking


def test_a_team_of_the_submitter_brings_a_ticket_within_a_filter(beta, on, block):
    on("entered", block, filter=filter_of(beta, submitter_team=[beta.support.pk]))

    for _ in range(2):
        join_team(ticket_now(), beta.support, actor="sam")
        triggers.fire()
        leave_team(ticket_now(), beta.support, actor="sam")
        triggers.fire()

    assert Execution.objects.count() == 2


def test_a_team_that_no_filter_names_is_no_news(beta, on, block):
    on("modified", block)
    on("entered", block, filter=filter_of(beta, submitter_team=[beta.managers.pk]))

    join_team(ticket_now(), beta.support, actor="sam")

    assert not TicketEvent.objects.exists()


@pytest.mark.parametrize("where", ["team", "person", "api"])
def test_whoever_regroups_people_lets_their_tickets_come_in(beta, on, block, root, client, where):
    on("entered", block, filter=filter_of(beta, submitter_team=[beta.support.pk]))
    client.force_login(root)
    team, ada = beta.support, beta.ada

    if where == "api":
        answer = client.patch(
            f"/api/v1/teams/{team.pk}/", {"members": ["ada"]}, content_type="application/json"
        )
        assert answer.status_code == 200
    else:
        address, given = {
            "team": (
                f"/admin/feedback/team/{team.pk}/change/",
                {"name": team.name, "kind": team.kind, "members": [ada.pk]},
            ),
            "person": (
                f"/admin/auth/user/{ada.pk}/change/",
                {"username": "ada", "is_active": "on", "teams": [team.pk]},
            ),
        }[where]
        assert client.post(address, given).status_code == 302
    triggers.fire()

    assert ticket_now().blocking


def test_the_first_ticket_that_comes_within_a_changed_filter_counts(beta, on, block):
    wanted = filter_of(beta, exposure=["internal"])
    on("entered", block, filter=wanted)
    wanted.groups = [{"status": [beta.open.pk]}]
    save_filter(wanted)

    change_ticket(ticket_now(), actor="sam", status=beta.open)
    triggers.fire()

    assert ticket_now().blocking


def test_what_is_within_a_changed_filter_already_has_not_just_come(beta, on, block):
    wanted = filter_of(beta, exposure=["internal"])
    on("entered", block, filter=wanted)
    wanted.groups = [{"status": [beta.new.pk]}]
    save_filter(wanted)

    change_ticket(ticket_now(), actor="sam", summary="Other words")
    triggers.fire()

    assert not Execution.objects.exists()


def test_a_trigger_that_is_renamed_in_a_pause_forgets_nothing(beta, on, block, paused):
    on("entered", block, filter=filter_of(beta, status=[beta.open.pk]))
    change_ticket(ticket_now(), actor="sam", status=beta.open)
    trigger = Trigger.objects.get()
    trigger.name = "Another name"
    triggers.save_trigger(trigger)

    go_on(paused)
    triggers.fire()

    assert ticket_now().blocking


@pytest.mark.parametrize("change", [{}, {"field": "blocking"}, {"enabled": True}])
def test_what_happened_before_a_trigger_was_so_does_not_start_it(beta, on, close, paused, change):
    on("modified", name="Other", field="description")
    if change:
        on("modified", field="summary", enabled="enabled" not in change)
    ticket = Ticket.objects.select_related("feedback_type").get()
    ticket.feedback_type = FeedbackType.objects.get(pk=beta.bugs.pk)
    change_ticket(ticket, actor="sam", summary="Other words", blocking=True)

    if change:
        trigger = Trigger.objects.get(name="On modified")
        for name, value in change.items():
            setattr(trigger, name, value)
        triggers.save_trigger(trigger)
    else:
        on("modified", field="summary")
    go_on(paused)
    triggers.fire()

    assert not Execution.objects.exists()


def test_a_pause_holds_what_a_worker_has_begun_to_look_at(beta, on, block, monkeypatch):
    on("modified", block, field="summary")
    submit_ticket(beta.bugs, summary="Another", submitter=beta.ada)
    for ticket in Ticket.objects.all():
        change_ticket(ticket, actor="sam", summary="Other words")
    look, pat = triggers._look_at, User.objects.create_user("pat")

    def look_then_pause(pk):
        look(pk)
        pause(beta.project, pat)

    monkeypatch.setattr(triggers, "_look_at", look_then_pause)

    triggers.fire()

    assert Execution.objects.count() == 1


def test_a_refusal_tells_the_ticket_as_the_run_before_left_it(beta, on, close):
    on("modified", close, filter=filter_of(beta, "New ones", status=[beta.new.pk]))
    for blocking in (True, False):
        change_ticket(ticket_now(), actor="sam", blocking=blocking)

    triggers.fire()

    closed, refused = Execution.objects.filter(ticket=beta.ticket).order_by("pk")[:2]
    assert (closed.reason, refused.reason) == ("applied", "outside_filter")
    assert refused.sentence.endswith("its status is Closed.")
