"""An action's form as a JSON schema of its params."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from drf_spectacular.extensions import OpenApiSerializerExtension

from automation.actions import ACTIONS
from automation.actions.base import ActionForm
from automation.actions.fields import RowsOfProject, YesNoField
from rest.fields import MOST, NOT_BLANK

Schema = dict[str, Any]

MOST_NAMED = 200  # in one list
IDS = "Give the id, a number."
TYPES: dict[str, tuple[type, str]] = {
    "integer": (int, "Give a whole number."),
    "boolean": (bool, "Give true or false."),
    "string": (str, "Give text."),
    "array": (list, "Give a list."),
}


def _rows(field: Any) -> Schema:
    model = field.model._meta.model_name
    row = {"type": "integer", "minimum": 1, "maximum": MOST, "x-model": model}
    return _several(row) if field.several else row


def _several(value: Schema) -> Schema:
    return {"type": "array", "items": value, "maxItems": MOST_NAMED}


def _values(field: Any) -> list[Any]:
    return [value for value, _ in field.choices]


def _bounds(field: Any) -> Schema:
    return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}


def _text(field: Any) -> Schema:
    filled = NOT_BLANK if field.required else {}
    length = {"maxLength": field.max_length} if field.max_length else {}
    return {"type": "string"} | filled | length


def _words(field: Any) -> Schema:
    return {"type": "string", "enum": _values(field)}


def _truth(field: Any) -> Schema:
    return {"type": "boolean"}


# By the class of a form's field, the first that fits.
SCHEMAS: dict[type[Any], Callable[[Any], Schema]] = {
    RowsOfProject: _rows,
    YesNoField: _truth,
    forms.BooleanField: _truth,
    forms.MultipleChoiceField: lambda field: _several(_words(field)),
    forms.ChoiceField: _words,
    forms.IntegerField: _bounds,
    forms.DateField: lambda field: {"type": "string", "format": "date"},
    forms.CharField: _text,
}


def params_schema(form: type[ActionForm]) -> Schema:
    fields = form.base_fields
    required = [name for name, field in fields.items() if field.required]
    return {
        "type": "object",
        "properties": {name: _of_field(field) for name, field in fields.items()},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def of_another_type(form: type[ActionForm], params: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with values that a form would take, but their schema does not."""
    problems = {}
    for name, field in form.base_fields.items():
        left_out = name not in params or (params[name] is None and not field.required)
        if not left_out and (problem := _problem(_type_of(field), params[name])):
            problems[name] = [problem]
    return problems


def _problem(schema: Schema, value: Any) -> str:
    wanted, problem = TYPES[schema["type"]]
    if type(value) is not wanted:
        return IDS if "x-model" in schema else problem
    if not isinstance(value, list):
        return ""
    if len(value) > schema["maxItems"]:
        return f"Give at most {schema['maxItems']}."
    return next(filter(None, (_problem(schema["items"], each) for each in value)), "")


def _of_field(field: forms.Field) -> Schema:
    described = {"title": str(field.label or ""), "description": str(field.help_text)}
    null = {} if field.required else {"nullable": True}
    return {name: text for name, text in described.items() if text} | _type_of(field) | null


def _type_of(field: forms.Field) -> Schema:
    schema: Schema = next(make(field) for each, make in SCHEMAS.items() if isinstance(field, each))
    return schema


class ActionsSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """The schema of a macro's action: one of the kinds, each with its own params."""

    target_class = "automation.serializers.ActionSerializer"

    def map_serializer(self, auto_schema: Any, direction: Any) -> Schema:
        return {"oneOf": [_of_action(kind, action.Form) for kind, action in ACTIONS.items()]}


def _of_action(kind: str, form: type[ActionForm]) -> Schema:
    params = params_schema(form)
    only = {"type": "string", "enum": [kind]}
    return {
        "type": "object",
        "title": ACTIONS[kind].label,
        "properties": {"kind": {"allOf": [only]}, "params": params},  # spectacular merges enums
        "required": ["kind", "params"],
        "additionalProperties": False,
    }
