"""JMESPath over a request's body: checked when it is saved, evaluated when a request comes.

A short expression may build much more than it was given, such as ``[@,@]|[@,@]|…|to_string(@)``. So
all that one builds is weighed, as text that it would become, and all its steps are counted.
"""

from __future__ import annotations

from typing import Any

import jmespath
from django.conf import settings
from django.core.exceptions import ValidationError
from jmespath.exceptions import (
    ArityError,
    EmptyExpressionError,
    JMESPathError,
    ParseError,
    UnknownFunctionError,
)
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

# jmespath lets some of Python's own errors through, such as comparing a text with a number.
PROBLEMS = (JMESPathError, ValueError, TypeError, ArithmeticError, AttributeError, RecursionError)

HEAVIEST_OF_NOTHING = 10_000  # what an expression may build of an empty body
MOST_STEPS = 500_000
A_STEP = 100  # of the weight that a function is given: it takes about as long as a step
BUILDING = {
    *("multi_select_list", "multi_select_dict", "flatten", "slice", "function_expression"),
    *("projection", "filter_projection", "value_projection"),
}


class TooMuch(JMESPathError):
    """An expression builds too much, or takes too many steps."""


class Weighing(TreeInterpreter):
    """Evaluates an expression as long as nothing that it builds is heavier than ``heaviest``."""

    def __init__(self, heaviest: int) -> None:
        super().__init__(Options(custom_functions=WeighedFunctions(heaviest)))
        self.heaviest = heaviest
        self.steps = 0
        self.weights: dict[int, tuple[Any, int]] = {}  # by id, with what has it: it stays alive

    def visit(self, node: Any, *given: Any, **options: Any) -> Any:
        self.take(1)
        found = super().visit(node, *given, **options)
        if node["type"] in BUILDING and self.weight(found) > self.heaviest:
            raise TooMuch
        return found

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        given = [self.visit(child, value) for child in node["children"]]
        self.take(sum(map(self.weight, given)) // A_STEP)
        return self._functions.call_function(node["value"], given)

    def take(self, steps: int) -> None:
        self.steps += steps
        if self.steps > MOST_STEPS:
            raise TooMuch

    def weight(self, value: Any) -> int:
        """About how many characters it has as JSON, each as often as it stands there."""
        if not isinstance(value, (dict, list)):
            return _weight_of_one(value)
        if id(value) not in self.weights:
            parts = [*value, *value.values()] if isinstance(value, dict) else value
            self.weights[id(value)] = value, 1 + sum(map(self.weight, parts))
        return self.weights[id(value)][1]


class WeighedFunctions(Functions):
    def __init__(self, heaviest: int) -> None:
        self.heaviest = heaviest

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        if len(separator) * len(texts) > self.heaviest:
            raise TooMuch
        return separator.join(texts)


def _weight_of_one(value: Any) -> int:
    if isinstance(value, str):
        return 2 + len(value)
    return 1 + value.bit_length() // 3 if isinstance(value, int) else 4


def evaluate(expression: str, payload: Any) -> Any:
    """What a JMESPath expression finds in ``payload``; None where it finds nothing or fails."""
    try:
        return _found(expression, payload, heaviest=2 * settings.BODY_LIMIT)
    except PROBLEMS:
        return None


def _found(expression: str, payload: Any, *, heaviest: int) -> Any:
    return Weighing(heaviest).visit(jmespath.compile(expression).parsed, payload)


def check_expression(expression: str) -> None:
    """Raise ValidationError, which says where, unless JMESPath understands ``expression``."""
    try:
        _found(expression, {}, heaviest=HEAVIEST_OF_NOTHING)
    except EmptyExpressionError:
        raise ValidationError("The expression is empty.") from None
    except (UnknownFunctionError, ArityError) as error:
        raise ValidationError(f"This is no JMESPath expression: {error}.") from None
    except ParseError as error:
        raise ValidationError(_parse_problem(error)) from None
    except TooMuch:
        raise ValidationError(
            "The expression builds too much: let it choose parts of the body, once each."
        ) from None
    except RecursionError:
        raise ValidationError("The expression is nested too deeply.") from None
    except PROBLEMS:
        pass  # only that an empty body does not suit it


def _parse_problem(error: ParseError) -> str:
    position = error.lex_position + 1
    found = f"“{error.token_value}”" if error.token_value else "the end"
    return (
        f"This is no JMESPath expression: {found} at position {position} does not fit. "
        "Names with other characters than letters, digits and _ need double quotes."
    )
