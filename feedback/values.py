"""What a ticket answers to its type's form fields: the one place that checks it.

Pages ask by ``form_field``, programs give JSON (``from_json``), files and macros text
(``from_text``); all come to the same form field of the kind. What comes out is as
``Ticket.values`` keeps it; None empties.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape

from feedback.field_kinds import kind_of
from feedback.models import FormField
from rest.nearest import nearest
from rest.params import MOST_NAMED

EMPTY: tuple[Any, ...] = (None, "", [])
REQUIRED = "This is required: give it a value."
ARCHIVED = "This is archived: it is no longer asked for. Leave it as it is."
# The types of JSON's values, and what to say of any other.
JSON_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "This field takes text."),
    "number": ((int, float), "This field takes a number."),
    "integer": ((int,), "This field takes a whole number."),
    "array": ((list,), "This field takes a list of texts."),
}

Values = Mapping[str, Any]  # by the key of their field
Reader = Callable[..., Any]


def form_field(
    field: FormField, also: Any = None, *, insider: bool = True, **options: Any
) -> forms.Field:
    """What asks for a value; of archived choices those in ``also`` are offered."""
    options = {"required": field.required, "label": field.label_for(insider=insider)} | options
    told = (field.help, "" if field.public else "Only the team sees this.")
    about = escape(" ".join(filter(None, told)))
    asked = kind_of(field).ask(offered(field, also), help_text=about, **options)
    asked.error_messages["required"] = REQUIRED
    if isinstance(asked.widget, forms.Textarea | forms.TextInput):
        asked.widget.attrs.setdefault("autocomplete", "off")
    return asked


def offered(field: FormField, also: Any = None) -> list[str]:
    held = also if isinstance(also, list) else [also]
    return [
        choice
        for choice in kind_of(field).choices(field)
        if choice not in field.archived_choices or choice in held
    ]


def from_form(field: FormField, cleaned: Any) -> Any:
    """What ``form_field`` gave, as it is kept."""
    return None if cleaned in EMPTY else kind_of(field).keep(cleaned)


def from_json(field: FormField, value: Any, also: Any = None) -> Any:
    """Raises ValidationError."""
    _, problem = _json_types(field)
    parts = value if isinstance(value, list) else []
    if value is not None and not takes_type(field, value):
        raise ValidationError(problem)
    if not all(isinstance(part, str) for part in parts):
        raise ValidationError(problem)
    return from_form(field, form_field(field, also).clean(value))


def takes_type(field: FormField, value: Any) -> bool:
    """Whether a JSON value of this type may be one of ``field``."""
    types, _ = _json_types(field)
    return type(value) in types


def _json_types(field: FormField) -> tuple[tuple[type, ...], str]:
    return JSON_TYPES[kind_of(field).describe(field)["type"]]


def from_text(field: FormField, text: str, also: Any = None) -> Any:
    """Raises ValidationError."""
    return from_form(field, form_field(field, also).clean(kind_of(field).read(text)))


def from_kept(field: FormField, value: Any, also: Any = None) -> Any:
    """A value that was kept once, whatever is asked for or offered now."""
    if value in EMPTY:
        return None
    everything = kind_of(field).choices(field)
    return from_form(field, kind_of(field).ask(everything, required=False).clean(value))


def clean_values(
    fields: Iterable[FormField],
    given: Values,
    current: Values,
    read: Reader = from_json,
    *,
    whole: bool = False,
    archived: bool = False,
) -> dict[str, Any]:
    """Each value that is given, by key; raises ValidationError with all that is wrong, by key.

    ``whole``: what is required must be there. ``archived``: what is archived may change too.
    """
    known = {field.key: field for field in fields}
    problems: dict[str, Any] = {}
    cleaned = {}
    for key, value in given.items():
        try:
            field = _named(key, known)
            cleaned[key] = _cleaned(field, value, current.get(key), read, archived)
        except ValidationError as error:
            problems[key] = error.messages
            if len(problems) == MOST_NAMED:
                break
    if whole:
        missing = (key for key, field in known.items() if field.required and not field.archived)
        problems |= {key: [REQUIRED] for key in missing if key not in {*given, *current}}
    if problems:
        raise ValidationError(problems)
    return cleaned


def _named(key: str, known: Mapping[str, FormField]) -> FormField:
    if key not in known:
        raise ValidationError(f"There is no form field “{key[:100]}” here.{nearest(key, known)}")
    return known[key]


def _cleaned(field: FormField, value: Any, before: Any, read: Reader, archived: bool) -> Any:
    if type(value) is type(before) and value == before:
        return before
    if field.archived and not archived:
        raise ValidationError(ARCHIVED)
    return read(field, value, before)


@dataclass(frozen=True)
class Shown:
    """A form field on a ticket's page; ``text`` is empty where the ticket has no value."""

    field: FormField
    label: str
    text: str

    @property
    def wide(self) -> bool:
        return bool(self.text) and kind_of(self.field).wide


def shown_values(fields: Iterable[FormField], values: Values, *, insider: bool) -> list[Shown]:
    """Each field that a ticket with ``values`` has, as far as the reader may see it."""
    return [
        Shown(field, field.label_for(insider=insider), shown(field, values.get(field.key)))
        for field in fields
        if field.is_shown_with(values) and (insider or field.public)
    ]


def shown(field: FormField, value: Any) -> str:
    return "" if value in EMPTY else kind_of(field).show(field, value)


def written(field: FormField, value: Any) -> str:
    """As a file has it, and ``from_text`` reads it."""
    return "" if value in EMPTY else kind_of(field).write(value)
