"""The groups of a saved filter as a JSON schema."""

from __future__ import annotations

from typing import Any

import django_filters as filters

from feedback.data_filter import MOST_ASKED, DataFilter
from feedback.data_paths import LONGEST_ASKED
from feedback.filter_groups import MOST_GROUPS
from feedback.filters import LONGEST_TEXT, MOST_VALUES, NumberFilter, RowsFilter, TicketFilterSet
from feedback.models import MOST_POINTS
from rest.fields import NOT_BLANK

Schema = dict[str, Any]

NAME = {"type": "string", "maxLength": LONGEST_TEXT} | NOT_BLANK
ONE = {"anyOf": [NAME, {"type": "number"}]}
OF_FORM_FIELD = {
    "description": "Of a form field of the type: field.KEY, of some kinds field.KEY__min and "
    "field.KEY__max, and each with __not. No other names.",
    "anyOf": [
        *ONE["anyOf"],
        {"type": "array", "items": ONE, "minItems": 1, "maxItems": MOST_VALUES},
    ],
}


def groups_schema() -> Schema:
    fields = TicketFilterSet.base_filters
    group = {
        "type": "object",
        "properties": {name: _of_field(field) for name, field in fields.items()},
        "additionalProperties": OF_FORM_FIELD,
        "minProperties": 1,
    }
    return {"type": "array", "items": group, "minItems": 1, "maxItems": MOST_GROUPS}


def _of_field(field: filters.Filter) -> Schema:
    """One value, or several in a list where the field takes several."""
    value = _of_value(field)
    most = _most(field)
    several = {"type": "array", "items": value, "minItems": 1, "maxItems": most}
    return {"description": str(field.label), "anyOf": [value, several]}


def _most(field: filters.Filter) -> int:
    if isinstance(field, DataFilter):
        return MOST_ASKED
    return MOST_VALUES if isinstance(field, filters.MultipleChoiceFilter) else 1


def _of_value(field: filters.Filter) -> Schema:
    if isinstance(field, DataFilter):
        return NAME | {"maxLength": LONGEST_ASKED}
    if isinstance(field, RowsFilter):
        return {"anyOf": [{"type": "integer", "minimum": 1}, NAME]}
    if isinstance(field, filters.DateFilter):
        return {"type": "string", "format": "date"}
    if isinstance(field, NumberFilter):
        return {"type": "integer", "minimum": -MOST_POINTS, "maximum": MOST_POINTS}
    if isinstance(field, filters.TypedChoiceFilter):
        return {"enum": [True, False, "true", "false"]}
    if choices := field.extra.get("choices"):
        return {"type": "string", "enum": [value for value, _ in choices]}
    return {"anyOf": [NAME, {"type": "number"}, {"type": "boolean"}]}
