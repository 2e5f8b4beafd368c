"""The sentences of many saved filters at once, by a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from feedback.filters import CHOICES_IN_PROJECT, TicketFilterSet, phrase
from feedback.models import Project, SavedFilter

GONE = "something that no longer exists"
NOT_UNDERSTOOD = "This filter no longer works: open it to see why."


def sentences_of(filters: list[SavedFilter], project: Project) -> list[str]:
    names = {
        model: {str(row.pk): str(row) for row in choices(project)}
        for model, choices in CHOICES_IN_PROJECT.items()
        if model is not User
    }
    people = _people(filters)
    names[User] = {str(user.pk): str(user) for user in User.objects.filter(pk__in=people)}
    return [_sentence(saved.groups, names) for saved in filters]


def _sentence(groups: Any, names: dict[type[models.Model], dict[str, str]]) -> str:
    try:
        return ", or ".join(
            " and ".join(
                phrase(name, _named(name, values, names)) for name, values in group.items()
            )
            for group in groups
        )
    except (AttributeError, KeyError, TypeError):  # not even the shape of a filter
        return NOT_UNDERSTOOD


def _group(group: dict[str, Any], names: dict[type[models.Model], dict[str, str]]) -> str:
    return " and ".join(phrase(name, _named(name, values, names)) for name, values in group.items())


def _named(name: str, values: Any, names: dict[type[models.Model], dict[str, str]]) -> list[Any]:
    queryset = TicketFilterSet.base_filters[name].extra.get("queryset")
    values = values if isinstance(values, list) else [values]
    if queryset is None:
        return values
    return [names[queryset.model].get(str(value), GONE) for value in values]


def _people(filters: Iterable[SavedFilter]) -> set[int]:
    return {
        value
        for saved in filters
        for group in saved.groups
        if isinstance(group, dict)
        for name in ("submitter", "submitter__not")
        for value in group.get(name, ())
        if isinstance(value, int)
    }
