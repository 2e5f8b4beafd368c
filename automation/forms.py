from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from automation.actions import ACTIONS
from automation.actions.base import Action, ActionForm, Params
from automation.actions.fields import RowsOfProject
from automation.macros import ActionsRefused, as_params, clean_actions, save_macro
from automation.models import Macro
from feedback.models import Status
from feedback.numbers import row_id


class StatusSelect(forms.Select):
    """Statuses under the names of their workflows; in a browser they follow the workflow chosen."""

    def __init__(self, workflows: Mapping[int, int], follows: str) -> None:
        super().__init__(attrs={"data-follows": follows})
        self.workflows = workflows

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        if option["value"]:
            option["attrs"]["data-workflow"] = self.workflows[option["value"]]
        return option


@dataclass(frozen=True)
class ActionPart:
    """An action on the macro's page: its tick and, below, what it needs to know."""

    action: Action
    tick: forms.BoundField
    ticked: bool
    form: ActionForm

    @property
    def panel(self) -> str:
        return f"{self.action.kind}-fields"


class MacroForm(forms.ModelForm):
    """A macro's name and, for each action that exists, a tick and the action's own form."""

    class Meta:
        model = Macro
        fields = ["name", "archived"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        if self.instance.pk is None:
            del self.fields["archived"]
        self.chosen = {row.kind: row.params for row in self._rows()}
        for kind, action in ACTIONS.items():
            self.fields[kind] = forms.BooleanField(
                label=action.label, required=False, initial=kind in self.chosen
            )
            self.fields[kind].widget.attrs["data-reveal"] = f"#{kind}-fields"
        self.parts = [self._part(action) for action in ACTIONS.values()]

    def _rows(self) -> list[Any]:
        return list(self.instance.actions.all()) if self.instance.pk else []

    def _part(self, action: Action) -> ActionPart:
        tick = self[action.kind]
        ticked = bool(tick.value())
        form = action.Form(
            self.data if self.is_bound and ticked else None,
            feedback_type=self.instance.feedback_type,
            prefix=action.kind,
            initial=self._initial(action),
            use_required_attribute=False,  # what is not ticked is not asked
        )
        for name, field in form.fields.items():
            if isinstance(field, RowsOfProject):
                offer(form, name, field, without=self.instance)
        return ActionPart(action, tick, ticked, form)

    def _initial(self, action: Action) -> dict[str, Any]:
        """What was saved, or typed without the tick."""
        initial = {**self.chosen.get(action.kind, {})}
        if not self.is_bound:
            return initial
        for name, field in action.Form.base_fields.items():
            given = field.widget.value_from_datadict(self.data, {}, f"{action.kind}-{name}")
            if isinstance(field, RowsOfProject):
                given = known_ids(given)
            if given:
                initial[name] = given
        return initial

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = self.instance.feedback_type.macros.exclude(pk=self.instance.pk)
        if others.filter(name__iexact=name).exists():
            raise ValidationError(f"There already is a macro “{name}”. Choose another name.")
        return name

    def clean(self) -> None:
        if not any(part.ticked for part in self.parts):
            self.add_error(None, "Tick at least one thing that the macro does.")

    def is_valid(self) -> bool:
        valid = all([super().is_valid(), *(part.form.is_valid() for part in self.ticked)])
        return valid and self._fit_together()

    @property
    def ticked(self) -> list[ActionPart]:
        return [part for part in self.parts if part.ticked]

    def _actions(self) -> list[tuple[str, Params]]:
        return [(part.action.kind, as_params(part.form.cleaned_data)) for part in self.ticked]

    def _fit_together(self) -> bool:
        """Whether the actions pass the checks that no form makes by itself."""
        try:
            clean_actions(self.instance, self._actions())
        except ActionsRefused as refused:
            for part, problems in zip(self.ticked, refused.by_action, strict=True):
                for name, told in problems.get("params", problems).items():
                    part.form.add_error(name if name in part.form.fields else None, told)
            return False
        return True

    def save(self, commit: bool = True, *, actor: str = "") -> Macro:
        return save_macro(self.instance, self._actions(), actor=actor)


def known_ids(given: Any) -> Any:
    """What of it may be ids of rows, as one value or as a list, just as it was given."""
    if isinstance(given, list):
        return [each for each in given if row_id(each)]
    return given if row_id(given or "") else None


def offer(form: forms.Form, name: str, field: Any, *, without: Macro) -> None:
    """Let ``field`` show what is not archived or was chosen; a lone row is chosen at first."""
    offered = field.offered.select_related("workflow") if is_status(field) else field.offered
    rows = [row for row in offered if row != without]
    if is_status(field):
        field.widget = StatusSelect(
            {row.pk: row.workflow_id for row in rows}, follows=form.add_prefix("workflow")
        )
    if field.several:
        field.widget.choices = as_choices(rows)
        field.help_text = field.help_text if rows else "There is none to choose from."
        return
    field.widget.choices = [("", field.empty_label), *as_choices(rows)]
    if len(rows) == 1 and field.required:
        form.initial.setdefault(name, rows[0].pk)


def is_status(field: RowsOfProject) -> bool:
    return field.model is Status


def as_choices(rows: list[Any]) -> list[tuple[Any, Any]]:
    """Statuses of several workflows stand under the workflows' names."""
    workflows = {row.workflow for row in rows if isinstance(row, Status)}
    if len(workflows) < 2:
        return [(row.pk, str(row)) for row in rows]
    return [
        (str(workflow), [(row.pk, str(row)) for row in rows if row.workflow == workflow])
        for workflow in sorted(workflows, key=lambda workflow: workflow.pk)
    ]
