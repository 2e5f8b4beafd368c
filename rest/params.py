"""Query parameters: one that is not understood would narrow less than was meant, and is refused."""

from __future__ import annotations

from collections.abc import Collection

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from rest.nearest import nearest

ALWAYS = ("format", "apikey", "api_key")  # the key itself was taken out before
MOST_NAMED = 20  # of what is wrong


def check_query(query: QueryDict, known: Collection[str], several: Collection[str]) -> None:
    """Raise ValidationError unless all are ``known``, with a value: one, or more of ``several``."""
    given = [name for name in query if name.lower() not in ALWAYS]
    found = {name: _problem(name, query.getlist(name), known, several) for name in given}
    problems = {name: [problem] for name, problem in found.items() if problem}
    if problems:
        raise ValidationError(dict([*problems.items()][:MOST_NAMED]))


def _problem(name: str, values: list[str], known: Collection[str], several: Collection[str]) -> str:
    if name not in known:
        return f"There is no parameter “{name[:100]}” here.{nearest(name, known)}"
    if not all(map(str.strip, values)):
        return "This has no value: give it one, or leave it out."
    if len(values) > 1 and name not in several:
        return "Give one value only."
    return ""
