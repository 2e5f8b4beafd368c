"""Filters that most resources share. A value that cannot be is refused, never ignored."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, make_aware
from drf_spectacular.utils import extend_schema_field

MOST_DIGITS = 18
ID = re.compile(rf"(?=0*[1-9])[0-9]{{1,{MOST_DIGITS}}}")
LONGEST = 100


class IdField(forms.CharField):
    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if text and not ID.fullmatch(text):
            raise ValidationError(f"“{text[:50]}” is no id: give a number.")
        return int(text) if text else None


@extend_schema_field(
    {"type": "integer", "minimum": 1, "maximum": 10**MOST_DIGITS - 1, "description": "The id."}
)
class IdFilter(filters.Filter):
    """Rows that refer to the one of this id."""

    field_class = IdField


@extend_schema_field({"type": "string", "description": "The whole, in any letter case."})
class NameFilter(filters.CharFilter):
    """The whole name or key, in any letter case."""

    def __init__(self, field_name: str | None = None, **options: Any) -> None:
        super().__init__(field_name, lookup_expr="iexact", max_length=LONGEST, **options)


@extend_schema_field({"type": "string", "description": "The id or the whole name."})
class IdOrNameFilter(filters.CharFilter):
    """The id or the whole name of the row that ``field_name`` refers to."""

    def __init__(self, field_name: str, *, name: str = "name", **options: Any) -> None:
        super().__init__(field_name, max_length=LONGEST, **options)
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
            if moment is not None:
                return (moment if is_aware(moment) else make_aware(moment)).astimezone(UTC)
        except (ValueError, OverflowError):  # no such day; or one before the first, at UTC
            pass
        raise ValidationError(f"“{text[:50]}” is no time such as 2026-11-23T09:30:00Z.")


@extend_schema_field(
    {"type": "string", "format": "date-time", "description": "Such as 2026-11-23T09:30:00Z."}
)
class TimeFilter(filters.Filter):
    """A moment in ISO 8601; without a time zone it is this installation's own."""

    field_class = TimeField


@extend_schema_field({"type": "boolean"})
class TruthFilter(filters.TypedChoiceFilter):
    def __init__(self, field_name: str | None = None, **options: Any) -> None:
        super().__init__(
            field_name,
            choices=[("true", "Yes"), ("false", "No")],
            coerce=lambda value: value == "true",
            **options,
        )
