"""A text with variables as it would become, while somebody still writes it."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Subquery

from automation.actions import ACTIONS
from automation.actions.fields import TextField
from automation.models import Delivery, ExternalListener
from automation.trial import recorded_requests
from automation.variables import KNOWN, Verbatim
from automation.words import words_for
from feedback.models import FeedbackType, Ticket

PUBLIC_ID = re.compile(r"[-\w]{1,100}", re.A)
HIDDEN = "•••"  # in place of what is kept secret
MOST_LISTENERS, MOST_REQUESTS = 5, 10
NAME = re.compile(r"[a-z_]\w{0,99}", re.A | re.I)
MOST_NAMES = 500
BRIEF = 60  # characters of a value
ABOUT_PAYLOAD = "The body of the request: go on with a dot and the tracker's own names"


def offered_variables(feedback_type: FeedbackType) -> list[tuple[str, str]]:
    """Every variable that all texts of the type know, with what it is."""
    known = [
        (f"{root}.{name}" if name else root, about)
        for root, parts in KNOWN.items()
        for name, about in (parts or {"": ABOUT_PAYLOAD}).items()
    ]
    return known + [(f"ticket.values.{field.key}", str(field)) for field in feedback_type.fields]


def payload_variables(delivery: Delivery | None) -> list[tuple[str, str]]:
    """What a text may name of the request's body, the outermost first, each with its value."""
    found: list[tuple[str, str]] = []
    level = [("payload", delivery.payload)] if delivery else []
    while level and len(found) < MOST_NAMES:
        inner = [
            (f"{name}.{key}", each)
            for name, value in level
            if isinstance(value, Mapping)
            for key, each in value.items()
            if NAME.fullmatch(key)
        ]
        found += [(name, "" if isinstance(each, Mapping) else _brief(each)) for name, each in inner]
        level = inner[:MOST_NAMES]
    return found[:MOST_NAMES]


def _brief(value: Any) -> str:
    text = f"{len(value)} in a list" if isinstance(value, list) else str(value)
    return text if len(text) <= BRIEF else f"{text[:BRIEF]}…"


def text_field(name: str, feedback_type: FeedbackType) -> TextField:
    """The field of the type that goes by “add_comment.body”; raises ValidationError."""
    kind, _, field_name = name.partition(".")
    fields = ACTIONS[kind].Form.base_fields if kind in ACTIONS else {}
    field = fields.get(field_name)
    if not isinstance(field, TextField):
        raise ValidationError("There is no such text: reload the page.")
    field = copy.deepcopy(field)
    field.bind_to(feedback_type)
    return field


def preview(
    field: TextField, text: str, ticket: Ticket, *, actor: str, delivery: Delivery | None
) -> str:
    """What ``text`` becomes on ``ticket``; raises ValidationError with what a run would say."""
    own = dict.fromkeys(field.own, Verbatim(HIDDEN))
    words = words_for(ticket, actor=actor, delivery=delivery)
    return _shown(field.fill(field.clean(text), {**words, **own}))


def _shown(filled: Any) -> str:
    if isinstance(filled, Mapping):
        return "\n".join(f"{name}: {value}" for name, value in filled.items())
    return str(filled)


def ticket_for(feedback_type: FeedbackType, ref: str) -> Ticket:
    """The one that goes by ``ref``, or else the newest; raises ValidationError."""
    tickets = Ticket.objects.filter(feedback_type=feedback_type).select_related(
        "feedback_type__project", "status__workflow", "team", "submitter"
    )
    found = (tickets.with_ref(ref) if ref else tickets).order_by("-pk").first()
    if found is None and ref:
        raise ValidationError(f"There is no ticket “{ref[:50]}” of {feedback_type}.")
    if found is None:
        raise ValidationError(f"{feedback_type} have no ticket yet: submit one first.")
    return found


def request_for(feedback_type: FeedbackType, public_id: str) -> Delivery | None:
    """The request that a listener of the type had; raises ValidationError."""
    if not public_id:
        return None
    deliveries = Delivery.objects.filter(listener__feedback_type=feedback_type)
    rows = deliveries.select_related("listener").filter(public_id=public_id)
    found = rows.first() if PUBLIC_ID.fullmatch(public_id) else None
    if found is None:
        raise ValidationError("That request is not kept any more: choose another one.")
    return found


def recorded_for(feedback_type: FeedbackType) -> list[Delivery]:
    """The newest requests of the type's listeners whose body was kept."""
    listeners = ExternalListener.objects.filter(feedback_type=feedback_type)
    newest = Delivery.objects.filter(listener=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    asked = listeners.annotate(newest=Subquery(newest)).exclude(newest=None)
    busy = asked.order_by("-newest")[:MOST_LISTENERS]
    found = [delivery for listener in busy for delivery in recorded_requests(listener)]
    return sorted(found, key=lambda delivery: -delivery.pk)[:MOST_REQUESTS]
