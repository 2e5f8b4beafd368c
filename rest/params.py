"""Query parameters: an unknown one is refused, since what it meant to narrow would be too much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from rest.nearest import nearest

ALWAYS = ("format", "apikey", "api_key")  # the key itself was taken out before


def refuse_unknown(query: QueryDict, known: Iterable[str]) -> None:
    known = [*known]
    problems: dict[str, Any] = {
        name: [f"There is no parameter “{name[:100]}” here.{nearest(name, known)}"]
        for name in query
        if name not in known and name.lower() not in ALWAYS
    }
    if problems:
        raise ValidationError(problems)
