from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from automation.senders.base import (
    Change,
    Event,
    Kind,
    RemoteComment,
    Sender,
    Signature,
    clean_text,
    dig,
    entries,
    first,
    from_iso,
    from_milliseconds,
    kinds_of,
    reach,
)

KEY_IN_ADDRESS = re.compile(r"/issue/([A-Za-z][A-Za-z0-9]*-[0-9]+)")
TIMESTAMP = re.compile(rb'"webhookTimestamp"\s*:\s*([0-9]{1,14})')
WINDOW = 60  # seconds
CHANGES = {"create": Change.ADDED, "update": Change.EDITED, "remove": Change.DELETED}
KIND_OF_ACTION = {"create": Kind.CREATED, "remove": Kind.DELETED}


@dataclass(frozen=True)
class RecentSignature(Signature):
    """A signature of a body that says when it was sent: an old one may be a replay."""

    def problem(self, secret: str, body: bytes, headers: Mapping[str, str]) -> str:
        problem = super().problem(secret, body, headers)
        found = TIMESTAMP.search(body)
        sent = from_milliseconds(found.group(1).decode()) if found else None
        if problem or sent is None:
            return problem or "its body has no webhookTimestamp"
        apart = abs((timezone.now() - sent).total_seconds())
        return "" if apart <= WINDOW else f"it was sent {apart:.0f} s away from our clock"


class Linear(Sender):
    """In Linear: Settings → API → Webhooks → New webhook.

    Paste the API Endpoint URL, without ``find=``, into “URL”; choose Issues and, where comments
    are wanted, Comments; copy the signing secret from there to the listener's Secret here.
    """

    slug = "linear"
    label = "Linear"
    placeholder = ""
    system = "linear"
    signature = RecentSignature(header="Linear-Signature")
    kinds = (Kind.CREATED, Kind.STATUS_CHANGED, Kind.COMMENTED)
    delivery_headers = ("Linear-Delivery",)
    sent_path = "webhookTimestamp"

    def read(self, headers: Mapping[str, str], payload: Any) -> Event:
        """Fields as in https://linear.app/developers/webhooks.

        Of the status before, ``updatedFrom`` has the id alone, never the name.
        """
        kind, action = dig(payload, "type"), dig(payload, "action")
        item = _item(payload, kind)
        references = tuple(dict.fromkeys(filter(None, (*_keys(payload, kind), item))))
        comment = _comment(payload, action) if kind == "Comment" and references else None
        moved_on = kind == "Issue" and action == "update" and _was(payload, "stateId")
        return Event(
            name=" / ".join(filter(None, (kind, action))),
            kinds=_kinds(payload, action if kind == "Issue" else "", moved_on, comment),
            references=references,
            item=item,
            status_after=dig(payload, "data.state.name") if moved_on else "",
            category=dig(payload, "data.state.type") if moved_on else "",
            actor=first(payload, "actor.name", "data.user.name"),
            comment=comment,
            occurred_at=from_iso(dig(payload, "createdAt"))
            or from_milliseconds(dig(payload, "webhookTimestamp")),
            delivery_id=clean_text(headers.get("Linear-Delivery", "")),
        )


def _item(payload: Any, kind: str) -> str:
    if kind == "Issue":
        return dig(payload, "data.id")
    return first(payload, "data.issueId", "data.issue.id")


def _keys(payload: Any, kind: str) -> list[str]:
    """WEB-44, and what it was called in other teams. A comment has it in its address alone."""
    about = "data" if kind == "Issue" else "data.issue"
    team, number = dig(payload, f"{about}.team.key"), dig(payload, f"{about}.number")
    in_address = KEY_IN_ADDRESS.search(dig(payload, "url"))
    former = range(len(entries(payload, f"{about}.previousIdentifiers")))
    keys = [
        dig(payload, f"{about}.identifier"),
        f"{team}-{number}" if team and number.isdecimal() else "",
        in_address.group(1) if in_address else "",
        *(dig(payload, f"{about}.previousIdentifiers.{place}") for place in former),
    ]
    return [key for key in keys if key]


def _was(payload: Any, name: str) -> bool:
    return reach(payload, f"updatedFrom.{name}") is not None


def _kinds(
    payload: Any, action: str, status_changed: bool, comment: RemoteComment | None
) -> tuple[str, ...]:
    added = comment is not None and comment.change == Change.ADDED
    return kinds_of(
        {
            KIND_OF_ACTION.get(action): True,
            Kind.STATUS_CHANGED: status_changed,
            Kind.COMMENTED: added,
            Kind.COMMENT_CHANGED: comment is not None and not added,
            Kind.MOVED: action == "update" and _was(payload, "teamId"),
        }
    )


def _comment(payload: Any, action: str) -> RemoteComment | None:
    if action not in CHANGES or not dig(payload, "data.id"):
        return None
    change = CHANGES[action]
    return RemoteComment(
        id=dig(payload, "data.id"),
        change=change,
        body=dig(payload, "data.body"),
        author=first(payload, "data.user.name", "actor.name"),
        version=first(payload, "data.editedAt", "data.updatedAt")
        if change == Change.EDITED
        else "",
    )
