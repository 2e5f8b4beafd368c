"""Scores, and what a project keeps about its people: written, shown, found, and hidden."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from feedback.filter_words import describe
from feedback.furnishing import create_project
from feedback.models import MOST_POINTS, PersonChange, SavedFilter, Standing, Ticket
from feedback.people import add_note, adjust_points, join_team, points_of, restore_points
from feedback.saved_filters import save_filter
from feedback.scores import How, adjusted
from feedback.services import change_ticket, submit_ticket
from feedback.undo import State
from tests.feedback.conftest import is_locked
from tests.rest.conftest import at_once

TICKET = "/admin/projects/beta/ticket/BUG-0001/"
LIST = "/admin/projects/beta/BUG/tickets/"


def person_page(person):
    return f"/admin/projects/beta/people/{person.pk}/"


@pytest.fixture
def known(cast):
    """A submitter of whom something is known, and a ticket with a score."""
    change_ticket(cast.ticket, actor="ada", score=987654)
    adjust_points(cast.ticket, How.ADD, 7, actor="Jira closed", cause="c" * 32)
    add_note(cast.ticket, "Writes <b>well</b>.", actor="Jira closed", cause="c" * 32)
    join_team(cast.ticket, cast.observers, actor="Jira closed")
    cast.observers.members.remove(cast.ada)
    return cast


@pytest.mark.parametrize(
    ("how", "number", "after"), [("add", 5, 8), ("subtract", 5, -2), ("set", 5, 5)]
)
def test_a_number_is_added_subtracted_or_set(how, number, after):
    assert adjusted(3, how, number) == after


@pytest.mark.parametrize("now", [MOST_POINTS, -MOST_POINTS])
def test_points_stay_within_what_a_database_keeps(beta, now):
    adjust_points(beta.ticket, How.SET, now, actor="ada")

    assert points_of(beta.project, beta.ada) == now
    with pytest.raises(Exception, match="is the most"):
        adjust_points(beta.ticket, How.ADD, now, actor="ada")


def test_what_could_not_be_kept_is_not_taken_back_either(beta):
    change = adjust_points(beta.ticket, How.SUBTRACT, MOST_POINTS, actor="ada")
    adjust_points(beta.ticket, How.SET, MOST_POINTS, actor="ada")

    undone = restore_points(beta.ticket, change, relative=True, actor="pam")

    assert undone.state == State.CANNOT
    assert points_of(beta.project, beta.ada) == MOST_POINTS


def test_points_are_those_of_one_project(beta, gamma_ticket):
    adjust_points(beta.ticket, How.ADD, 5, actor="ada")
    adjust_points(gamma_ticket, How.ADD, 9, actor="ada")

    assert points_of(beta.project, beta.ada) == 5
    assert points_of(gamma_ticket.project, beta.ada) == 9


@pytest.fixture
def gamma_ticket(beta):
    other = create_project("gamma", "Gamma")
    return submit_ticket(other.feedback_types.first(), summary="Theirs", submitter=beta.ada)


@pytest.mark.django_db(transaction=True)
def test_no_points_get_lost_where_several_are_given_at_once(on_postgres, beta):
    def give():
        return adjust_points(beta.ticket, How.ADD, 5, actor="ada")

    at_once(give, give, give)

    assert points_of(beta.project, beta.ada) == 15
    assert sorted(PersonChange.objects.values_list("after", flat=True)) == [5, 10, 15]


@pytest.mark.django_db(transaction=True)
def test_points_are_locked_until_the_run_is_kept(on_postgres, beta):
    adjust_points(beta.ticket, How.ADD, 5, actor="ada")

    with transaction.atomic():
        adjust_points(beta.ticket, How.ADD, 5, actor="ada")
        assert is_locked(Standing.objects.get())


# Pages


@pytest.mark.parametrize("role", ["manager", "support", "observer", "community"])
def test_those_inside_read_score_points_and_notes(sign_in, known, role):
    client = sign_in(role)
    ticket = client.get(TICKET).content.decode()
    person = client.get(person_page(known.ada)).content.decode()

    for text in (ticket, person):
        assert "Writes &lt;b&gt;well&lt;/b&gt;." in text
        assert ("Why?" in text) == (role in ("manager", "community"))
    assert "<dt>Priority score</dt><dd>987654</dd>" in ticket
    assert "7 rank points" in ticket
    assert person_page(known.ada) in ticket
    assert "<dt>Rank points</dt><dd>7</dd>" in person
    assert "Rank points:</span> <del>0</del>" in person
    assert "Joined <ins>" in person
    assert person.index("Rank points:") < person.index("Joined")  # the newest last
    assert "BUG-0001" in person


def test_participants_read_none_of_it(sign_in, known):
    """Not even the submitter, of the own ticket."""
    clients = {name: sign_in("participant") for name in ("participant", "ada")}
    clients["ada"].force_login(known.ada)

    for client in clients.values():
        text = client.get(TICKET).content.decode()
        assert client.get(person_page(known.ada)).status_code == 404
        assert not any(
            word in text for word in ("Writes", "rank point", "Priority score", "987654")
        )


def test_a_person_of_another_project_is_nowhere(sign_in, known):
    stranger = User.objects.get(username="stranger")

    assert sign_in("manager").get(person_page(stranger)).status_code == 404
    assert sign_in("stranger").get(person_page(known.ada)).status_code == 404


def test_the_ticket_shows_the_newest_notes_and_leads_to_all(sign_in, cast):
    for number in range(5):
        add_note(cast.ticket, f"Note {number}.", actor="Jira closed")

    ticket = sign_in("support").get(TICKET).content.decode()
    person = sign_in("support").get(person_page(cast.ada)).content.decode()

    assert [number for number in range(5) if f"Note {number}." in ticket] == [2, 3, 4]
    assert all(f"Note {number}." in person for number in range(5))


def test_a_page_about_somebody_busy_costs_no_more(sign_in, cast, django_assert_max_num_queries):
    client = sign_in("manager")
    for number in range(30):
        ticket = submit_ticket(cast.bugs, summary=f"No. {number}", submitter=cast.ada)
        add_note(ticket, "Again.", actor="Jira closed")
        adjust_points(ticket, How.ADD, 1, actor="Jira closed")
    client.get(person_page(cast.ada))

    with django_assert_max_num_queries(25):
        client.get(person_page(cast.ada))


def test_the_score_is_edited_and_an_empty_one_is_left_alone(sign_in, cast):
    client = sign_in("manager")
    form = client.get(TICKET + "?edit").context["edit_form"]
    data = {name: form.initial.get(name) or "" for name in form.fields if name != "blocking"}
    data |= {"action": "edit", "score": "-7"}
    client.post(TICKET, data)
    cast.ticket.refresh_from_db()
    assert cast.ticket.score == -7

    data |= {"score": "", "seen": cast.ticket.updated_at.isoformat(), "summary": "Another"}
    client.post(TICKET, data)

    cast.ticket.refresh_from_db()
    assert (cast.ticket.score, cast.ticket.summary) == (-7, "Another")
    assert "Priority score:</span> <del>0</del>" in client.get(TICKET).content.decode()


# Filters, files


@pytest.fixture
def scored(cast):
    for score in (0, 5, 10):
        ticket = submit_ticket(cast.bugs, summary=f"Score {score}", submitter=cast.ada)
        change_ticket(ticket, actor="ada", score=score)
    Ticket.objects.filter(pk=cast.ticket.pk).update(score=-5)
    return cast


@pytest.mark.parametrize(
    ("params", "scores"),
    [
        ({"score_min": "5"}, {5, 10}),
        ({"score_max": "0"}, {0, -5}),
        ({"score_min": "0", "score_max": "5"}, {0, 5}),
        ({"score_min__not": "5"}, {0, -5}),
        ({"score_max__not": "5"}, {10}),
    ],
)
def test_tickets_are_found_by_their_score(sign_in, scored, params, scores):
    shown = sign_in("support").get(LIST, params).context["page_obj"]

    assert {ticket.score for ticket in shown} == scores


@pytest.mark.parametrize("wrong", ["many", "1.5", str(MOST_POINTS + 1), "²", "9" * 40])
def test_no_score_finds_nothing_and_says_so(sign_in, scored, wrong):
    answer = sign_in("support").get(LIST, {"score_min": wrong})

    assert answer.context["errors"]
    assert not answer.context["page_obj"].object_list


def test_participants_do_not_sound_out_scores(sign_in, scored):
    answer = sign_in("participant").get(LIST, {"score_min": "5"})

    assert answer.context["errors"] == ["There is no field “score_min” to filter by."]


def test_a_filter_by_score_reads_well(scored):
    saved = SavedFilter(
        feedback_type=scored.bugs,
        name="Urgent",
        groups=[{"score_min": 5, "score_max__not": ["90"]}],
    )
    save_filter(saved)

    assert saved.groups == [{"score_min": [5], "score_max__not": [90]}]
    assert describe(saved.groups, scored.bugs) == (
        "Priority score is at least 5 and Priority score is more than 90"
    )


def test_a_file_that_was_exported_changes_no_score_when_it_comes_back(sign_in, scored):
    exported = sign_in("manager").get("/admin/projects/beta/BUG/export/").getvalue().decode()
    assert ",'-5," in exported  # which no spreadsheet takes for a formula

    page = {"text": exported.removeprefix("\ufeff")}
    answer = sign_in("manager").post("/admin/projects/beta/BUG/import/", page)

    assert answer.context["report"].sentence == "4 unchanged"
