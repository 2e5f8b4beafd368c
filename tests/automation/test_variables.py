from __future__ import annotations

import tracemalloc
from contextlib import suppress
from itertools import count

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from automation.variables import (
    LONGEST_TEXT,
    PLAIN,
    check,
    fields_in,
    fill,
    limits,
    names_in,
    sandbox,
    shapes,
)

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


OF_TYPE = shapes(secrets=["secret"], values=lambda: {"severity": PLAIN})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "{{ ticket.values.sevrity }}",
            "There is no variable “ticket.values.sevrity”. Did you mean “severity”?",
        ),
        ("{{ ticket['values']['sevrity']|default('') }}", "There is no variable “ticket.values.s"),
        (
            "{{ project.key.x }}",
            "There is no variable “project.key.x”: “project.key” has nothing within it.",
        ),
        ("{{ ticket.ref[0] }}", "There is no variable “ticket.ref.0”: “ticket.ref” has nothing"),
        (
            "{{ ticket.links.key }}",
            "“ticket.links” is a list: name one of it, as in {{ ticket.links[0] }}, or each by",
        ),
        (
            "{% for link in ticket.links %}{{ link.kye }}{% endfor %}",
            "There is no variable “link.kye”. Did you mean “key”?",
        ),
        (
            "{% for link in ticket.links %}{% endfor %}{{ link.key }}",
            "There is no variable “link”.",
        ),
        ("{% for a in payload.b %}{% else %}{{ a }}{% endfor %}", "There is no variable “a”."),
        ("{{ loop.index }}", "There is no variable “loop”."),
        (
            "{% for a in payload.b %}{{ loop.idex }}{% endfor %}",
            "There is no variable “loop.idex”. Did you mean “index”?",
        ),
        ("{% for a in ticket.summary %}{% endfor %}", "“for” takes a list: “ticket.summary” is"),
        (
            "{% for a in ticket.values %}{% endfor %}",
            "“for” takes a list: “ticket.values” is none.",
        ),
        ("{{ payload[tickt.ref] }}", "There is no variable “tickt”. Did you mean “ticket”?"),
        ("{{ payload.a|default(tickt.ref) }}", "There is no variable “tickt”."),
        ("{% if (tickt.ref ~ 'a') in payload %}{% endif %}", "There is no variable “tickt”."),
    ],
)
def test_a_name_that_can_be_known_to_be_wrong_is_refused_when_it_is_saved(text, why):
    with pytest.raises(ValidationError) as refused:
        check(text, known=OF_TYPE)

    assert refused.value.messages[0].startswith(why)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ticket.values.severity }}",
        "{{ ticket.links[0].key|default('') }}{{ ticket.tags[0] }}{{ event.references[-1] }}",
        "{{ ticket.data.whatever.it.holds }}{{ payload.a[0].b }}",
        "{% for a in payload.b if a.c %}{{ loop.index }}{{ a.d }}{% endfor %}",
        "{% for a, b in payload.pairs %}{{ a }}{{ b.c }}{% endfor %}",
        "{% for ticket in ticket.links %}{{ ticket.key }}{% endfor %}{{ ticket.ref }}",
        "{{ (ticket.links|first).key }}{{ ticket[payload.name] }}",
    ],
)
def test_what_may_be_there_is_saved(text):
    check(text, known=OF_TYPE)


def test_the_form_fields_that_a_text_names_are_known():
    text = "{{ ticket.values.a }}{% if ticket['values'].b or payload.values.c %}{% endif %}"

    assert fields_in(text) == {"a", "b"}


def nested(depth):
    body = [1] * 400_000
    for _ in range(depth):
        body = [body]
    return body


