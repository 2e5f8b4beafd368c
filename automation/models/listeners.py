from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from automation.models.macros import Macro
from automation.senders import SENDERS, sender_choices
from automation.senders.base import Kind, Sender
from feedback.models import (
    Exposure,
    FeedbackType,
    Project,
    SavedFilter,
    Status,
    validate_key,
    version_now,
)

if TYPE_CHECKING:
    from automation.models.deliveries import Delivery

KEY_PLACEHOLDER = "prefix-community_API_key"


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
    most_tickets = models.PositiveIntegerField(
        default=200,
        help_text="If it is about to change more tickets than that within the minutes below, it "
        "holds and asks. 0: it never holds.",
    )
    within_minutes = models.PositiveSmallIntegerField("within minutes", default=10)
    held_at = models.DateTimeField(null=True, editable=False)
    counted_from = models.DateTimeField(
        null=True, editable=False, help_text="When somebody last let it go on."
    )
    version = version_now()

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
            return f"a change of status to {self.when_status}"
        return str(Kind(self.when).label)

    def wanted_statuses(self) -> set[str]:
        return names_in(self.when_status)


class StatusRow(models.Model):
    """A row of a listener's status table: which macro runs at which status over there."""

    listener = models.ForeignKey(
        ExternalListener, on_delete=models.CASCADE, related_name="status_rows"
    )
    order = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(
        max_length=200,
        blank=True,
        help_text="Several: separated by commas. Empty: any status. category:done stands for any "
        "status of that category, in whatever language.",
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

    def matches(self, delivery: Delivery) -> bool:
        status, resolution = names_in(self.status), names_in(self.resolution)
        return (not status or delivery.has_status(status)) and (
            not resolution or delivery.resolution.casefold() in resolution
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


def names_in(text: str) -> set[str]:
    """The names in a list with commas, in one letter case."""
    return {name for name in (name.strip().casefold() for name in text.split(",")) if name}
