from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from automation.actions import ACTIONS
from automation.actions.base import Params, ParamsRefused, Settings, TypeRows
from automation.models import Macro, MacroAction, MacroActionUse
from rest.nearest import nearest

ActionProblems = dict[str, Any]  # by “kind” or “params”; empty where nothing is wrong


Actions = Iterable[tuple[str, Params]]  # kind and raw params, in the order of running


class ActionsRefused(ValidationError):
    """What is wrong with a macro's actions: in sentences, and by action and field."""

    def __init__(self, by_action: list[ActionProblems], sentences: list[str]) -> None:
        super().__init__(sentences)
        self.by_action = by_action


@transaction.atomic
def save_macro(macro: Macro, actions: Actions) -> Macro:
    """Keep ``macro`` with ``actions``; raises ValidationError and then keeps nothing."""
    actions = list(actions)
    settings = clean_actions(macro, actions)
    macro.full_clean()
    macro.save()
    macro.actions.all().delete()
    for order, ((kind, _), checked) in enumerate(zip(actions, settings, strict=True)):
        action = MacroAction.objects.create(
            macro=macro, kind=kind, params=as_params(checked), order=order
        )
        MacroActionUse.objects.bulk_create(
            MacroActionUse(action=action, **{str(row._meta.model_name): row})
            for row in checked.values()
            if isinstance(row, models.Model)
        )
    return macro


def clean_actions(macro: Macro, actions: Sequence[tuple[str, Params]]) -> list[Settings]:
    """The settings of each action; raises ActionsRefused with all that is wrong."""
    if not actions:
        raise ValidationError("Choose at least one thing that the macro does.")
    settings: list[Settings] = []
    by_action: list[ActionProblems] = [{} for _ in actions]
    sentences: list[str] = []
    for place, (kind, params) in enumerate(actions):
        try:
            check_action(kind, params, before=[earlier for earlier, _ in actions[:place]])
            settings.append(ACTIONS[kind].clean(params, macro.feedback_type))
        except ParamsRefused as refused:
            by_action[place] = {"params": refused.by_field}
            sentences += [f"{ACTIONS[kind].label}: {each}" for each in refused.messages]
        except ValidationError as error:
            by_action[place] = error.message_dict
            sentences += error.messages
    if sentences:
        raise ActionsRefused(by_action, sentences)
    return settings


def check_action(kind: str, params: Params, *, before: list[str]) -> None:
    """That there is such an action, once, and that it has such settings; raises ValidationError."""
    if kind not in ACTIONS:
        raise ValidationError({"kind": f"There is no action “{kind}”.{nearest(kind, ACTIONS)}"})
    if kind in before:
        label = ACTIONS[kind].label
        raise ValidationError({"kind": f"“{label}” stands there twice: a macro does it once."})
    fields = ACTIONS[kind].Form.base_fields
    unknown = [name for name in params if name not in fields]
    if unknown:
        name = unknown[0]
        problem = f"{ACTIONS[kind].label} has no setting “{name}”.{nearest(name, fields)}"
        raise ValidationError({"params": problem})


def as_params(settings: Settings) -> dict[str, Any]:
    """Settings as rows keep them: other rows by their id."""
    return {
        name: value.pk if isinstance(value, models.Model) else value
        for name, value in settings.items()
    }


def describe_macro(macro: Macro, known: TypeRows | None = None) -> list[str]:
    """What the macro does, a sentence an action; an action that no longer works says so."""
    return [_describe(action, macro, known) for action in macro.actions.all()]


def _describe(row: MacroAction, macro: Macro, known: TypeRows | None) -> str:
    action = ACTIONS[row.kind]
    try:
        return action.describe(action.clean(row.params, macro.feedback_type, known))
    except ValidationError as error:
        return f"{action.label} no longer works: {' '.join(error.messages)}"
