"""What the texts of a macro may name, as plain values: see ``variables.KNOWN``."""

from __future__ import annotations

from typing import Any

from automation.models import Delivery
from automation.reasons import Stop
from automation.variables import Words
from feedback.models import Ticket
from feedback.people import points_of
from feedback.values import shown
from rest.address import absolute


def words_for(ticket: Ticket, *, actor: str, delivery: Delivery | None = None) -> Words:
    """``event`` has empty texts, and ``payload`` nothing, where no request is behind the run."""
    project = ticket.project
    return {
        "ticket": _ticket(ticket),
        "project": {
            "key": project.key,
            "name": project.name,
            "url": absolute(project.get_absolute_url()),
        },
        "actor": {"name": actor},
        "event": _event(delivery or Delivery()),
        "payload": _payload(delivery) if delivery else {},
    }


def _ticket(ticket: Ticket) -> dict[str, Any]:
    submitter = ticket.submitter
    return {
        "ref": ticket.ref,
        "summary": ticket.summary,
        "description": ticket.description,
        "status": str(ticket.status),
        "workflow": str(ticket.status.workflow),
        "team": str(ticket.team or ""),
        "submitter": submitter.get_full_name() or submitter.get_username(),
        "submitter_email": submitter.email,
        "blocking": ticket.blocking,
        "exposure": str(ticket.exposure),
        "score": ticket.score,
        "points": points_of(ticket.project, submitter),
        "tags": sorted(tag.name for tag in ticket.tags.all()),
        "type": str(ticket.feedback_type),
        "values": {
            field.key: shown(field, ticket.values.get(field.key))
            for field in ticket.feedback_type.fields
        },
        "url": absolute(ticket.get_absolute_url()),
        "links": [
            {
                "system": link.system,
                "key": link.remote_key,
                "id": link.remote_id,
                "url": link.url,
            }
            for link in ticket.links.all()
        ],
        "data": {data.name: data.content for data in ticket.data.all()},
    }


def _event(delivery: Delivery) -> dict[str, Any]:
    return {
        "name": delivery.event,
        "item": delivery.item,
        "references": list(delivery.references),
        "status_before": delivery.status_before,
        "status_after": delivery.status_after,
        "resolution": delivery.resolution,
        "actor": delivery.remote_actor,
        "comment": delivery.comment.get("body", ""),
        "comment_author": delivery.comment.get("author", ""),
        "time": delivery.occurred_at.isoformat() if delivery.occurred_at else "",
    }


def _payload(delivery: Delivery) -> Any:
    try:
        return delivery.payload or {}
    except Stop:  # what was stored can be read, unless a later version reads otherwise
        return {}
