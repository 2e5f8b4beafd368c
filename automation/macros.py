from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from automation.actions import ACTIONS
from automation.actions.base import ProjectRows
from automation.models import Macro, MacroAction, MacroActionUse


@transaction.atomic
def save_macro(macro: Macro, actions: Mapping[str, Mapping[str, Any]]) -> Macro:
    """Keep ``macro`` with ``actions``: raw params by kind. Raises ValidationError."""
    if not actions:
        raise ValidationError("Choose at least one thing that the macro does.")
    project = macro.feedback_type.project
    settings = {kind: ACTIONS[kind].clean(params, project) for kind, params in actions.items()}
    macro.full_clean()
    macro.save()
    macro.actions.all().delete()
    for order, kind in enumerate(kind for kind in ACTIONS if kind in actions):
        action = MacroAction.objects.create(
            macro=macro, kind=kind, params=dict(actions[kind]), order=order
        )
        MacroActionUse.objects.bulk_create(
            MacroActionUse(action=action, **{str(row._meta.model_name): row})
            for row in settings[kind].values()
            if isinstance(row, models.Model)
        )
    return macro


def describe_macro(macro: Macro, known: ProjectRows | None = None) -> list[str]:
    """What the macro does, a sentence an action; an action that no longer works says so."""
    return [_describe(action, macro, known) for action in macro.actions.all()]


def _describe(row: MacroAction, macro: Macro, known: ProjectRows | None) -> str:
    action = ACTIONS[row.kind]
    try:
        return action.describe(action.clean(row.params, macro.feedback_type.project, known))
    except ValidationError as error:
        return f"{action.label} no longer works: {' '.join(error.messages)}"
