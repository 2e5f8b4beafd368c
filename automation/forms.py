from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from automation.actions import ACTIONS
from automation.actions.base import Action, ActionForm, Group, Params
from automation.actions.fields import RowsOfProject, TextField, TypeRows
from automation.macro_parts import BLANK, ActionPart, Place, places_given, places_of, with_all
from automation.macros import (
    MOST_ACTIONS,
    ActionsRefused,
    as_params,
    clean_actions,
    describe_macro,
    save_macro,
)
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


class MacroForm(forms.ModelForm):
    """A macro's name, its options and, for each action, a tick and the action's own form."""

    class Meta:
        model = Macro
        fields = ["name", *Macro.OPTIONS, "archived"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        if self.instance.pk is None:
            del self.fields["archived"]
        self.saved = places_of((row.kind, row.params) for row in self._rows())
        self.sentences = {} if self.is_bound else self._sentences()
        places = list(self._given() if self.is_bound else self.saved)
        parts = [self._part(place) for place in with_all(places)]
        self.ticked = [part for part in parts if part.ticked]
        self.others = sorted(
            (part for part in parts if not part.ticked), key=lambda part: part.place.usual
        )
        self.too_many = not {*places} <= {part.place for part in parts}

    def _rows(self) -> list[Any]:
        return list(self.instance.actions.all()) if self.instance.pk else []

    def _sentences(self) -> dict[Place, str]:
        if not self.saved:
            return {}
        known = TypeRows(self.instance.feedback_type)
        return dict(zip(self.saved, describe_macro(self.instance, known), strict=True))

    def _given(self) -> list[Place]:
        return places_given(self.data.get("order", ""), self.data)

    @property
    def parts(self) -> list[ActionPart]:
        return self.ticked + self.others

    @property
    def other_groups(self) -> list[tuple[Group, list[ActionPart]]]:
        return [
            (group, [part for part in self.others if part.action.group == group]) for group in Group
        ]

    @property
    def options(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name != "name"]

    @property
    def most(self) -> int:
        return MOST_ACTIONS

    @property
    def blanks(self) -> list[ActionPart]:
        """What a browser copies where an action is wanted once more."""
        return [self._blank(kind) for kind, action in ACTIONS.items() if action.repeatable]

    @property
    def order(self) -> str:
        return ",".join(part.prefix for part in self.ticked)

    def _part(self, place: Place) -> ActionPart:
        tick = self._tick(place.prefix, place.label, place in self.saved)
        ticked = bool(tick.value())
        form = self._action_form(
            ACTIONS[place.kind],
            self.data if self.is_bound and ticked else None,
            prefix=place.prefix,
            initial=self._initial(place),
        )
        return ActionPart(place, tick, ticked, form, self.sentences.get(place, ""))

    def _blank(self, kind: str) -> ActionPart:
        action, prefix = ACTIONS[kind], f"{kind}-{BLANK}"
        tick = self._tick(prefix, f"{action.label} ({BLANK})", False)
        return ActionPart(Place(kind), tick, False, self._action_form(action, prefix=prefix))

    def _tick(self, prefix: str, label: str, initial: bool) -> forms.BoundField:
        reveal = forms.CheckboxInput(attrs={"data-reveal": f"#{prefix}-fields"})
        field = forms.BooleanField(label=label, required=False, initial=initial, widget=reveal)
        return field.get_bound_field(self, prefix)

    def _action_form(self, action: Action, *args: Any, **options: Any) -> ActionForm:
        form = action.Form(
            *args,
            feedback_type=self.instance.feedback_type,
            use_required_attribute=False,  # what is not ticked is not asked
            **options,
        )
        for name, field in form.fields.items():
            if isinstance(field, RowsOfProject):
                offer(form, name, field, without=self.instance)
            if isinstance(field, TextField):
                field.widget.attrs |= {
                    "data-variables": " ".join(field.own),
                    "data-field": f"{action.kind}.{name}",
                }
        return form

    def _initial(self, place: Place) -> dict[str, Any]:
        """What was saved, or typed without the tick."""
        initial = {**self.saved.get(place, {})}
        if not self.is_bound:
            return initial
        for name, field in ACTIONS[place.kind].Form.base_fields.items():
            given = field.widget.value_from_datadict(self.data, {}, f"{place.prefix}-{name}")
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
        if not self.ticked:
            self.add_error(None, "Tick at least one thing that the macro does.")
        if self.too_many:
            self.add_error(None, f"A macro does up to {MOST_ACTIONS} things: remove some.")

    def is_valid(self) -> bool:
        valid = all([super().is_valid(), *(part.form.is_valid() for part in self.ticked)])
        return valid and self._fit_together()

    def _actions(self) -> list[tuple[str, Params]]:
        return [(part.place.kind, as_params(part.form.cleaned_data)) for part in self.ticked]

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
