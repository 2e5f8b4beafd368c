"""JMESPath over a request's body: checked when it is saved, evaluated when a request comes."""

from __future__ import annotations

from typing import Any

import jmespath
from django.core.exceptions import ValidationError
from jmespath.exceptions import (
    ArityError,
    EmptyExpressionError,
    JMESPathError,
    ParseError,
    UnknownFunctionError,
)

# jmespath lets some of Python's own errors through, such as comparing a text with a number.
PROBLEMS = (JMESPathError, ValueError, TypeError, ArithmeticError, AttributeError, RecursionError)


def evaluate(expression: str, payload: Any) -> Any:
    """What a JMESPath expression finds in ``payload``; None where it finds nothing or fails."""
    try:
        return jmespath.search(expression, payload)
    except PROBLEMS:
        return None


def check_expression(expression: str) -> None:
    """Raise ValidationError, which says where, unless JMESPath understands ``expression``."""
    try:
        jmespath.compile(expression).search({})
    except EmptyExpressionError:
        raise ValidationError("The expression is empty.") from None
    except (UnknownFunctionError, ArityError) as error:
        raise ValidationError(f"This is no JMESPath expression: {error}.") from None
    except ParseError as error:
        raise ValidationError(_parse_problem(error)) from None
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
