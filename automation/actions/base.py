from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet

from feedback.models import FeedbackType, FormField, Status, Team, Ticket, Workflow

Params = Mapping[str, Any]  # as kept in rows: what a form was given
Settings = Mapping[str, Any]  # the same, checked: rows, text, truth values
Record = dict[str, Any]  # what an action did; empty where there was nothing to do

OWN_ROWS: dict[type[models.Model], Callable[[FeedbackType], QuerySet[Any]]] = {
    Team: lambda kind: kind.project.teams.all(),
    Workflow: lambda kind: kind.project.workflows.all(),
    Status: lambda kind: Status.objects.in_project(kind.project),
    FormField: lambda kind: kind.form_fields.all(),
}


class TypeRows:
    """What the actions of one feedback type choose from, read once for many macros."""

    def __init__(self, feedback_type: FeedbackType) -> None:
        self.feedback_type = feedback_type
        self._read: dict[type[models.Model], dict[str, models.Model]] = {}

    def of(self, model: type[models.Model]) -> dict[str, models.Model]:
        if model not in self._read:
            rows = OWN_ROWS[model](self.feedback_type)
            rows = rows.select_related("workflow") if model is Status else rows
            self._read[model] = {str(row.pk): row for row in rows}
        return self._read[model]


class ProjectChoiceField(forms.ModelChoiceField):
    """A row of the macro's own project or type; an archived one stays valid where it was chosen."""

    known: TypeRows | None = None

    def __init__(self, model: type[models.Model], **options: Any) -> None:
        super().__init__(model._default_manager.none(), **options)
        self.model = model

    def bind_to(self, feedback_type: FeedbackType, chosen: Any = None) -> None:
        rows = OWN_ROWS[self.model](feedback_type)
        self.queryset = rows
        self.offered = rows.filter(archived=False) | rows.filter(pk=chosen or None)

    def to_python(self, value: Any) -> Any:
        if self.known is None or value in self.empty_values:
            return super().to_python(value)
        try:
            return self.known.of(self.model)[str(value)]
        except KeyError:
            raise ValidationError(self.error_messages["invalid_choice"], "invalid_choice") from None


class ActionForm(forms.Form):
    def __init__(
        self,
        *args: Any,
        feedback_type: FeedbackType,
        known: TypeRows | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.feedback_type = feedback_type
        for name, field in self.fields.items():
            if isinstance(field, ProjectChoiceField):
                field.known = known
                field.bind_to(feedback_type, self.get_initial_for_field(field, name))


class ParamsRefused(ValidationError):
    """What is wrong with an action's params: in sentences and, for programs, by field."""

    def __init__(self, form: ActionForm) -> None:
        self.by_field = {name: list(map(str, problems)) for name, problems in form.errors.items()}
        super().__init__(
            [
                f"{form.fields[name].label or name}: {' '.join(problems)}"
                if name in form.fields
                else " ".join(problems)
                for name, problems in self.by_field.items()
            ]
        )


class Action:
    """One thing that a macro can do: its settings, what it does, the sentence people read."""

    kind: ClassVar[str]  # stored in rows: never renamed
    label: ClassVar[str]
    sentence: ClassVar[str]
    Form: ClassVar[type[ActionForm]]

    def clean(
        self, params: Params, feedback_type: FeedbackType, known: TypeRows | None = None
    ) -> dict[str, Any]:
        """``params`` as rows and values; raises ParamsRefused."""
        form = self.Form(params, feedback_type=feedback_type, known=known)
        if not form.is_valid():
            raise ParamsRefused(form)
        return form.cleaned_data

    def describe(self, settings: Settings) -> str:
        return self.sentence.format(**settings)

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Record:
        """Do it, and return what was done; an empty record says that nothing was to do."""
        raise NotImplementedError
