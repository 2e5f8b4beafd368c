from __future__ import annotations

from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

# jmespath lets some of Python's own errors through, such as comparing a text with a number.
PROBLEMS = (JMESPathError, ValueError, TypeError, ArithmeticError, AttributeError, RecursionError)


def evaluate(expression: str, payload: Any) -> Any:
    """What a JMESPath expression finds in ``payload``; None where it finds nothing or fails."""
    try:
        return jmespath.search(expression, payload)
    except PROBLEMS:
        return None
