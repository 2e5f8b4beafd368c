from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from automation.actions import ACTIONS, action_choices
from feedback.lists import split_names
from feedback.models import (
    Archivable,
    FeedbackType,
    FormField,
    Project,
    Status,
    Tag,
    Team,
    Workflow,
    version_now,
)


class Macro(Archivable):
    OPTIONS = ("enabled", "once_per_ticket", "ask_first")

    feedback_type = models.ForeignKey(FeedbackType, on_delete=models.PROTECT, related_name="macros")
    name = models.CharField(max_length=100)
    enabled = models.BooleanField(
        "on", default=True, help_text="A macro that is off does nothing, however it is started."
    )
    once_per_ticket = models.BooleanField(
        default=False, help_text="Does nothing on a ticket on which it ran before."
    )
    ask_first = models.BooleanField(
        "ask before running",
        default=False,
        help_text="Who runs it by hand is shown what it would do, and asked.",
    )
    version = version_now()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "feedback_type",
                Lower("name"),
                name="macro_name_unique_in_type",
                violation_error_code="name_taken",
                violation_error_message="The type has a macro of this name: choose another.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        kind = self.feedback_type
        return reverse("macro", args=[kind.project.key, kind.prefix, self.pk])

    @property
    def project(self) -> Project:
        return self.feedback_type.project


class MacroAction(models.Model):
    macro = models.ForeignKey(Macro, on_delete=models.CASCADE, related_name="actions")
    kind = models.CharField(max_length=30, choices=action_choices)
    params = models.JSONField(default=dict, help_text="As given to the action's form.")
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        return str(ACTIONS[self.kind].label)


class MacroActionUse(models.Model):
    """A row that a macro's action names, so that the database refuses to delete that row."""

    USED_WITH = ("action__macro__feedback_type__project",)

    action = models.ForeignKey(MacroAction, on_delete=models.CASCADE, related_name="uses")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True)
    workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT, null=True)
    status = models.ForeignKey(Status, on_delete=models.PROTECT, null=True)
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, null=True)
    macro = models.ForeignKey(Macro, on_delete=models.PROTECT, null=True, related_name="used_in")
    formfield = models.ForeignKey(FormField, on_delete=models.PROTECT, null=True)

    def __str__(self) -> str:
        return f"Macro “{self.action.macro}”"

    @property
    def used_at(self) -> str:
        return self.action.macro.get_absolute_url()

    def names(self, choice: str) -> bool:
        """Whether the action has this choice of ``formfield`` among its settings."""
        texts = [value for value in self.action.params.values() if isinstance(value, str)]
        return any(choice in (text, *split_names(text)) for text in texts)


class MacroSecret(models.Model):
    """What an action of a macro knows and nobody is shown; the action's params have its name."""

    macro = models.ForeignKey(Macro, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=40, unique=True)
    value = models.TextField()
    goes_to = models.CharField(max_length=300, help_text="Whom it is told, and nobody else.")

    def __str__(self) -> str:
        return f"A secret of macro “{self.macro}”"
