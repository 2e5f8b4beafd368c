from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from apikeys.models import RequestRecord
from automation.actions import ACTIONS, action_choices
from automation.bodies import read_body
from automation.reasons import EXPLANATIONS, DeliveryStatus, Explanation, Reason, fill_in
from automation.senders import SENDERS, sender_choices
from automation.senders.base import FINGERPRINT, Kind, Sender
from feedback.lists import split_names
from feedback.models import (
    Archivable,
    Exposure,
    FeedbackType,
    FormField,
    Project,
    SavedFilter,
    Status,
    Team,
    Ticket,
    Workflow,
    validate_key,
)

KEY_PLACEHOLDER = "prefix-community_API_key"


def public_id() -> str:
    return uuid.uuid4().hex


class Macro(Archivable):
    feedback_type = models.ForeignKey(FeedbackType, on_delete=models.PROTECT, related_name="macros")
    name = models.CharField(max_length=100)

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

    action = models.ForeignKey(MacroAction, on_delete=models.CASCADE, related_name="uses")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True)
    workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT, null=True)
    status = models.ForeignKey(Status, on_delete=models.PROTECT, null=True)
    formfield = models.ForeignKey(FormField, on_delete=models.PROTECT, null=True)

    def __str__(self) -> str:
        return f"Macro “{self.action.macro}”"

    def names(self, choice: str) -> bool:
        """Whether the action has this choice of ``formfield`` among its settings."""
        texts = [value for value in self.action.params.values() if isinstance(value, str)]
        return any(choice in (text, *split_names(text)) for text in texts)


class ExternalListener(models.Model):
    """An address that does something to the ticket that a request names: mostly, run a macro."""

    class Type(models.TextChoices):
        MACRO = "macro", "Macro Execution"
        COMMENT = "comment", "Comment"
        CUSTOM_DATA = "custom_data", "Custom data"

    class Several(models.TextChoices):
        ALL = "all", "Act on all of them"
        STOP = "stop", "Act on none of them"

    class When(models.TextChoices):
        ANY = "any", "Any event"
        STATUS_CHANGED = "status_changed", "Status changed"
        STATUS_CHANGED_TO = "status_changed_to", "Status changed to …"
        CREATED = "created", "Created"
        COMMENTED = "commented", "Commented"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="listeners")
    feedback_type = models.ForeignKey(
        FeedbackType, on_delete=models.PROTECT, related_name="listeners"
    )
    name = models.CharField(max_length=100)
    key = models.CharField(
        max_length=50,
        validators=[validate_key],
        help_text="Short and simple, such as jiraclosed: it is part of the endpoint URL.",
    )
    description = models.TextField(blank=True)
    sender = models.CharField(max_length=20, choices=sender_choices)
    filter = models.ForeignKey(
        SavedFilter, on_delete=models.PROTECT, null=True, blank=True, related_name="listeners"
    )
    type = models.CharField(
        "listener type", max_length=20, choices=Type.choices, default=Type.MACRO
    )
    macro = models.ForeignKey(
        Macro,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="listeners",
        verbose_name="feedback macro",
    )
    comment_exposure = models.CharField(
        "comments are",
        max_length=10,
        choices=Exposure.choices,
        default=Exposure.INTERNAL,
        help_text="An internal comment is hidden from participants.",
    )
    data_name = models.CharField(
        "kept as",
        max_length=50,
        blank=True,
        validators=[validate_key],
        help_text="What the data are called on the ticket and in filters; the key, if left empty.",
    )
    data_expression = models.CharField(
        "part of the body",
        max_length=500,
        blank=True,
        help_text="A JMESPath expression for the part that is kept, such as "
        "issue.fields.{priority: priority.name, version: fixVersions[0].name}. "
        "Empty: the whole body.",
    )
    when = models.CharField(max_length=20, choices=When.choices)
    when_status = models.CharField(
        "status",
        max_length=200,
        blank=True,
        help_text="The status over there, such as Done. Several: separate them by commas.",
    )
    condition = models.CharField(
        max_length=500,
        blank=True,
        help_text="A JMESPath expression over the body that must be true, such as "
        "issue.fields.priority.name == 'High'.",
    )
    reference_expression = models.CharField(
        max_length=500,
        blank=True,
        help_text="A JMESPath expression that finds the ticket's id in the body, such as "
        "issue.fields.customfield_10042. Used where the address carries no find=.",
    )
    event_expression = models.CharField(
        max_length=500,
        blank=True,
        help_text="A JMESPath expression that finds what happened: created, status_changed, "
        "commented, deleted or a word of the sender's own.",
    )
    status_expression = models.CharField(
        max_length=500,
        blank=True,
        help_text="A JMESPath expression that finds the status over there, such as ticket.state.",
    )
    several = models.CharField(
        "several tickets",
        max_length=10,
        choices=Several.choices,
        default=Several.ALL,
        help_text="What to do where more than one ticket is linked to the item.",
    )
    protected_statuses = models.ManyToManyField(
        Status,
        through="ProtectedStatus",
        blank=True,
        related_name="protecting_listeners",
        help_text="The listener does not move a ticket out of these.",
    )
    secret = models.CharField(
        max_length=200, blank=True, help_text="What the sender signs its bodies with."
    )
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "project",
                Lower("key"),
                name="listener_key_unique_in_project",
                violation_error_code="key_taken",
                violation_error_message="The project has a listener with this key: choose another.",
            ),
            models.CheckConstraint(
                condition=Q(key=Lower("key")), name="listener_key_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        kind = self.feedback_type
        return reverse("listener", args=[kind.project.key, kind.prefix, self.pk])

    @property
    def external_sender(self) -> Sender:
        return SENDERS[self.sender]

    @property
    def endpoint_path(self) -> str:
        """What the tracker's administrator pastes, with the tracker's own placeholder."""
        address = reverse("listen", args=[self.project.key, self.key])
        placeholder = self.external_sender.placeholder
        find = f"find={placeholder}&" if placeholder else ""
        return f"{address}?{find}apiKey={KEY_PLACEHOLDER}"

    @property
    def kept_as(self) -> str:
        """What a ticket's custom data from this listener are called."""
        return self.data_name or self.key

    def wanted(self) -> str:
        """What it waits for, as in “waits for a new comment”."""
        if self.when == self.When.ANY:
            return "any event"
        if self.when == self.When.STATUS_CHANGED_TO:
            return f"a status changed to {self.when_status}"
        return str(Kind(self.when).label)

    def wanted_statuses(self) -> set[str]:
        return _names(self.when_status)


class StatusRow(models.Model):
    """A row of a listener's status table: which macro runs at which status over there."""

    listener = models.ForeignKey(
        ExternalListener, on_delete=models.CASCADE, related_name="status_rows"
    )
    order = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(
        max_length=200, blank=True, help_text="Several: separated by commas. Empty: any status."
    )
    resolution = models.CharField(
        max_length=200, blank=True, help_text="Several: separated by commas. Empty: any."
    )
    macro = models.ForeignKey(
        Macro, on_delete=models.PROTECT, null=True, blank=True, related_name="status_rows"
    )

    class Meta:
        ordering = ["order", "pk"]

    def __str__(self) -> str:
        """Such as “Done / Fixed”."""
        told = (self.status or "any status", self.resolution)
        return " / ".join(filter(None, told))

    def matches(self, status: str, resolution: str) -> bool:
        return all(
            not wanted or given.casefold() in wanted
            for wanted, given in (
                (_names(self.status), status),
                (_names(self.resolution), resolution),
            )
        )


class ProtectedStatus(models.Model):
    """A row of its own, so that the database refuses to delete a status that is protected."""

    listener = models.ForeignKey(ExternalListener, on_delete=models.CASCADE)
    status = models.ForeignKey(Status, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["listener", "status"], name="status_protected_once_per_listener"
            )
        ]

    def __str__(self) -> str:
        return f"Listener “{self.listener}”"


