from __future__ import annotations

from feedback.models.form_fields import FormField
from feedback.models.projects import (
    Archivable,
    FeedbackType,
    Project,
    Status,
    Tag,
    Team,
    Workflow,
    validate_key,
)
from feedback.models.saved_filters import SavedFilter, SavedFilterUse
from feedback.models.tickets import (
    REF,
    Comment,
    Exposure,
    Ticket,
    TicketChange,
    TicketData,
    TicketLink,
    TicketTag,
    as_text,
)

__all__ = [
    "REF",
    "Archivable",
    "Comment",
    "Exposure",
    "FeedbackType",
    "FormField",
    "Project",
    "SavedFilter",
    "SavedFilterUse",
    "Status",
    "Tag",
    "Team",
    "Ticket",
    "TicketChange",
    "TicketData",
    "TicketLink",
    "TicketTag",
    "Workflow",
    "as_text",
    "validate_key",
]
