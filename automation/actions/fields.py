"""What the forms of actions ask for: rows of the project, texts with variables, secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q, QuerySet

from automation import variables
from feedback.models import FeedbackType, Status
from feedback.numbers import row_id

LEAVE = "Leave as it is"
CHOOSE = "Choose …"
KEPT = re.compile(r"kept:[0-9a-f]{32}")  # what stands for a secret that is there already
HALF_A_CHARACTER = re.compile(r"[\ud800-\udfff]")  # which JSON may hold, and no database

Model = type[models.Model]


def _of_project(path: str) -> Callable[[FeedbackType], Q]:
    return lambda feedback_type: Q(**{path: feedback_type.project})


def _of_type(feedback_type: FeedbackType) -> Q:
    return Q(feedback_type=feedback_type)


# Which rows an action of a type may name, by the model. The model of macros is not known here.
OFFERED: dict[str, Callable[[FeedbackType], Q]] = {
    "feedback.team": _of_project("project"),
    "feedback.workflow": _of_project("project"),
    "feedback.status": _of_project("workflow__project"),
    "feedback.tag": _of_project("project"),
    "feedback.formfield": _of_type,
    "automation.macro": _of_type,
}


def rows_for(model: Model, feedback_type: FeedbackType) -> QuerySet[Any]:
    return model._default_manager.filter(OFFERED[model._meta.label_lower](feedback_type))


class TypeRows:
    """What the actions of one type choose from, read once for many macros."""

    def __init__(self, feedback_type: FeedbackType) -> None:
        self.feedback_type = feedback_type
        self._read: dict[Model, dict[str, models.Model]] = {}

    def of(self, model: Model) -> dict[str, models.Model]:
        if model not in self._read:
            rows = rows_for(model, self.feedback_type)
            rows = rows.select_related("workflow") if model is Status else rows
            self._read[model] = {str(row.pk): row for row in rows}
        return self._read[model]


class RowsOfProject(forms.ModelChoiceField):
    """Chooses from a model's rows in the project; what is archived stays valid where it was chosen.

    ``offered`` narrows what is offered on the page to those that a check will take.
    """

    known: TypeRows | None = None
    several = False

    def __init__(self, model: Model | str, *, offered: Q | None = None, **options: Any) -> None:
        self._model = model
        self._offered = offered or Q()
        super().__init__(None, **options)

    @property
    def model(self) -> Model:
        return apps.get_model(self._model) if isinstance(self._model, str) else self._model

    def bind_to(self, feedback_type: FeedbackType, chosen: Any = None) -> None:
        rows = rows_for(self.model, feedback_type)
        archived = any(field.name == "archived" for field in self.model._meta.fields)
        current = rows.filter(self._offered, **({"archived": False} if archived else {}))
        ids = [row_id(str(each)) for each in (chosen if isinstance(chosen, list) else [chosen])]
        self.queryset = rows
        self.offered = current | rows.filter(pk__in=[pk for pk in ids if pk])


class ProjectChoiceField(RowsOfProject):
    """One row. Where it may be left out, the ticket keeps what it has."""

    def __init__(self, model: Model | str, **options: Any) -> None:
        empty = CHOOSE if options.get("required", True) else LEAVE
        super().__init__(model, **{"empty_label": empty} | options)

    def to_python(self, value: Any) -> Any:
        if self.known is None or value in self.empty_values:
            return super().to_python(value)
        try:
            return self.known.of(self.model)[str(value)]
        except KeyError:
            raise ValidationError(self.error_messages["invalid_choice"], "invalid_choice") from None


class ProjectChoicesField(RowsOfProject, forms.ModelMultipleChoiceField):
    """Several rows, as a list."""

    several = True
    widget = forms.CheckboxSelectMultiple

    def clean(self, value: Any) -> Any:
        given = [str(each) for each in value] if isinstance(value, list) else []
        if wrong := [each for each in given if not row_id(each)]:
            problem, shown = self.error_messages["invalid_choice"], {"value": wrong[0][:50]}
            raise ValidationError(problem, "invalid_choice", shown)
        known = self.known.of(self.model) if self.known else {}
        if given and all(each in known for each in given):
            return [known[each] for each in given]
        return list(super().clean(value))


class YesNoField(forms.TypedChoiceField):
    """A truth value that has to be said: a box that was left alone says nothing."""

    def __init__(self, yes: str, no: str, **options: Any) -> None:
        choices = [(True, yes), (False, no)]
        super().__init__(choices=choices, coerce=lambda value: value == "True", **options)


def has_variables(text: str) -> bool:
    """Whether it becomes another text once it is filled in."""
    return any(begin in text for begin in ("{{", "{%", "{#"))


class TextField(forms.CharField):
    """A text with variables, filled in at each run; ``own`` are secrets beside what all may name.

    ``may_vanish``: whether nothing may be left of it, once it is filled in.
    """

    def __init__(self, *, own: Iterable[str] = (), may_vanish: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.may_vanish = may_vanish and not self.required
        self.own = tuple(own)
        self.known = variables.shapes(secrets=self.own)

    def bind_to(self, feedback_type: FeedbackType) -> None:
        """Let it name the form fields of the type, which are read once a text names any."""
        self.known = variables.shapes(secrets=self.own, values=lambda: _values(feedback_type))

    def validate(self, value: str) -> None:
        super().validate(value)
        variables.check(value, known=self.known)

    def fill(self, text: str, words: variables.Words) -> Any:
        """What the action is given; raises ValidationError."""
        filled = variables.fill(text, words) if has_variables(text) else text
        return self.checked(filled.strip()) if text else ""

    def checked(self, filled: str) -> Any:
        """A text as it became, which keeps to the same bounds; raises ValidationError."""
        if not (filled or self.may_vanish):
            raise ValidationError("Nothing is left of it once its variables are filled in.")
        if HALF_A_CHARACTER.search(filled):
            raise ValidationError("It became a text with a character that cannot be kept.")
        for validator in self.validators:
            if not isinstance(validator, MaxLengthValidator):
                validator(filled)
            elif len(filled) > (most := self.max_length or 0):
                raise ValidationError(
                    f"It became {len(filled):,} characters long: {most:,} are allowed."
                )
        return filled


def _values(feedback_type: FeedbackType) -> dict[str, str]:
    return {field.key: variables.PLAIN for field in feedback_type.fields}


class LineField(TextField):
    """The same in one line, whatever the variables hold."""

    def checked(self, filled: str) -> Any:
        return super().checked(" ".join(filled.split()))


class SecretField(forms.CharField):
    """A text that nobody is shown: kept apart, and named by ``kept:…`` in the action's params.

    ``goes_to`` says from the action's params whom the secret is told. It is kept for that one only.
    """

    def __init__(self, *, goes_to: Callable[[Any], str], **options: Any) -> None:
        self.goes_to = goes_to
        widget = forms.PasswordInput(render_value=True, attrs={"autocomplete": "new-password"})
        super().__init__(widget=widget, required=False, **options)


def split_names(text: str) -> list[str]:
    """Names with commas or line ends between them, each once."""
    names = (" ".join(name.split()) for name in re.split(r"[,\n]", text))
    return list(dict.fromkeys(filter(None, names)))
