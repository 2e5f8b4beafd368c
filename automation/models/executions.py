from __future__ import annotations

from django.db import models
from django.urls import reverse

from automation.models.deliveries import Delivery
from automation.models.listeners import ExternalListener
from automation.models.macros import Macro
from automation.models.outcomes import Outcome, public_id
from automation.models.starts import BulkRun, Trigger
from feedback.models import Ticket, version_now


class Execution(Outcome):
    """What was done to one ticket, mostly by a macro, or why nothing was."""

    class Start(models.TextChoices):
        LISTENER = "listener", "By a listener"
        HAND = "hand", "By hand"
        BULK = "bulk", "In bulk"
        TRIGGER = "trigger", "On a trigger"
        SCHEDULE = "schedule", "On a schedule"
        UNDO = "undo", "Undo"
        ANSWER = "answer", "By the answer to a call"

    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.SET_NULL, null=True, related_name="executions"
    )
    listener = models.ForeignKey(
        ExternalListener, on_delete=models.SET_NULL, null=True, related_name="executions"
    )
    macro = models.ForeignKey(Macro, on_delete=models.PROTECT, null=True, related_name="executions")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="executions")
    start = models.CharField(max_length=10, choices=Start.choices, default=Start.LISTENER)
    undoes = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="undone_by"
    )
    bulk = models.ForeignKey(
        BulkRun, on_delete=models.SET_NULL, null=True, related_name="executions"
    )
    trigger = models.ForeignKey(
        Trigger, on_delete=models.SET_NULL, null=True, related_name="executions"
    )
    after = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        related_name="led_to",
        help_text="The run whose change or call started this one.",
    )
    by_echo = models.BooleanField(
        default=False, help_text="“after” called the tracker just before: this may be its echo."
    )
    macro_version = version_now()
    listener_version = version_now()
    filter_version = version_now()
    actor = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index("macro", "ticket", "created_at", name="execution_recent")]

    def __str__(self) -> str:
        return f"{self.macro or self.actor.rpartition(' → ')[2]} on {self.ticket}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.public_id])

    @property
    def again(self) -> str:
        by_request = self.start == self.Start.LISTENER
        return super().again if by_request else "start it again"


class ExecutionStep(models.Model):
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=30)
    sentence = models.TextField()
    record = models.JSONField(default=dict, help_text="What the action did, as it noted it.")
    changes = models.JSONField(
        default=list, help_text="[field, before, after] of each thing that it did, as texts."
    )
    macro_version = version_now()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.sentence

    @property
    def told_changes(self) -> list[dict[str, str]]:
        names = ("field", "before", "after")
        return [dict(zip(names, change, strict=True)) for change in self.changes]

    @property
    def was_so_already(self) -> bool:
        """Whether there was nothing to do; an undo, or a macro within, says so itself."""
        return not self.record and self.kind not in ("undo", "run_macro")
