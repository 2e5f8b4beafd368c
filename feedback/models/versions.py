from __future__ import annotations

from django.db import models

from feedback.models.projects import FeedbackType


class Version(models.Model):
    """How a macro, saved filter or listener was from one save to the next. It outlives the row."""

    kind = models.CharField(max_length=60, help_text="The label of the row's model.")
    row = models.BigIntegerField(help_text="The id of the row, which may be gone.")
    number = models.PositiveIntegerField()
    content = models.JSONField(help_text="Enough to go back to it; no secrets.")
    lines = models.JSONField(
        default=list,
        help_text="The same as people read it, by the names of that time. Empty: from before "
        "versions were kept.",
    )
    restores = models.PositiveIntegerField(
        null=True, help_text="The number of the version that was gone back to."
    )
    deleted_from = models.ForeignKey(
        FeedbackType,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text="Where the row was, of a last version that is about its end.",
    )
    actor = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "row", "number"], name="version_number_once_for_a_row"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


def version_now() -> models.ForeignKey[Version | None, Version | None]:
    """The field for a row's own version, or for the version of a row that took part in a run."""
    return models.ForeignKey(
        Version,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
