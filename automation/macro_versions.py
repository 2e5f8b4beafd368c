from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.forms.utils import pretty_name

from automation.actions import ACTIONS
from automation.actions.fields import RowsOfProject, SecretField
from automation.models import Macro, MacroAction
from feedback.models import Version
from feedback.versions import (
    INDENT,
    Content,
    Naming,
    field_lines,
    keep_version,
    labelled,
    name_of,
    values_of,
)


def keep_macro(macro: Macro, *, actor: str) -> Version:
    actions = MacroAction.objects.filter(macro=macro).values("kind", "params")
    content = {**values_of(macro), "actions": list(actions)}
    return keep_version(macro, content, macro_lines(content), actor=actor)


def macro_lines(content: Content, named: Naming = name_of) -> list[str]:
    """The macro's own lines, then each action with its settings below it."""
    own = field_lines(Macro, content, named=named)
    actions = (_lines(each["kind"], each["params"], named) for each in content["actions"])
    return [*own, *(line for lines in actions for line in lines)]


def _lines(kind: str, params: Content, named: Naming) -> Iterator[str]:
    action = ACTIONS.get(kind)
    if action is None:
        yield f"{kind}, which is no longer there: {json.dumps(params, ensure_ascii=False)}"
        return
    yield action.label
    for name, field in action.Form.base_fields.items():
        if params.get(name) not in (None, "", []):
            label = f"{INDENT}{field.label or pretty_name(name)}"
            yield from labelled(label, _told(field, params[name], named))


def _told(field: Any, value: Any, named: Naming) -> str:
    if isinstance(field, SecretField):
        return "one that is not shown"
    if isinstance(value, list):
        return ", ".join(_told_one(field, each, named) for each in value)
    return _told_one(field, value, named)


def _told_one(field: Any, value: Any, named: Naming) -> str:
    if isinstance(field, RowsOfProject):
        return named(field.model, value)
    choices = {str(key): str(label) for key, label in getattr(field, "choices", ())}
    shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
    return choices.get(str(value), str(shown))
