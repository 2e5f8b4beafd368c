from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import QueryDict

from feedback.errors import BrokenFilter
from feedback.filter_groups import clean_groups, narrow
from feedback.filter_words import describe, what_differs
from feedback.filters import NOT, TicketFilterSet, of_type
from feedback.following import keep_data
from feedback.furnishing import create_project
from feedback.models import SavedFilter, Status, Tag, Ticket
from feedback.saved_filters import save_filter
from feedback.services import change_ticket, submit_ticket
from tests.conftest import make_listener


@pytest.fixture
def cast(beta):
    """Three tickets that differ in every field that can be filtered by.

    BUG-0001: New, of the managers, by Ada, without tags, of 1 March 2026.
    BUG-0002: Closed, of nobody, by Bob, tagged lens and heat, internal, blocking, score 5,
    of 2 March, with custom data.
    BUG-0003: Open, of the support, by Bob, tagged heat, score -1, of 3 March.
    """
    bob = User.objects.create_user("bob", "bob@example.org")
    beta.support.members.add(bob)
    lens = Tag.objects.create(project=beta.project, name="lens")
    heat = Tag.objects.create(project=beta.project, name="heat")
    two = submit_ticket(beta.bugs, summary="The strap tears", submitter=bob, description="At noon")
    three = submit_ticket(beta.bugs, summary="The box leaks", submitter=bob)
    change_ticket(
        two,
        actor="ada",
        status=beta.closed,
        team=None,
        exposure="internal",
        blocking=True,
        score=5,
        tags=[lens, heat],
    )
    moved = {"status": beta.open, "team": beta.support, "score": -1}
    change_ticket(three, actor="ada", tags=[heat], **moved)
    keep_data(two, name="jira", content={"priority": "High"}, actor="Jira", cause="")
    for day, ticket in enumerate((beta.ticket, two, three), start=1):
        moment = datetime(2026, 3, day, 12, tzinfo=UTC)
        Ticket.objects.filter(pk=ticket.pk).update(created_at=moment)
    return SimpleNamespace(**vars(beta), bob=bob, lens=lens, heat=heat, two=two, three=three)


def within(cast, *groups) -> str:
    """The numbers of the tickets inside a filter of these groups."""
    saved = SavedFilter(feedback_type=cast.bugs, name="Mine", groups=list(groups))
    tickets = narrow(Ticket.objects.filter(feedback_type=cast.bugs), saved)
    return "".join(
        str(number) for number in tickets.order_by("pk").values_list("number", flat=True)
    )


def values_of(cast) -> dict[str, list]:
    """For each field values that keep some tickets and leave some out, and the numbers kept."""
    return {
        "search": ["noon", "2"],
        "status": [[cast.new.pk, cast.closed.pk], "12"],
        "team": [[cast.managers.pk], "1"],
        "tags": [[cast.lens.pk], "2"],
        "exposure": [["internal"], "2"],
        "blocking": ["true", "2"],
        "score_min": ["5", "2"],
        "score_max": [-1, "3"],
        "submitter": [[cast.bob.pk], "23"],
        "submitter_team": [[cast.participants.pk], "1"],
        "submitter_email": ["EXAMPLE.ORG", "23"],
        "created_after": ["2026-03-02", "23"],
        "created_before": ["2026-03-02", "12"],
        "custom_data": [["jira.priority=high"], "2"],
    }


FIELDS = [name for name in TicketFilterSet.base_filters if not name.endswith(NOT)]


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_keeps_those_that_have_it(cast, field):
    values, kept = values_of(cast)[field]

    assert within(cast, {field: values}) == kept


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_as_none_of_keeps_all_the_others(cast, field):
    values, kept = values_of(cast)[field]

    others = "".join(number for number in "123" if number not in kept)
    assert within(cast, {field + NOT: values}) == others


def test_every_field_has_its_opposite():
    names = TicketFilterSet.base_filters

    assert set(names) == {*FIELDS, *(name + NOT for name in FIELDS)}


