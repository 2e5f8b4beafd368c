from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper
from django.urls import reverse

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KEY_PATTERN = r"[a-z0-9][a-z0-9_-]*"
REF = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*-\s*([0-9]{1,9})\s*")

validate_key = RegexValidator(
    rf"^{KEY_PATTERN}\Z",
    "Use small letters, digits, “-” and “_” only, and begin with a letter or a digit.",
)
validate_prefix = RegexValidator(
    r"^[A-Z][A-Z0-9]*\Z", "Use capital letters and digits only, and begin with a letter."
)


class Archivable(models.Model):
    """What is in use is not deleted: archived, it keeps working but is no longer offered."""

    archived = models.BooleanField(
        default=False, help_text="Keeps working where it is used, but is no longer offered."
    )

    class Meta:
        abstract = True


class ProjectQuerySet(models.QuerySet["Project"]):
    def managed_by(self, user: User) -> ProjectQuerySet:
        return self._where_member(user, Team.Kind.PROJECT_MANAGER)

    def worked_by(self, user: User) -> ProjectQuerySet:
        """Where ``user`` sees every ticket, internal ones too."""
        insiders = (Team.Kind.PROJECT_MANAGER, Team.Kind.SUPPORT, Team.Kind.OBSERVER)
        return self._where_member(user, *insiders)

    def visible_to(self, user: User) -> ProjectQuerySet:
        return self._where_member(user, *Team.Kind)

    def _where_member(self, user: User, *kinds: str) -> ProjectQuerySet:
        if user.is_superuser:
            return self
        return self.filter(
            pk__in=Team.objects.filter(members=user, kind__in=kinds).values("project")
        )


class Project(Archivable):
    key = models.CharField(
        "project key",
        max_length=50,
        unique=True,
        validators=[validate_key],
        help_text="Part of every endpoint URL of this project; changing it breaks those in use.",
    )
    name = models.CharField(max_length=100)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("project_home", args=[self.key])


class Team(Archivable):
    class Kind(models.TextChoices):
        PROJECT_MANAGER = "project_manager", "Project managers"
        SUPPORT = "support", "Support"
        OBSERVER = "observer", "Observers"
        PARTICIPANT = "participant", "Participants"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="teams", blank=True)

    class Meta:
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="team_name_unique_in_project")
        ]

    def __str__(self) -> str:
        return self.name


class Workflow(Archivable):
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="workflows")
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint(
                "project", Lower("name"), name="workflow_name_unique_in_project"
            )
        ]

    def __str__(self) -> str:
        return self.name


class StatusQuerySet(models.QuerySet["Status"]):
    def in_project(self, project: Project) -> StatusQuerySet:
        return self.filter(workflow__project=project)


class Status(Archivable):
    class Category(models.TextChoices):
        NEW = "new", "New"
        OPEN = "open", "Open"
        DONE = "done", "Done"

    workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT, related_name="statuses")
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=10, choices=Category.choices, default=Category.OPEN)
    order = models.PositiveSmallIntegerField(default=0)

    objects = StatusQuerySet.as_manager()

    class Meta:
        ordering = ["workflow", "order", "pk"]
        verbose_name_plural = "statuses"
        constraints = [
            models.UniqueConstraint(
                "workflow", Lower("name"), name="status_name_unique_in_workflow"
            )
        ]

    def __str__(self) -> str:
        return self.name


class FeedbackType(Archivable):
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="feedback_types")
    name = models.CharField(max_length=100)
    prefix = models.CharField(
        max_length=10,
        validators=[validate_prefix],
        help_text="Begins the id of each ticket: BUG gives BUG-0001.",
    )
    default_workflow = models.ForeignKey(Workflow, on_delete=models.PROTECT)
    last_number = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint("project", Upper("prefix"), name="prefix_unique_in_project"),
            models.UniqueConstraint("project", Lower("name"), name="type_name_unique_in_project"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tickets", args=[self.project.key, self.prefix])


class Tag(models.Model):
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tags")
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("project", Lower("name"), name="tag_name_unique_in_project")
        ]

    def __str__(self) -> str:
        return self.name


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

    def visible_to(self, user: User) -> TicketQuerySet:
        if user.is_superuser:
            return self
        return self.filter(
            Q(feedback_type__project__in=Project.objects.worked_by(user))
            | Q(feedback_type__project__in=Project.objects.visible_to(user))
            & (Q(exposure=Exposure.PUBLIC) | Q(submitter=user))
        )

    def editable_by(self, user: User) -> TicketQuerySet:
        if user.is_superuser:
            return self
        return self.filter(
            Q(feedback_type__project__in=Project.objects.managed_by(user))
            | Q(team__in=Team.objects.filter(members=user, kind=Team.Kind.SUPPORT))
        )


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
    tags = models.ManyToManyField(Tag, related_name="tickets", blank=True)
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
    def project(self) -> Project:
        return self.feedback_type.project


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
                condition=~Q(remote_key="", remote_id=""), name="ticketlink_names_an_item"
            ),
            models.UniqueConstraint(
                "ticket",
                "system",
                Upper("remote_key"),
                Upper("remote_id"),
                name="ticketlink_once_per_ticket",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_system_display()} {self.remote_key or self.remote_id}"


class Comment(models.Model):
    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    actor = models.CharField(max_length=300)
    cause = models.CharField(max_length=40, blank=True)
    body = models.TextField()
    exposure = models.CharField(max_length=10, choices=Exposure.choices, default=Exposure.PUBLIC)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Comment on {self.ticket}"


class TicketChange(models.Model):
    """One field of one ticket, before and after: text, a truth value, a list of names, or
    ``{"id": 6, "name": "Closed"}`` for what has a row of its own."""

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="changes")
    field = models.CharField(max_length=30)
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
    def before_text(self) -> str:
        return as_text(self.before)

    @property
    def after_text(self) -> str:
        return as_text(self.after)


class SavedFilter(Archivable):
    """Groups of ``TicketFilterSet`` parameters: *and* within a group, *or* between groups."""

    feedback_type = models.ForeignKey(
        FeedbackType, on_delete=models.PROTECT, related_name="saved_filters"
    )
    name = models.CharField(max_length=100)
    groups = models.JSONField(default=list, help_text='Such as [{"status": [1, 2]}].')

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "feedback_type", Lower("name"), name="filter_name_unique_in_type"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse(
            "saved_filter",
            args=[self.feedback_type.project.key, self.feedback_type.prefix, self.pk],
        )


class SavedFilterUse(models.Model):
    """A row that a saved filter names, so that the database refuses to delete that row."""

    saved_filter = models.ForeignKey(SavedFilter, on_delete=models.CASCADE, related_name="uses")
    status = models.ForeignKey(Status, on_delete=models.PROTECT, null=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True)
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)

    def __str__(self) -> str:
        return f"Saved filter “{self.saved_filter}”"


def as_text(value: Any) -> str:
    """A value of a ``TicketChange`` as people read it."""
    if isinstance(value, dict):
        return str(value["name"])
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
