"""The forms of triggers and schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from automation.models import Schedule, Trigger
from automation.schedules import next_time, save_schedule
from automation.triggers import save_trigger
from feedback.models import VALUES, FeedbackType
from feedback.services import CHANGEABLE, COMMENTS, DATA, LINKS

FIELDS = (*CHANGEABLE, "tags", COMMENTS, LINKS, DATA)  # of whose changes a trigger may ask
YEARS = (2000, 2199)


def field_choices(feedback_type: FeedbackType) -> list[tuple[str, str]]:
    """The fields of a ticket as its events name them, and as people call them."""
    own = [(f"{VALUES}{field.key}", field.label) for field in feedback_type.fields]
    return [*((name, name.replace("_", " ").capitalize()) for name in FIELDS), *own]


def within_reach(moment: datetime) -> datetime:
    """``moment``, of which every time zone has the neighbours; raises ValidationError."""
    if not YEARS[0] < moment.year < YEARS[1]:
        raise ValidationError(f"Choose a time between {YEARS[0]} and {YEARS[1]}.")
    return moment


class StartForm(forms.ModelForm):
    """What both have: a name, a macro and perhaps a filter of their own feedback type."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kind = self.instance.feedback_type
        self._offer("macro", kind.macros, "Choose …")
        self._offer("filter", kind.saved_filters, "No filter")
        self.fields["name"].widget.attrs["autocomplete"] = "off"

    def offer_archived(self) -> None:
        """As a file may name them."""
        kind = self.instance.feedback_type
        for name, rows in (("macro", kind.macros), ("filter", kind.saved_filters)):
            field: Any = self.fields[name]
            field.queryset = rows.all()

    def _offer(self, name: str, rows: Any, empty_label: str) -> None:
        field: Any = self.fields[name]
        chosen = getattr(self.instance, f"{name}_id")
        field.queryset = rows.filter(archived=False) | rows.filter(pk=chosen)
        field.empty_label = empty_label

    def _invite(self, name: str) -> None:
        """Let a choice without a default begin as those of rows do."""
        field: Any = self.fields[name]
        field.choices = [("", "Choose …"), *(each for each in field.choices if each[0])]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        kind, model = self.instance.feedback_type, self._meta.model
        others = model._default_manager.filter(feedback_type=kind).exclude(pk=self.instance.pk)
        if others.filter(name__iexact=name).exists():
            noun = model._meta.verbose_name
            raise ValidationError(f"There already is a {noun} “{name}”. Choose another name.")
        return name


class TriggerForm(StartForm):
    field = forms.ChoiceField(
        label="Field",
        required=False,
        help_text="For “A ticket is modified”: only where this one was.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["field"]
        known = [("", "Any field"), *field_choices(self.instance.feedback_type)]
        kept = self.instance.field
        self.gone = kept if kept not in dict(known) else ""
        gone = [(self.gone, f"{self.gone}, which is no longer there")] if self.gone else []
        field.choices = known + gone
        field.widget.attrs["data-while"] = "event=modified"
        self._invite("event")

    def clean_field(self) -> str:
        field: str = self.cleaned_data["field"]
        if field and field == self.gone:
            raise ValidationError(f"“{field}” is no longer there: choose another field.")
        return field

    class Meta:
        model = Trigger
        fields = ["name", "event", "field", "filter", "macro", "enabled"]

    def clean(self) -> None:
        event, within = self.cleaned_data.get("event"), self.cleaned_data.get("filter")
        if event == Trigger.Event.ENTERED and not within and "filter" not in self.errors:
            self.add_error("filter", "Choose the filter that tickets come within.")
        if event != Trigger.Event.MODIFIED:
            self.cleaned_data["field"] = ""

    def save(self, commit: bool = True) -> Trigger:
        return save_trigger(super().save(commit=False))


class ScheduleForm(StartForm):
    class Meta:
        model = Schedule
        fields = ["name", "every", "starts_at", "ends_at", "filter", "macro", "enabled"]
        widgets = {
            name: forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            for name in ("starts_at", "ends_at")
        }
        help_texts = {"ends_at": "Empty: it never ends."}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        zone = timezone.get_current_timezone_name()
        self.fields["starts_at"].help_text = f"By the clock of {zone}."
        self._invite("every")

    def clean(self) -> None:
        """A time in the past is the first of those to come, but for what runs once."""
        starts, ends = self.cleaned_data.get("starts_at"), self.cleaned_data.get("ends_at")
        if starts and ends and ends < starts:
            self.add_error("ends_at", "This is before the first run.")
        elif starts and self.cleaned_data.get("every") and not self._has_a_time(starts, ends):
            self.add_error("starts_at", "No run would ever come: every time is past.")

    def clean_starts_at(self) -> datetime:
        return within_reach(self.cleaned_data["starts_at"])

    def clean_ends_at(self) -> datetime | None:
        ends: datetime | None = self.cleaned_data["ends_at"]
        return within_reach(ends) if ends else None

    def _has_a_time(self, starts: Any, ends: Any) -> bool:
        planned = Schedule(every=self.cleaned_data["every"], starts_at=starts, ends_at=ends)
        return not self.cleaned_data.get("enabled") or bool(next_time(planned, timezone.now()))

    def save(self, commit: bool = True) -> Schedule:
        return save_schedule(super().save(commit=False))
