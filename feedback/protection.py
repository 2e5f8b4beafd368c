"""Who uses a row, so that a refusal to delete it can say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.text import capfirst

MOST = 20  # of each kind


@dataclass(frozen=True)
class Use:
    name: str
    url: str


def users_of(row: models.Model) -> list[Use]:
    """Everything that refers to ``row`` and would be broken without it, a page of each kind."""
    return [_as_user(other) for using in _relations(row) for other in using[:MOST]]


def protecting(row: models.Model) -> Iterator[Any]:
    """All rows that the database keeps ``row`` for."""
    for using in _relations(row):
        yield from using


def _relations(row: models.Model) -> Iterator[models.QuerySet[Any]]:
    for relation in row._meta.related_objects:
        if getattr(relation, "on_delete", None) is models.PROTECT:
            model = relation.related_model
            using = model._default_manager.filter(**{relation.field.name: row})
            yield using.select_related(*getattr(model, "USED_WITH", ()))


def why_kept(row: models.Model) -> str:
    """Why ``row`` is not deleted; empty where nothing uses it."""
    names = ", ".join(user.name for user in users_of(row)[:MOST])
    return f"“{row}” is in use and was not deleted. It is used by: {names}." if names else ""


def _as_user(row: Any) -> Use:
    """Rows with a page of their own are called by kind and name; others say what they are, and
    may know the page of what they are part of.
    """
    if hasattr(row, "get_absolute_url"):
        return Use(f"{capfirst(row._meta.verbose_name)} “{row}”", row.get_absolute_url())
    return Use(str(row), getattr(row, "used_at", ""))
