from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet

from feedback.models import Project, Status, Team, Ticket, Workflow

Params = Mapping[str, Any]  # as kept in rows: what a form was given
Settings = Mapping[str, Any]  # the same, checked: rows, text, truth values
Record = dict[str, Any]  # what an action did; empty where there was nothing to do

IN_PROJECT: dict[type[models.Model], str] = {
    Team: "project",
    Workflow: "project",
    Status: "workflow__project",
}


class ProjectRows:
    """What the actions of one project choose from, read once for many macros."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._read: dict[type[models.Model], dict[str, models.Model]] = {}

    def of(self, model: type[models.Model]) -> dict[str, models.Model]:
        if model not in self._read:
            rows = in_project(model, self.project)
            rows = rows.select_related("workflow") if model is Status else rows
            self._read[model] = {str(row.pk): row for row in rows}
        return self._read[model]


class ProjectChoiceField(forms.ModelChoiceField):
    """A row of the macro's own project; what is archived stays valid where it was chosen."""

    known: ProjectRows | None = None

    def __init__(self, model: type[models.Model], **options: Any) -> None:
        super().__init__(model._default_manager.none(), **options)
        self.model = model

    def bind_to(self, project: Project, chosen: Any = None) -> None:
        rows = in_project(self.model, project)
        self.queryset = rows
        self.offered = rows.filter(archived=False) | rows.filter(pk=chosen or None)

    def to_python(self, value: Any) -> Any:
        if self.known is None or value in self.empty_values:
            return super().to_python(value)
        try:
            return self.known.of(self.model)[str(value)]
        except KeyError:
            raise ValidationError(self.error_messages["invalid_choice"], "invalid_choice") from None


def in_project(model: type[models.Model], project: Project) -> QuerySet[Any]:
    return model._default_manager.filter(**{IN_PROJECT[model]: project})


class ActionForm(forms.Form):
    def __init__(
        self, *args: Any, project: Project, known: ProjectRows | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        for name, field in self.fields.items():
            if isinstance(field, ProjectChoiceField):
                field.known = known
                field.bind_to(project, self.get_initial_for_field(field, name))


class ParamsRefused(ValidationError):
    """What is wrong with an action's params: in sentences and, for programs, by field."""

    def __init__(self, form: type[ActionForm], by_field: dict[str, list[str]]) -> None:
        self.by_field = by_field
        fields = form.base_fields
        super().__init__(
            [
                f"{fields[name].label or name}: {' '.join(problems)}"
                if name in fields
                else " ".join(problems)
                for name, problems in by_field.items()
            ]
        )


class Action:
    """One thing that a macro can do: its settings, what it does, the sentence people read."""

    kind: ClassVar[str]  # stored in rows: never renamed
    label: ClassVar[str]
    sentence: ClassVar[str]
    Form: ClassVar[type[ActionForm]]

    def clean(
        self, params: Params, project: Project, known: ProjectRows | None = None
    ) -> dict[str, Any]:
        """``params`` as rows and values; raises ParamsRefused."""
        form = self.Form(params, project=project, known=known)
        if not form.is_valid():
            problems = {name: [*map(str, errors)] for name, errors in form.errors.items()}
            raise ParamsRefused(self.Form, problems)
        return form.cleaned_data

    def describe(self, settings: Settings) -> str:
        return self.sentence.format(**settings)

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Record:
        """Do it, and return what was done; an empty record says that nothing was to do."""
        raise NotImplementedError
