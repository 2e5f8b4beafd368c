from __future__ import annotations

from feedback.models.form_fields import VALUES, FormField
from feedback.models.people import PersonChange, PersonNote, Standing
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
    MOST_POINTS,
    REF,
    Comment,
    Exposure,
    Ticket,
    TicketChange,
    TicketData,
    TicketEvent,
    TicketLink,
    TicketTag,
    as_text,
)
from feedback.models.versions import Version, version_now

__all__ = [
    "MOST_POINTS",
    "REF",
    "VALUES",
    "Archivable",
    "Comment",
    "Exposure",
    "FeedbackType",
    "FormField",
    "PersonChange",
    "PersonNote",
    "Project",
    "SavedFilter",
    "SavedFilterUse",
    "Standing",
    "Status",
    "Tag",
    "Team",
    "Ticket",
    "TicketChange",
    "TicketData",
    "TicketEvent",
    "TicketLink",
    "TicketTag",
    "Version",
    "Workflow",
    "as_text",
    "validate_key",
    "version_now",
]
