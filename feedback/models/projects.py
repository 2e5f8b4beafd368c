"""What a project is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper
from django.urls import reverse
from django.utils.functional import cached_property

from access.callers import Caller
from access.rules import Right, within

if TYPE_CHECKING:
    from feedback.models.form_fields import FormField

KEY_PATTERN = r"[a-z0-9][a-z0-9_-]*"

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
    def giving(self, caller: Caller, right: Right) -> ProjectQuerySet:
        return self.filter(within(right, "pk")(caller))


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
        constraints = [
            models.CheckConstraint(condition=Q(key=Lower("key")), name="project_key_is_lower_case")
        ]

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
            models.UniqueConstraint(
                "project",
                Lower("name"),
                name="team_name_unique_in_project",
                violation_error_code="name_taken",
                violation_error_message="The project has a team of this name: choose another.",
            )
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
                "project",
                Lower("name"),
                name="workflow_name_unique_in_project",
                violation_error_code="name_taken",
                violation_error_message="The project has a workflow of this name: choose another.",
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
                "workflow",
                Lower("name"),
                name="status_name_unique_in_workflow",
                violation_error_code="name_taken",
                violation_error_message="The workflow has a status of this name: choose another.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def project(self) -> Project:
        return self.workflow.project


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
    watched = models.BooleanField(
        default=False, editable=False, help_text="Somebody waits for what happens to its tickets."
    )

    class Meta:
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint(
                "project",
                Upper("prefix"),
                name="prefix_unique_in_project",
                violation_error_code="prefix_taken",
                violation_error_message="The project has this prefix already: choose another.",
            ),
            models.UniqueConstraint(
                "project",
                Lower("name"),
                name="type_name_unique_in_project",
                violation_error_code="name_taken",
                violation_error_message="The project has a type of this name: choose another.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tickets", args=[self.project.key, self.prefix])

    @cached_property
    def fields(self) -> list[FormField]:
        """Its form fields in their order, archived ones too, read once for this object."""
        return list(self.form_fields.all())

    def clean(self) -> None:
        """A ref is never given twice, nor does a ticket ever change its own."""
        kept = FeedbackType.objects.filter(pk=self.pk).exclude(last_number=0).first()
        if kept and kept.prefix != self.prefix:
            raise ValidationError(
                {"prefix": f"Tickets are called {kept.prefix}-… already: it stays {kept.prefix}."}
            )
        if not self.project_id or not self.default_workflow_id:
            return
        if self.default_workflow.project_id != self.project_id:
            problem = f"“{self.default_workflow}” is not a workflow of {self.project}."
            raise ValidationError({"default_workflow": problem})


class Tag(models.Model):
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tags")
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "project",
                Lower("name"),
                name="tag_name_unique_in_project",
                violation_error_code="name_taken",
                violation_error_message="The project has this tag already.",
            )
        ]

    def __str__(self) -> str:
        return self.name