@pytest.mark.parametrize(
    ("groups", "kept"),
    [
        ([{"status": ["new", "open"]}], "13"),
        ([{"status": ["new", "open"], "submitter": ["bob"]}], "3"),
        ([{"status": ["new"], "submitter": ["bob"]}], ""),
        ([{"status": ["new"]}, {"submitter": ["bob"], "blocking": True}], "12"),
        ([{"status": ["new"]}, {"status": ["new"]}], "1"),
        ([{"tags": ["heat", "lens"]}], "23"),
        ([{"tags": ["heat"], "tags__not": ["lens"]}], "3"),
        ([{"tags__not": ["lens", "heat"]}], "1"),
        ([{"team__not": ["support"]}], "12"),
        ([{"blocking": False}], "13"),
        ([{"blocking__not": "false"}], "2"),
        ([{"search": "bug-2"}], "2"),
        ([{"search": "BUG-0003"}], "3"),
        ([{"search__not": "bug-2"}], "13"),
        ([{"search": "LEAKS"}], "3"),
        ([{"created_after": "2026-03-02", "created_before": "2026-03-02"}], "2"),
    ],
)
def test_fields_of_a_group_are_and_groups_are_or(cast, groups, kept):
    named = [
        {
            name: [getattr(cast, word).pk for word in words] if isinstance(words, list) else words
            for name, words in group.items()
        }
        for group in groups
    ]

    assert within(cast, *named) == kept


def test_a_ticket_that_matches_twice_is_one(cast):
    saved = SavedFilter(feedback_type=cast.bugs, groups=[{"tags": [cast.lens.pk, cast.heat.pk]}])

    assert narrow(Ticket.objects.all(), saved).count() == 2


def test_a_single_value_needs_no_list(cast):
    assert within(cast, {"status": cast.new.pk}) == within(cast, {"status": [str(cast.new.pk)]})


def test_a_filter_stays_within_the_tickets_it_is_given(cast):
    submit_ticket(cast.suggestions, summary="noon", submitter=cast.ada)
    saved = SavedFilter(feedback_type=cast.bugs, groups=[{"search__not": "nothing"}])

    assert narrow(Ticket.objects.filter(pk=cast.two.pk), saved).get() == cast.two


# It fails closed


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([], "A filter needs at least one group of fields."),
        (None, "A filter needs at least one group of fields."),
        ({"status": [1]}, "A filter needs at least one group of fields."),
        ([{}], "A group of a filter needs at least one field and its values."),
        ([None], "A group of a filter needs at least one field and its values."),
        ([["status"]], "A group of a filter needs at least one field and its values."),
        (
            [{"statuss": [1]}],
            "There is no field “statuss” to filter by. Did you mean “status”?",
        ),
        (
            [{"status_not": [1]}],
            "There is no field “status_not” to filter by. Did you mean “status__not”?",
        ),
        ([{"xyzzy": [1]}], "There is no field “xyzzy” to filter by."),
        ([{"page": 2}], "There is no field “page” to filter by."),
        ([{"": ""}], "There is no field “” to filter by."),
        ([{"status": []}], "Status: choose at least one value, or leave it out."),
        ([{"status": None}], "Status: choose at least one value, or leave it out."),
        ([{"search": ""}], "Text: choose at least one value, or leave it out."),
        ([{"search": "  "}], "Text: choose at least one value, or leave it out."),
        ([{"blocking": ""}], "Blocking: choose at least one value, or leave it out."),
        ([{"exposure": []}], "Exposure: choose at least one value, or leave it out."),
        ([{"created_after": ""}], "Creation date: choose at least one value, or leave it out."),
        ([{"status": [0]}], "Status: Select a valid choice. 0 is not one of the available"),
        (
            [{"status": ["Nwe"]}],
            "Status: Select a valid choice. Nwe is not one of the available choices.",
        ),
        (
            [{"status": [None]}],
            "Status: Select a valid choice. None is not one of the available choices.",
        ),
        (
            [{"status": [{"id": 1}]}],
            "Status: Select a valid choice. {'id': 1} is not one of the available choices.",
        ),
        ([{"exposure": ["secret"]}], "Exposure: Select a valid choice. secret is not one of"),
        ([{"blocking": "maybe"}], "Blocking: Select a valid choice. maybe is not one of"),
        ([{"created_after": "yesterday"}], "Creation date: Enter a valid date."),
        ([{"created_after": "2026-02-30"}], "Creation date: Enter a valid date."),
        ([{"blocking": ["true", "false"]}], "Blocking: give one value only."),
        ([{"search": ["lens", "cap"]}], "Text: give one value only."),
        ([{"search": "a\0b"}], "Text: Null characters are not allowed."),
    ],
)
def test_what_cannot_be_understood_is_refused_and_matches_nothing(cast, groups, message):
    saved = SavedFilter(feedback_type=cast.bugs, name="Mine", groups=groups)

    with pytest.raises(ValidationError) as refused:
        save_filter(saved)
    with pytest.raises(BrokenFilter) as broken:
        narrow(Ticket.objects.all(), saved)

    assert " ".join(refused.value.messages).startswith(message)
    assert str(broken.value).startswith(f"Filter “Mine” no longer works: {message}")
    assert not SavedFilter.objects.exists()


