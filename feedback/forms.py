from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from feedback.field_kinds import kind_of
from feedback.models import (
    Comment,
    Exposure,
    FeedbackType,
    FormField,
    Project,
    SavedFilter,
    Status,
    Ticket,
    TicketLink,
)
from feedback.services import tags_named
from feedback.values import Values, form_field, from_form


class ProjectForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = ["name", "key", "archived"]

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"].lower()
        if Project.objects.filter(key__iexact=key).exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"Another project has the key “{key}”: choose a different one.")
        return key


class ProjectSettingsForm(ProjectForm):
    confirm_key = forms.BooleanField(
        label="Change the project key and every endpoint URL with it", required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key_before = self.instance.key
        if not self.is_bound or self.data.get("key", "").strip().lower() == self.key_before:
            del self.fields["confirm_key"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "confirm_key" in self.fields and not cleaned.get("confirm_key"):
            self.add_error(
                "confirm_key",
                "A new key changes the endpoint URL of every listener: trackers that call the old "
                "ones are refused until the new URLs are pasted there. Tick this to go on.",
            )
        return cleaned


class AsksFields(forms.ModelForm):
    """A form of a ticket that asks for its type's form fields too, each as “values.KEY”."""

    def ask_for(self, fields: Iterable[FormField], values: Values, *, insider: bool) -> None:
        self.asked = [field for field in fields if not field.archived and (insider or field.public)]
        for field in self.asked:
            current = values.get(field.key)
            self.fields[field.place] = form_field(field, current, insider=insider)
            if current is not None:
                self.initial[field.place] = kind_of(field).initial(current)

    def values(self) -> dict[str, Any]:
        """What was answered, as tickets keep it; None for what was left empty."""
        return {field.key: from_form(field, self.cleaned_data[field.place]) for field in self.asked}

    def fields_of_tickets(self) -> list[forms.BoundField]:
        """What every ticket has."""
        asked = {field.place for field in self.asked}
        return [each for each in self.visible_fields() if each.name not in asked]

    def fields_of_type(self) -> list[forms.BoundField]:
        return [self[field.place] for field in self.asked]


class SubmitForm(AsksFields):
    """A new ticket; only those who see internal tickets may choose to make one."""

    class Meta:
        model = Ticket
        fields = ["summary", "description", "exposure"]
        widgets = {"description": forms.Textarea(attrs={"rows": 8})}

    def __init__(
        self, *args: Any, feedback_type: FeedbackType, insider: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if not insider:
            del self.fields["exposure"]
        self.ask_for(feedback_type.fields, {}, insider=insider)

    def given(self) -> dict[str, Any]:
        """What the person gave, as ``submit_ticket`` takes it."""
        asked = {field.place for field in self.asked}
        own = {name: each for name, each in self.cleaned_data.items() if name not in asked}
        return own | {"values": self.values()}


class TicketForm(AsksFields):
    """Refuses to overwrite what changed since its page was opened."""

    tags = forms.CharField(required=False, help_text="Names, with commas between them.")
    seen = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Ticket
        fields = ["summary", "description", "status", "team", "blocking", "exposure", "score"]
        widgets = {"description": forms.Textarea(attrs={"rows": 8})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ticket = self.instance
        statuses = Status.objects.in_project(ticket.project).filter(
            Q(archived=False) | Q(pk=ticket.status_id)
        )
        self.fields["status"] = StatusField(statuses)
        self.fields["team"] = forms.ModelChoiceField(
            ticket.project.teams.filter(Q(archived=False) | Q(pk=ticket.team_id)),
            required=False,
            label="Responsible team",
        )
        self.fields["score"].required = False
        self.initial["tags"] = ", ".join(tag.name for tag in ticket.tags.all())
        self.initial["seen"] = ticket.updated_at.isoformat()
        self.ask_for(ticket.feedback_type.fields, ticket.values, insider=True)

    def clean_seen(self) -> str:
        if self.cleaned_data["seen"] != self.initial["seen"]:
            raise ValidationError(
                "The ticket changed since you opened this page. Open it again to see what it says "
                "now; what you typed is still below."
            )
        return str(self.cleaned_data["seen"])

    def clean_score(self) -> int:
        score: int | None = self.cleaned_data["score"]
        return int(self.initial["score"]) if score is None else score

    def clean_tags(self) -> list[str]:
        names = [name.strip() for name in self.cleaned_data["tags"].split(",")]
        if any(len(name) > 50 for name in names):
            raise ValidationError("A tag has at most 50 characters.")
        return [name for name in names if name]

    def changes(self) -> dict[str, Any]:
        """What the person changed, as ``change_ticket`` takes it."""
        asked = {field.place for field in self.asked}
        changed = [name for name in self.changed_data if name not in asked]
        changes = {name: self.cleaned_data[name] for name in changed} | {"values": self.values()}
        if "tags" in changes:
            changes["tags"] = tags_named(self.instance.project, changes["tags"])
        return changes


class StatusField(forms.ModelChoiceField):
    """Statuses by name, and by workflow too where there are several."""

    def __init__(self, statuses: Any, **options: Any) -> None:
        statuses = statuses.select_related("workflow").order_by("workflow", "order", "pk")
        super().__init__(statuses, empty_label=None, **options)
        self.several = len({status.workflow_id for status in statuses}) > 1

    def label_from_instance(self, status: Any) -> str:
        return f"{status.workflow}: {status}" if self.several else str(status)


class CommentForm(forms.ModelForm):
    class Meta:
        model = Comment
        fields = ["body", "exposure"]
        labels = {"body": "Comment", "exposure": "Who may read it"}
        widgets = {"body": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, insider: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not insider:
            del self.fields["exposure"]
            return
        self.fields["exposure"].widget.choices = [
            (Exposure.PUBLIC, "Public: everybody who sees the ticket"),
            (Exposure.INTERNAL, "Internal: not participants"),
        ]


class LinkForm(forms.ModelForm):
    url = forms.URLField(label="URL", required=False, max_length=500, assume_scheme="https")

    class Meta:
        model = TicketLink
        fields = ["system", "remote_key", "remote_id", "url"]
        labels = {"remote_key": "Key there", "remote_id": "Id there"}


class SaveFilterForm(forms.Form):
    """A new name, or an existing filter that gets one more group."""

    name = forms.CharField(max_length=100, required=False, label="Name of a new filter")
    existing = forms.ModelChoiceField(
        SavedFilter.objects.none(),
        required=False,
        label="Or one that exists",
        help_text="It then also finds the tickets of this group.",
        empty_label="None: make a new filter",
    )

    def __init__(self, *args: Any, feedback_type: FeedbackType, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.feedback_type = feedback_type
        field = self.fields["existing"]
        field.queryset = feedback_type.saved_filters.filter(archived=False)  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name and self.feedback_type.saved_filters.filter(name__iexact=name).exists():
            raise ValidationError(
                f"There is a filter “{name}” already: choose another name, or add the group to it."
            )
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("name")) == bool(cleaned.get("existing")) and not self.errors:
            raise ValidationError("Name a new filter, or choose one that exists.")
        return cleaned

    def saved(self, group: dict[str, Any]) -> SavedFilter:
        """The filter with ``group`` in it, locked until it is kept."""
        chosen: SavedFilter | None = self.cleaned_data["existing"]
        if chosen:
            existing = SavedFilter.objects.select_for_update().get(pk=chosen.pk)
            existing.groups = [*existing.groups, group]
            return existing
        name = self.cleaned_data["name"]
        return SavedFilter(feedback_type=self.feedback_type, name=name, groups=[group])


class NamedForm(forms.ModelForm):
    class Meta:
        model = SavedFilter
        fields = ["name"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = SavedFilter.objects.filter(feedback_type=self.instance.feedback_type)
        if others.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(f"There is another filter “{name}”: choose a different name.")
        return name
