from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from automation.actions import ACTIONS
from automation.actions.base import Action, ActionForm, ProjectChoiceField
from automation.macros import as_params, save_macro
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
            if isinstance(field, ProjectChoiceField):
                offer(form, name, field)
        return ActionPart(action, tick, ticked, form)

    def _initial(self, action: Action) -> dict[str, Any]:
        """What was saved, or typed without the tick; else the type's own workflow."""
        workflow = self.instance.feedback_type.default_workflow
        initial = {} if workflow.archived else {"workflow": workflow.pk}
        initial |= self.chosen.get(action.kind, {})
        if not self.is_bound:
            return initial
        for name, field in action.Form.base_fields.items():
            given = self.data.get(f"{action.kind}-{name}", "")
            if row_id(given) or (given and not isinstance(field, ProjectChoiceField)):
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
        ticked = [part.form for part in self.parts if part.ticked]
        return all([super().is_valid(), *(form.is_valid() for form in ticked)])

    def save(self, commit: bool = True) -> Macro:
        ticked = [part for part in self.parts if part.ticked]
        return save_macro(
            self.instance,
            [(part.action.kind, as_params(part.form.cleaned_data)) for part in ticked],
        )


def offer(form: forms.Form, name: str, field: ProjectChoiceField) -> None:
    """Let ``field`` show what is not archived or was chosen; a lone row is chosen at first."""
    rows = list(field.offered.select_related("workflow") if is_status(field) else field.offered)
    if is_status(field):
        field.widget = StatusSelect(
            {row.pk: row.workflow_id for row in rows}, follows=form.add_prefix("workflow")
        )
    field.widget.choices = [("", "Choose …"), *as_choices(rows)]
    if len(rows) == 1:
        form.initial.setdefault(name, rows[0].pk)


def is_status(field: ProjectChoiceField) -> bool:
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
