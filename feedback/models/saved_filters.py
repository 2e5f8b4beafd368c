from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse

from feedback.models.form_fields import FormField
from feedback.models.projects import Archivable, FeedbackType, Project, Status, Tag, Team
from feedback.models.versions import version_now


class SavedFilter(Archivable):
    """Groups of ``TicketFilterSet`` parameters: *and* within a group, *or* between groups."""

    feedback_type = models.ForeignKey(
        FeedbackType, on_delete=models.PROTECT, related_name="saved_filters"
    )
    name = models.CharField(max_length=100)
    groups = models.JSONField(default=list, help_text='Such as [{"status": [1, 2]}].')
    version = version_now()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "feedback_type",
                Lower("name"),
                name="filter_name_unique_in_type",
                violation_error_code="name_taken",
                violation_error_message="The type has a filter of this name: choose another.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse(
            "saved_filter",
            args=[self.feedback_type.project.key, self.feedback_type.prefix, self.pk],
        )

    @property
    def project(self) -> Project:
        return self.feedback_type.project


class SavedFilterUse(models.Model):
    """A row that a saved filter names, so that the database refuses to delete that row."""

    USED_WITH = ("saved_filter__feedback_type__project", "formfield")

    saved_filter = models.ForeignKey(SavedFilter, on_delete=models.CASCADE, related_name="uses")
    status = models.ForeignKey(Status, on_delete=models.PROTECT, null=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True)
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    formfield = models.ForeignKey(FormField, on_delete=models.PROTECT, null=True)

    def __str__(self) -> str:
        return f"Saved filter “{self.saved_filter}”"

    @property
    def used_at(self) -> str:
        return self.saved_filter.get_absolute_url()

    def names(self, choice: str) -> bool:
        """Whether the filter asks for this choice of ``formfield``."""
        own = f"field.{self.formfield.key}" if self.formfield else ""
        return any(
            choice in map(str, values)
            for group in self.saved_filter.groups
            for name, values in group.items()
            if name.partition("__")[0] == own
        )
