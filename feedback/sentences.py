"""The sentences of many saved filters at once, by a fixed number of queries."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from feedback.filter_words import describe
from feedback.filters import CHOICES_IN_PROJECT, NOT, Known, as_list
from feedback.models import Project, SavedFilter
from feedback.numbers import row_id

NOT_UNDERSTOOD = "This filter no longer works: open it to see why."


def sentences_of(filters: list[SavedFilter], project: Project) -> list[str]:
    known = _known_rows(filters, project)
    return [_sentence(saved, known) for saved in filters]


def _sentence(saved: SavedFilter, known: Known) -> str:
    try:
        return describe(saved.groups, saved.feedback_type, known)
    except ValidationError:
        return NOT_UNDERSTOOD


def _known_rows(filters: list[SavedFilter], project: Project) -> Known:
    """All that a filter of ``project`` may name; of its people only those who are named."""
    rows = {model: choices(project) for model, choices in CHOICES_IN_PROJECT.items()}
    rows[User] = rows[User].filter(pk__in=_people(filters))
    return {model: {row.pk: row for row in choices} for model, choices in rows.items()}


def _people(filters: list[SavedFilter]) -> list[Any]:
    named = (
        row_id(str(value))
        for saved in filters
        for group in saved.groups
        if isinstance(group, dict)
        for name in ("submitter", "submitter" + NOT)
        for value in as_list(group.get(name))
    )
    return [pk for pk in named if pk]
