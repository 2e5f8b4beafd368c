"""Tickets by their custom data: on every database the same, in lists, saved filters and by REST."""

from __future__ import annotations

from random import Random

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from feedback.data_filter import Holds
from feedback.data_paths import Asked
from feedback.filter_groups import clean_groups, narrow
from feedback.filter_words import describe, what_differs
from feedback.following import keep_data
from feedback.models import SavedFilter, Ticket, TicketData
from feedback.saved_filters import save_filter
from feedback.services import submit_ticket

TICKETS = "/admin/projects/beta/BUG/tickets/"
DATA = [
    {"priority": {"name": "High"}, "labels": ["Lens", "cap"], "points": 5, "done": True},
    {"priority": {"name": "Low"}, "labels": [], "points": "5", "done": "true"},
]


@pytest.fixture
def tickets(beta):
    """BUG-0001 and BUG-0002 with data, BUG-0003 without."""
    rows = [beta.ticket, *(submit_ticket(beta.bugs, summary=s, submitter=beta.ada) for s in "ab")]
    for ticket, content in zip(rows, DATA, strict=False):
        keep_data(ticket, name="jirafixed", content=content, actor="Jira", cause="")
    return rows


def within(beta, *groups):
    saved = SavedFilter(feedback_type=beta.bugs, name="Mine", groups=list(groups))
    found = narrow(Ticket.objects.filter(feedback_type=beta.bugs), saved)
    return "".join(str(ticket.number) for ticket in found.order_by("pk"))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["jirafixed.priority.name=high"], "1"),
        (["jirafixed.priority.name=high", "jirafixed.priority.name=LOW"], "12"),
        (["jirafixed.labels"], "1"),
        (["jirafixed.labels=LENS"], "1"),
        (["jirafixed.points=5"], "12"),
        (["jirafixed.points=5.0"], "1"),
        (["jirafixed.done=true"], "12"),
        (["jirafixed"], "12"),
        (["JIRAFIXED"], "12"),
        (["other"], ""),
        (["jirafixed.nothing"], ""),
        (["jirafixed.priority.name=%"], ""),
        (["jirafixed.priority.name=Hi_h"], ""),
        (["jirafixed.priority.name=' OR 1=1 --"], ""),
        ('jirafixed."priority"."name"=High', "1"),
    ],
)
def test_it_finds_those_that_have_one_of_the_values(beta, tickets, asked, found):
    assert within(beta, {"custom_data": asked}) == found
    others = "".join(number for number in "123" if number not in found)
    assert within(beta, {"custom_data__not": asked}) == others


def test_it_is_one_field_among_others(beta, tickets):
    group = {"custom_data": ["jirafixed.points=5"], "search": "a"}

    assert within(beta, group | {"custom_data__not": ["jirafixed.priority.name=High"]}) == "2"


@pytest.mark.parametrize("asked", ["jirafixed.", "=High", "a b", "jirafixed.a[*]", "x" * 301])
def test_what_is_no_such_text_is_refused_with_an_example(beta, tickets, asked):
    groups = [{"custom_data": [asked]}]

    with pytest.raises(ValidationError) as refused:
        clean_groups(groups, beta.bugs)

    assert " ".join(refused.value.messages) == (
        f"Custom data: “{asked[:100]}” asks for no custom data. Write their name, the path to a "
        "value and the value, such as jirafixed.priority.name=High; a name with signs of its own "
        'stands in quotation marks, as in azure.fields."System.State"=Active.'
    )


def test_there_are_at_most_twenty_values(beta):
    with pytest.raises(ValidationError, match="Give at most 20 values"):
        clean_groups([{"custom_data": [f"a.b={number}" for number in range(21)]}], beta.bugs)
    assert clean_groups([{"custom_data": [f"a.b={number}" for number in range(20)]}], beta.bugs)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "Custom data: choose at least one value, or leave it out."),
        ("", "Custom data: choose at least one value, or leave it out."),
        ([None], "Custom data: a value is text, a number, or true or false."),
        ([["a"]], "Custom data: “['a']” asks for no custom data."),
    ],
)
def test_what_is_no_text_is_refused(beta, value, message):
    with pytest.raises(ValidationError) as refused:
        clean_groups([{"custom_data": value}], beta.bugs)

    assert " ".join(refused.value.messages).startswith(message)