@pytest.mark.parametrize(
    "text",
    [
        "{{ payload.deep|json }}",
        "{{ payload.deep }}",
        "{{ payload.deep|string|length }}",
        "{{ [" + "payload.deep," * 500 + "]|join|length }}",
        "{{ [" + "payload.deep," * 500 + "] }}",
        "{{ " + "~".join(["payload.long"] * 500) + " }}",
        "{{ (" + "~".join(["payload.long|e"] * 500) + ")|length }}",
        "{{ [" + "payload.long|upper," * 500 + "]|length }}",
        "{% for each in payload.many %}{% if payload.long|lower == each %}{% endif %}{% endfor %}",
    ],
)
def test_what_would_grow_large_is_refused_before_it_is_there(text):
    words = {"payload": {"deep": nested(500), "long": "x" * 1_000_000, "many": [1] * 1000}}
    tracemalloc.start()

    with pytest.raises(ValidationError, match=r"longer than 100,000|more than 10,000,000"):
        fill(text, words)

    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "text",
    [
        "{% for each in payload.many %}{% endfor %}",
        "{% if " + " or ".join(["payload.many == 1"] * 90) + " %}{% endif %}",
        "{% if payload.many == " + " == ".join(["payload.many"] * 1000) + " %}{% endif %}",
        "{% if payload.many" + "|default(payload.many)" * 80 + " %}{% endif %}",
        "{% if payload.many is in payload.many %}{% endif %}" * 150,
        "{{ payload.many[0] }}" * 150,
    ],
)
def test_the_clock_is_looked_at_all_the_way(text, monkeypatch):
    ticks = count(step=0.04)
    monkeypatch.setattr(limits, "monotonic", lambda: next(ticks))

    with pytest.raises(ValidationError, match="takes longer than 2 seconds"):
        fill(text, {"payload": {"many": [1] * 1000}})


@pytest.mark.parametrize("text", ["{{ 1|round(2) }}", "{{ 'a'|upper }}", "{{ 1 is number }}"])
def test_no_filter_is_tried_while_a_text_is_checked(text, monkeypatch):
    monkeypatch.setattr(sandbox.Effort, "look", lambda self: pytest.fail("It was tried."))

    check(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ 1|round(10000000, 'ceil') }}", "“round” does not fit (it takes up to 20 digits)"),
        (
            "{{ ticket.ref|truncate(1) }}",
            "“truncate” does not fit (expected length >= 3, got 1)",
        ),
        ("{{ payload.items|round }}", "“round” does not fit (type list doesn't define"),
        ("{{ payload.gone|json }}", "there is no payload.gone."),
        ("{{ [payload.gone]|json }}", "there is no payload.gone."),
        ("{% for each in payload.gone %}{% endfor %}", "there is no payload.gone."),
        ("{% for each in ticket.ref %}{% endfor %}", "“for” takes a list."),
    ],
)
def test_what_does_not_fit_is_told(text, why):
    with pytest.raises(ValidationError) as refused:
        fill(text, WORDS)

    assert why in refused.value.messages[0]


@pytest.mark.parametrize(
    "text",
    [
        "{{ payload" + ".a" * 250 + " }}",
        "{{ payload" + "|upper" * 250 + " }}",
        "{{ " + "not " * 250 + "payload }}",
        "{{ " + "[" * 3000 + "]" * 3000 + " }}",
        "{% if payload %}" * 120 + "{% endif %}" * 120,
    ],
)
def test_what_is_nested_too_deeply_is_refused(text):
    for tried in (check, lambda text: fill(text, WORDS)):
        with pytest.raises(ValidationError, match="nested too deeply"):
            tried(text)


@pytest.mark.parametrize("number", ["9" * 5000, "0x" + "f" * 5000, "1e999", "9" * 16])
def test_a_number_that_is_too_large_is_refused(number):
    for tried in (check, names_in, lambda text: fill(text, WORDS)):
        with pytest.raises(ValidationError, match="A number in a text is less than"):
            tried(f"{{{{ ticket.ref|truncate({number}) }}}}")


def test_only_the_beginning_of_what_others_sent_is_told_as_a_name():
    with pytest.raises(ValidationError) as refused:
        fill("{{ payload[payload.long] }}", {"payload": {"long": "x" * 1000}})

    assert len(refused.value.messages[0]) < 300


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
