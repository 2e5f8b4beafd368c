"""Numbers that grow and shrink: a ticket's priority score, a person's rank points."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from feedback.models import MOST_POINTS


class How(models.TextChoices):
    ADD = "add", "Add"
    SUBTRACT = "subtract", "Subtract"
    SET = "set", "Set to"


def adjusted(now: int, how: str, number: int) -> int:
    """What becomes of ``now``; raises ValidationError where no database keeps so much."""
    after = {How.ADD: now + number, How.SUBTRACT: now - number, How.SET: number}[How(how)]
    if abs(after) > MOST_POINTS:
        raise ValidationError(f"{now:,} cannot become {after:,}: {MOST_POINTS:,} is the most.")
    return after
