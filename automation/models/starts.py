"""What starts macros besides listeners and hands: bulk runs, triggers, schedules; and the pause."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from automation.models.macros import Macro
from automation.models.outcomes import public_id
from feedback.models import (
    FeedbackType,
    FormField,
    Project,
    SavedFilter,
    Ticket,
    version_now,
)


class Rule(models.Model):
    """A macro that starts by itself on tickets of its type, perhaps within a filter."""

    USED_WITH = ("feedback_type__project",)  # to be named by

    feedback_type = models.ForeignKey(FeedbackType, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    macro = models.ForeignKey(Macro, on_delete=models.PROTECT)
    filter = models.ForeignKey(SavedFilter, on_delete=models.PROTECT, null=True, blank=True)
    enabled = models.BooleanField("on", default=True)

    class Meta:
        abstract = True
        ordering = ["name"]
        default_related_name = "%(class)ss"
        constraints = [
            models.UniqueConstraint(
                "feedback_type",
                Lower("name"),
                name="%(class)s_name_unique_in_type",
                violation_error_code="name_taken",
                violation_error_message="The type has one of this name: choose another.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def project(self) -> Project:
        return self.feedback_type.project


class Trigger(Rule):
    """Runs its macro when something happens to a ticket."""

    class Event(models.TextChoices):
        SUBMITTED = "submitted", "A ticket is submitted"
        MODIFIED = "modified", "A ticket is modified"
        ENTERED = "entered", "A ticket comes within the filter"

    event = models.CharField("when", max_length=10, choices=Event.choices)
    field = models.CharField(
        max_length=60, blank=True, help_text="Only where this was modified. Empty: anything."
    )
    form_field = models.ForeignKey(
        FormField,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        help_text="The form field that “field” names, so that the database refuses to delete it.",
    )
    seeded_for = models.CharField(max_length=64, blank=True, editable=False)
    since = models.DateTimeField(
        null=True, editable=False, help_text="What happened before does not start it."
    )

    def get_absolute_url(self) -> str:
        kind = self.feedback_type
        return reverse("trigger", args=[kind.project.key, kind.prefix, self.pk])

    def names(self, choice: str) -> bool:
        """It waits for its form field to change, whatever is chosen there."""
        return False


class TriggerMember(models.Model):
    """A ticket that is within the filter of a trigger that waits for tickets to come within."""

    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="members")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trigger", "ticket"], name="member_once_per_trigger")
        ]

    def __str__(self) -> str:
        return f"{self.ticket} in {self.trigger}"


class Schedule(Rule):
    """Runs its macro at its times on every ticket of the type that is within its filter."""

    class Every(models.TextChoices):
        ONCE = "once", "Once"
        HOUR = "hour", "Hourly"
        DAY = "day", "Daily"
        WEEK = "week", "Weekly"
        MONTH = "month", "Monthly"

    every = models.CharField(max_length=10, choices=Every.choices)
    starts_at = models.DateTimeField("first run")
    ends_at = models.DateTimeField("no run after", null=True, blank=True)
    next_run_at = models.DateTimeField(null=True, editable=False, help_text="Empty: it is over.")

    class Meta(Rule.Meta):
        indexes = [
            models.Index("next_run_at", condition=Q(enabled=True), name="schedule_due"),
        ]

    def get_absolute_url(self) -> str:
        kind = self.feedback_type
        return reverse("schedule", args=[kind.project.key, kind.prefix, self.pk])

    @property
    def is_over(self) -> bool:
        return self.enabled and self.next_run_at is None


class BulkRun(models.Model):
    """A macro on many tickets, which were chosen when it began."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    macro = models.ForeignKey(Macro, on_delete=models.PROTECT, related_name="bulk_runs")
    schedule = models.ForeignKey(
        Schedule, on_delete=models.SET_NULL, null=True, related_name="bulk_runs"
    )
    undoes = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="undone_by"
    )
    chosen = models.CharField(max_length=500, help_text="How the tickets were chosen.")
    filter_version = version_now()
    actor = models.CharField(max_length=300)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Who may cancel it, beside those who manage the project.",
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    total = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="Why it did not begin.")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        undo = "Undo of " if self.undoes_id else ""
        return f"{undo}{self.macro} on {self.total} ticket{'' if self.total == 1 else 's'}"

    def get_absolute_url(self) -> str:
        return reverse("bulk_run", args=[self.public_id])

    @property
    def project(self) -> Project:
        return self.macro.project


class BulkTicket(models.Model):
    """A ticket of a bulk run that is still to be looked at."""

    bulk = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="waiting")
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE)
    even = models.JSONField(
        default=list, help_text="What an undo takes back although somebody changed it since."
    )
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Those that met trouble.")
    next_attempt_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["bulk", "ticket"], name="ticket_once_per_bulk_run")
        ]

    def __str__(self) -> str:
        return f"{self.ticket} of {self.bulk}"


class Pause(models.Model):
    """While it is there nothing runs by itself in its project, or anywhere; requests are kept."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(project=None), name="one_pause_of_everything"
            )
        ]

    def __str__(self) -> str:
        return f"Pause of {self.project or 'everything'}"
