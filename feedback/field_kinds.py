"""The kinds of form fields: how each is asked for, kept, written, shown and found.

A kept value is JSON. What is empty is not kept at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

import django_filters as filters
from django import forms
from django.utils.dateparse import parse_date

from feedback.lists import join_names, split_names
from feedback.models import FormField
from feedback.value_filters import (
    CONTAINS,
    ChoiceFilter,
    DateFilter,
    ListFilter,
    NumberFilter,
    OneOf,
    SeveralOf,
    TextFilter,
)

Schema = dict[str, Any]
Filters = dict[str, filters.Filter]  # by what follows the field's key in their names

LONGEST_TEXT, LONGEST_LONG_TEXT, LONGEST_SOUGHT = 250, 10_000, 200
LONGEST_CHOICE, MOST_CHOICES = 100, 200
DIGITS, DECIMALS = 15, 6  # what every database and JSON reader keeps as it is
ISO_DAY = "%Y-%m-%d"
PLATFORMS = ("iOS", "Android", "Windows", "macOS", "Linux", "Web")

AT_LEAST, AT_MOST = ("is at least", "is less than"), ("is at most", "is more than")
FROM, UNTIL = ("is on or after", "is before"), ("is on or before", "is after")


class FieldKind:
    """One kind, which asks ``FormField`` for whatever differs between fields of it."""

    about: ClassVar[str]  # what it is for, as whoever adds a field reads it
    holds: ClassVar[str]  # what a cell of a file holds
    wide: ClassVar[bool] = False  # whether a value takes the width of a page
    schema: ClassVar[Schema] = {"type": "string"}
    settings: ClassVar[Sequence[str]] = ()  # of FormField, which fields of this kind alone have
    instead: ClassVar[str] = ""  # of taking away what is in use
    usual_choices: ClassVar[Sequence[str]] = ()

    def choices(self, field: FormField) -> list[str]:
        """What may be answered, archived choices too; none where anything may."""
        return []

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        raise NotImplementedError

    def keep(self, cleaned: Any) -> Any:
        """What the form's field gave, as JSON."""
        return cleaned

    def initial(self, value: Any) -> Any:
        """What is kept, as the form's field takes it."""
        return value

    def write(self, value: Any) -> str:
        """What is kept, as text that ``read`` understands: for files, macros and histories."""
        return str(value)

    def read(self, text: str) -> Any:
        """Text as the form's field takes it."""
        return text

    def show(self, field: FormField, value: Any) -> str:
        return self.write(value)

    def text_widget(self, choices: Sequence[str]) -> forms.Widget:
        """What asks for a value as text that ``read`` understands."""
        return self.ask(choices).widget

    def texts(self, text: str) -> Any:
        """``text`` as ``text_widget`` shows it."""
        return text

    def describe(self, field: FormField) -> Schema:
        """A JSON schema of its values."""
        return dict(self.schema)

    def filters(self, field: FormField, **options: Any) -> Filters:
        raise NotImplementedError


class Text(FieldKind):
    about = "One line, such as a version."
    holds = "Text."
    schema = {"type": "string", "maxLength": LONGEST_TEXT}

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        return forms.CharField(max_length=LONGEST_TEXT, **options)

    def keep(self, cleaned: str) -> str:
        return cleaned.replace("\r\n", "\n")

    def filters(self, field: FormField, **options: Any) -> Filters:
        options |= {"max_length": LONGEST_SOUGHT, "verbs": CONTAINS}
        return {"": TextFilter(field.key, "icontains", **options)}


class LongText(Text):
    about = "Several lines, such as the steps to reproduce it."
    holds = "Text, several lines too."
    wide = True
    schema = {"type": "string", "maxLength": LONGEST_LONG_TEXT}

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        area = forms.Textarea(attrs={"rows": 4})
        return forms.CharField(max_length=LONGEST_LONG_TEXT, widget=area, **options)


class Number(FieldKind):
    about = "A number, such as how often it happened."
    holds = "A number such as 2.5."
    schema = {"type": "number"}

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        widget = forms.NumberInput(attrs={"step": "any"})
        return forms.DecimalField(
            max_digits=DIGITS, decimal_places=DECIMALS, widget=widget, **options
        )

    def keep(self, cleaned: Decimal) -> int | float:
        return as_number(cleaned)

    def write(self, value: int | float) -> str:
        return f"{Decimal(str(value)):f}"

    def filters(self, field: FormField, **options: Any) -> Filters:
        options |= {"kept": as_number, "max_digits": DIGITS, "decimal_places": DECIMALS}
        return {
            "": NumberFilter(field.key, **options),
            "__min": NumberFilter(field.key, "gte", verbs=AT_LEAST, **options),
            "__max": NumberFilter(field.key, "lte", verbs=AT_MOST, **options),
        }


