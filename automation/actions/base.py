from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet

from automation import variables
from automation.actions.follow_ups import FollowUp
from feedback.models import Project, Status, Team, Ticket, TicketChange, Workflow
from feedback.undo import Undone, cannot

Params = Mapping[str, Any]  # as kept in rows: what a form was given
Settings = Mapping[str, Any]  # the same, checked: rows, text, truth values
Record = dict[str, Any]  # what an action did, as its undo needs it; kept as JSON


@dataclass(frozen=True)
class Done:
    """What an action did. Without a record and follow-ups there was nothing to do."""

    record: Record = dataclasses.field(default_factory=dict)
    told: str = ""  # besides the ticket's own changes, as in “a comment added”
    follow_ups: tuple[FollowUp, ...] = ()

    @property
    def something(self) -> bool:
        return bool(self.record or self.follow_ups)


def changed(changes: list[TicketChange]) -> Done:
    """What was done where all of it is changes of the ticket."""
    return Done({"changes": [change.pk for change in changes]} if changes else {})


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


class TextField(forms.CharField):
    """A text with variables, filled in at each run."""

    def validate(self, value: str) -> None:
        super().validate(value)
        variables.check(value)


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
    repeatable: ClassVar[bool] = False  # whether a macro may do it several times
    not_undoable: ClassVar[str] = ""  # why it cannot be taken back: “A mail that left …”

    def clean(
        self, params: Params, project: Project, known: ProjectRows | None = None
    ) -> dict[str, Any]:
        """``params`` as rows and values; raises ParamsRefused."""
        form = self.Form(params, project=project, known=known)
        if not form.is_valid():
            problems = {name: [*map(str, errors)] for name, errors in form.errors.items()}
            raise ParamsRefused(self.Form, problems)
        return form.cleaned_data

    def filled_in(self, settings: Settings, words: Callable[[], variables.Words]) -> Settings:
        """``settings`` with the variables of their texts; raises ValidationError."""
        texts = {
            name: settings[name]
            for name, field in self.Form.base_fields.items()
            if isinstance(field, TextField) and "{" in settings[name]
        }
        known = words() if texts else {}
        return {**settings, **{name: variables.fill(text, known) for name, text in texts.items()}}

    def describe(self, settings: Settings) -> str:
        return self.sentence.format(**settings)

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        """Do it, and return what was done and what must follow."""
        raise NotImplementedError

    def undo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        """Take back what the ticket's own fields do not tell; they go back by themselves."""
        return [cannot(self.label, self.not_undoable)] if self.not_undoable else []
