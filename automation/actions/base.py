from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import TextChoices

from automation import variables
from automation.actions.fields import RowsOfProject, SecretField, TextField, TypeRows
from automation.actions.follow_ups import FollowUp
from feedback.models import FeedbackType, Ticket, TicketChange
from feedback.undo import Undone, cannot

Params = Mapping[str, Any]  # as kept in rows: what a form was given
Settings = Mapping[str, Any]  # the same, checked: rows, text, truth values
LONGEST_EFFECT = 300  # characters
OF_ALL = "non_field_errors"  # as the API calls what is about no field alone
Record = dict[str, Any]  # what an action did, as its undo needs it; kept as JSON
Even = Container[str]  # parts that an undo takes back although somebody changed them since


class Group(TextChoices):
    """What an action is about: the heading under which it stands on the macro's page."""

    TICKET = "ticket", "Ticket"
    SUBMITTER = "submitter", "Submitter"
    OUTSIDE = "outside", "Outside"
    MACROS = "macros", "Other macros"


class Effect(NamedTuple):
    """What people read of one thing that an action did: empty stands for nothing."""

    field: str
    before: str
    after: str


@dataclass(frozen=True)
class Done:
    """What an action did. Without a record and follow-ups there was nothing to do."""

    record: Record = dataclasses.field(default_factory=dict)
    told: str = ""  # besides the ticket's own changes, as in “a comment added”
    follow_ups: tuple[FollowUp, ...] = ()
    effects: tuple[Effect, ...] = ()


def changed(changes: list[TicketChange]) -> Done:
    """What was done where all of it is changes of the ticket."""
    effects = tuple(effect_of(change) for change in changes)
    return Done({"changes": [change.pk for change in changes]} if changes else {}, effects=effects)


def effect_of(change: TicketChange) -> Effect:
    return Effect(change.label, change.before_text, change.after_text)


def kept_effects(effects: Iterable[Effect]) -> list[list[str]]:
    """As a step keeps them: long texts are cut, since they stand in full elsewhere."""
    return [
        [text if len(text) <= LONGEST_EFFECT else f"{text[:LONGEST_EFFECT]}…" for text in effect]
        for effect in effects
    ]


class ActionForm(forms.Form):
    def __init__(
        self,
        *args: Any,
        feedback_type: FeedbackType,
        known: TypeRows | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.feedback_type = known.feedback_type if known else feedback_type  # whose rows are read
        for name, field in self.fields.items():
            if isinstance(field, RowsOfProject):
                field.known = known
                field.bind_to(feedback_type, self.get_initial_for_field(field, name))
            if isinstance(field, TextField):
                field.bind_to(self.feedback_type)

    def has(self, *names: str) -> bool:
        """Whether any of these is given, and none was refused."""
        return any(self.cleaned_data.get(name) not in (None, "", []) for name in names)

    def needs_one_of(self, *names: str, problem: str) -> None:
        if not self.has(*names) and not self.errors:
            raise ValidationError(problem)


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
    group: ClassVar[Group] = Group.TICKET
    sentence: ClassVar[str]
    Form: ClassVar[type[ActionForm]]
    repeatable: ClassVar[bool] = False  # whether a macro may do it several times
    not_undoable: ClassVar[str] = ""  # why it cannot be taken back: “A mail that left …”

    def clean(
        self, params: Params, feedback_type: FeedbackType, known: TypeRows | None = None
    ) -> dict[str, Any]:
        """``params`` as rows and values; raises ParamsRefused."""
        form = self.Form(params, feedback_type=feedback_type, known=known)
        if not form.is_valid():
            problems = {name: [*map(str, errors)] for name, errors in form.errors.items()}
            whole = problems.pop(NON_FIELD_ERRORS, None)
            raise ParamsRefused(self.Form, problems | ({OF_ALL: whole} if whole else {}))
        return form.cleaned_data

    def lacks(self, settings: Settings) -> dict[str, str]:
        """By field what has to be entered before it works, but no file or copy brings along."""
        return {}

    def secrets(self) -> list[str]:
        fields = self.Form.base_fields.items()
        return [name for name, field in fields if isinstance(field, SecretField)]

    def filled_in(
        self,
        settings: Settings,
        words: Callable[[], variables.Words],
        secrets: Mapping[str, str] | None = None,
    ) -> Settings:
        """``settings`` with the variables of their texts; raises ValidationError.

        ``secrets`` are those of the macro by the names that ``settings`` have for them.
        """
        fields = self.Form.base_fields.items()
        texts = {name: field for name, field in fields if isinstance(field, TextField)}
        hidden = {
            name: variables.Verbatim((secrets or {}).get(settings[name], ""))
            for name in self.secrets()
        }
        asks = any("{" in settings[name] for name in texts)
        known = {**words(), **hidden} if asks else {}
        filled = {name: _filled(texts[name], settings[name], known) for name in texts}
        return {**settings, **hidden, **filled}

    def keys(self, settings: Settings) -> Collection[str]:
        """Of the form fields that it names by their keys."""
        return ()

    def keys_in_texts(self, settings: Settings) -> set[str]:
        """Of the form fields that its texts name by variables."""
        fields = self.Form.base_fields.items()
        texts = [settings[name] for name, field in fields if isinstance(field, TextField)]
        return {key for text in texts for key in variables.fields_in(text)}

    def describe(self, settings: Settings) -> str:
        return self.sentence.format(**settings)

    def apply(self, ticket: Ticket, settings: Settings, *, actor: str, cause: str) -> Done:
        """Do it, and return what was done and what must follow."""
        raise NotImplementedError

    def undo(
        self, ticket: Ticket, record: Record, *, even: Even, actor: str, cause: str
    ) -> list[Undone]:
        """Take back what the ticket's own fields do not tell; they go back by themselves."""
        return [cannot(self.label, self.not_undoable)] if self.not_undoable else []

    def redo(self, ticket: Ticket, record: Record, *, actor: str, cause: str) -> list[Undone]:
        """Do again what an undo took back, by the record of what the undo did."""
        raise NotImplementedError


def _filled(field: TextField, text: str, words: variables.Words) -> Any:
    try:
        return field.fill(text, words)
    except ValidationError as error:
        raise ValidationError(f"{field.label}: {' '.join(error.messages)}") from error