def _names(text: str) -> set[str]:
    """The names in a list with commas, in one letter case."""
    return {name for name in (name.strip().casefold() for name in text.split(",")) if name}


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def unsettled(self) -> DeliveryQuerySet:
        return self.filter(status=DeliveryStatus.RECEIVED)

    def refused(self) -> DeliveryQuerySet:
        return self.filter(status=DeliveryStatus.REFUSED)

    def that_count(self) -> DeliveryQuerySet:
        """Those of which a repeat is a duplicate."""
        return self.filter(status__in=(DeliveryStatus.RECEIVED, DeliveryStatus.DONE))


class Outcome(models.Model):
    """A status with its reason, and what the reason's sentence names."""

    status = models.CharField(max_length=10, choices=DeliveryStatus.choices)
    reason = models.CharField(max_length=30, choices=Reason.choices, blank=True)
    evidence = models.JSONField(default=dict)

    class Meta:
        abstract = True

    @property
    def explanation(self) -> Explanation | None:
        return EXPLANATIONS[Reason(self.reason)] if self.reason else None

    @property
    def sentence(self) -> str:
        if self.explanation is None:
            return "A worker has not looked at it yet."
        return fill_in(self.explanation.sentence, self.evidence)

    @property
    def cause_text(self) -> str:
        return fill_in(self.explanation.cause, self.evidence) if self.explanation else ""

    @property
    def next_step(self) -> str:
        return fill_in(self.explanation.next_step, self.evidence) if self.explanation else ""


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
    comment = models.JSONField(default=dict, help_text="id, change, body and author.")
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
    def header_map(self) -> dict[str, str]:
        return json.loads(self.headers) if self.headers else {}

    @property
    def payload(self) -> Any:
        return read_body(bytes(self.body), self.header_map.get("Content-Type", ""))

    def end(self, reason: Reason, evidence: Mapping[str, Any]) -> None:
        self.status = EXPLANATIONS[reason].status
        self.reason, self.evidence = reason, dict(evidence)
        self.settled_at = timezone.now()

    def close(self, reason: Reason, **evidence: Any) -> None:
        """Settle it, in the database too."""
        self.end(reason, evidence)
        self.save(update_fields=["status", "reason", "evidence", "settled_at"])


class Execution(Outcome):
    """What a listener did to one ticket, mostly by a macro, or why it did nothing there."""

    public_id = models.CharField(max_length=32, unique=True, default=public_id, editable=False)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.SET_NULL, null=True, related_name="executions"
    )
    listener = models.ForeignKey(
        ExternalListener, on_delete=models.SET_NULL, null=True, related_name="executions"
    )
    macro = models.ForeignKey(Macro, on_delete=models.PROTECT, null=True, related_name="executions")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="executions")
    actor = models.CharField(max_length=300)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index("macro", "ticket", "created_at", name="execution_recent")]

    def __str__(self) -> str:
        return f"{self.macro or self.actor} on {self.ticket}"


class ExecutionStep(models.Model):
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=30)
    sentence = models.TextField()
    record = models.JSONField(default=dict, help_text="What the action did, as it noted it.")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.sentence
