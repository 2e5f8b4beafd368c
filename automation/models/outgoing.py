from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from automation.models.executions import Execution
from automation.models.outcomes import public_id
from feedback.models import Project, Ticket


class OutgoingQuerySet(models.QuerySet["Outgoing"]):
    def waiting(self) -> OutgoingQuerySet:
        return self.filter(status=Outgoing.Status.WAITING)

    def due(self, now: datetime) -> OutgoingQuerySet:
        """What may be sent: not what its digest gathers, nor what is being sent at this moment."""
        return self.waiting().filter(digest="", next_attempt_at__lte=now)

    def claimed_since(self, then: datetime) -> OutgoingQuerySet:
        return self.waiting().filter(claimed_at__gt=then)

    def untaken(self) -> OutgoingQuerySet:
        """Calls whose answer somebody wants and has not taken yet."""
        return self.filter(status=Outgoing.Status.SENT, taken_at=None).exclude(taker="")


class Outgoing(models.Model):
    """A mail to one address, or a call: kept in the transaction that caused it, sent after it."""

    class Kind(models.TextChoices):
        MAIL = "mail", "Mail"
        CALL = "call", "Call"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        MERGED = "merged", "In a digest"

    public_id = models.CharField(
        max_length=32,
        unique=True,
        default=public_id,
        editable=False,
        help_text="The Idempotency-Key of a call, part of the Message-ID of a mail.",
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="outgoing")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, null=True, related_name="outgoing")
    execution = models.ForeignKey(
        Execution, on_delete=models.SET_NULL, null=True, related_name="outgoing"
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    destination = models.CharField(max_length=320, help_text="The mail address, or the host.")
    title = models.CharField(
        max_length=300, help_text="The subject, or method and address without the query."
    )
    content = models.JSONField(
        default=dict,
        help_text="Of a mail: to, subject, text, html. Of a call: method, url, headers, body.",
    )
    digest = models.CharField(
        max_length=100, blank=True, help_text="What it waits for, to become one mail with others."
    )
    merged_into = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="merged"
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    answer = models.JSONField(
        default=dict,
        help_text="To a call: status, headers, body, cut. To a mail that was refused: code, text.",
    )
    outcome = models.TextField(blank=True, help_text="What the last attempt brought, in sentences.")
    taker = models.CharField(max_length=30, blank=True, help_text="Who takes the answer.")
    taken_at = models.DateTimeField(null=True)

    objects = OutgoingQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "outgoing"
        indexes = [
            models.Index(
                "next_attempt_at", condition=Q(status="waiting", digest=""), name="outgoing_due"
            ),
            models.Index(
                "digest", condition=Q(status="waiting") & ~Q(digest=""), name="outgoing_gathered"
            ),
            models.Index(
                "id",
                condition=Q(status="sent", taken_at=None) & ~Q(taker=""),
                name="outgoing_untaken",
            ),
            models.Index(F("project"), F("id").desc(), name="outgoing_of_project"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} to {self.destination}"

    def get_absolute_url(self) -> str:
        return reverse("outgoing", args=[self.project.key, self.public_id])

    @property
    def badge(self) -> str:
        """The colour of its status."""
        return BADGES[self.Status(self.status)]

    @property
    def due_at(self) -> datetime | None:
        """When the next attempt comes, where one comes by itself."""
        waits = self.status == self.Status.WAITING and not self.digest
        return self.next_attempt_at if waits else None

    @property
    def in_hand(self) -> bool:
        return bool(
            self.status == self.Status.WAITING
            and self.claimed_at
            and self.next_attempt_at > timezone.now()
        )

    @property
    def may_be_sent_now(self) -> bool:
        """Whether somebody may ask for another attempt."""
        return self.status in (self.Status.WAITING, self.Status.FAILED) and not self.in_hand

    @property
    def may_be_cancelled(self) -> bool:
        return self.status == self.Status.WAITING and not self.in_hand

    @property
    def sentence(self) -> str:
        """What became of it, and what comes next."""
        if self.status != self.Status.WAITING:
            return self.outcome
        if self.digest:
            return "Waits for the end of its bulk run, then becomes one mail with the others."
        if self.in_hand:
            return "Is being sent at this moment."
        if not self.attempts:
            return "Waits to be sent."
        at = date_format(timezone.localtime(self.next_attempt_at), "Y-m-d H:i T")
        why = self.outcome or "The worker died while it was sending."
        return f"{why} Attempt {self.attempts + 1} comes at {at}."


BADGES = {
    Outgoing.Status.WAITING: "received",
    Outgoing.Status.SENT: "done",
    Outgoing.Status.FAILED: "failed",
    Outgoing.Status.CANCELLED: "skipped",
    Outgoing.Status.MERGED: "done",
}
