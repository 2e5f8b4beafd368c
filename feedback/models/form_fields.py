"""What a feedback type asks for, beside what every ticket has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from feedback.models.projects import Archivable, FeedbackType, Project

VALUES = "values."  # before the key, where a form, a refusal or a history names the value
validate_field_key = RegexValidator(
    r"^[a-z][a-z0-9]*(_[a-z0-9]+)*\Z",
    "Use small letters and digits, with single “_” between them, and begin with a letter.",
)


class FormField(Archivable):
    """A question of a feedback type; ``Ticket.values`` keeps the answer under its ``key``."""

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        LONG_TEXT = "long_text", "Long text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        CHOICE = "choice", "Choice"
        CHOICES = "choices", "Several choices"
        RATING = "rating", "Rating"
        PLATFORM = "platform", "Platform"

    feedback_type = models.ForeignKey(
        FeedbackType, on_delete=models.PROTECT, related_name="form_fields"
    )
    key = models.CharField(
        max_length=40,
        validators=[validate_field_key],
        help_text="What files and programs call it, such as severity. It never changes.",
    )
    label = models.CharField(max_length=100)
    public_label = models.CharField(
        max_length=100, blank=True, help_text="What participants read instead of the label."
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    choices = models.JSONField(default=list, blank=True, help_text="In the order on screen.")
    archived_choices = models.JSONField(
        default=list, blank=True, help_text="They stay where they were chosen."
    )
    highest = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(2), MaxValueValidator(10)],
        help_text="A rating goes from 1 to this.",
    )
    required = models.BooleanField(
        default=False, help_text="Whoever is asked for it has to answer."
    )
    help = models.CharField(max_length=300, blank=True, help_text="Stands below the field.")
    public = models.BooleanField(
        "participants too",
        default=True,
        help_text="Participants are asked for it and read it; otherwise only the team does.",
    )
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["feedback_type", "order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["feedback_type", "key"],
                name="field_key_unique_in_type",
                violation_error_code="key_taken",
                violation_error_message="The type has a field with this key: choose another.",
            ),
            models.UniqueConstraint(
                "feedback_type",
                Lower("label"),
                name="field_label_unique_in_type",
                violation_error_code="label_taken",
                violation_error_message="The type has a field with this label: choose another.",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        kind = self.feedback_type
        return reverse("form_field", args=[kind.project.key, kind.prefix, self.pk])

    @property
    def project(self) -> Project:
        return self.feedback_type.project

    @property
    def place(self) -> str:
        """Where a form, a refusal or a ticket's history has its value."""
        return f"{VALUES}{self.key}"

    def label_for(self, *, insider: bool) -> str:
        return self.label if insider else self.public_label or self.label

    def is_shown_with(self, values: Mapping[str, Any]) -> bool:
        """Whether a ticket with ``values`` has it: what is archived stays where it is."""
        return not self.archived or self.key in values
