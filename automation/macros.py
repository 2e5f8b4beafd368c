from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from automation.actions import ACTIONS
from automation.actions.base import Action, Params, ParamsRefused, Settings
from automation.actions.fields import TypeRows
from automation.macro_secrets import check_secrets, forget_others, keep_secrets
from automation.macro_versions import keep_macro
from automation.models import Macro, MacroAction, MacroActionUse
from feedback.models import FormField
from rest.nearest import nearest
from rest.params import MOST_NAMED

MOST_ACTIONS = 50
ActionProblems = dict[str, Any]  # by “kind” or “params”; empty where nothing is wrong


Actions = Iterable[tuple[str, Params]]  # kind and raw params, in the order of running


class ActionsRefused(ValidationError):
    """What is wrong with a macro's actions: in sentences, and by action and field."""

    def __init__(self, by_action: list[ActionProblems], sentences: list[str]) -> None:
        super().__init__(sentences)
        self.by_action = by_action


@transaction.atomic
def save_macro(macro: Macro, actions: Actions, *, wholly: bool = True, actor: str = "") -> Macro:
    """Keep ``macro`` with ``actions``; raises ValidationError and then keeps nothing.

    Not ``wholly``: what an action lacks, such as a secret, may be entered later.
    """
    actions = list(actions)
    settings = clean_actions(macro, actions, wholly=wholly)
    macro.full_clean()
    macro.save()
    macro.actions.all().delete()
    kept = [
        keep_secrets(macro, ACTIONS[kind], checked)
        for (kind, _), checked in zip(actions, settings, strict=True)
    ]
    forget_others(macro, kept)
    for order, ((kind, _), checked) in enumerate(zip(actions, kept, strict=True)):
        action = MacroAction.objects.create(
            macro=macro, kind=kind, params=as_params(checked), order=order
        )
        MacroActionUse.objects.bulk_create(
            MacroActionUse(action=action, **{str(row._meta.model_name): row})
            for row in {*rows_in(checked), *fields_in(macro, ACTIONS[kind], checked)}
        )
    keep_macro(macro, actor=actor)
    return macro


@transaction.atomic
def archive_macro(macro: Macro, *, actor: str) -> None:
    """It keeps working where it is used, and is offered no longer."""
    macro.archived = True
    macro.save(update_fields=["archived"])
    keep_macro(macro, actor=actor)


def clean_actions(
    macro: Macro, actions: Sequence[tuple[str, Params]], *, wholly: bool = True
) -> list[Settings]:
    """The settings of each action; raises ActionsRefused with all that is wrong."""
    if not actions:
        raise ValidationError("Choose at least one thing that the macro does.")
    settings: list[Settings] = []
    by_action: list[ActionProblems] = [{} for _ in actions]
    sentences: list[str] = []
    for place, (kind, params) in enumerate(actions):
        try:
            check_action(kind, params, before=[earlier for earlier, _ in actions[:place]])
            settings.append(_clean(macro, ACTIONS[kind], params, wholly))
        except ParamsRefused as refused:
            by_action[place] = {"params": refused.by_field}
            sentences += [f"{ACTIONS[kind].label}: {each}" for each in refused.messages]
        except ValidationError as error:
            by_action[place] = error.message_dict
            sentences += error.messages
    if sentences:
        raise ActionsRefused(by_action, sentences)
    return settings


def _clean(macro: Macro, action: Action, params: Params, wholly: bool) -> Settings:
    settings = action.clean(params, macro.feedback_type)
    check_secrets(macro, action, settings)
    check_circles(macro, action, settings)
    return whole(action, settings) if wholly else settings


def whole(action: Action, settings: Settings) -> Settings:
    """``settings``, unless something has to be entered first; raises ParamsRefused."""
    if lacks := action.lacks(settings):
        raise ParamsRefused(action.Form, {name: [problem] for name, problem in lacks.items()})
    return settings


def lacking(macro: Macro) -> list[str]:
    """What has to be entered before it works, in sentences."""
    rows = ((ACTIONS[row.kind], row.params) for row in macro.actions.all())
    return [
        problem
        for action, params in rows
        for problem in action.lacks(action.clean(params, macro.feedback_type)).values()
    ]


def check_circles(macro: Macro, action: Action, settings: Settings) -> None:
    """That no macro that is run leads back to ``macro``; raises ParamsRefused."""
    for name, value in settings.items():
        path = way_back(value, macro) if isinstance(value, Macro) and macro.pk else []
        if path:
            shown = " → ".join(each.name for each in (macro, *path))
            raise ParamsRefused(action.Form, {name: [f"The macro would run itself: {shown}."]})


def way_back(start: Macro, goal: Macro) -> list[Macro]:
    """The macros that run one another from ``start`` to ``goal``; empty where there is no way."""
    paths = {start.pk: [start]}
    reached = [start.pk]
    while reached and goal.pk not in paths:
        uses = MacroActionUse.objects.filter(action__macro__in=reached, macro__isnull=False)
        reached = []
        for use in uses.select_related("action", "macro"):
            if use.macro and use.macro.pk not in paths:
                paths[use.macro.pk] = [*paths[use.action.macro_id], use.macro]
                reached.append(use.macro.pk)
    return paths.get(goal.pk, [])


def check_action(kind: str, params: Params, *, before: list[str]) -> None:
    """That there is such an action, as often as it may be, and with such settings.

    Raises ValidationError.
    """
    if kind not in ACTIONS:
        raise ValidationError({"kind": f"There is no action “{kind}”.{nearest(kind, ACTIONS)}"})
    action = ACTIONS[kind]
    if kind in before and not action.repeatable:
        problem = f"“{action.label}” stands there twice: a macro does it once."
        raise ValidationError({"kind": problem})
    unknown = [name for name in params if name not in action.Form.base_fields][:MOST_NAMED]
    problems = {
        name: [f"There is no setting “{name[:100]}”.{nearest(name, action.Form.base_fields)}"]
        for name in unknown
    }
    if problems:
        raise ParamsRefused(action.Form, problems)


def rows_in(settings: Settings) -> Iterator[models.Model]:
    """Every row that an action names, each once."""
    named = {
        row: None
        for value in settings.values()
        for row in (value if isinstance(value, list) else [value])
        if isinstance(row, models.Model)
    }
    yield from named


def fields_in(macro: Macro, action: Action, settings: Settings) -> list[FormField]:
    """The form fields that an action names by their keys, or in its texts."""
    keys = {*action.keys(settings), *action.keys_in_texts(settings)}
    return [field for field in macro.feedback_type.fields if field.key in keys] if keys else []


def as_params(settings: Settings) -> dict[str, Any]:
    """Settings as rows keep them: other rows by their id."""
    return {name: _as_param(value) for name, value in settings.items()}


def _as_param(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_param(each) for each in value]
    return value.pk if isinstance(value, models.Model) else value


def describe_macro(macro: Macro, known: TypeRows | None = None) -> list[str]:
    """What the macro does, a sentence an action; an action that does not work says so."""
    return [_describe(action, macro, known) for action in macro.actions.all()]


def _describe(row: MacroAction, macro: Macro, known: TypeRows | None) -> str:
    action = ACTIONS[row.kind]
    try:
        settings = action.clean(row.params, macro.feedback_type, known)
    except ValidationError as error:
        return f"{action.label} no longer works: {' '.join(error.messages)}"
    lacks = " ".join(action.lacks(settings).values())
    return f"{action.label} does not work yet: {lacks}" if lacks else action.describe(settings)
