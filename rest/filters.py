"""Filters that most resources share. A value that cannot be is refused, never ignored."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, make_aware
from drf_spectacular.utils import extend_schema_field

MOST_DIGITS = 18


class IdField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
            raise ValidationError(f"“{text[:50]}” is no id: give a number.")
        return int(text) if text else None


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 10**MOST_DIGITS - 1})
class IdFilter(filters.Filter):
    """Rows that refer to the one of this id."""

    field_class = IdField


class NameFilter(filters.CharFilter):
    """The whole name or key, in any letter case."""

    def __init__(self, field_name: str | None = None, **options: Any) -> None:
        super().__init__(field_name, lookup_expr="iexact", max_length=100, **options)


class IdOrNameFilter(filters.CharFilter):
    """The id or the whole name of the row that ``field_name`` refers to."""

    def __init__(self, field_name: str, *, name: str = "name", **options: Any) -> None:
        super().__init__(field_name, max_length=100, **options)
        self.name = name

    def filter(self, rows: QuerySet[Any], text: str) -> QuerySet[Any]:
        if not text:
            return rows
        called = Q(**{f"{self.field_name}__{self.name}__iexact": text})
        if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS:
            called |= Q(**{self.field_name: int(text)})
        return rows.filter(called)


class TimeField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError(f"“{text[:50]}” is no time such as 2026-11-23T09:30:00Z.")
        return moment if is_aware(moment) else make_aware(moment)


@extend_schema_field({"type": "string", "format": "date-time"})
class TimeFilter(filters.Filter):
    """A moment in ISO 8601; without a time zone it is this installation's own."""

    field_class = TimeField


class TruthFilter(filters.TypedChoiceFilter):
    def __init__(self, field_name: str | None = None, **options: Any) -> None:
        super().__init__(
            field_name,
            choices=[("true", "Yes"), ("false", "No")],
            coerce=lambda value: value == "true",
            **options,
        )