def as_number(value: Decimal) -> int | float:
    """As JSON has it: 3 and not 3.0."""
    return int(value) if value == value.to_integral_value() else float(value)


class Day(FieldKind):
    about = "A day, such as when it first happened."
    holds = "A day such as 2026-11-23."
    schema = {"type": "string", "format": "date"}
    refusal = {"invalid": "Write a day such as 2026-11-23."}

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        return forms.DateField(
            input_formats=[ISO_DAY], widget=day_input(), error_messages=self.refusal, **options
        )

    def keep(self, cleaned: date) -> str:
        return cleaned.isoformat()

    def initial(self, value: str) -> date | None:
        return parse_date(value)

    def filters(self, field: FormField, **options: Any) -> Filters:
        options |= {"kept": self.keep, "input_formats": [ISO_DAY], "error_messages": self.refusal}
        return {
            "": DateFilter(field.key, widget=day_input(), **options),
            "__min": DateFilter(field.key, "gte", verbs=FROM, widget=day_input(), **options),
            "__max": DateFilter(field.key, "lte", verbs=UNTIL, widget=day_input(), **options),
        }


def day_input() -> forms.DateInput:
    return forms.DateInput({"type": "date"}, format=ISO_DAY)


class Choice(FieldKind):
    about = "One of a list, such as a severity."
    holds = "One of its choices."
    settings = ("choices", "archived_choices")
    instead = "Archive it instead: it is then no longer offered."

    def choices(self, field: FormField) -> list[str]:
        return [*field.choices, *field.archived_choices]

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        return OneOf(choices=[("", "Choose …"), *pairs(choices)], **options)

    def describe(self, field: FormField) -> Schema:
        return {"type": "string", "enum": self.choices(field)}

    def filters(self, field: FormField, **options: Any) -> Filters:
        return {"": ChoiceFilter(field.key, choices=pairs(self.choices(field)), **options)}


def pairs(choices: Sequence[str]) -> list[tuple[str, str]]:
    return [(choice, choice) for choice in choices]


class SeveralChoices(Choice):
    about = "Any of a list, such as the areas that are affected."
    holds = "Some of its choices, with commas or semicolons between them."

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        return SeveralOf(choices=pairs(choices), **options)

    def write(self, value: list[str]) -> str:
        return join_names(value)

    def read(self, text: str) -> list[str]:
        return split_names(text)

    def text_widget(self, choices: Sequence[str]) -> forms.Widget:
        options = [(self.write([choice]), choice) for choice in choices]
        return forms.CheckboxSelectMultiple(choices=options)

    def texts(self, text: str) -> list[str]:
        return [self.write([choice]) for choice in self.read(text)]

    def show(self, field: FormField, value: list[str]) -> str:
        return ", ".join(value)

    def describe(self, field: FormField) -> Schema:
        return {"type": "array", "items": super().describe(field)}

    def filters(self, field: FormField, **options: Any) -> Filters:
        return {"": ListFilter(field.key, choices=pairs(self.choices(field)), **options)}


class Platform(SeveralChoices):
    about = "The systems on which it happened, from a list that you may change."
    usual_choices = PLATFORMS


class Rating(FieldKind):
    about = "A number of stars, mostly from 1 to 5."
    holds = "One of its numbers."
    settings = ("highest",)
    instead = "Leave it as high as it was."

    def choices(self, field: FormField) -> list[str]:
        return [str(number) for number in range(1, field.highest + 1)]

    def ask(self, choices: Sequence[str], **options: Any) -> forms.Field:
        return OneOf(choices=[("", "Choose …"), *pairs(choices)], **options)

    def keep(self, cleaned: str) -> int:
        return int(cleaned)

    def show(self, field: FormField, value: int) -> str:
        return f"{value} of {field.highest}"

    def describe(self, field: FormField) -> Schema:
        return {"type": "integer", "minimum": 1, "maximum": field.highest}

    def filters(self, field: FormField, **options: Any) -> Filters:
        bounds = options | {"max_digits": 2, "decimal_places": 0, "kept": as_number}
        return {
            "": ChoiceFilter(field.key, kept=int, choices=pairs(self.choices(field)), **options),
            "__min": NumberFilter(field.key, "gte", verbs=AT_LEAST, **bounds),
            "__max": NumberFilter(field.key, "lte", verbs=AT_MOST, **bounds),
        }


Kind = FormField.Kind
# In this order they are offered.
KINDS: dict[str, FieldKind] = {
    Kind.TEXT: Text(),
    Kind.LONG_TEXT: LongText(),
    Kind.NUMBER: Number(),
    Kind.DATE: Day(),
    Kind.CHOICE: Choice(),
    Kind.CHOICES: SeveralChoices(),
    Kind.RATING: Rating(),
    Kind.PLATFORM: Platform(),
}


def kind_of(field: FormField) -> FieldKind:
    return KINDS[field.kind]