def test_a_saved_filter_keeps_it_as_people_write_it(beta, tickets):
    group = {"custom_data": [" JiraFixed.priority.name = High "]}

    saved = save_filter(SavedFilter(feedback_type=beta.bugs, name="High", groups=[group]))

    assert saved.groups == [{"custom_data": ["jirafixed.priority.name=High"]}]
    assert narrow(Ticket.objects.all(), saved).get() == beta.ticket


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        ({"custom_data": ["j.a=1", "j.b"]}, "Custom data has j.a=1 or j.b"),
        ({"custom_data__not": "j.a=1"}, "Custom data does not have j.a=1"),
    ],
)
def test_it_is_described_in_words(beta, group, sentence):
    assert describe([group], beta.bugs) == sentence


@pytest.mark.parametrize(
    ("groups", "differences"),
    [
        (
            [{"custom_data": ["jirafixed.priority.name=Low"]}],
            ["custom data jirafixed.priority.name is High"],
        ),
        (
            [{"custom_data": ["jirafixed.a=1", "jirafixed.a=2"]}, {"custom_data": ["other.b"]}],
            ["custom data jirafixed.a is empty", "custom data other.b is empty"],
        ),
        (
            [{"custom_data__not": ["jirafixed.labels=cap"]}],
            ["custom data jirafixed.labels is Lens, cap"],
        ),
        ([{"custom_data": ["jirafixed.done=false"]}], ["custom data jirafixed.done is true"]),
    ],
)
def test_what_keeps_a_ticket_out_is_named(beta, tickets, groups, differences):
    saved = SavedFilter(feedback_type=beta.bugs, name="Mine", groups=groups)

    assert what_differs(beta.ticket, saved) == differences


# On every database the same as in Python

NAMES = ["a", "b c", "ü", 'q"', "x.y", "\\", "1", "$", "@", "*", "strict $"]
SCALARS = [None, True, False, 0, 1, 5, 5.0, 0.1, -2, 10**20, 1e22, "", "1", "true", "Ab", "ÄB", "%"]
VALUES = ["", "1", "5.0", "0.10", "-2", "1e20", "true", "False", "null", "aB", "äb", "%", "1e999"]


def any_content(random, depth=3):
    kind = random.choice(["object", "list", "scalar"] if depth else ["scalar"])
    if kind == "object":
        names = random.sample(NAMES, 3)
        return {name: any_content(random, depth - 1) for name in names}
    if kind == "list":
        return [any_content(random, depth - 1) for _ in range(random.randrange(3))]
    return random.choice(SCALARS)


def any_asked(random):
    steps = [random.choice([*NAMES, 0, 1]) for _ in range(random.randrange(4))]
    return Asked("all", ("a", *steps), random.choice(VALUES))


def test_the_database_finds_what_python_finds(beta):
    random = Random(20261127)
    TicketData.objects.bulk_create(
        TicketData(ticket=beta.ticket, name=f"n{number}", content={"a": any_content(random)})
        for number in range(400)
    )
    rows = list(TicketData.objects.all())
    hits = 0

    for what in {any_asked(random) for _ in range(400)}:
        found = {*TicketData.objects.filter(Holds("content", (what,))).values_list("pk", flat=True)}
        expected = {row.pk for row in rows if what.is_met_by(row.content)}
        assert found == expected, what
        hits += len(found)

    assert hits > 500


# In the list


@pytest.fixture
def page(sign_in):
    return sign_in("manager")


def test_the_list_has_a_line_for_each_value_and_one_more(tickets, page):
    asked = ["jirafixed.priority.name=High", "jirafixed.points=7"]

    answer = page.get(TICKETS, {"custom_data": asked})

    text = answer.content.decode()
    assert [ticket.number for ticket in answer.context["page_obj"]] == [1]
    assert text.count('name="custom_data"') == 3
    assert 'value="jirafixed.priority.name=High"' in text
    assert "Custom data has jirafixed.priority.name=High or jirafixed.points=7" in text


def test_what_the_list_does_not_understand_matches_nothing(tickets, page):
    answer = page.get(TICKETS, {"custom_data": "jirafixed.="})

    assert list(answer.context["page_obj"]) == []
    assert "asks for no custom data" in answer.content.decode()


def test_participants_do_not_filter_by_it(tickets, client, beta):
    client.force_login(beta.ada)

    answer = client.get(TICKETS, {"custom_data": "jirafixed"})

    assert list(answer.context["page_obj"]) == []
    assert "There is no field “custom_data” to filter by." in answer.content.decode()


def test_many_values_are_one_query(beta, tickets):
    saved = SavedFilter(
        feedback_type=beta.bugs,
        name="Mine",
        groups=[{"custom_data": [f"jirafixed.points={number}" for number in range(20)]}],
    )

    with CaptureQueriesContext(connection) as queries:
        assert narrow(Ticket.objects.all(), saved).count() == 2

    assert len(queries) == 1
