from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from unfold.forms import PaginationInlineFormSet, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldBooleanSwitchWidget

from feedback.models import FeedbackType, Team
from feedback.protection import why_kept


class PartForm(forms.ModelForm):
    """The project takes part in every check that a name is unique, also where it is not asked."""

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"project"}  # type: ignore[misc]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        project = cleaned.get("project") or getattr(self.instance, "project", None)
        for name in ("name", "prefix"):
            value = cleaned.get(name)
            others = type(self.instance)._default_manager.exclude(pk=self.instance.pk)
            if value and others.filter(project=project, **{f"{name}__iexact": value}).exists():
                self.add_error(name, f"{project} has a “{value}” already: choose another {name}.")
        return cleaned


class FeedbackTypeForm(PartForm):
    class Meta:
        model = FeedbackType
        fields = ["project", "name", "prefix", "default_workflow", "archived"]

    def clean_prefix(self) -> str:
        return str(self.cleaned_data["prefix"]).upper()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        project = cleaned.get("project") or getattr(self.instance, "project", None)
        workflow = cleaned.get("default_workflow")
        if project and workflow and workflow.project_id != project.pk:
            self.add_error("default_workflow", f"“{workflow}” is not a workflow of {project}.")
        return cleaned


class KeptStatusForm:
    """Says in our words, instead of the admin's, who uses a status that is to be deleted."""

    def hand_clean_DELETE(self: Any) -> None:
        if self.cleaned_data.get("DELETE") and (why := why_kept(self.instance)):
            raise ValidationError(f"{why} Archive it instead: it is then no longer offered.")


class UniqueNames(PaginationInlineFormSet):
    """Refuses two rows of one name, which the database would refuse less kindly."""

    def clean(self) -> None:
        super().clean()
        names: set[str] = set()
        for form in self.forms:
            data = getattr(form, "cleaned_data", {})
            name = str(data.get("name", "")).casefold()
            if name and not data.get("DELETE"):
                if name in names:
                    form.add_error("name", f"“{data['name']}” is there twice.")
                names.add(name)


class TeamsField(forms.ModelMultipleChoiceField):
    def __init__(self) -> None:
        teams = Team.objects.select_related("project").order_by("project__name", "pk")
        super().__init__(
            teams,
            required=False,
            widget=UnfoldAdminSelect2MultipleWidget,
            help_text="Being in a project's team is what lets a person see that project.",
        )

    def label_from_instance(self, team: Any) -> str:
        return f"{team.project}: {team} ({team.get_kind_display()})"


def community_manager_field() -> forms.BooleanField:
    return forms.BooleanField(
        label="Community manager",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Runs the whole community: every project, all people, the API keys.",
    )


class PersonForm(UserChangeForm):
    is_superuser = community_manager_field()
    teams = TeamsField()

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "is_active", "is_superuser"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["is_active"].label = "May sign in"
        self.fields["is_active"].help_text = "Switch it off instead of deleting a person."
        self.initial["teams"] = self.instance.teams.all()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        runs = cleaned.get("is_superuser") and cleaned.get("is_active")
        others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=self.instance.pk)
        if self.initial.get("is_superuser") and not runs and not others.exists():
            raise ValidationError(
                "This is the only community manager: make another one first, or nobody could run "
                "the community."
            )
        return cleaned


class NewPersonForm(UserCreationForm):
    is_superuser = community_manager_field()
    teams = TeamsField()

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "is_superuser"]
