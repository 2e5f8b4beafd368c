from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import ValidationError

GroupProblems = dict[str, list[str]]  # by the field's name; empty where nothing is wrong


class BrokenFilter(Exception):
    """A saved filter that can no longer be understood; the message says why."""


class OutOfOrder(Exception):
    """What came is older than what was followed already, by the clock of the outside system."""

    def __init__(self, moment: datetime, newer: datetime) -> None:
        super().__init__(moment, newer)
        self.moment, self.newer = moment, newer


class ContentRefused(ValueError):
    """Custom data that a ticket cannot keep; the message says what they are: “81 KiB”."""


class GroupsRefused(ValidationError):
    """What is wrong with a filter's groups: in sentences, and by group and field."""

    def __init__(self, by_group: Sequence[GroupProblems], sentences: Sequence[str]) -> None:
        super().__init__([*sentences])
        self.by_group = by_group
