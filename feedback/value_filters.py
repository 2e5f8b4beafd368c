"""Filters of tickets by what ``Ticket.values`` holds, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform

from rest.nearest import nearest

Verbs = tuple[str, str]  # between a field's label and its values, and the same for its opposite

IS: Verbs = ("is", "is none of")
CONTAINS: Verbs = ("contains", "does not contain")
MOST_LISTED = 20


def none_of(text: str, choices: Iterable[str]) -> ValidationError:
    """That ``text`` is no choice, and which there are."""
    known = list(choices)
    listed = ", ".join(known[:MOST_LISTED]) + (" …" if len(known) > MOST_LISTED else "")
    near = nearest(text, known)
    return ValidationError(f"“{text[:100]}” is none of these: {listed or 'there are none'}.{near}")


class OneOf(forms.ChoiceField):
    """A choice, in any letter case."""

    def to_python(self, value: Any) -> str:
        return _called(super().to_python(value), self.choices)

    def validate(self, value: str) -> None:
        forms.Field.validate(self, value)
        if value and not self.valid_value(value):
            raise none_of(value, _names(self.choices))


class SeveralOf(forms.MultipleChoiceField):
    """Choices in any letter case, each once, in the order in which they are offered."""

    widget = forms.CheckboxSelectMultiple

    def to_python(self, value: Any) -> list[str]:
        given = {_called(text, self.choices) for text in super().to_python(value)}
        names = _names(self.choices)
        return [name for name in names if name in given] + sorted(given.difference(names))

    def validate(self, value: list[str]) -> None:
        forms.Field.validate(self, value)
        for text in value:
            if not self.valid_value(text):
                raise none_of(text, _names(self.choices))


def _names(choices: Any) -> list[str]:
    return [str(name) for name, _ in choices if name != ""]


def _called(text: str, choices: Any) -> str:
    names = _names(choices)
    folded = {name.casefold(): name for name in names}
    return text if text in names else folded.get(text.strip().casefold(), text)


class Holds(Func):
    """Whether the list under ``key`` of a JSON column has ``text`` in it."""

    output_field = BooleanField()

    def __init__(self, column: str, key: str, text: str) -> None:
        super().__init__(F(column), Value(key), Value(text))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        sql = "EXISTS(SELECT 1 FROM JSON_EACH({}, '$.' || {}) WHERE value = {})"
        return self._filled(sql, compiler)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self._filled("JSONB_EXISTS({} -> {}::text, {}::text)", compiler)

    def _filled(self, sql: str, compiler: Any) -> tuple[str, tuple[Any, ...]]:
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        return sql.format(*(part for part, _ in parts)), tuple(
            value for _, values in parts for value in values
        )


class ValueFilter(filters.Filter):
    """By the value under ``key``, which not every ticket has; ``kept`` is how a value is kept."""

    def __init__(
        self,
        key: str,
        lookup_expr: str = "exact",
        *,
        kept: Callable[[Any], Any] = lambda value: value,
        verbs: Verbs = IS,
        **options: Any,
    ) -> None:
        super().__init__(f"values__{key}", lookup_expr, **options)
        self.key, self.kept, self.verbs = key, kept, verbs

    def filter(self, tickets: QuerySet[Any], value: Any) -> QuerySet[Any]:
        if value in filters.constants.EMPTY_VALUES or value == []:
            return tickets
        alias = f"value_{self.key}"
        known = tickets.alias(**{alias: KeyTransform(self.key, "values")})
        return self.get_method(known)(Q(values__has_key=self.key) & self.test(alias, value))

    def test(self, alias: str, value: Any) -> Q:
        return Q(**{f"{alias}__{self.lookup_expr}": self.kept(value)})


class TextFilter(ValueFilter):
    field_class = forms.CharField


class NumberFilter(ValueFilter):
    field_class = forms.DecimalField


class DateFilter(ValueFilter):
    field_class = forms.DateField


class ChoiceFilter(ValueFilter, filters.MultipleChoiceFilter):
    """Tickets whose value is one of several."""

    field_class = SeveralOf

    def test(self, alias: str, value: list[str]) -> Q:
        return Q(**{f"{alias}__in": [self.kept(each) for each in value]})


class ListFilter(ChoiceFilter):
    """Tickets whose list of values has one of several in it."""

    def test(self, alias: str, value: list[str]) -> Q:
        return reduce(or_, (Q(Holds("values", self.key, each)) for each in value))
