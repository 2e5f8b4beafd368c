"""What a ticket answers to form fields of each kind: kept, refused, written, shown, found."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from feedback.errors import BrokenFilter
from feedback.field_kinds import KINDS
from feedback.filter_groups import narrow
from feedback.filter_words import describe, what_differs
from feedback.filters import NOT, field_filters, filters_of
from feedback.models import FormField, SavedFilter, SavedFilterUse, Ticket, TicketChange
from feedback.saved_filters import save_filter
from feedback.sentences import sentences_of
from feedback.services import change_ticket, submit_ticket
from feedback.values import clean_values, from_json, from_text, shown, written
from tests.conftest import add_field

COLOURS = {"choices": ["Red", "Green; dark", "Blue"], "archived_choices": ["Grey"]}
# Of each kind: how such a field is made, and values as JSON, as text and as people read them.
KINDS_OF_VALUES = {
    "text": ({}, "Version 2", "Version 2", "Version 2"),
    "long_text": ({}, "One\nTwo", "One\r\nTwo", "One\nTwo"),
    "number": ({}, 2.5, "2.50", "2.5"),
    "date": ({}, "2026-03-02", "2026-03-02", "2026-03-02"),
    "choice": (COLOURS, "Green; dark", "green; dark", "Green; dark"),
    "choices": (COLOURS, ["Red", "Green; dark"], '"green; dark"; red', "Red, Green; dark"),
    "rating": ({}, 4, "4", "4 of 5"),
    "platform": ({}, ["iOS", "macOS"], "MACOS, ios", "iOS, macOS"),
}


@pytest.fixture
def fields(beta):
    """A field of each kind, by its kind."""
    return {
        kind: add_field(beta.bugs, f"My {kind}", kind, **options)
        for kind, (options, *_) in KINDS_OF_VALUES.items()
    }


def test_every_kind_is_in_these_tests():
    assert [*KINDS] == FormField.Kind.values == [*KINDS_OF_VALUES]


@pytest.mark.parametrize("kind", KINDS)
def test_json_text_and_words_of_a_value_mean_the_same(fields, kind):
    field = fields[kind]
    _, value, text, words = KINDS_OF_VALUES[kind]

    assert from_json(field, value) == value
    assert from_text(field, text) == value
    assert from_text(field, written(field, value)) == value
    assert shown(field, value) == words


@pytest.mark.parametrize(
    ("kind", "empty"),
    [
        *((kind, None) for kind in KINDS),
        ("text", ""),
        ("text", "  "),
        ("choice", ""),
        ("choices", []),
    ],
)
def test_what_is_empty_is_not_kept_and_refused_where_it_is_required(fields, kind, empty):
    assert from_json(fields[kind], empty) is None
    assert from_text(fields[kind], "") is None

    fields[kind].required = True
    with pytest.raises(ValidationError, match="This is required"):
        from_json(fields[kind], empty)


REFUSED = [
    ("text", 5, "This field takes text."),
    ("text", ["a"], "This field takes text."),
    ("text", "x" * 251, "Ensure this value has at most 250 characters (it has 251)."),
    ("text", "a\0b", "Null characters are not allowed."),
    ("long_text", "x" * 10_001, "Ensure this value has at most 10000 characters (it has 10001)."),
    ("number", "5", "This field takes a number."),
    ("number", True, "This field takes a number."),
    ("number", float("nan"), "Enter a number."),
    ("number", float("inf"), "Enter a number."),
    ("number", 10**12, "Ensure that there are no more than 9 digits before the decimal point."),
    ("number", 10**400, "Ensure that there are no more than 15 digits in total."),
    ("number", 0.1234567, "Ensure that there are no more than 6 decimal places."),
    ("date", "2026-02-30", "Write a day such as 2026-11-23."),
    ("date", "23/11/2026", "Write a day such as 2026-11-23."),
    ("date", 20261123, "This field takes text."),
    (
        "choice",
        "Bleu",
        "“Bleu” is none of these: Red, Green; dark, Blue. Did you mean “Blue”?",
    ),
    ("choice", "Grey", "“Grey” is none of these: Red, Green; dark, Blue."),
    ("choice", ["Red"], "This field takes text."),
    ("choices", "Red", "This field takes a list of texts."),
    ("choices", [["Red"]], "This field takes a list of texts."),
    ("choices", [None], "This field takes a list of texts."),
    ("choices", ["Red", "Plaid"], "“Plaid” is none of these: Red, Green; dark, Blue."),
    ("rating", 6, "“6” is none of these: 1, 2, 3, 4, 5."),
    ("rating", 0, "“0” is none of these: 1, 2, 3, 4, 5."),
    ("rating", 2.5, "This field takes a whole number."),
    ("rating", True, "This field takes a whole number."),
    ("platform", ["Amiga"], "“Amiga” is none of these: iOS, Android, Windows, macOS, Linux, Web."),
]


@pytest.mark.parametrize(("kind", "value", "message"), REFUSED)
def test_what_cannot_be_is_refused_with_what_can(fields, kind, value, message):
    with pytest.raises(ValidationError) as refused:
        from_json(fields[kind], value)

    assert message in refused.value.messages


def test_choices_are_kept_once_and_in_their_order(fields):
    assert from_json(fields["choices"], ["Blue", "red", "BLUE"]) == ["Red", "Blue"]


def test_an_archived_choice_stays_where_it_is(fields):
    assert from_json(fields["choice"], "Grey", "Grey") == "Grey"
    assert from_json(fields["choices"], ["Grey", "Red"], ["Grey"]) == ["Red", "Grey"]


def test_all_that_is_wrong_is_told_by_key(beta, fields):
    given = {"my_number": "x", "my_nubmer": 1, "my_rating": 9}

    with pytest.raises(ValidationError) as refused:
        clean_values(beta.bugs.fields, given, {})

    assert refused.value.message_dict == {
        "my_number": ["This field takes a number."],
        "my_nubmer": ["There is no form field “my_nubmer” here. Did you mean “my_number”?"],
        "my_rating": ["“9” is none of these: 1, 2, 3, 4, 5."],
    }


def test_thousands_of_unknown_names_are_not_all_looked_at(beta, fields):
    with pytest.raises(ValidationError) as refused:
        clean_values(beta.bugs.fields, {f"name{number}": 1 for number in range(10_000)}, {})

    assert len(refused.value.message_dict) == 20


# A ticket's history


def test_a_change_is_noted_field_by_field_and_the_others_stay(beta, fields):
    change_ticket(beta.ticket, actor="ada", values={"my_text": "One", "my_rating": 3})
    changes = change_ticket(beta.ticket, actor="ada", values={"my_rating": None, "my_number": 2})

    beta.ticket.refresh_from_db()
    assert beta.ticket.values == {"my_text": "One", "my_number": 2}
    assert [(each.field, each.label, each.before, each.after) for each in changes] == [
        ("values.my_number", "My number", None, 2),
        ("values.my_rating", "My rating", 3, None),
    ]


def test_what_is_so_already_is_no_change(beta, fields):
    change_ticket(beta.ticket, actor="ada", values={"my_text": "One"})
    before = Ticket.objects.get(pk=beta.ticket.pk).updated_at

    assert change_ticket(beta.ticket, actor="ada", values={"my_text": "One"}) == []
    assert Ticket.objects.get(pk=beta.ticket.pk).updated_at == before
    assert TicketChange.objects.count() == 1


def test_two_who_set_different_fields_do_not_overwrite_each_other(beta, fields):
    stale = Ticket.objects.get(pk=beta.ticket.pk)
    change_ticket(beta.ticket, actor="ada", values={"my_text": "One"})
    change_ticket(stale, actor="bob", values={"my_rating": 2})

    assert Ticket.objects.get().values == {"my_text": "One", "my_rating": 2}


def test_a_change_goes_back_to_what_is_archived_or_required_by_now(beta, fields):
    change_ticket(beta.ticket, actor="ada", values={"my_choice": "Red", "my_text": "One"})
    FormField.objects.filter(key="my_choice").update(
        archived=True, choices=["Blue"], archived_choices=["Red"]
    )
    FormField.objects.filter(key="my_text").update(required=True)
    ticket = Ticket.objects.get()
    change_ticket(ticket, actor="ada", values={"my_choice": None, "my_text": None})
    change_ticket(ticket, actor="ada", values={"my_choice": "Red"})

    assert ticket.values == {"my_choice": "Red"}


@pytest.mark.parametrize("values", [{"nowhere": 1}, {"my_rating": 7}, {"my_choice": "Plaid"}])
def test_nothing_unknown_gets_into_a_ticket(beta, fields, values):
    with pytest.raises(ValidationError) as refused:
        change_ticket(beta.ticket, actor="ada", values=values)
    with pytest.raises(ValidationError):
        submit_ticket(beta.bugs, summary="New", submitter=beta.ada, values=values)

    assert [*refused.value.message_dict] == ["values"]
    assert Ticket.objects.get().values == {}


# Filters


@pytest.fixture
def four(beta, fields):
    """BUG-0001 with nothing; BUG-0002 to BUG-0004 with more and more."""
    answers = [
        ("Größe 10 %", 2, "2026-03-02", "Red", ["Red"], 2, ["iOS"]),
        ("größe 100", 3, "2026-03-03", "Blue", ["Red", "Blue"], 3, ["iOS", "Web"]),
        ("small_case", 10.5, "2026-03-10", "Grey", ["Grey"], 5, ["Web"]),
    ]
    kinds = ("text", "number", "date", "choice", "choices", "rating", "platform")
    for number, answer in enumerate(answers, start=2):
        values = {f"my_{kind}": value for kind, value in zip(kinds, answer, strict=True)}
        values["my_long_text"] = f"Line\nend {number}"
        submit_ticket(beta.bugs, summary=f"Number {number}", submitter=beta.ada, values=values)
    return beta


FOUND = [
    ("my_text", "größe", "23"),
    ("my_text", "10 %", "2"),
    ("my_text", "_", "4"),
    ("my_long_text", "END 3", "3"),
    ("my_number", "3", "3"),
    ("my_number", 10.5, "4"),
    ("my_number__min", 3, "34"),
    ("my_number__max", 3, "23"),
    ("my_date", "2026-03-03", "3"),
    ("my_date__min", "2026-03-03", "34"),
    ("my_date__max", "2026-03-03", "23"),
    ("my_choice", ["Red", "grey"], "24"),
    ("my_choices", ["Blue", "Grey"], "34"),
    ("my_choices", ["red"], "23"),
    ("my_rating", ["2", 5], "24"),
    ("my_rating__min", 3, "34"),
    ("my_rating__max", 3, "23"),
    ("my_platform", ["web"], "34"),
]


def kept_by(beta, **group) -> str:
    saved = SavedFilter(feedback_type=beta.bugs, name="Mine", groups=[group])
    tickets = narrow(Ticket.objects.filter(feedback_type=beta.bugs), saved)
    return "".join(map(str, tickets.order_by("pk").values_list("number", flat=True)))


@pytest.mark.parametrize(("name", "value", "kept"), FOUND)
def test_a_filter_keeps_those_that_have_it_and_its_opposite_all_others(four, name, value, kept):
    others = "".join(number for number in "1234" if number not in kept)

    assert kept_by(four, **{f"field.{name}": value}) == kept
    assert kept_by(four, **{f"field.{name}{NOT}": value}) == others


def test_every_filter_of_a_field_is_in_these_tests(four):
    named = {name.removeprefix("field.") for name in field_filters(four.bugs)}

    assert {name for name in named if not name.endswith(NOT)} == {name for name, *_ in FOUND}


def test_fields_narrow_together_with_each_other_and_with_all_else(four):
    group = {"field.my_choices": ["Red"], "field.my_rating__min": 3, "search": "number"}

    assert kept_by(four, **group) == "3"


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (
            {"field.my_choise": ["Red"]},
            "There is no field “field.my_choise” to filter by. Did you mean “field.my_choice”?",
        ),
        (
            {"my_choice": ["Red"]},
            "There is no field “my_choice” to filter by. Did you mean “field.my_choice”?",
        ),
        ({"field.my_text__min": "a"}, "There is no field “field.my_text__min” to filter by."),
        (
            {"field.my_choice": ["Plaid"]},
            "My choice: “Plaid” is none of these: Red, Green; dark, Blue, Grey.",
        ),
        ({"field.my_choice": []}, "My choice: choose at least one value, or leave it out."),
        ({"field.my_number": [1, 2]}, "My number: give one value only."),
        ({"field.my_number__min": "many"}, "My number: Enter a number."),
        ({"field.my_date__max": "soon"}, "My date: Write a day such as 2026-11-23."),
        ({"field.my_rating": [9]}, "My rating: “9” is none of these: 1, 2, 3, 4, 5."),
        ({"field.my_text": "a\0b"}, "My text: Null characters are not allowed."),
    ],
)
def test_what_cannot_be_understood_is_refused_and_matches_nothing(four, group, message):
    saved = SavedFilter(feedback_type=four.bugs, name="Mine", groups=[group])

    with pytest.raises(ValidationError) as refused:
        save_filter(saved)
    with pytest.raises(BrokenFilter) as broken:
        narrow(Ticket.objects.all(), saved)

    assert " ".join(refused.value.messages).startswith(message)
    assert message in str(broken.value)


def test_a_field_of_another_type_is_none_of_this(four):
    with pytest.raises(BrokenFilter, match=r"There is no field “field\.my_choice” to filter by"):
        narrow(
            Ticket.objects.all(),
            SavedFilter(feedback_type=four.suggestions, groups=[{"field.my_choice": ["Red"]}]),
        )


def test_a_filter_whose_field_is_gone_matches_nothing_and_says_so(four):
    saved = save_filter(
        SavedFilter(feedback_type=four.bugs, name="Red", groups=[{"field.my_choice": ["Red"]}])
    )
    SavedFilterUse.objects.all().delete()
    FormField.objects.filter(key="my_choice").delete()
    saved = SavedFilter.objects.get()

    with pytest.raises(BrokenFilter, match=r"There is no field “field\.my_choice” to filter by"):
        narrow(Ticket.objects.all(), saved)


def test_a_filter_is_kept_in_the_words_of_its_choices_and_reads_as_a_sentence(four):
    group = {
        "field.my_choice__not": ["red", "BLUE"],
        "field.my_number__min": "2.50",
        "field.my_date__max": "2026-03-03",
        "field.my_text": "size",
    }
    saved = save_filter(SavedFilter(feedback_type=four.bugs, name="Mine", groups=[group]))

    assert saved.groups == [
        {
            "field.my_choice__not": ["Red", "Blue"],
            "field.my_number__min": [2.5],
            "field.my_date__max": ["2026-03-03"],
            "field.my_text": ["size"],
        }
    ]
    assert describe(saved.groups, four.bugs) == (
        "My choice is none of Red or Blue and My number is at least 2.5 and My date is on or "
        "before 2026-03-03 and My text contains size"
    )
    assert save_filter(saved).groups == saved.groups


def test_what_differs_names_the_field_and_its_value(four):
    group = {"field.my_choice": ["Blue"], "field.my_rating__min": 4, "field.my_rating__max": 1}
    saved = save_filter(SavedFilter(feedback_type=four.bugs, name="Mine", groups=[group]))
    ticket = Ticket.objects.get(number=2)

    assert what_differs(ticket, saved) == ["my choice is Red", "my rating is 2 of 5"]


def test_many_filters_are_read_with_one_look_at_the_fields(four, django_assert_num_queries):
    for number in range(5):
        save_filter(
            SavedFilter(feedback_type=four.bugs, name=f"F{number}", groups=[{"field.my_text": "a"}])
        )
    filters = list(four.bugs.saved_filters.all())
    vars(four.bugs).pop("fields", None)

    with django_assert_num_queries(4):  # three kinds of rows that filters name, and the fields
        told = sentences_of(filters, four.project)

    assert told == ["My text contains a"] * 5


def test_a_filter_of_no_field_costs_no_look_at_the_fields(four, django_assert_num_queries):
    vars(four.bugs).pop("fields", None)

    with django_assert_num_queries(1):
        list(
            narrow(
                Ticket.objects.all(), SavedFilter(feedback_type=four.bugs, groups=[{"search": "a"}])
            )
        )
    assert "fields" not in vars(four.bugs)
    assert "field.my_text" in filters_of(four.bugs)
