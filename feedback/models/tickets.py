"""A ticket, and what gathers around it."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.urls import reverse

from feedback.models.form_fields import VALUES, FormField
from feedback.models.projects import FeedbackType, Project, Status, Tag, Team

MOST_POINTS = 1_000_000_000  # of a score, either way: every database takes it
REF = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*-\s*([0-9]{1,9})\s*")


class Exposure(models.TextChoices):
    PUBLIC = "public", "Public"
    INTERNAL = "internal", "Internal"


class TicketQuerySet(models.QuerySet["Ticket"]):
    def in_project(self, project: Project) -> TicketQuerySet:
        return self.filter(feedback_type__project=project)

    def with_ref(self, text: str) -> TicketQuerySet:
        """The tickets that go by ``text``; letter case, spaces and missing zeros do not matter."""
        match = REF.fullmatch(text)
        if match is None:
            return self.none()
        prefix, number = match.groups()
        return self.filter(feedback_type__prefix=prefix.upper(), number=int(number))


class Ticket(models.Model):
    feedback_type = models.ForeignKey(
        FeedbackType, on_delete=models.PROTECT, related_name="tickets"
    )
    number = models.PositiveIntegerField()
    summary = models.CharField(max_length=250)
    description = models.TextField(blank=True)
    submitter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tickets"
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True)
    status = models.ForeignKey(Status, on_delete=models.PROTECT)
    blocking = models.BooleanField(default=False, help_text="Keeps its submitter from testing on.")
    exposure = models.CharField(
        max_length=10,
        choices=Exposure.choices,
        default=Exposure.PUBLIC,
        help_text="An internal ticket is hidden from participants other than its submitter.",
    )
    score = models.IntegerField(
        "priority score",
        default=0,
        validators=[MinValueValidator(-MOST_POINTS), MaxValueValidator(MOST_POINTS)],
        help_text="The higher, the sooner it is looked at. Participants do not see it.",
    )
    tags = models.ManyToManyField(Tag, through="TicketTag", related_name="tickets", blank=True)
    values = models.JSONField(
        default=dict, blank=True, help_text="Of its type's form fields, by key; no empty ones."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["feedback_type", "number"], name="ticket_number_unique_in_type"
            )
        ]

    def __str__(self) -> str:
        return self.ref

    def get_absolute_url(self) -> str:
        return reverse("ticket", args=[self.project.key, self.ref])

    @property
    def ref(self) -> str:
        return f"{self.feedback_type.prefix}-{self.number:04d}"

    @property
    def submitted_by(self) -> str:
        """As its history names them: who submits for an API key goes by the key's name."""
        name = self.submitter.get_username()
        return self.submitter.first_name if " " in name else name

    @property
    def project(self) -> Project:
        return self.feedback_type.project


class TicketTag(models.Model):
    """A row of its own, so that the database refuses to delete a tag that a ticket has."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE)
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "tag"], name="tag_once_per_ticket")
        ]

    def __str__(self) -> str:
        return f"Ticket {self.ticket}"


class TicketLink(models.Model):
    """An item of an outside system that stands for this ticket over there."""

    class System(models.TextChoices):
        JIRA = "jira", "Jira"
        AZURE_DEVOPS = "azure_devops", "Azure DevOps / TFS"
        RALLY = "rally", "Agile Central (Rally)"
        SALESFORCE = "salesforce", "Salesforce"
        GITHUB = "github", "GitHub"
        GITLAB = "gitlab", "GitLab"
        LINEAR = "linear", "Linear"
        OTHER = "other", "Other"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="links")
    system = models.CharField(max_length=20, choices=System.choices, default=System.JIRA)
    remote_key = models.CharField(
        max_length=200, blank=True, help_text="What people call it there, such as SANDBOX-12."
    )
    remote_id = models.CharField(
        max_length=200, blank=True, help_text="What it is called there for good, even if moved."
    )
    url = models.URLField("URL", max_length=500, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(Upper("remote_key"), "system", name="ticketlink_remote_key"),
            models.Index(Upper("remote_id"), "system", name="ticketlink_remote_id"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(remote_key="", remote_id=""),
                name="ticketlink_names_an_item",
                violation_error_message="Say what the item is called over there: its key, its id "
                "or both.",
            ),
            models.UniqueConstraint(
                "ticket",
                "system",
                Upper("remote_key"),
                Upper("remote_id"),
                name="ticketlink_once_per_ticket",
                violation_error_message="This item stands for the ticket already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_system_display()} {self.remote_key or self.remote_id}"


class Comment(models.Model):
    """What somebody said. One that follows a comment of an outside system names it."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    actor = models.CharField(max_length=300)
    cause = models.CharField(max_length=40, blank=True)
    body = models.TextField()
    exposure = models.CharField(max_length=10, choices=Exposure.choices, default=Exposure.PUBLIC)
    system = models.CharField(max_length=20, choices=TicketLink.System.choices, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    remote_at = models.DateTimeField(null=True, help_text="Of the last change that was followed.")
    deleted_at = models.DateTimeField(null=True, help_text="When it was deleted over there.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "system", "remote_id"],
                condition=~Q(remote_id=""),
                name="comment_followed_once_per_ticket",
            )
        ]

    def __str__(self) -> str:
        return f"Comment on {self.ticket}"


