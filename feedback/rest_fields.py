"""Values of form fields, and what makes up such a field, as JSON."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from feedback.field_kinds import LONGEST_CHOICE, LONGEST_LONG_TEXT
from rest.fields import StrictCharField


@extend_schema_field({"type": "string", "pattern": "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"})
class FieldKeyField(StrictCharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=40, trim_whitespace=False, **options)


class ChoicesField(serializers.ListField):
    child = StrictCharField(max_length=LONGEST_CHOICE)


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "nullable": True,
            "anyOf": [
                {"type": "string", "maxLength": LONGEST_LONG_TEXT},
                {"type": "number"},
                {"type": "array", "items": {"type": "string", "maxLength": LONGEST_CHOICE}},
            ],
        },
    }
)
class ValuesField(serializers.DictField):
    """Values of form fields by key, as the type's ``form-fields`` describe them."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return data