def test_one_bad_group_breaks_the_whole_filter(cast):
    with pytest.raises(BrokenFilter):
        within(cast, {"status": [cast.new.pk]}, {"status": [0]})


def test_rows_of_another_project_are_no_choice(cast):
    gamma = create_project("gamma", "Gamma")
    eve = User.objects.create_user("eve")
    foreign = {
        "status": Status.objects.in_project(gamma).first(),
        "team": gamma.teams.first(),
        "submitter_team": gamma.teams.first(),
        "tags": Tag.objects.create(project=gamma, name="lens"),
        "submitter": eve,
    }

    for field, row in foreign.items():
        with pytest.raises(ValidationError, match="is not one of the available choices"):
            clean_groups([{field: [row.pk]}], cast.bugs)


def test_a_filter_gone_stale_stops_its_listener_and_says_why(send, beta, close):
    idle = Status.objects.create(workflow=beta.workflow, name="Idle")
    saved = save_filter(
        SavedFilter(feedback_type=beta.bugs, name="Idle ones", groups=[{"status__not": [idle.pk]}])
    )
    listener = make_listener(beta, close, filter=saved)
    saved.uses.all().delete()
    idle.delete()

    delivery = send(listener, find="BUG-0001")

    assert (delivery.status, delivery.reason) == ("failed", "filter_broken")
    assert delivery.sentence == (
        "Filter “Idle ones” no longer works: Status: Select a valid choice. "
        f"{saved.groups[0]['status__not'][0]} is not one of the available choices."
    )


def test_what_is_archived_still_works_where_it_is_used(cast):
    Status.objects.filter(pk=cast.new.pk).update(archived=True)

    assert within(cast, {"status": [cast.new.pk]}) == "1"


# In words


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([{"status": ["new"]}], "Status is New"),
        ([{"status": ["new", "open"]}], "Status is New or Open"),
        ([{"status__not": ["new", "open"]}], "Status is none of New or Open"),
        (
            [{"status": ["new"], "team__not": ["support"]}],
            "Status is New and Team is none of Beta Support",
        ),
        ([{"status": ["new"]}, {"tags": ["heat"]}], "Status is New, or Tags is heat"),
        ([{"blocking": "true"}], "Blocking is yes"),
        ([{"blocking__not": False}], "Blocking is none of no"),
        ([{"exposure": ["internal", "public"]}], "Exposure is Internal or Public"),
        ([{"exposure__not": ["internal"]}], "Exposure is none of Internal"),
        ([{"search": "lens"}], "Text contains lens"),
        ([{"search__not": "lens"}], "Text does not contain lens"),
        ([{"submitter": ["bob"]}], "Submitter is bob"),
        ([{"submitter_email__not": "x"}], "Submitter's e-mail does not contain x"),
        ([{"created_after": "2026-03-02"}], "Creation date is on or after 2026-03-02"),
        ([{"created_after__not": "2026-03-02"}], "Creation date is before 2026-03-02"),
        ([{"created_before": "2026-03-02"}], "Creation date is on or before 2026-03-02"),
        ([{"created_before__not": "2026-03-02"}], "Creation date is after 2026-03-02"),
    ],
)
def test_a_filter_is_described_in_words(cast, groups, sentence):
    named = [
        {
            name: [getattr(getattr(cast, word, word), "pk", word) for word in words]
            if isinstance(words, list)
            else words
            for name, words in group.items()
        }
        for group in groups
    ]

    assert describe(named, cast.bugs) == sentence


