"""What a project keeps about a person who takes part in it, for those inside the project."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from feedback.models.projects import Project
from feedback.models.tickets import BeforeAndAfter, Ticket


class AboutPerson(models.Model):
    """In one project; ``ticket`` is what it came by, ``cause`` the public id of what did it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="%(class)ss")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="%(class)ss"
    )
    ticket = models.ForeignKey(Ticket, on_delete=models.SET_NULL, null=True, blank=True)
    actor = models.CharField(max_length=300)
    cause = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["pk"]


class Standing(models.Model):
    """The rank points of a person; how they came about is told by ``PersonChange``."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="standings")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="standings"
    )
    points = models.IntegerField("rank points", default=0)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "person"], name="standing_once_in_project")
        ]

    def __str__(self) -> str:
        return f"Rank points of {self.person} in {self.project}"


class PersonNote(AboutPerson):
    """What should be known about a person."""

    body = models.TextField()

    class Meta(AboutPerson.Meta):
        verbose_name = "note"

    def __str__(self) -> str:
        return f"Note about {self.person}"


class PersonChange(BeforeAndAfter, AboutPerson):
    """Rank points or a team of a person, before and after; or a note that was removed."""

    class Field(models.TextChoices):
        POINTS = "points", "Rank points"
        TEAM = "team", "Team"
        NOTE = "note", "Note"

    field = models.CharField(max_length=10, choices=Field.choices)
    before: Any = models.JSONField(null=True)
    after: Any = models.JSONField(null=True)

    def __str__(self) -> str:
        return f"{self.get_field_display()} of {self.person}"
