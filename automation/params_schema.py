"""An action's form as a JSON schema of its params."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from drf_spectacular.extensions import OpenApiSerializerExtension

from automation.actions import ACTIONS
from automation.actions.base import ActionForm, ProjectChoiceField
from rest.fields import MOST, NOT_BLANK

Schema = dict[str, Any]

TYPES: dict[str, tuple[type, str]] = {
    "integer": (int, "Give the id, a number."),
    "boolean": (bool, "Give true or false."),
    "string": (str, "Give text."),
}


def params_schema(form: type[ActionForm]) -> Schema:
    fields = form.base_fields
    return {
        "type": "object",
        "properties": {name: _of_field(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
        "additionalProperties": False,
    }


def of_another_type(form: type[ActionForm], params: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with values that a form would take, but their schema does not."""
    problems = {}
    for name, field in form.base_fields.items():
        wanted, problem = TYPES[_type_of(field)["type"]]
        left_out = name not in params or (params[name] is None and not field.required)
        if not left_out and type(params[name]) is not wanted:
            problems[name] = [problem]
    return problems


def _of_field(field: forms.Field) -> Schema:
    described = {"title": str(field.label or ""), "description": str(field.help_text)}
    null = {} if field.required else {"nullable": True}
    return {name: text for name, text in described.items() if text} | _type_of(field) | null


def _type_of(field: forms.Field) -> Schema:
    if isinstance(field, ProjectChoiceField):
        model = field.model._meta.model_name
        return {"type": "integer", "minimum": 1, "maximum": MOST, "x-model": model}
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        return {"type": "string", "enum": [value for value, _ in choices]}
    if isinstance(field, forms.BooleanField):
        return {"type": "boolean"}
    length = getattr(field, "max_length", None)
    filled = NOT_BLANK if field.required else {}
    return {"type": "string"} | filled | ({"maxLength": length} if length else {})


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
        "required": ["kind", "params"] if params["required"] else ["kind"],
        "additionalProperties": False,
    }