def test_what_cannot_be_understood_is_not_described(cast):
    with pytest.raises(ValidationError):
        describe([{"statuss": [1]}], cast.bugs)


@pytest.mark.parametrize(
    ("groups", "differences"),
    [
        ([{"status": ["closed"]}], ["status is New"]),
        ([{"status__not": ["new"]}], ["status is New"]),
        ([{"status": ["new"], "team": ["support"]}], ["team is Project Managers"]),
        ([{"status": ["closed"]}, {"status": ["open"]}], ["status is New"]),
        ([{"tags": ["lens"]}], ["tags is empty"]),
        ([{"blocking": True}], ["blocking is no"]),
        ([{"exposure": ["internal"]}], ["exposure is Public"]),
        ([{"search": "strap"}], ["text is “The lens cap melts”"]),
        ([{"submitter": ["bob"]}], ["submitter is ada"]),
        ([{"submitter_team": ["support"]}], ["submitter's team is Participants"]),
        ([{"submitter_email": "org"}], ["submitter's e-mail is ada@example.com"]),
        ([{"created_after": "2026-03-02"}], ["creation date is 2026-03-01"]),
        (
            [{"status": ["closed"], "blocking": True}, {"team": ["support"]}],
            ["status is New", "blocking is no", "team is Project Managers"],
        ),
    ],
)
def test_what_keeps_a_ticket_out_is_named(cast, groups, differences):
    named = [
        {
            name: [getattr(getattr(cast, word, word), "pk", word) for word in words]
            if isinstance(words, list)
            else words
            for name, words in group.items()
        }
        for group in groups
    ]
    saved = SavedFilter(feedback_type=cast.bugs, name="Mine", groups=named)
    ticket = Ticket.objects.get(pk=cast.ticket.pk)

    assert what_differs(ticket, saved) == differences


def test_a_ticket_of_nobody_is_told_so(cast):
    saved = SavedFilter(feedback_type=cast.bugs, groups=[{"team": [cast.support.pk]}])

    assert what_differs(cast.two, saved) == ["team is empty"]


def test_a_day_is_one_of_the_zone_that_times_are_shown_in(cast, settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    late = datetime(2026, 3, 1, 23, tzinfo=UTC)
    Ticket.objects.filter(pk=cast.ticket.pk).update(created_at=late)
    groups = [{"created_before": "2026-03-01"}]
    saved = SavedFilter(feedback_type=cast.bugs, groups=groups)

    assert within(cast, {"created_after": "2026-03-02"}) == "123"
    assert what_differs(Ticket.objects.get(pk=cast.ticket.pk), saved) == [
        "creation date is 2026-03-02"
    ]


# As the ticket list uses it


def test_choices_are_those_of_the_project(cast):
    gamma = create_project("gamma", "Gamma")
    form = of_type(QueryDict(), cast.bugs).form

    statuses = set(form.fields["status"].queryset)
    assert statuses == set(Status.objects.in_project(cast.project))
    assert not statuses & set(Status.objects.in_project(gamma))
    assert set(form.fields["submitter"].queryset) == {cast.ada, cast.bob}


def test_the_list_shows_one_feedback_type(cast):
    submit_ticket(cast.suggestions, summary="Fly", submitter=cast.ada)

    found = of_type(QueryDict("search=e"), cast.bugs).qs

    assert {ticket.feedback_type for ticket in found} == {cast.bugs}


def test_a_filter_takes_a_query_for_each_field_and_one_for_the_tickets(
    cast, django_assert_max_num_queries
):
    saved = SavedFilter.objects.create(
        feedback_type=cast.bugs,
        name="Mine",
        groups=[{"status": [cast.new.pk]}, {"blocking": True}],
    )

    with django_assert_max_num_queries(5):
        assert narrow(Ticket.objects.all(), saved).count() == 2


def test_yesterday_is_before_today(beta):
    today = beta.ticket.created_at.date()
    saved = SavedFilter(
        feedback_type=beta.bugs, groups=[{"created_after": str(today + timedelta(days=1))}]
    )

    assert not narrow(Ticket.objects.all(), saved).exists()
