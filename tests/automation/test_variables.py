from __future__ import annotations

from contextlib import suppress

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.variables import LONGEST_TEXT, check, fill

WORDS = {
    "ticket": {"ref": "BUG-0001", "tags": ["lens", "cap"], "blocking": False},
    "event": {"status_after": "Done"},
    "payload": {"items": [1, 2], "issue": {"fields": {"summary": "<b>Hot</b>", "none": None}}},
}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("plain { text }", "plain { text }"),
        ("{{ ticket.ref }}: {{ event.status_after|upper }}", "BUG-0001: DONE"),
        ("{{ payload.items|join(' and ') }}", "1 and 2"),
        ("{{ payload['items'][1] }}", "2"),
        ("{{ payload.gone.deep|default('nothing') }}", "nothing"),
        ("{% if payload.gone %}a{% else %}b{% endif %}", "b"),
        ("{% for tag in ticket.tags %}{{ loop.index }} {{ tag }};{% endfor %}", "1 lens;2 cap;"),
        ("{{ payload.issue.fields.summary }}", "<b>Hot</b>"),
        ("{{ 'yes' if ticket.blocking else 'no' }}", "no"),
    ],
)
def test_a_text_is_filled_in(text, becomes):
    check(text)

    assert fill(text, WORDS) == becomes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ ticket.reff }}", "There is no variable “ticket.reff”. Did you mean “ref”?"),
        ("{{ tickt.ref }}", "There is no variable “tickt”. Did you mean “ticket”?"),
        ("{{ ticket.ref", "Line 1: unexpected end of template, expected 'end of print statement'."),
        ("a\n{{ ticket.ref|shout }}", "Line 2: No filter named 'shout'."),
        ("{% for a in payload.b %}{% for c in a %}{% endfor %}{% endfor %}", "A “for” inside"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_when_it_is_saved(text, why):
    with pytest.raises(ValidationError) as refused:
        check(text)

    assert refused.value.messages[0].startswith(why)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ payload.__class__ }}",
        "{{ payload['__class__'] }}",
        "{{ payload.items.__init__.__globals__ }}",
        "{{ ticket.ref.format }}",
    ],
)
def test_there_is_no_way_out_of_the_sandbox(text):
    with pytest.raises(ValidationError, match="cannot be filled in: there is no"):
        fill(text, WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "{{ range(10) }}",
        "{{ ticket.ref.upper() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ 9 ** 9 }}",
        "{% set a = 1 %}",
        "{% macro a() %}{% endmacro %}",
        "{% include 'a' %}",
        "{% import 'a' as b %}",
        "{{ cycler }}",
        "{{ payload|attr('x') }}",
        "{{ '%99999999d'|format(1) }}",
    ],
)
def test_what_texts_do_not_need_is_refused(text):
    with pytest.raises(ValidationError):
        check(text)


def test_a_text_does_not_grow_without_end():
    words = {"payload": {"many": list(range(5000))}}

    with pytest.raises(ValidationError, match="becomes longer than 100,000 characters"):
        fill("{% for each in payload.many %}" + "x" * 1000 + "{% endfor %}", words)
    assert LONGEST_TEXT == 100_000


def test_a_name_that_is_missing_is_told_in_full():
    with pytest.raises(ValidationError) as refused:
        fill("{{ payload.issue.fields.resolution.name }}", WORDS)

    assert refused.value.messages == [
        "“{{ payload.issue.fields.resolution.name }}” cannot be filled in: "
        "there is no payload.issue.fields.resolution.name."
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}%|. ()[]'\"#-ticket.ref payload for in if end x0", max_size=60))
def test_whatever_is_written_is_filled_in_or_refused(text):
    for tried in (check, lambda text: fill(text, WORDS)):
        with suppress(ValidationError):
            tried(text)
