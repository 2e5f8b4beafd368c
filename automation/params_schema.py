"""An action's form as a JSON schema of its params."""

from __future__ import annotations

from typing import Any

from django import forms

from automation.actions.base import ActionForm, ProjectChoiceField

Schema = dict[str, Any]


def params_schema(form: type[ActionForm]) -> Schema:
    fields = form.base_fields
    return {
        "type": "object",
        "properties": {name: _of_field(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def _of_field(field: forms.Field) -> Schema:
    described = {"title": str(field.label or ""), "description": str(field.help_text)}
    return {name: text for name, text in described.items() if text} | _type_of(field)


def _type_of(field: forms.Field) -> Schema:
    if isinstance(field, ProjectChoiceField):
        return {"type": "integer", "x-model": field.model._meta.model_name}
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        return {"type": "string", "enum": [value for value, _ in choices]}
    if isinstance(field, forms.BooleanField):
        return {"type": "boolean"}
    length = getattr(field, "max_length", None)
    return {"type": "string"} | ({"maxLength": length} if length else {})