class TicketData(models.Model):
    """What an outside system last told about a ticket, as it told it."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="data")
    name = models.CharField(max_length=50)
    content = models.JSONField()
    remote_at = models.DateTimeField(null=True, help_text="By the sender's clock.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["ticket", "name"], name="data_name_unique_on_ticket")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.ticket}"


class TicketEvent(models.Model):
    """What just happened to a ticket of a watched type, until it was looked at."""

    class Kind(models.TextChoices):
        SUBMITTED = "submitted", "Submitted"
        MODIFIED = "modified", "Modified"
        SUBMITTER = "submitter", "Its submitter joined or left a team"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    fields = models.JSONField(default=list, help_text="Those that were modified.")
    actor = models.CharField(max_length=300)
    cause = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Those that met trouble.")
    next_attempt_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.ticket} {self.kind}"


class BeforeAndAfter:
    """What a change kept of both, as people read it."""

    before: Any
    after: Any

    @property
    def before_text(self) -> str:
        return as_text(self.before)

    @property
    def after_text(self) -> str:
        return as_text(self.after)


class TicketChange(BeforeAndAfter, models.Model):
    """One field of one ticket, before and after: text, a truth value, a list of names,
    ``{"id": 6, "name": "Closed"}`` for what has a row of its own, or a form field's value.

    Of a comment, ``name`` is its text, or whose it was where it was deleted; of custom data a
    short text, beside the whole: ``{"name": "…", "data": "jirafixed", "content": {…}}``.
    """

    LABELS = {
        "team": "Responsible team",
        "score": "Priority score",
        "custom_data": "Custom data",
    }

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="changes")
    field = models.CharField(max_length=60)
    form_field = models.ForeignKey(FormField, on_delete=models.SET_NULL, null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    actor = models.CharField(max_length=300)
    cause = models.CharField(
        max_length=40, blank=True, help_text="The public id of what did it; empty: done by hand."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.field} of {self.ticket}"

    @property
    def label(self) -> str:
        return self._called(insider=True)

    @property
    def public_label(self) -> str:
        return self._called(insider=False)

    def _called(self, *, insider: bool) -> str:
        if self.form_field:
            return self.form_field.label_for(insider=insider)
        return self.LABELS.get(self.field, self.field.removeprefix(VALUES).capitalize())

    @property
    def is_long(self) -> bool:
        """Whether it is too much to stand in a line."""
        texts = (self.before_text, self.after_text)
        whole = self.field in ("description", "comment")
        return whole or any("\n" in text for text in texts)

    @property
    def gone_there(self) -> bool:
        """Whether an outside system deleted the comment, whose author it then names."""
        return self.field == "comment" and self.after is None and isinstance(self.before, dict)

    @property
    def told(self) -> str:
        """Among other changes: “status New → Closed”, “a comment edited”."""
        if self.field == "comment":
            return "a comment deleted" if self.after is None else "a comment edited"
        if self.field == "custom_data":
            return f"custom data {dict(self.after or {})['data']} kept"
        name = self.label if self.form_field else self.field
        return f"{name} {self.before_text or 'empty'} → {self.after_text or 'empty'}"


def as_text(value: Any) -> str:
    """A value of a ``TicketChange`` as people read it."""
    if isinstance(value, dict):
        return str(value["name"])
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
