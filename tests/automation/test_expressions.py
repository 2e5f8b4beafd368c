from __future__ import annotations

import tracemalloc

import pytest
from django.core.exceptions import ValidationError

from automation import expressions
from automation.expressions import check_expression, evaluate

TEN = "[@,@,@,@,@,@,@,@,@,@]"
BODY = {
    "issue": {"key": "A-1", "labels": ["hot", "lens"], "size": 2},
    "items": [{"id": number, "tags": ["a", "b"]} for number in range(3)],
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("issue.key", "A-1"),
        ("items[?id > `1`].tags[]", ["a", "b"]),
        ("{key: issue.key, ids: items[*].id}", {"key": "A-1", "ids": [0, 1, 2]}),
        ("join(' ', issue.labels)", "hot lens"),
        ("to_string(issue.labels)", '["hot","lens"]'),
        ("sort_by(items, &id)[-1].id", 2),
        ("map(&[id, tags[0]], items)", [[0, "a"], [1, "a"], [2, "a"]]),
        ("issue.labels[::-1] | [0]", "lens"),
        ("sum(items[*].id)", 3),
        ("issue.gone", None),
        ("abs(issue.key)", None),
    ],
)
def test_an_expression_finds_what_jmespath_says(expression, found):
    check_expression(expression)

    assert evaluate(expression, BODY) == found


@pytest.mark.parametrize(
    "expression",
    [
        f"{TEN}|{TEN}|{TEN}|{TEN}|{TEN}|to_string(@)",
        "|".join([f"{TEN}[]"] * 6),
        f"{TEN}|{TEN}|{TEN}|{TEN} == {TEN}|{TEN}|{TEN}|{TEN}|{TEN}",
        "|".join(["{a: @, b: @}"] * 40),
        "join(long, to_array(texts)[])",
        "|".join([f"map(&{TEN}, @)[]"] * 8),
    ],
)
def test_what_would_grow_large_is_given_up_before_it_is_there(expression, settings):
    settings.BODY_LIMIT = 100_000
    body = [7] * 1000
    if "long" in expression:
        body = {"long": "x" * 30_000, "texts": ["a"] * 10_000}
    tracemalloc.start()

    assert evaluate(expression, body) is None

    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_steps_are_counted(monkeypatch):
    monkeypatch.setattr(expressions, "MOST_STEPS", 1000)

    assert evaluate("[?contains(to_string(@), 'x')]", [1] * 1000) is None
    assert evaluate("[?contains(to_string(@), '1')]", [1] * 100) == [1] * 100
    assert evaluate("contains(@, 'x')", "x" * 200_000) is None


@pytest.mark.parametrize("expression", [f"{TEN}|{TEN}|{TEN}|{TEN}", "|".join(["[@,@][]"] * 15)])
def test_what_builds_much_of_anything_is_refused_when_it_is_saved(expression):
    with pytest.raises(ValidationError, match="The expression builds too much"):
        check_expression(expression)


def test_a_whole_body_may_be_built_anew(settings):
    body = [{"id": number, "text": "x" * 80} for number in range(10_000)]

    assert evaluate("{all: [*].{id: id, text: text}}", body) == {"all": body}
    assert len(evaluate("to_string(@)", body)) > settings.BODY_LIMIT * 0.9
