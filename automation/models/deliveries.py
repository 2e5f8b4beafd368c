from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from apikeys.models import RequestRecord
from automation.bodies import read_body
from automation.models.listeners import ExternalListener
from automation.models.outcomes import Outcome, public_id
from automation.outbound_messages import notifications
from automation.reasons import EXPLANATIONS, DeliveryStatus, Reason
from automation.senders import SENDERS
from automation.senders.base import FINGERPRINT, Kind
from feedback.models import Project

CATEGORY = "category:"  # before a word that stands for all statuses of a kind


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def unsettled(self) -> DeliveryQuerySet:
        return self.filter(status=DeliveryStatus.RECEIVED)

    def refused(self) -> DeliveryQuerySet:
        return self.filter(status=DeliveryStatus.REFUSED)

    def that_count(self) -> DeliveryQuerySet:
        """Those of which a repeat is a duplicate."""
        return self.filter(status__in=(DeliveryStatus.RECEIVED, DeliveryStatus.DONE))


class Delivery(RequestRecord, Outcome):
    """One request to a listener, as it came, and what became of it."""

    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True)
    listener = models.ForeignKey(
        ExternalListener, on_delete=models.PROTECT, null=True, related_name="deliveries"
    )
    headers = models.TextField(blank=True, help_text="A JSON object.")
    body = models.BinaryField(default=bytes)
    find = models.CharField(max_length=500, blank=True)
    references = models.JSONField(default=list, help_text="As read from the body, best first.")
    event = models.CharField(max_length=200, blank=True)
    kinds = models.JSONField(default=list)
    item = models.CharField(max_length=200, blank=True)
    status_before = models.CharField(max_length=200, blank=True)
    status_after = models.CharField(max_length=200, blank=True)
    resolution = models.CharField(max_length=200, blank=True)
    remote_actor = models.CharField(max_length=200, blank=True, help_text="Who did it over there.")
    comment = models.JSONField(
        default=dict, help_text="id, change, body, author, version and restricted."
    )
    occurred_at = models.DateTimeField(null=True)
    whole = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        related_name="parts",
        help_text="The delivery that keeps the body of which this one is a part.",
    )
    part = models.PositiveSmallIntegerField(null=True, help_text="Which part of the body: 0, 1, …")
    delivery_id = models.CharField("sender's delivery id", max_length=200, blank=True)
    duplicate_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    next_attempt_at = models.DateTimeField(null=True)
    behind = models.BigIntegerField(
        null=True, help_text="The row id of an earlier one on the same ticket, which comes first."
    )
    settled_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["listener", "delivery_id"],
                condition=Q(status__in=["received", "done"]) & ~Q(delivery_id=""),
                name="delivery_counts_once_per_listener",
            )
        ]
        indexes = [
            models.Index("id", condition=Q(status="received"), name="delivery_unsettled"),
            models.Index(
                "address",
                "received_at",
                condition=Q(status="refused"),
                name="delivery_refused_from",
            ),
            models.Index(
                "api_key", "received_at", condition=Q(status="refused"), name="delivery_refused_key"
            ),
            models.Index(F("api_key"), F("id").desc(), name="delivery_log_of_key"),
            models.Index(F("listener"), F("id").desc(), name="delivery_log_of_listener"),
            models.Index(
                "listener",
                "item",
                "occurred_at",
                condition=~Q(item="") & ~Q(status_after=""),
                name="delivery_newest_of_item",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return reverse("delivery", args=[self.public_id])

    @property
    def recognised_by_hash(self) -> bool:
        return self.delivery_id.startswith(FINGERPRINT)

    @property
    def told(self) -> str:
        """What happened, as in “this was a change of status to Done”."""
        after = self.status_after
        if not self.kinds:
            return f"an item in status {after}" if after else "an item"
        kinds = " and ".join(str(Kind(kind).label) for kind in self.kinds)
        return f"{kinds} to {after}" if after else kinds

    @property
    def about(self) -> str:
        """By what name it came first, if by any."""
        return self.find or next(iter(self.references), "")

    @property
    def header_map(self) -> dict[str, str]:
        return json.loads(self.headers) if self.headers else {}

    @property
    def has_body(self) -> bool:
        return self.whole_id is not None or bool(self.body)

    @property
    def payload(self) -> Any:
        """What the body holds; of a part, that part alone, with what it shares with the others."""
        return self._content if self.part is None else (self.whole or self)._parts[self.part]

    @cached_property
    def _content(self) -> Any:
        return read_body(bytes(self.body), self.header_map.get("Content-Type", ""))

    def has_status(self, wanted: set[str]) -> bool:
        """Whether the status that it tells is one of ``wanted``, by its name or its category."""
        if self.status_after.casefold() in wanted:
            return True
        categories = {name.removeprefix(CATEGORY) for name in wanted if name.startswith(CATEGORY)}
        return bool(categories) and self._category.casefold() in categories - {""}

    @property
    def _category(self) -> str:
        """Read again from the body: rows keep the status, which almost always is enough."""
        sender = self.listener.external_sender if self.listener else SENDERS["generic"]
        return sender.read(self.header_map, self.payload).category

    @cached_property
    def _parts(self) -> list[dict[str, Any]]:
        return notifications(self._content)

    def end(self, reason: Reason, evidence: Mapping[str, Any]) -> None:
        self.status = EXPLANATIONS[reason].status
        self.reason, self.evidence = reason, dict(evidence)
        self.settled_at = timezone.now()

    def close(self, reason: Reason, **evidence: Any) -> None:
        """Settle it, in the database too."""
        self.end(reason, evidence)
        self.save(update_fields=["status", "reason", "evidence", "settled_at"])
